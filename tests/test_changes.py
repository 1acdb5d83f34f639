"""What changed is told, and nothing else; a cure is one only against hosts that had none."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from test_investigations import ask

from benchmarks import changed_fleet as made
from resetradar.errors import ContractError
from resetradar.lake import Lake, write_parquet
from resetradar.marts import build_mart, load_marts, look_back_days, mart_path
from resetradar.scoring.changes import changes
from resetradar.scoring.rate_changes import (
    NO_TREND,
    Coin,
    Spans,
    Trend,
    break_age,
    coin,
    intervals,
    tails,
)
from resetradar.scoring.rate_mixture import rate_mixture
from resetradar.scoring.rollouts import rollouts
from resetradar.settings import Parameters

LAST = date(2026, 11, 28)
_LIMITS = {"as_of": LAST, "history_days": 28, "min_cohort_hosts": 5, "max_attribute_levels": 50}
_TEST = {"change_q": 0.05}
MOVED = {"worse", "better", "first_resets"}


def history(hosts):
    """Rows as the queries make them: per host its family, days of (value, hours, episodes)."""
    rows = []
    for name, (family, days) in hosts.items():
        spells = {}
        for age, (value, hours, episodes) in zip(reversed(range(len(days))), days, strict=True):
            spells.setdefault(value, []).append((age, hours, episodes))
        for value, cells in spells.items():
            ages, hours, episodes = map(list, zip(*cells, strict=True))
            attributes = {"instance_family": family, "availability_zone": "a", "kernel": value}
            rows.append((name, list(attributes.items()), ages, hours, episodes))
    names, attributes, ages, hours, episodes = map(list, zip(*rows, strict=True))
    return pa.table(
        {
            "host_id": names,
            "attributes": pa.array(attributes, pa.map_(pa.string(), pa.string())),
            "ages": ages,
            "hours": pa.array(hours, pa.list_(pa.float64())),
            "episodes": episodes,
            "inventoried": [[True] * len(each) for each in ages],
            "reboots": [[-1] * len(each) for each in ages],
            "named": pa.nulls(len(rows), pa.list_(pa.map_(pa.string(), pa.string()))),
        }
    )


def days(*spans, episodes_on=()):
    """Days of a host: (value, count of days) after each other, an episode on the named days."""
    values = [value for value, count in spans for _ in range(count)]
    return [(value, 24.0, int(day in episodes_on)) for day, value in enumerate(values)]


def changed(rows):
    found = changes(rows, **_LIMITS, **_TEST, min_cohort_exposure_h=24.0).to_pylist()
    return {(row["cohort_id"], row["period_days"]): row for row in found}


def rolled_out(rows):
    return rollouts(rows, **_LIMITS, **_TEST).to_pylist()


def built(tmp_path, fleet, mart, counts=None):
    lake = Lake(tmp_path, 1)
    return made.marts(fleet, lake, ("host_history", mart), counts)[mart].to_pylist()


# --- the tests behind the words, with scipy as the oracle ---


@pytest.mark.parametrize(("later", "total", "share"), [(0, 5, 0.5), (3, 40, 0.03), (30, 31, 0.6)])
def test_tails_are_those_of_the_binomial_with_the_count_by_half(later, total, share):
    (up,), (down,) = tails([Coin(later, total, share, 1.0)])
    half = stats.binom.pmf(later, total, share) / 2

    assert up == pytest.approx(stats.binom.sf(later, total, share) + half, abs=1e-9)
    assert down == pytest.approx(stats.binom.cdf(later, total, share) - half, abs=1e-9)


def test_interval_ends_where_the_tails_do():
    """20 episodes against 10 in equal times: the bounds are those of the mid-p interval."""
    (low,), (high,) = intervals([Coin(20, 30, 0.5, 1.0)])

    def upper(ratio):
        share = ratio / (1 + ratio)
        return stats.binom.sf(20, 30, share) + stats.binom.pmf(20, 30, share) / 2

    assert upper(low) == pytest.approx(0.025, abs=1e-6)
    assert 1 - upper(high) == pytest.approx(0.025, abs=1e-6)


def test_no_episode_at_all_bounds_nothing():
    (low,), (high,) = intervals([Coin(0, 0, 0.5, 1.0)])

    assert (low, high) == (0, np.inf)


def test_one_monster_is_no_change_of_its_cohort():
    """40 episodes of one host of ten are no more evidence for the ten than that of one host."""
    before, after = np.zeros(10), np.zeros(10)
    after[3] = 40
    hours = np.full(10, 100.0)
    (up,), _ = tails([coin(Spans(before, hours, after, hours), NO_TREND, is_same_hosts=True)])
    spread = np.full(10, 4.0)
    (many,), _ = tails([coin(Spans(before, hours, spread, hours), NO_TREND, is_same_hosts=True)])

    assert up > 0.05
    assert many < 1e-9


def test_hosts_that_fall_silent_do_not_make_the_others_better():
    """Two bad hosts are heard of for a tenth of the later time; nobody's rate changes."""
    before = np.array([40.0, 40, 2, 2, 2, 2])
    before_h, after_h = np.full(6, 100.0), np.array([10.0, 10, 100, 100, 100, 100])
    after = before * after_h / before_h
    spans = Spans(before, before_h, after, after_h)

    assert coin(spans, NO_TREND, is_same_hosts=True).ratio == pytest.approx(1, abs=0.05)
    assert coin(spans, NO_TREND, is_same_hosts=False).ratio < 0.5


