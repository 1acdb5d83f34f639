"""One day of logs to base tables: what is filed where, and what is told of the rest."""

from datetime import date, datetime

import pytest

from resetradar.ingest import ingest_logs, lake_of
from resetradar.settings import Inputs, Settings
from resetradar.tables import KERNEL_EVENTS, LOG_COVERAGE, REJECTS, RESETS

_DAY = date(2026, 11, 20)
_ENA = "ena 0000:00:05.0 eth0: "


@pytest.fixture
def ingest(tmp_path):
    """Rows of a table after ingesting the given files, one shard."""

    def run(table, *, day=_DAY, template="logs/{host_id}/*", **files):
        for name, text in files.items():
            path = tmp_path / "logs" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        settings = Settings(root=tmp_path, shards=1, inputs=Inputs(logs=[template]))
        ingest_logs(settings, day, 0)
        return lake_of(settings).read(table, day, day).to_pylist()

    return run


def _line(day, clock, text, host="h1", tag="kernel"):
    return f"Nov {day} {clock} {host} {tag}: {text}\n"


_OVER_MIDNIGHT = (
    _line(20, "23:59:58", _ENA + "Keep alive watchdog timeout.")
    + _line(20, "23:59:59", _ENA + "Trigger reset is on")
    + _line(21, "00:00:02", "ena 0000:00:05.0: Device reset completed successfully")
)


@pytest.mark.parametrize(("day", "resets"), [(19, 0), (20, 1), (21, 0)])
def test_a_reset_across_midnight_is_whole_and_filed_once(ingest, day, resets):
    rows = ingest(RESETS, day=date(2026, 11, day), h1__kern=_OVER_MIDNIGHT)

    assert [(row["outcome"], row["lines"]) for row in rows] == [("ok", 3)] * resets


def test_events_are_filed_under_their_own_day(ingest):
    rows = ingest(KERNEL_EVENTS, day=date(2026, 11, 21), h1__kern=_OVER_MIDNIGHT)

    assert [row["message_id"] for row in rows] == ["ena.reset_done.v1"]


def test_a_run_of_one_message_is_one_event(ingest):
    late = "".join(
        _line(
            20,
            f"10:00:{n:02d}",
            f"{_ENA}Found a Tx that wasn't completed on time, qid 2, index {n}.",
        )
        for n in range(9)
    )
    (row,) = ingest(KERNEL_EVENTS, h1__kern=late)

    assert (row["lines"], row["queue"]) == (9, 2)
    assert row["last_event_at"] == datetime(2026, 11, 20, 10, 0, 8)


def test_counters_of_a_dump_are_kept(ingest):
    dump = "".join(
        _line(20, "10:00:00", _ENA + text)
        for text in ("Trigger reset is on", "tx_timeout: 3", "wd_expired: 7")
    )
    rows = ingest(KERNEL_EVENTS, h1__kern=dump)

    assert [dict(row["counters"]) for row in rows if row["counters"]] == [
        {"tx_timeout": 3, "wd_expired": 7}
    ]


def test_a_flood_of_kernel_lines_is_a_cause(ingest):
    flood = "".join(
        _line(20, f"10:00:0{s}", f"oom dump row {n}") for s in (1, 2) for n in range(150)
    )
    quiet = "".join(_line(20, "11:00:00", f"row {n}") for n in range(99))
    programs = "".join(_line(20, "12:00:00", f"row {n}", tag="app[1]") for n in range(500))

    rows = ingest(KERNEL_EVENTS, h1__kern=flood + quiet + programs)

    assert [(r["message_id"], r["trigger"], r["lines"], r["event_at"]) for r in rows] == [
        ("kernel.console_flood", "console_flood", 300, datetime(2026, 11, 20, 10, 0, 1))
    ]


def test_messages_that_a_host_lost_shrink_its_exposure(ingest):
    rows = ingest(
        LOG_COVERAGE,
        h1__kern=_line(20, "10:00:00", "x")
        + _line(20, "10:00:00", "Missed 3 kernel messages", tag="systemd-journald[7]"),
    )

    assert [(r["lost_messages"], r["observed_s"]) for r in rows][:1] == [(3, 3600 * 2 / 5)]


def test_a_line_without_host_is_a_reject_and_no_event(ingest):
    dmesg = (
        "[    0.500000] rtc_cmos 00:00: setting system clock to T UTC (1795168800)\n"
        f"[ 1000.000000] {_ENA}Trigger reset is on\n"
    )
    rows = ingest(REJECTS, template="logs/*", dmesg=dmesg)

    assert [(row["source_path"], row["line_number"]) for row in rows] == [("logs/dmesg", 2)]
    assert "expected {host_id} in the path template" in rows[0]["reason"]


def test_hosts_of_a_central_log_are_told_apart(ingest):
    central = "".join(
        _line(20, clock, text, host=host)
        for host in ("h1", "h2")
        for clock, text in (
            ("10:00:00", _ENA + "Keep alive watchdog timeout."),
            ("10:00:00", _ENA + "Trigger reset is on"),
        )
    )
    resets = ingest(RESETS, template="logs/*", central=central)
    hours = ingest(LOG_COVERAGE, template="logs/*", central=central)

    assert [row["host_id"] for row in resets] == ["h1", "h2"]
    assert {(r["host_id"], r["lines"]) for r in hours if r["lines"]} == {("h1", 2), ("h2", 2)}


def test_a_program_that_quotes_the_kernel_is_not_the_kernel(ingest):
    quoted = _line(20, "10:00:00", _ENA + "Trigger reset is on", tag="node-problem-detector[9]")

    assert ingest(RESETS, h1__kern=quoted) == []
