"""The score and the cohorts say what their definitions say, and what a person would say."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks import event_lake
from benchmarks.event_fleet import Cell, make
from resetradar.lake import Lake
from resetradar.scoring.attributes import attribute_levels
from resetradar.scoring.candidates import candidates
from resetradar.scoring.chance import independent_looks
from resetradar.scoring.cohorts import explain_away
from resetradar.scoring.dispersion import fit_dispersion
from resetradar.scoring.distributions import (
    capped_moments,
    count_cap,
    count_tail,
    discoveries,
    gamma_bound,
)
from resetradar.scoring.hosts import against_peers
from resetradar.scoring.prediction import Totals
from resetradar.scoring.ratios import rate_ratio
from resetradar.settings import Parameters

DAYS = 28
_RATES = {"family_weight": 20.0, "prior_per_1000h": 1.25, "min_host_exposure_h": 1.0}


def scored(tmp_path, hours, resets, family=None, **attributes):
    """Rows of host_scores by host number: hours per host and day, reset times from day 0 on."""
    lake = Lake(tmp_path, 1)
    seen = np.array(hours, dtype=float)
    host = np.array([h for h, times in resets.items() for _ in times], dtype=np.int64)
    at = np.array([t for times in resets.values() for t in times], dtype=float)
    if family is not None:
        attributes["instance_family"] = np.array(family)
    event_lake.fill(lake, event_lake.Events(attributes, seen, host, at))
    event_lake.score(lake, Parameters())
    rows = event_lake.read(lake, "host_scores").to_pylist()
    return {int(row["host_id"][1:]): row for row in rows}


def whole(hosts, days=DAYS):
    """Hours of hosts that were observed all the time."""
    return np.full((hosts, days), 24.0)


def every(hours, count, until=24.0 * DAYS):
    """Times of resets at equal distances, the last one an hour before the end."""
    return [until - 1 - hours * n for n in range(count)]


# --- distributions, with scipy as the oracle ---


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 2000),
    st.floats(1e-6, 2000),
    st.floats(0.02, 30),
)
def test_count_tail_is_that_of_the_negative_binomial(count, mean, dispersion):
    size = 1 / dispersion
    exact = stats.nbinom.sf(count - 1, size, size / (size + mean))
    found = count_tail(np.array([count]), np.array([mean]), dispersion)[0]

    assert found == pytest.approx(exact, rel=1e-7, abs=1e-290)


def test_count_tail_of_nothing_is_certain_and_of_something_unexpected_impossible():
    assert count_tail(np.array([0.0, 2.0]), np.array([0.0, 0.0]), 1.0).tolist() == [1.0, 0.0]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3000), st.floats(0.001, 100), st.floats(0.05, 5))
def test_count_cap_is_the_99_percent_point(count, mean, dispersion):
    size = 1 / dispersion
    point = stats.nbinom.ppf(0.99, size, size / (size + mean))
    found = count_cap(np.array([float(count)]), np.array([mean]), dispersion, 0.01)[0]

    assert found == min(count, point)


@pytest.mark.parametrize(("mean", "dispersion", "tail"), [(0.8, 1, 0.05), (9, 0.3, 0.01)])
def test_moments_of_capped_counts_are_those_of_the_capped_distribution(mean, dispersion, tail):
    size = 1 / dispersion
    counts = np.arange(3000)
    exact = stats.nbinom(size, size / (size + mean))
    capped = np.minimum(counts, exact.ppf(1 - tail))
    first, second = capped_moments(np.array([mean]), dispersion, tail)

    assert first[0] == pytest.approx((capped * exact.pmf(counts)).sum(), rel=1e-9)
    assert second[0] == pytest.approx((capped**2 * exact.pmf(counts)).sum(), rel=1e-9)


def test_gamma_bound_is_close_to_the_exact_point():
    """Within 1 %, and 3 % for the lower bound of a single episode."""
    shapes = np.array([2.0, 3.5, 10.0, 60.0])
    exact = stats.gamma(shapes, scale=1 / 2.5)
    low, high = (gamma_bound(shapes, np.full(4, 2.5), z) for z in (-1.645, 1.645))

    assert low == pytest.approx(exact.ppf(0.05), rel=0.03)
    assert low[1:] == pytest.approx(exact.ppf(0.05)[1:], rel=0.01)
    assert high == pytest.approx(exact.ppf(0.95), rel=0.01)


def test_discoveries_are_those_of_benjamini_and_hochberg():
    p = np.random.default_rng(5).uniform(0, 1, 200) ** 4

    assert discoveries(p) == pytest.approx(stats.false_discovery_control(p))


@pytest.mark.parametrize("dispersion", [0.3, 1.0, 4.0])
def test_dispersion_of_the_fleet_is_found(dispersion):
    rng = np.random.default_rng(11)
    means = rng.uniform(0.2, 4, 5000)
    counts = rng.poisson(means * rng.gamma(1 / dispersion, dispersion, 5000)).astype(float)

    assert fit_dispersion(counts, means) == pytest.approx(dispersion, rel=0.25)


# --- hosts ---


def test_score_is_the_lower_bound_of_the_gamma_posterior(tmp_path):
    """Four hosts of one family, observed for a day; one has 12 episodes, 2 h apart."""
    rows = scored(tmp_path, whole(4, 1), {0: [2.0 * n for n in range(12)]}, ["p5"] * 4)

    exposure = 24 * math.exp(-12 / 168)
    episodes = sum(math.exp(-(24 - 2 * n) / 168) for n in range(12))
    # Nobody else has an episode: the fleet's rate is half of one over three hosts and the prior.
    fleet_rate = 0.5 / (3 * exposure + 0.5 / 0.00125)
    peers_rate = 20 / (3 * exposure + 20 / fleet_rate)
    exact = stats.gamma(1 + episodes, scale=1 / (1 + peers_rate * exposure))
    assert rows[0]["score"] == pytest.approx(exact.ppf(0.05), rel=0.01)
    assert rows[0]["rate_ratio"] == pytest.approx(exact.mean(), rel=1e-5)
    assert rows[0]["rate_ratio_high"] == pytest.approx(exact.ppf(0.95), rel=0.01)
    assert [rows[n]["rank"] for n in range(4)] == [1, 2, 3, 4]


def test_a_host_without_peers_is_compared_with_the_prior(tmp_path):
    rows = scored(tmp_path, whole(1), {0: [6.0 * n + 1 for n in range(100)]})

    assert (rows[0]["standing"], rows[0]["cadence"]) == ("abnormal", "regular")
    assert rows[0]["median_gap_h"] == pytest.approx(6)
    assert rows[0]["score"] == pytest.approx(10, abs=1)


def test_a_quiet_host_without_peers_is_quiet(tmp_path):
    (row,) = scored(tmp_path, whole(1), {}).values()

    assert (row["standing"], row["q_value"], row["dispersion"]) == ("quiet", 1, 1)
    assert row["score"] < 0.1


def test_a_fleet_without_events_accuses_nobody(tmp_path):
    rows = scored(tmp_path, whole(50), {})

    assert {row["standing"] for row in rows.values()} == {"quiet"}
    assert {row["q_value"] for row in rows.values()} == {1.0}


def test_equal_hosts_are_all_normal(tmp_path):
    resets = {host: every(100 + host / 50, 6) for host in range(40)}
    rows = scored(tmp_path, whole(40), resets)

    assert {row["standing"] for row in rows.values()} == {"normal"}
    assert max(row["score"] for row in rows.values()) < 1
    assert rows[0]["dispersion"] == pytest.approx(0.02)


def test_resets_without_exposure_are_listed_last_and_not_scored(tmp_path):
    hours = whole(10)
    hours[3] = 0
    rows = scored(tmp_path, hours, {3: every(5, 20)})

    assert (rows[3]["standing"], rows[3]["score"], rows[3]["rank"]) == (
        "insufficient_exposure",
        None,
        10,
    )


def test_one_reset_in_an_hour_of_life_is_not_flagged(tmp_path):
    hours = whole(30)
    hours[0] = [0.0] * 27 + [1.0]
    resets = {host: every(200 + host, 2, until=600 + 2 * host) for host in range(1, 30)} | {
        0: [24.0 * DAYS - 0.5]
    }
    rows = scored(tmp_path, hours, resets)

    assert rows[0]["standing"] == "normal"
    assert rows[0]["score"] < 1


def test_a_bad_host_of_unknown_kind_is_found(tmp_path):
    family = [*["p5"] * 30, "g5"]
    lake_hours = whole(31)
    known = np.array([name if name == "p5" else None for name in family], dtype=object)
    rows = scored(tmp_path, lake_hours, {30: every(8, 60)}, known)

    assert rows[30]["instance_family"] == "?"
    assert (rows[30]["rank"], rows[30]["standing"]) == (1, "abnormal")


def test_one_bad_host_of_a_tiny_fleet_is_found(tmp_path):
    """Four hosts, one resets every four hours for two days."""
    rows = scored(tmp_path, whole(4), {0: every(4, 12)})

    assert (rows[0]["rank"], rows[0]["standing"], rows[0]["cadence"]) == (1, "abnormal", "regular")
    assert rows[0]["score"] > 4


def test_a_tight_fleet_does_not_excuse_its_bad_host(tmp_path):
    resets = {host: [300.0 + host] for host in range(60)} | {0: every(12, 50)}
    rows = scored(tmp_path, whole(60), resets)

    assert rows[0]["standing"] == "abnormal"
    assert rows[0]["score"] > 8


def test_one_bad_host_does_not_excuse_another(tmp_path):
    rows = scored(tmp_path, whole(6), {0: every(2, 200), 1: every(8, 80)}, ["p5"] * 6)

    assert [rows[n]["standing"] for n in range(3)] == ["abnormal", "abnormal", "quiet"]


def test_a_repaired_host_falls_behind_one_that_is_bad_now(tmp_path):
    """The same number of episodes, three weeks ago and in the last week."""
    rows = scored(tmp_path, whole(20), {0: every(6, 20, until=200), 1: every(6, 20)})

    assert rows[1]["rank"] == 1
    assert rows[0]["score"] < rows[1]["score"] / 4
    assert rows[0]["standing"] == "watch"


def test_a_host_that_is_as_usual_for_a_week_has_recovered(tmp_path):
    """Sixty episodes in two weeks, then one in twelve days; others have one a month."""
    until = 16 * 24.0
    others = {host: [300.0 + 7 * host] for host in range(1, 40)}
    rows = scored(tmp_path, whole(40), {0: [*every(5, 60, until=until), 560.0], **others})

    assert rows[0]["score"] > 2
    assert rows[0]["standing"] == "recovered"
    assert str(rows[0]["recovered_at"]) == "2026-11-16 23:00:00"
    assert "as rarely as peers since 2026-11-16 23:00" in rows[0]["reasons"]


def test_a_bad_host_that_pauses_for_some_days_has_not_recovered(tmp_path):
    rows = scored(tmp_path, whole(40), {0: every(6, 80, until=24.0 * 24), 1: every(6, 80)})

    assert [(rows[n]["standing"], rows[n]["recovered_at"]) for n in (0, 1)] == [
        ("abnormal", None)
    ] * 2


def test_a_storm_is_one_episode(tmp_path):
    rows = scored(tmp_path, whole(20), {0: [600 + n / 20 for n in range(40)]})

    assert (rows[0]["resets"], rows[0]["episodes"], rows[0]["standing"]) == (40, 1, "normal")


def test_a_bad_night_of_the_whole_family_accuses_no_host(tmp_path):
    """Every host of one family has a few episodes on the last day; those of the other have none."""
    rng = np.random.default_rng(3)
    resets = {host: [24.0 * DAYS - 1 - rng.uniform(0, 22)] for host in range(60)}
    resets |= {host: [*times, times[0] - 300] for host, times in resets.items() if host % 3 == 0}
    rows = scored(tmp_path, whole(120), resets, ["p5"] * 60 + ["c5"] * 60)

    assert [row["standing"] for row in rows.values() if row["standing"] == "abnormal"] == []


def test_an_incident_of_a_zone_is_nobodys_own(tmp_path):
    zones = np.array([f"z{n % 4}" for n in range(80)])
    hit = {host: [500 + host / 1000] for host in range(0, 80, 4)}
    rows = scored(tmp_path, whole(80), hit, availability_zone=zones)

    assert {rows[host]["shared_episodes"] for host in hit} == {1}
    assert {row["episodes"] for row in rows.values()} == {0}
    assert "with many other hosts at once" in rows[0]["reasons"]


def test_a_host_that_is_in_every_incident_is_no_bystander(tmp_path):
    """Eight incidents strike ten of 400 hosts each: one host every time, the others once."""
    struck = [range(1 + 9 * n, 10 + 9 * n) for n in range(8)]
    times = {host: [50.0 + 70 * n] for n, hosts in enumerate(struck) for host in hosts}
    rows = scored(tmp_path, whole(400), {0: [50.0 + 70 * n for n in range(8)], **times})

    assert (rows[0]["episodes"], rows[0]["shared_episodes"], rows[0]["rank"]) == (8, 0, 1)
    assert {(rows[n]["episodes"], rows[n]["shared_episodes"]) for n in times} == {(0, 1)}


def test_a_whole_bad_cohort_shows_against_the_fleet_and_hides_in_itself(tmp_path):
    """Twenty hosts of an image in a zone: high against the family, ordinary in their cohort."""
    rng = np.random.default_rng(8)
    bad = range(20)
    resets = {host: sorted(rng.uniform(0, 24 * DAYS, 40)) for host in bad}
    rows = scored(
        tmp_path,
        whole(200),
        resets,
        ["p5"] * 200,
        ami_id=np.array(["ami-1"] * 20 + ["ami-2"] * 180),
        availability_zone=np.array(["a"] * 100 + ["b"] * 100),
    )

    assert all(rows[host]["score"] > 3 for host in bad)
    assert np.median([rows[host]["score_cohort"] for host in bad]) < 2
    assert {rows[host]["explained_by"] for host in bad} == {"ami_id=ami-1"}
    assert {rows[host]["explained_by"] for host in range(20, 200)} == {None}


def test_onset_is_found_and_a_steady_host_has_none(tmp_path):
    since = 24.0 * DAYS - 72
    rows = scored(
        tmp_path,
        whole(10),
        {0: [100.0, *(since + 5 * n for n in range(14))], 1: every(20, 33)},
    )

    assert str(rows[0]["onset_at"]) == "2026-11-26 00:00:00"
    assert rows[1]["onset_at"] is None


def _rows(counts, hours, family=None):
    hosts = len(counts)
    family = family or ["p5"] * hosts
    counts = [float(n) for n in counts]
    return pa.table(
        {
            "host_id": [f"h{n}" for n in range(hosts)],
            "instance_family": family,
            "availability_zone": ["a"] * hosts,
            "ami_id": ["ami"] * hosts,
            **{f"{name}": counts for name in ("episodes", "episodes_7d", "episodes_1d")},
            "recent_episodes": counts,
            **{f"exposure{w}_h": hours for w in ("", "_7d", "_1d")},
            "recent_exposure_h": hours,
        }
    )


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 60),
    st.lists(st.integers(0, 3), min_size=30, max_size=60),
    st.floats(0.02, 0.98),
)
def test_losing_quiet_logs_never_makes_a_host_look_better(own, others, kept):
    """The same episodes in fewer observed hours: no host that was ranked behind comes before it."""
    counts = [own, *others]
    full = [672.0] * len(counts)
    before = against_peers(_rows(counts, full), **_RATES).to_pydict()
    after = against_peers(_rows(counts, [672.0 * kept, *full[1:]]), **_RATES).to_pydict()

    behind = [n for n, score in enumerate(before["score"]) if score < before["score"][0]]
    assert [n for n in behind if after["score"][n] > after["score"][0]] == []
    assert after["score"][0] >= 0.99 * before["score"][0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=3), st.floats(0.02, 0.98))
def test_losing_logs_of_a_host_of_two_or_three_moves_no_other_host(counts, kept):
    hours = [672.0] * len(counts)
    before = against_peers(_rows(counts, hours), **_RATES).to_pydict()["score"]
    after = against_peers(_rows(counts, [672.0 * kept, *hours[1:]]), **_RATES).to_pydict()["score"]

    assert after[1:] == before[1:]
    assert after[0] >= before[0]
    assert against_peers(_rows(counts[1:], hours[1:]), **_RATES).to_pydict()["score"] == after[1:]


def test_hosts_without_resets_are_peers():
    """More quiet hosts of the family make the same episodes more unusual."""
    few = against_peers(_rows([9, 1, 1], [672.0] * 3), **_RATES).to_pylist()
    many = against_peers(_rows([9, 1, 1] + [0] * 50, [672.0] * 53), **_RATES).to_pylist()

    assert many[0]["score"] > 1.5 * few[0]["score"]
    assert (few[0]["peers"], many[0]["peers"]) == (2, 52)


# --- cohorts ---


def members(counts, hours=None, starved=None, fault=None, **attributes):
    """Rows of cohort_members: one host each."""
    hosts = len(counts)
    maps = [[(name, str(values[n])) for name, values in attributes.items()] for n in range(hosts)]
    return pa.table(
        {
            "host_id": [f"h{n}" for n in range(hosts)],
            "attributes": pa.array(maps, pa.map_(pa.string(), pa.string())),
            "exposure_h": [672.0] * hosts if hours is None else hours,
            "episodes": counts,
            "host_starved_episodes": [0] * hosts if starved is None else starved,
            "device_fault_episodes": [0] * hosts if fault is None else fault,
        }
    )


def named(rows, resets_of="any"):
    found = explain_away(rows, min_cohort_hosts=5, max_attribute_levels=50).to_pylist()
    return [row for row in found if row["resets_of"] == resets_of]


def _fleet(rng, hosts=600):
    images = rng.choice(["ami-1", "ami-2", "ami-3", "ami-4"], hosts)
    zones = rng.choice(["a", "b", "c"], hosts)
    # Nine of ten hosts of an image have the image's kernel: a travelling companion.
    kernel = np.where(rng.random(hosts) < 0.9, np.char.add("k", images), "k-other")
    return {"ami_id": images, "availability_zone": zones, "kernel": kernel}


def _counts(rng, factors, mean=0.8):
    return rng.poisson(mean * factors * rng.gamma(1, 1, len(factors))).astype(int)


def test_the_guilty_image_is_named_and_its_companions_are_not():
    rng = np.random.default_rng(1)
    fleet = _fleet(rng)
    counts = _counts(rng, np.where(fleet["ami_id"] == "ami-2", 6.0, 1.0))
    (row,) = named(members(counts, **fleet))

    assert (row["cohort_id"], row["tier"]) == ("ami_id=ami-2", "convicted")
    assert row["rate_ratio_low"] < 6 < row["rate_ratio_high"]
    assert row["hosts"] == (fleet["ami_id"] == "ami-2").sum()


def test_an_image_that_is_bad_in_one_zone_is_named_with_the_zone():
    rng = np.random.default_rng(2)
    fleet = _fleet(rng, 900)
    guilty = (fleet["ami_id"] == "ami-1") & (fleet["availability_zone"] == "b")
    found = named(members(_counts(rng, np.where(guilty, 12.0, 1.0)), **fleet))

    assert found[0]["attributes"].startswith("ami_id \u00d7 availability_zone")
    assert found[0]["cohort_values"].startswith("ami-1 \u00d7 b")
    assert [row["place"] for row in found] == list(range(1, len(found) + 1))


def test_one_terrible_host_convicts_nobody():
    rng = np.random.default_rng(3)
    fleet = _fleet(rng)
    counts = _counts(rng, np.ones(600))
    counts[0] = 1000

    assert named(members(counts, **fleet)) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_fleet_without_differences_names_nobody(seed):
    rng = np.random.default_rng([4, seed])

    assert named(members(_counts(rng, np.ones(600)), **_fleet(rng))) == []


def test_few_fleets_without_differences_name_anybody():
    """Small fleets, where looking at many candidates is dearest: at most one of twenty."""
    loud = 0
    for seed in range(60):
        rng = np.random.default_rng([15, seed])
        loud += bool(named(members(_counts(rng, np.ones(200)), **_fleet(rng, 200))))

    assert loud <= 3


def test_overlapping_candidates_are_fewer_looks_than_their_number():
    """Six labels that nearly say the same are not as many chances to be lucky."""
    rng = np.random.default_rng(16)
    image = rng.integers(0, 6, 400)
    labels = {
        f"label{n}": np.where(rng.random(400) < 0.95, image, rng.integers(0, 6, 400))
        for n in range(6)
    }
    rows = members(np.zeros(400, dtype=int), **labels)
    found = candidates(np.arange(400), attribute_levels(rows["attributes"], 50), 5)
    ones = np.bincount(found.kinds).astype(float)
    looks = independent_looks(Totals(ones, 0.8 * ones, 0.64 * ones, 1.0), found, 1.5)

    assert found.is_first.sum() > 90
    assert 6 < looks < 60


def test_a_pair_whose_excess_is_that_of_its_family_is_not_named():
    rng = np.random.default_rng(17)
    family = rng.choice(["p5", "c5", "m5", "r5"], 6000)
    zone = rng.choice(["a", "b", "c"], 6000)
    counts = _counts(rng, np.where(family == "p5", 3.0, 1.0) * np.where(zone == "a", 1.2, 1.0))
    found = named(members(counts, instance_family=family, availability_zone=zone))

    assert [row["cohort_id"] for row in found] == ["instance_family=p5"]


def test_a_true_but_small_difference_in_a_large_fleet_is_not_named():
    rng = np.random.default_rng(18)
    fleet = _fleet(rng, 20_000)
    counts = _counts(rng, np.where(fleet["ami_id"] == "ami-1", 1.25, 1.0))

    assert named(members(counts, **fleet)) == []


def test_attributes_that_split_the_fleet_in_the_same_way_are_told_as_aliases():
    """Zone, bootstrap and unit state coincide: the report names all, and no cause."""
    rng = np.random.default_rng(5)
    zone = np.array(["a"] * 100 + ["b"] * 100 + ["c"] * 100)
    bootstrap = np.where(zone == "a", "ok", "failed")
    unit = np.where(zone == "a", "1", "0")
    counts = _counts(rng, np.where(zone == "a", 20.0, 1.0))
    (row,) = named(
        members(counts, availability_zone=zone, bootstrap=bootstrap, **{"unit_active{x}": unit})
    )

    assert {row["cohort_id"], *row["aliases"].split("; ")} == {
        "availability_zone=a",
        "bootstrap=ok",
        "unit_active{x}=1",
    }


def test_hosts_that_differ_from_their_zone_clear_it():
    """A third zone, half and half, tells the unit from the zone; a decoy unit stays out."""
    rng = np.random.default_rng(6)
    zone = np.array(["a"] * 200 + ["b"] * 200 + ["c"] * 120)
    unit = np.where(zone == "a", "1", np.where((zone == "c") & (rng.random(520) < 0.5), "1", "0"))
    decoy = np.where(rng.random(520) < np.where(zone == "a", 0.9, 0.85), "1", "0")
    counts = _counts(rng, np.where(unit == "1", 60.0, 0.1), 0.3)
    (row,) = named(
        members(
            counts,
            availability_zone=zone,
            **{"unit_active{ecs.service}": unit, "unit_active{snapd.service}": decoy},
        )
    )

    assert (row["cohort_id"], row["tier"]) == ("unit_active{ecs.service}=1", "convicted")


def test_starved_hosts_and_faulty_devices_are_two_findings():
    rng = np.random.default_rng(7)
    fleet = _fleet(rng)
    starved = _counts(rng, np.where(fleet["ami_id"] == "ami-1", 8.0, 1.0), 0.5)
    fault = _counts(rng, np.where(fleet["availability_zone"] == "c", 8.0, 1.0), 0.2)
    rows = members(starved + fault, starved=starved, fault=fault, **fleet)

    assert [row["cohort_id"] for row in named(rows, "host_starved")] == ["ami_id=ami-1"]
    assert [row["cohort_id"] for row in named(rows, "device_fault")] == ["availability_zone=c"]


def test_labels_with_too_many_values_and_small_groups_are_no_cohorts():
    rng = np.random.default_rng(9)
    counts = _counts(rng, np.where(np.arange(300) < 4, 40.0, 1.0))
    serial = np.array([f"s{n // 6}" for n in range(300)])
    few = np.where(np.arange(300) < 4, "odd", "even")
    rows = members(counts, serial=serial, few=few)
    found = explain_away(rows, min_cohort_hosts=5, max_attribute_levels=20)

    assert found.num_rows == 0


def test_hosts_without_exposure_do_not_count_in_cohorts():
    rng = np.random.default_rng(10)
    fleet = _fleet(rng)
    counts = _counts(rng, np.ones(600))
    hours = np.full(600, 672.0)
    unseen = fleet["ami_id"] == "ami-3"
    hours[unseen], counts[unseen] = 0, 50

    assert named(members(counts, hours=hours, **fleet)) == []


def test_ratio_compares_hosts_with_others_of_their_family():
    """A cohort of a family that is bad everywhere is not guilty of it."""
    rng = np.random.default_rng(12)
    family = (np.arange(4000) % 4 == 0).astype(np.int64)
    rows = (family == 1) & (rng.random(4000) < 0.3)
    counts = rng.poisson(np.where(family, 4.0, 1.0) * np.where(rows, 3.0, 1.0)).astype(float)
    hours = np.ones(4000)
    alike = rate_ratio(counts, hours, rows, [family])

    assert alike.low < 3 < alike.high
    assert rate_ratio(counts, hours, rows, []).low > 4


def test_interval_of_the_ratio_holds_the_truth_in_most_fleets():
    """Frailty, unequal lives and a monster: at least 90 of 100 intervals hold the factor."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng([13, seed])
        hours = rng.uniform(0.1, 1, 400)
        rows = np.arange(400) < 60
        means = 2 * hours * np.where(rows, 5.0, 1.0) * rng.gamma(1, 1, 400)
        counts = rng.poisson(means).astype(float)
        counts[399] = 900
        ratio = rate_ratio(counts, hours, rows, [])
        held += ratio.low <= 5 <= ratio.high

    assert held >= 90


# --- the fleets of the benchmark ---


def test_an_event_fleet_is_the_same_for_the_same_seed():
    first, again = (make(Cell("x", hosts=100, guilty="image", factor=5), 3) for _ in range(2))
    other = make(Cell("x", hosts=100, guilty="image", factor=5), 4)

    assert np.array_equal(first.at, again.at)
    assert not np.array_equal(first.at, other.at)
    assert first.guilty == again.guilty