def test_the_trend_of_others_is_taken_off():
    hours = np.full(20, 100.0)
    spans = Spans(np.full(20, 2.0), hours, np.full(20, 6.0), hours)
    ratio = coin(spans, Trend(3.0, 0.0), is_same_hosts=True).ratio

    assert ratio == pytest.approx(1, abs=0.02)


def test_break_is_the_first_day_of_the_new_rate():
    counts = np.array([9.0, 8, 9, 1, 0, 1, 1, 0])

    assert break_age(counts, np.full(8, 24.0), is_rise=True) == 2
    assert break_age(np.zeros(8), np.zeros(8), is_rise=True) is None


def test_a_lucky_or_unlucky_host_is_expected_nearer_to_the_fleet():
    """Gamma rates of mean 1 and variance 1: exactly, (1 + n) / 2 is to be expected after n."""
    rng = np.random.default_rng(3)
    hours = np.ones(20_000)
    mixture = rate_mixture(rng.poisson(rng.gamma(1, 1, 20_000)).astype(float), hours)
    mean, _ = mixture.expected(np.array([0.0, 1, 3, 5]), np.ones(4))

    assert mean == pytest.approx([0.5, 1, 2, 3], rel=0.15)


# --- cohorts ---


@pytest.mark.parametrize("seed", [101, 102])
def test_a_surge_of_the_fleet_is_no_change_of_any_cohort(seed, tmp_path):
    rows = built(tmp_path, made.surge(made.base(seed, hosts=500), 2, 4.0), "changes")
    words = {row["cohort_id"]: row["change"] for row in rows if row["period_days"] == 7}

    assert words.pop("fleet") == "worse"
    assert set(words.values()) == {"steady"}


def test_an_image_that_gets_worse_is_told_with_its_day(tmp_path):
    fleet = made.worsened(made.base(103), "ami_id", "ami-2", 5, 4.0)
    rows = built(tmp_path, fleet, "changes")
    week = {row["cohort_id"]: row for row in rows if row["period_days"] == 7}
    image = week["ami_id=ami-2"]

    assert (image["change"], image["explained_by"]) == ("worse", None)
    assert image["since_date"] == made.AS_OF - timedelta(days=4)
    assert image["rate_ratio_low"] < 4
    assert image["rate_ratio_high"] > 2.5
    others = [row for row in week.values() if row["change"] in MOVED and row["attributes"]]
    assert {row["explained_by"] for row in others if row is not image} <= {"ami_id=ami-2"}


