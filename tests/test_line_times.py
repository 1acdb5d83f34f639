"""Lines are counted in the hour in which they were written, in whatever form they state it."""

import json
from datetime import UTC, date, datetime

import pytest

from resetradar.clock import Calendar, day_bounds
from resetradar.coverage import Ledger
from resetradar.files import Source
from resetradar.scan import scan_file

_DAY = date(2026, 11, 20)
_MIDNIGHT = round(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


def _hours(tmp_path, text):
    """Lines and kernel lines by hour of the day, of those that have any."""
    path = tmp_path / "log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    ledger = Ledger(*day_bounds(_DAY))
    scan_file(Source(path, path.name, "h1"), Calendar(_DAY), ledger)
    rows = ledger.table(60, *day_bounds(_DAY)).to_pylist()
    return {r["hour_at"].hour: (r["lines"], r["kernel_lines"]) for r in rows if r["lines"]}


_RTC = f"rtc_cmos 00:00: setting system clock to X UTC ({_MIDNIGHT})"
_FILLER = "".join(f"[   10.{n:06d}] chatter\n" for n in range(50))


@pytest.mark.parametrize(
    "stamp",
    [
        "[ 7300.000001]",
        "[ 7300.000001][   T12]",
        "[ 7300.000001 <    0.000012>]",
        "[7300.000001]",
        "[       7300.000001]",
        "[0000007300.000001]",
        "<6>[ 7300.000001]",
        "<14>[ 7300.000001]",
        "\t[ 7300.000001]",
    ],
)
def test_the_kernel_clock_is_read_whatever_its_width(tmp_path, stamp):
    """Two hours after a boot at midnight, since the clock was read at second 10."""
    text = f"[   10.000000] {_RTC}\n{_FILLER}{stamp} x\n{stamp} y\n"

    assert _hours(tmp_path, text) == {0: (51, 51), 2: (2, 2)}


@pytest.mark.parametrize(
    "stamp", ["[73 00.000001]", "[*7300.000001]", "[ 7300.00001]", "[ 7300,000001]", "[]", "7300"]
)
def test_what_only_looks_like_a_kernel_clock_has_the_time_of_the_line_before(tmp_path, stamp):
    text = f"[   10.000000] {_RTC}\n{_FILLER}{stamp} x\n[ 7400.000000] y\n"

    assert _hours(tmp_path, text) == {0: (52, 51), 2: (1, 1)}


@pytest.mark.parametrize("uptime", [3_599, 99_999, 1_234_567, 12_345_678, 100_000_000])
def test_uptimes_from_an_hour_to_three_years_keep_their_value(tmp_path, uptime):
    epoch = _MIDNIGHT + 5 * 3600
    text = (
        f"[{uptime:5d}.000000] audit: type=1131 audit({epoch}.000:1): pid=1\n"
        f"[{uptime + 3600:5d}.000000] x\n" * 40
    )

    assert sum(n for n, _ in _hours(tmp_path, text).values()) == 80
    assert set(_hours(tmp_path, text)) == {5, 6}


@pytest.mark.parametrize(
    ("line", "hour"),
    [
        (f"audit: type=1131 audit({_MIDNIGHT + 7210}.123:4711): pid=1", 2),
        (f"audit({_MIDNIGHT + 7210}.123:4711): pid=1", 2),
        (f"audit: audit({_MIDNIGHT + 7210}.123:123456789): pid=1", 2),
        (f"x audit({_MIDNIGHT + 7210}.123:4711 not closed", 0),
        (f"x xaudit({_MIDNIGHT + 7210}.123:4711)", 0),
        (f"x audit({_MIDNIGHT + 7210}.12:4711)", 0),
        ("Timekeeping suspended for 7200.000 seconds", 2),
        ("Timekeeping suspended for a while", 0),
    ],
)
def test_a_line_with_both_clocks_places_the_lines_behind_it(tmp_path, line, hour):
    text = f"[   10.000000] {_RTC}\n[   20.000000] {line}\n{_FILLER.replace(' 10.', ' 30.')}"

    hours = _hours(tmp_path, text)

    assert hours[hour][0] >= 50
    assert sum(lines for lines, _ in hours.values()) == 52


def _entry(second, transport, **more):
    stamp = {"__REALTIME_TIMESTAMP": str((_MIDNIGHT + second) * 1_000_000)}
    return {"MESSAGE": "x", **more, "_TRANSPORT": transport, **stamp}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
@pytest.mark.parametrize("is_turned", [False, True])
def test_journal_lines_count_in_any_order_and_spelling(tmp_path, separators, is_turned):
    entries = [_entry(60 * n, "kernel" if n % 3 else "syslog") for n in range(120)]
    if is_turned:
        entries = [dict(reversed(entry.items())) for entry in entries]
    text = "".join(json.dumps(entry, separators=separators) + "\n" for entry in entries)

    assert _hours(tmp_path, text) == {0: (60, 40), 1: (60, 40)}


def test_a_message_that_quotes_the_journals_fields_is_no_time_and_no_kernel_line(tmp_path):
    quoted = '"__REALTIME_TIMESTAMP":"1795176001123456" "_TRANSPORT":"kernel"'
    entries = [_entry(60 * n, "stdout", MESSAGE=quoted) for n in range(30)]
    text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)

    assert _hours(tmp_path, text) == {0: (30, 0)}


@pytest.mark.parametrize("cut", [1, 2, 5, 17, 18, 30, 60])
def test_a_journal_that_is_cut_in_its_last_line_counts_the_others(tmp_path, cut):
    entries = [_entry(60 * n, "kernel") for n in range(30)]
    text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)

    hours = _hours(tmp_path, text[:-cut])

    assert hours[0][0] == 30
    assert hours[0][1] in {29, 30}


@pytest.mark.parametrize("rest", ["x", "\0\0\n", "[", "{"])
@pytest.mark.parametrize("form", ["[{:12.6f}] h kernel: x", "[{:12.6f}] x", "journal"])
def test_a_block_of_a_few_bytes_behind_a_megabyte_is_read(tmp_path, rest, form):
    """A file is read in pieces of a megabyte; what is left may be one letter."""
    if form == "journal":
        lines = [json.dumps(_entry(n // 10, "kernel")) + "\n" for n in range(14_000)]
    else:
        audit = form.format(1).removesuffix("x") + f"audit({_MIDNIGHT}.000:1): x\n"
        lines = [audit] + [form.format(n / 10) + "\n" for n in range(10, 60_000)]
    text = "".join(lines)
    cut = (1 << 20) - text.rfind("\n", 0, 1 << 20) - 1
    padded = (text[: (1 << 20) - cut - 1] + "y" * cut + "\n").encode()

    hours = _hours(tmp_path, padded + rest.encode())

    assert len(padded) == 1 << 20
    assert sum(lines for lines, _ in hours.values()) >= padded.count(b"\n")
