"""The coverage ledger: lines, bytes and observed time per host and hour."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.clock import Calendar, day_bounds
from resetradar.coverage import Ledger
from resetradar.files import Source
from resetradar.overlap import merged
from resetradar.scan import scan_file

_DAY = date(2026, 11, 20)
_FIRST, _LAST = day_bounds(_DAY)
_HOUR = timedelta(hours=1)


def _table(paths, *, silence_s=3600.0, calendar=None, host="h1"):
    ledger = Ledger(_FIRST - 2 * 3_600_000_000, _LAST)
    for path in paths:
        scan_file(Source(path, path.name, host), calendar or Calendar(_DAY), ledger)
    return ledger.table(silence_s, _FIRST, _LAST).to_pylist()


def _write(path, *lines):
    path.write_bytes(b"".join(line.encode() + b"\n" for line in lines))
    return path


def _at(hour, minute=0, second=0):
    return datetime(2026, 11, 20, hour, minute, second)


def test_lines_are_counted_by_hour_with_their_first_and_last(tmp_path):
    path = _write(
        tmp_path / "kern.log",
        "Nov 20 03:10:00 h1 kernel: a",
        "Nov 20 03:20:00 h1 systemd[1]: b",
        "    continued",
        "Nov 20 04:00:01 h1 kernel: c",
    )

    rows = _table([path])

    assert [(r["hour_at"], r["lines"], r["kernel_lines"], r["bytes"]) for r in rows[:2]] == [
        (_at(3), 3, 1, 29 + 33 + 14),
        (_at(4), 1, 1, 29),
    ]
    assert (rows[0]["first_at"], rows[0]["last_at"]) == (_at(3, 10), _at(3, 20))


def test_a_line_vouches_for_the_time_after_it_and_no_longer(tmp_path):
    path = _write(
        tmp_path / "kern.log",
        "Nov 20 03:10:00 h1 kernel: a",
        "Nov 20 03:50:00 h1 kernel: b",
        "Nov 20 08:00:00 h1 kernel: c",
    )

    rows = _table([path])

    assert [(r["hour_at"], r["observed_s"]) for r in rows] == [
        (_at(3), 3000.0), (_at(4), 3000.0), (_at(8), 3600.0),
    ]  # fmt: skip


def test_the_day_before_vouches_for_the_first_minutes(tmp_path):
    path = _write(tmp_path / "kern.log", "Nov 19 23:40:00 h1 kernel: a")

    assert [(r["hour_at"], r["observed_s"], r["lines"]) for r in _table([path])] == [
        (_at(0), 2400.0, 0)
    ]


def test_a_host_that_says_it_lost_messages_was_seen_less(tmp_path):
    ledger = Ledger(_FIRST, _LAST)
    path = _write(tmp_path / "k", *["Nov 20 03:00:00 h1 kernel: a"] * 3)
    scan_file(Source(path, "k", "h1"), Calendar(_DAY), ledger)
    ledger.at("h1", _FIRST + 3 * 3_600_000_000).lost_messages += 1

    assert ledger.table(3600, _FIRST, _LAST)["observed_s"].to_pylist() == [2700.0]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin", "UTC"])
def test_hours_are_utc_hours_whatever_the_zone_of_the_log(tmp_path, zone):
    moments = [datetime(2026, 11, 20, 10, minute, tzinfo=UTC) for minute in (10, 40)]
    lines = [m.astimezone(ZoneInfo(zone)).strftime("%b %d %H:%M:%S h1 kernel: x") for m in moments]
    path = _write(tmp_path / "kern.log", *lines)

    rows = _table([path], calendar=Calendar(_DAY, zone=ZoneInfo(zone)))

    assert (rows[0]["hour_at"], rows[0]["lines"]) == (_at(10), 2)
    assert (rows[0]["first_at"], rows[0]["last_at"]) == (_at(10, 10), _at(10, 40))


def test_the_four_ways_of_logging_count_alike(tmp_path):
    seconds = [int((_at(5) + timedelta(minutes=m)).replace(tzinfo=UTC).timestamp()) for m in (1, 9)]
    moments = [datetime.fromtimestamp(s, UTC) for s in seconds]
    boot = seconds[0] - 100
    written = {
        "3164": [m.strftime("%b %d %H:%M:%S h1 kernel: x") for m in moments],
        "3339": [m.strftime("%Y-%m-%dT%H:%M:%S.000001+00:00 h1 kernel: x") for m in moments],
        "json": [
            f'{{"_TRANSPORT":"kernel","MESSAGE":"x","__REALTIME_TIMESTAMP":"{s}000000"}}'
            for s in seconds
        ],
        "dmesg": [f"[    0.000000] setting system clock to T UTC ({boot})"]
        + [f"[ {s - boot}.000000] x" for s in seconds],
    }

    for name, lines in written.items():
        path = _write(tmp_path / name, *lines)
        row = next(r for r in _table([path]) if r["hour_at"] == _at(5))
        assert (row["kernel_lines"], row["first_at"].minute, row["last_at"].minute) == (2, 1, 9), (
            name
        )


_LINES = st.lists(st.integers(0, 86_399), min_size=1, max_size=60)


@given(_LINES, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_rotation_does_not_change_the_ledger(tmp_path_factory, offsets, cut):
    folder = tmp_path_factory.mktemp("logs")
    lines = [
        (_at(0) + timedelta(seconds=offset)).strftime("%b %d %H:%M:%S h1 kernel: x")
        for offset in sorted(offsets)
    ]
    whole = _table([_write(folder / "whole", *lines)])
    parts = [_write(folder / "kern.log", *lines[cut:]), _write(folder / "kern.log.1", *lines[:cut])]

    assert _table(parts) == whole


def test_counting_agrees_with_parsing_every_line(tmp_path):
    lines = [
        (_at(0) + timedelta(seconds=97 * n)).strftime("%b %d %H:%M:%S h1 ")
        + ("kernel: x" * (n % 3 + 1) if n % 2 else "cron[1]: y")
        for n in range(800)
    ]
    path = _write(tmp_path / "kern.log", *lines)
    by_hour: dict = {}
    for line in lines:
        hour = _at(int(line[7:9]))
        counts = by_hour.setdefault(hour, [0, 0])
        counts[0] += 1
        counts[1] += len(line) + 1

    rows = _table([path])

    assert {r["hour_at"]: [r["lines"], r["bytes"]] for r in rows if r["lines"]} == by_hour


def _kernel(moment, clock_s, text="x"):
    return moment.strftime("%b %d %H:%M:%S h1 kernel: ") + f"[{clock_s:12.6f}] {text}"


def _boots(rows):
    return {row["hour_at"].hour: row["boot_at"] for row in rows if row["boot_at"] is not None}


def test_the_last_kernel_clock_of_each_hour_tells_when_the_host_was_booted(tmp_path):
    path = _write(
        tmp_path / "kern.log",
        _kernel(_at(3, 10), 600),
        _kernel(_at(3, 50), 3000),
        "Nov 20 03:55:00 h1 app[7]: [   11.000000] no kernel clock",
        "Nov 20 04:10:00 h1 kernel: no clock here",
        _kernel(_at(5, 0), 7200),
        "Nov 20 05:01:00 h1 kernel: nor in this last line",
    )

    assert _boots(_table([path])) == {3: _at(3, 0), 5: _at(3, 0)}


def test_of_a_boot_inside_an_hour_the_new_one_counts(tmp_path):
    path = _write(
        tmp_path / "kern.log",
        _kernel(_at(3, 10), 90_000),
        _kernel(_at(3, 30), 10),
        _kernel(_at(3, 40), 610),
    )

    assert _boots(_table([path])) == {3: _at(3, 29, 50)}


@pytest.mark.parametrize(
    "text",
    [
        (
            '{"_TRANSPORT":"kernel","MESSAGE":"x","__REALTIME_TIMESTAMP":"%d000000",'
            '"__MONOTONIC_TIMESTAMP":"600000000","_SOURCE_MONOTONIC_TIMESTAMP":"600000000"}'
        ),
        "[    0.000000] setting system clock to T UTC (%d)\n[  600.000000] x",
    ],
    ids=["journal", "dmesg"],
)
def test_other_ways_of_logging_state_the_boot_too(tmp_path, text):
    moment = _at(5, 10).replace(tzinfo=UTC)
    is_dmesg = text.startswith("[")
    seconds = int(moment.timestamp()) - (600 if is_dmesg else 0)

    assert _boots(_table([_write(tmp_path / "log", text % seconds)])) == {5: _at(5, 0)}


def test_hosts_of_a_central_log_have_their_own_boots(tmp_path):
    path = _write(
        tmp_path / "all.log",
        _kernel(_at(3, 10), 600),
        _kernel(_at(3, 10), 60).replace("h1", "h2"),
    )
    ledger = Ledger(_FIRST, _LAST)
    scan_file(Source(path, "all.log", None), Calendar(_DAY), ledger)
    rows = ledger.table(3600, _FIRST, _LAST).to_pylist()

    assert {r["host_id"]: r["boot_at"] for r in rows if r["lines"]} == {
        "h1": _at(3, 0), "h2": _at(3, 9),
    }  # fmt: skip


def test_hours_without_a_kernel_clock_have_no_boot(tmp_path):
    path = _write(tmp_path / "kern.log", "Nov 20 03:10:00 h1 kernel: a", "Nov 20 03:20:00 h1 x: b")

    assert _boots(_table([path])) == {}


@given(st.lists(st.integers(0, 86_399), min_size=1, max_size=40), st.integers(0, 40), st.booleans())
@settings(max_examples=40, deadline=None)
def test_rotation_order_and_a_second_delivery_keep_the_boots(
    tmp_path_factory, offsets, cut, is_twice
):
    folder = tmp_path_factory.mktemp("logs")
    moments = [_at(0) + timedelta(seconds=offset) for offset in sorted(offsets)]
    booted = _at(9, 30, 30)
    lines = [
        _kernel(m, (m - (booted if m >= booted else booted - timedelta(days=40))).total_seconds())
        for m in moments
    ]
    true = {
        m.hour: booted if m >= booted else booted - timedelta(days=40) for m in moments
    }  # the last one of an hour stands
    parts = [_write(folder / "kern.log", *lines[cut:]), _write(folder / "kern.log.1", *lines[:cut])]
    parts += [_write(folder / "kern.log.twice", *lines)] * is_twice
    ledgers = []
    for path in parts:
        ledgers.append(Ledger(_FIRST, _LAST))
        scan_file(Source(path, path.name, "h1"), Calendar(_DAY), ledgers[-1])

    found = merged(ledgers, _FIRST, _LAST).table(3600, _FIRST, _LAST).to_pylist()

    assert _boots(found) == true