def test_bad_hosts_that_join_are_not_a_change_of_those_that_were_there(tmp_path):
    fleet = made.joined(made.base(104), "g6", 60, 12.0)
    rows = built(tmp_path, fleet, "changes")
    family = next(
        r for r in rows if (r["cohort_id"], r["period_days"]) == ("instance_family=g6", 7)
    )

    assert family["episodes_per_1000h"] > 1.5 * family["before_per_1000h"]
    assert (family["change"], family["is_by_same_hosts"]) == ("steady", True)


def test_a_cohort_that_stops_logging_is_not_better():
    """Ten hosts with an episode a day go silent for the last week; ten others go on."""
    loud = [("6.1", 24.0 if day < 21 else 0.0, int(day < 21)) for day in range(28)]
    hosts = {f"a{n}": ("p5", loud) for n in range(10)}
    hosts |= {f"b{n}": ("p5", days(("6.2", 28), episodes_on=range(28))) for n in range(10)}
    found = changed(history(hosts))

    assert found["kernel=6.1", 7]["change"] == "not_comparable"
    assert found["kernel=6.1", 7]["rate_ratio"] is None


def test_first_resets_of_a_cohort_are_told():
    hosts = {f"a{n}": ("p5", days(("6.1", 28), episodes_on=range(24, 28))) for n in range(20)}
    hosts |= {f"b{n}": ("p5", days(("6.2", 28), episodes_on=[n, n + 8])) for n in range(20)}
    row = changed(history(hosts))["kernel=6.1", 7]

    assert (row["change"], row["episodes_before"]) == ("first_resets", 0)
    assert row["since_date"] == LAST - timedelta(days=3)


def test_before_is_as_long_as_the_history_reaches():
    hosts = {f"a{n}": ("p5", days(("6.1", 10))) for n in range(10)}
    hosts |= {f"b{n}": ("p5", days(("6.2", 10))) for n in range(10)}
    found = changed(history(hosts))

    assert {key: row["before_days"] for key, row in found.items() if key[0] == "fleet"} == {
        ("fleet", 1): 9,
        ("fleet", 7): 3,
    }


# --- what the tables are made of ---


def test_changes_do_not_depend_on_what_window_marts_lie_in_the_lake(tmp_path):
    """Episodes are made anew for both windows: marts of one window, of any day, are no input."""
    lake = Lake(tmp_path, 1)
    names = ("host_history", "changes", "rollouts")
    made.marts(made.base(105, hosts=120), lake, names)
    first = [mart_path(lake, name, made.AS_OF).read_bytes() for name in names]
    nobody = pa.table({"host_id": pa.array([], pa.string())})
    for age in (0, 1, 40):
        for name in ("host_episodes", "shared_episodes"):
            write_parquet(nobody, mart_path(lake, name, made.AS_OF - timedelta(days=age)))
    marts = {mart.name: mart for mart in load_marts()}
    again = [build_mart(marts[name], lake, made.AS_OF, Parameters()) for name in names]

    assert [path.read_bytes() for path in again] == first


def test_history_reaches_back_two_windows_and_so_do_those_who_read_it():
    """A file that comes 40 days late must be seen by what looks back on its day."""
    marts = {mart.name: mart for mart in load_marts()}
    found = {
        name: look_back_days(marts[name], 28)
        for name in ("host_days", "host_scores", "host_history", "changes", "rollouts")
    }

    assert found == {
        "host_days": 28,
        "host_scores": 28,
        "host_history": 56,
        "changes": 56,
        "rollouts": 56,
    }


@pytest.mark.parametrize(("span", "windows"), [("day", "2"), ("window", "0"), ("window", "two")])
def test_only_a_window_mart_looks_back_a_number_of_windows(span, windows, tmp_path):
    (tmp_path / "lie.sql").write_text(
        f"-- What: x\n-- Grain: host_id\n-- Span: {span}\n-- Windows: {windows}\n"
        "-- Input: resets\n-- Column: host_id | VARCHAR | - | x\n-- Source: x\n\n"
        "select host_id from resets\n"
    )
    with pytest.raises(ContractError, match=r"lie\.sql: expected Windows to be a number"):
        load_marts(tmp_path)


# --- roll-outs ---


