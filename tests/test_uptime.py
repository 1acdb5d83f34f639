"""Rates over the time since boot: what is planted is found, and nothing else is told."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.uptime_fleet import DAYS, GUILTY, Cell, make
from resetradar.lake import Lake, write_parquet
from resetradar.mart_session import add_table, arrow_fields, session
from resetradar.marts import build_mart, load_investigations, load_marts, mart_path
from resetradar.scoring.uptime import patterns
from resetradar.scoring.uptime_change import best_change
from resetradar.scoring.uptime_timeline import shifts, timeline
from resetradar.settings import Parameters

_LEAK = Cell("test_leak", hosts=100, share=0.25, leak=3.0)


def told(rows):
    """Rows of uptime_patterns by cohort, of all episodes."""
    found = patterns(rows, min_cohort_hosts=5, max_attribute_levels=50).to_pylist()
    return {row["cohort_id"]: row for row in found if row["resets_of"] == "any"}


def guilty(rows):
    """The row of the planted image."""
    return told(rows)[f"ami_id={GUILTY}"]


def test_a_leak_of_five_days_is_found_to_a_day_in_19_of_20_fleets():
    found = [guilty(make(_LEAK, seed)) for seed in range(20)]

    hit = [r["pattern"] == "rises_from_day" and abs(r["change_h"] - 120) <= 24 for r in found]
    assert sum(hit) >= 19
    assert sum(r["change_low_h"] <= 120 <= r["change_high_h"] for r in found if r["change_h"]) >= 19


def test_only_cohorts_with_leaking_hosts_are_told():
    found = told(make(replace(_LEAK, hosts=400), 1))

    images = {name for name, row in found.items() if row["pattern"] != "none" and "ami_id" in name}
    assert images == {f"ami_id={GUILTY}"}
    assert found["fleet"]["pattern"] == "rises_from_day"


@pytest.mark.parametrize(
    "cell",
    [
        Cell("test_null", hosts=200),
        Cell("test_heavy", hosts=200, base=0.1, frailty=3.0, burst=0.7),
        Cell("test_short", hosts=200, short=0.9),
        Cell("test_bad_old", hosts=200, bad_old=0.05),
    ],
    ids=lambda cell: cell.name,
)
def test_fleets_in_which_the_boot_does_not_matter_have_no_pattern(cell):
    loud = [
        seed
        for seed in range(12)
        if any(row["pattern"] != "none" for row in told(make(cell, seed)).values())
    ]

    assert len(loud) == 0


def test_bad_old_hosts_raise_the_plain_rate_and_make_no_pattern():
    rows = make(Cell("test_old", hosts=300, bad_old=0.1), 0)
    late_n = late_h = early_n = early_h = 0.0
    for since, hours, episodes in zip(
        *(rows[name].to_pylist() for name in ("uptime_from_h", "exposure_h", "episodes")),
        strict=True,
    ):
        for h, e, n in zip(since, hours, episodes, strict=True):
            late_n, late_h = late_n + n * (h >= 480), late_h + e * (h >= 480)
            early_n, early_h = early_n + n * (h < 480), early_h + e * (h < 480)

    assert late_n / late_h > 2.5 * early_n / early_h
    assert {row["pattern"] for row in told(rows).values()} == {"none"}


def test_resets_soon_after_boot_are_called_early():
    row = guilty(make(replace(_LEAK, name="test_early", leak=0.0, early=4.0, onset_h=12.0), 0))

    assert (row["pattern"], row["change_h"]) == ("early", 12)
    assert row["within_host_ratio_high"] < 0.2
    assert "times as frequent within 12 hours of boot" in row["sentence"]


def test_a_fast_leak_is_told_in_hours():
    row = guilty(make(replace(_LEAK, name="test_fast", onset_h=6.0), 0))

    assert (row["change_h"], row["pattern"]) == (6, "rises_from_day")
    assert "6 hours after boot" in row["sentence"]


def test_without_a_kernel_clock_the_answer_is_that_nothing_is_known():
    found = told(make(replace(_LEAK, unknown=True), 0))

    assert {row["pattern"] for row in found.values()} == {"unknown_uptime"}
    assert found["fleet"]["sentence"] == "the logs do not tell the time since boot"
    assert found["fleet"]["change_h"] is None


def test_what_begins_on_one_day_for_all_is_no_matter_of_uptime():
    cells = (
        Cell("test_surge", hosts=200, base=0.3, surge=4.0),
        Cell("test_together", hosts=200, base=0.1, surge=6.0, together=True),
    )
    for cell in cells:
        assert {row["pattern"] for row in told(make(cell, 0)).values()} == {"none"}, cell.name


def test_a_reboot_postpones_is_said_only_if_hosts_came_back():
    rebooted = guilty(make(_LEAK, 0))
    never = guilty(make(replace(_LEAK, name="test_once", short=1.0, reboot_days=1000.0), 0))

    assert rebooted["returned_hosts"] >= 3
    assert "resets begin 5 days after boot" in rebooted["sentence"]
    assert "a reboot postpones them by 5 days and does not cure" in rebooted["sentence"]
    assert (never["pattern"], never["returned_hosts"]) == ("rises_from_day", 0)
    assert "resets begin 5 days after boot" in never["sentence"]
    assert "reboot" not in never["sentence"]


def test_named_cohorts_of_several_attributes_are_looked_at():
    rows = make(replace(_LEAK, hosts=300), 0)
    named = [[[("ami_id", GUILTY), ("availability_zone", "us-east-1a")]]] * len(rows)
    place = rows.schema.get_field_index("named")
    rows = rows.set_column(place, "named", pa.array(named, rows.schema.field("named").type))
    row = told(rows)[f"ami_id={GUILTY} \u00d7 availability_zone=us-east-1a"]

    members = [
        labels
        for labels in map(dict, rows["attributes"].to_pylist())
        if labels["ami_id"] == GUILTY and labels["availability_zone"] == "us-east-1a"
    ]
    assert row["hosts"] == len(members)


def test_each_host_is_compared_with_itself():
    counts = np.array([[1.0, 3.0]] * 40 + [[0.0, 50.0]])
    hours = np.array([[50.0, 50.0]] * 40 + [[0.0, 50.0]])

    change = best_change(counts, hours)

    assert change.place == 1
    assert change.compared_hosts == 40
    assert change.ratio == pytest.approx(3, rel=0.1)
    assert change.ratio_low < 3 < change.ratio_high


def test_shifts_move_the_episodes_of_a_host_and_lose_none():
    found = timeline(make(Cell("test_shift", hosts=60, base=0.3), 0))

    moved = next(shifts(found, np.random.default_rng(1)))

    rows = range(len(found.known_h))
    for before, after in zip(found.counts, moved, strict=True):
        assert [before[found.row == row].sum() for row in rows] == after.sum(axis=1).tolist()
    assert not np.array_equal(found.by_bin(found.counts[0]), moved[0])


def test_the_same_fleet_gives_the_same_rows():
    rows = make(_LEAK, 3)
    arguments = {"min_cohort_hosts": 5, "max_attribute_levels": 50}

    assert patterns(rows, **arguments).equals(patterns(rows, **arguments))


_AS_OF = date(2026, 11, 28)


def _put(lake, name, day, records):
    mart = next(mart for mart in load_marts() if mart.name == name)
    with session() as connection:
        kinds = {f.name: f for f in mart.columns}
        empty = connection.sql(
            "select " + ", ".join(f'cast(null as {f.kind}) as "{f.name}"' for f in kinds.values())
        ).to_arrow_table()
    write_parquet(pa.Table.from_pylist(records, empty.schema), mart_path(lake, name, day))


def test_from_boots_and_episodes_to_the_sentence(tmp_path):
    """Twelve hosts, half of them leaking: booted every eighth day, resets from the sixth on."""
    lake = Lake(tmp_path, 1)
    first = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)
    hosts = {f"h{n}": "bad" if n < 6 else "good" for n in range(12)}
    boots = {name: [first + timedelta(days=n + 8 * k) for k in range(-1, 4)]
             for n, name in enumerate(hosts)}  # fmt: skip
    for day in range(DAYS):
        start = first + timedelta(days=day)
        records = []
        for name in hosts:
            boot = max((b for b in boots[name] if b <= start), default=None)
            to = start + timedelta(days=1)
            records.append(
                {"host_id": name, "from_at": start, "to_at": to, "boot_at": boot, "exposure_h": 24}
            )
        _put(lake, "host_uptimes", start.date(), records)
    episodes = [
        {"host_id": name, "episode_at": at, "verdict": "host_starved"}
        for name, image in hosts.items()
        if image == "bad"
        for boot in boots[name]
        for hours in range(122, 192, 7)
        if first <= (at := boot + timedelta(hours=hours)) < first + timedelta(days=DAYS)
    ]
    members = [
        {"host_id": name, "first_date": first.date(), "attributes": [("ami_id", image)]}
        for name, image in hosts.items()
    ]
    _put(lake, "host_episodes", _AS_OF, episodes)
    _put(lake, "cohort_members", _AS_OF, members)

    made = {
        name: pq.ParquetFile(
            build_mart(next(m for m in load_marts() if m.name == name), lake, _AS_OF, Parameters())
        ).read()
        for name in ("uptime_members", "uptime_patterns", "uptime_hazard")
    }

    found = {(r["resets_of"], r["cohort_id"]): r for r in made["uptime_patterns"].to_pylist()}
    bad = found["host_starved", "ami_id=bad"]
    assert (bad["pattern"], bad["change_h"]) == ("rises_from_day", 120)
    assert (bad["returned_hosts"], bad["known_ratio"] > 0.8) == (6, True)
    assert "a reboot postpones them by 5 days and does not cure" in bad["sentence"]
    assert found["any", "ami_id=good"]["pattern"] == "none"
    assert found["device_fault", "fleet"]["pattern"] == "none"
    hazard = {
        r["uptime_from_h"]: r["episodes"]
        for r in made["uptime_hazard"].to_pylist()
        if (r["resets_of"], r["cohort_id"]) == ("any", "ami_id=bad")
    }
    assert sum(n for since, n in hazard.items() if since >= 120) == len(episodes)
    assert sum(n for since, n in hazard.items() if since < 120) == 0
    assert len(arrow_fields(made["uptime_hazard"].schema)) == 13


def test_one_monster_makes_no_pattern_and_hides_no_leak():
    """A host that resets every 40 minutes from some day on is one host."""
    alone = told(make(Cell("test_monster", hosts=100, monster=True), 0))
    beside = guilty(make(replace(_LEAK, name="test_beside", leak=1.0, monster=True), 0))

    assert {row["pattern"] for row in alone.values()} == {"none"}
    assert (beside["pattern"], beside["change_h"]) == ("rises_from_day", 120)


def test_boots_of_a_host_tell_how_long_each_went_without_a_reset():
    question = next(each for each in load_investigations() if each.name == "uptime_of_host")
    rows = [
        ("h1", "2026-11-01", "2026-10-30 00:00:00", 48, 24.0, 0),
        ("h1", "2026-11-02", "2026-10-30 00:00:00", 72, 20.0, 2),
        ("h1", "2026-11-03", "2026-11-03 00:00:00", 0, 12.0, 0),
        ("h1", "2026-11-04", "1970-01-01 00:00:00", -1, 6.0, 1),
        ("h2", "2026-11-03", "2026-11-03 00:00:00", 0, 12.0, 9),
    ]
    members = next(mart for mart in load_marts() if mart.name == "uptime_members")
    with session() as connection:
        add_table(connection, members.name, members.columns)
        connection.executemany(
            "insert into uptime_members (host_id, host_date, boot_at, uptime_from_h, exposure_h,"
            " episodes) values (?, ?, ?, ?, ?, ?)",
            rows,
        )
        found = connection.sql(question.sql, params={"host_id": "h1"}).fetchall()

    assert [(boot and boot.day, *rest) for boot, _, _, *rest in found] == [
        (30, 44.0, 2, 72.0, 24.0),
        (3, 12.0, 0, None, 12.0),
        (None, 6.0, 1, None, None),
    ]