def _half_of(fleet, image):
    return (fleet.values["ami_id"][:, 0] == image) & (np.arange(fleet.size) % 2 == 0)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(0.2, "improved"), (1.0, "no_difference_seen"), (5.0, "worsened")],
)
def test_what_was_changed_in_place_is_judged_by_its_effect(factor, verdict, tmp_path):
    fleet = made.base(106)
    fleet = made.treated(fleet, _half_of(fleet, "ami-1"), "driver", "2.9", factor)
    (row,) = [r for r in built(tmp_path, fleet, "rollouts") if r["treatment"] == "in_place"]

    assert (row["attribute"], row["from_value"], row["to_value"]) == ("driver", "2.8", "2.9")
    assert row["verdict"] == verdict
    assert row["rate_ratio_low"] < factor < row["rate_ratio_high"]


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(0.2, "improved"), (1.0, "no_difference_seen")],
)
def test_an_image_that_replaced_another_is_judged_by_its_effect(factor, verdict, tmp_path):
    fleet = made.base(107)
    is_first = fleet.values["availability_zone"][:, 0] == "us-east-1a"
    old = (fleet.values["ami_id"][:, 0] == "ami-1") & is_first
    fleet = made.replaced(fleet, old, "ami-9", factor)
    (row,) = built(tmp_path, fleet, "rollouts")

    assert (row["from_value"], row["to_value"], row["treatment"]) == ("ami-1", "ami-9", "replaced")
    assert row["verdict"] == verdict
    assert row["rate_ratio_low"] < factor < row["rate_ratio_high"]


def test_bad_hosts_are_not_cured_by_what_was_done_because_they_were_bad(tmp_path):
    """Hosts are re-imaged after four episodes in a week, which does nothing: luck was to turn."""
    fleet, counts = made.reimaged_when_bad(made.base(108, bad=0.0), "driver", "2.9", 4)
    (row,) = built(tmp_path, fleet, "rollouts", counts)

    assert row["episodes_per_1000h"] < 0.9 * row["before_per_1000h"]
    assert row["regression_ratio"] < 0.9
    assert row["verdict"] == "no_difference_seen"
    assert row["rate_ratio"] == pytest.approx(1, abs=0.25)


def test_a_surge_after_a_roll_out_is_not_its_doing(tmp_path):
    fleet = made.base(109)
    fleet = made.treated(fleet, _half_of(fleet, "ami-1"), "driver", "2.9", 1.0)
    rows = built(tmp_path, made.surge(fleet, 14, 4.0), "rollouts")
    (row,) = [r for r in rows if r["treatment"] == "in_place"]

    assert row["episodes_per_1000h"] > 1.5 * row["before_per_1000h"]
    assert row["verdict"] == "no_difference_seen"


def test_no_episode_after_a_fix_of_everybody_is_a_bound_and_not_a_verdict():
    """0 in 960 host-hours: at most 3 / 960 with 95 %; nobody was left to compare with."""
    hosts = {f"a{n}": ("p5", days(("6.1", 7), ("6.2", 9), episodes_on=range(6))) for n in range(5)}
    hosts |= {f"b{n}": ("g6", days(("6.1", 16))) for n in range(10)}
    (row,) = rolled_out(history(hosts))

    assert (row["verdict"], row["rate_ratio"]) == ("no_controls", None)
    assert (row["episodes"], row["exposure_h"]) == (0, 960)
    assert row["per_1000h_high"] == pytest.approx(3000 / 960, rel=0.02)
    assert row["first_date"] == row["last_date"] == LAST - timedelta(days=8)


def test_a_change_on_the_last_day_is_not_judged_yet():
    """Nothing was seen after it: there is no row, and no error."""
    hosts = {f"a{n}": ("p5", days(("6.1", 7), ("6.2", 1))) for n in range(5)}
    hosts |= {f"b{n}": ("p5", days(("6.1", 8))) for n in range(10)}

    assert rolled_out(history(hosts)) == []


def test_too_little_was_seen_to_tell_a_difference():
    """Five hosts with three episodes in a week: not even a cure would have shown."""
    hosts = {
        f"a{n}": ("p5", days(("6.1", 7), ("6.2", 3), episodes_on=[2] if n < 3 else []))
        for n in range(5)
    }
    hosts |= {
        f"b{n}": ("p5", days(("6.1", 10), episodes_on=[n] if n < 7 else [])) for n in range(20)
    }
    (row,) = rolled_out(history(hosts))

    assert row["verdict"] == "no_difference_seen"
    assert row["detectable_ratio"] < 0.1


def test_attributes_that_changed_together_name_each_other(tmp_path):
    fleet = made.base(110, hosts=400)
    half = _half_of(fleet, "ami-1")
    fleet = made.treated(fleet, half, "driver", "2.9", 1.0)
    at = np.argmax(fleet.values["driver"] == "2.9", axis=1)
    for host in np.flatnonzero(half):
        fleet.values["kernel"][host, at[host] :] = "6.9"
    rows = [r for r in built(tmp_path, fleet, "rollouts") if r["treatment"] == "in_place"]
    kernels = [row for row in rows if row["attribute"] == "kernel"]

    assert len(kernels) == 3
    assert {row["also_changed"] for row in kernels} == {"driver: 2.8 \u2192 2.9"}


def test_a_reboot_with_the_change_is_told():
    hosts = {f"a{n}": ("p5", days(("6.1", 7), ("6.2", 7))) for n in range(5)}
    rows = history(hosts)
    booted = [[1 if age == 6 else 0 for age in each] for each in rows["ages"].to_pylist()]
    rows = rows.set_column(rows.column_names.index("reboots"), "reboots", pa.array(booted))
    (row,) = rolled_out(rows)

    assert row["rebooted_ratio"] == 1


# --- questions ---


def test_answer_about_a_roll_out_says_what_could_not_be_seen():
    columns = (
        "attribute, from_value, to_value, treatment, verdict, first_date, hosts_before, hosts, "
        "exposure_before_h, exposure_h, episodes_before, episodes, per_1000h_high, control_hosts, "
        "control_ratio, regression_ratio, rebooted_ratio, expected_episodes, rate_ratio, "
        "detectable_ratio, also_changed"
    )
    seen = ("2026-11-21", 9, 8, 800.4, 300.0, 7, 0, 9.98)
    compared = (40, 1.1, 0.7, 0.9, 2.5, 0.2, 0.15, "driver: 1 \u2192 2")
    alone = (0, None, 1.0, None, None, None, None, "")
    rows = [
        ("kernel", "6.1", "6.2", "in_place", "no_difference_seen", *seen, *compared),
        ("team", "a", "b", "in_place", "no_controls", *seen, *alone),
    ]
    first, second = ask("did_it_help", {"rollouts": (columns, *rows)}, attribute="")

    assert first[0] == "kernel: 6.1 \u2192 6.2"
    assert first[-1] == (
        "before 7 episodes in 800 h of 9 hosts; after 0 in 300 h of 8 hosts, at most 9.98 per "
        "1,000 h; expected 2.5 as 40 untreated hosts did 1.1 times what was usual; a fall above "
        "0.15 may have been missed; chance alone would have made it 0.7 times; most were "
        "rebooted too: what grows with uptime began anew; the same hosts also changed "
        "driver: 1 \u2192 2"
    )
    assert second[-1].endswith("at most 9.98 per 1,000 h; no untreated hosts to compare with")


def test_what_changed_lists_causes_before_what_travels_with_them():
    columns = "cohort_id, period_days, change, p_value, explained_by"
    rows = [
        ("kernel=6.1", 7, "worse", 0.001, "ami_id=ami-1"),
        ("ami_id=ami-2", 7, "better", 0.0001, None),
        ("ami_id=ami-1", 7, "worse", 0.0005, None),
        ("team=a", 7, "steady", 0.9, None),
        ("ami_id=ami-1", 1, "worse", 0.0005, None),
    ]
    found = ask("what_changed", {"changes": (columns, *rows)}, period_days="7")

    assert [row[0] for row in found] == ["ami_id=ami-1", "ami_id=ami-2", "kernel=6.1"]
