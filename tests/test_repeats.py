"""Messages that a syslog daemon folded into one line count for all of them, and once."""

import gzip
from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest

from resetradar.adhoc import find_episodes
from resetradar.clock import Calendar
from resetradar.files import Source
from resetradar.ingest import ingest_logs
from resetradar.scan import scan_file
from resetradar.settings import load_settings

_DAY = date(2026, 11, 20)
_LATE = "ena 0000:00:05.0 eth0: Found a Tx that wasn't completed on time, qid 2, index 961."
_RESET = "ena 0000:00:05.0 eth0: Trigger reset is on"
_AT = "Nov 20 12:00:0{} ip-10-20-1-17 "


def _syslog(second, text):
    return f"{_AT.format(second)}kernel: {text}\n"


def _said(second, times, text=None):
    if text is None:
        return f"{_AT.format(second)}last message repeated {times} times\n"
    return f"{_AT.format(second)}kernel: message repeated {times} times: [ {text}]\n"


def _events(tmp_path, text, host_id="ip-10-20-1-17"):
    path = tmp_path / "kern.log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return scan_file(Source(path, path.name, host_id), Calendar(_DAY)).events


@pytest.mark.parametrize("text", [None, _LATE])
def test_a_repeated_message_counts_as_often_as_the_daemon_says(tmp_path, text):
    log = _syslog(1, _LATE) + _said(3, 4, text) + _said(5, 2, text) + _syslog(6, _RESET)

    events = _events(tmp_path, log)

    assert [(event.text, event.lines) for event in events] == [(_LATE, 7), (_RESET, 1)]


def test_a_repeated_reset_is_one_episode_with_all_its_lines(tmp_path):
    path = tmp_path / "kern.log"
    path.write_text(_syslog(1, _LATE) + _said(2, 9) + _syslog(3, _RESET) + _said(4, 2, _RESET))

    records = find_episodes([path]).records

    assert [(record["kind"], record["lines"]) for record in records] == [("reset", 13)]


def test_rows_of_the_lake_count_repeated_lines(tmp_path):
    folder = tmp_path / "logs" / "ip-10-20-1-17"
    folder.mkdir(parents=True)
    (folder / "kern.log").write_text(_syslog(1, _LATE) + _said(2, 9))
    (tmp_path / "resetradar.toml").write_text(
        'shards = 1\nworkers = 1\n[inputs]\nlogs = ["logs/{host_id}/*"]\n'
    )
    settings = load_settings(tmp_path / "resetradar.toml")

    ingest_logs(settings, _DAY, 0)

    (path,) = (settings.lake_root / "kernel_events").rglob("*.parquet")
    assert pq.read_table(path, partitioning=None)["lines"].to_pylist() == [10]


def test_a_report_whose_message_stands_in_an_older_file_is_the_message(tmp_path):
    events = _events(tmp_path, _said(3, 4, _LATE) + _syslog(6, _RESET))

    assert [(event.text, event.lines) for event in events] == [(_LATE, 4), (_RESET, 1)]


@pytest.mark.parametrize(
    "between",
    [
        _syslog(2, "usb 1-1: new device") + _said(3, 4),
        "Nov 20 12:00:02 ip-10-20-1-99 last message repeated 4 times\n",
        _said(2, 4, "usb 1-1: new device"),
        _syslog(2, "he said: last message repeated 4 times, or so"),
    ],
)
def test_a_report_on_another_message_or_host_does_not_count(tmp_path, between):
    log = _syslog(1, _LATE) + between + _syslog(6, _RESET)

    events = _events(tmp_path, log, host_id=None)

    assert [(event.text, event.lines) for event in events] == [(_LATE, 1), (_RESET, 1)]


def test_packing_does_not_change_the_count_wherever_a_block_of_the_file_ends(tmp_path):
    """Plain and packed files are read in pieces of other sizes."""
    one = _syslog(1, _LATE) + _said(2, 3) + _said(3, 2)
    log = (one * (2_500_000 // len(one))).encode()
    packed = gzip.compress(log, 1)

    plain = [event.lines for event in _events(tmp_path, log)]

    assert set(plain) == {6}
    assert [event.lines for event in _events(tmp_path, packed)] == plain


def _short(second, text):
    moment = datetime(2026, 11, 20, 12, 0, second, tzinfo=UTC)
    return f"{moment:%b %d %H:%M:%S} ip-10-20-1-17 kernel: {text}\n"


@pytest.mark.parametrize("mark", ["-- Reboot --", "-- Boot 0123456789abcdef0123456789abcdef --"])
def test_the_journals_mark_between_two_boots_ends_the_first(tmp_path, mark):
    """The reset that begins before it is cut by the reboot; the one behind it is another."""
    path = tmp_path / "journal.txt"
    reset = "".join(_short(n, t) for n, t in ((1, _LATE), (2, _RESET)))
    path.write_text(reset + mark + "\n" + reset.replace("12:00:0", "12:00:1"))

    records = find_episodes([path]).records

    assert [(r["kind"], r["outcome"], r["lines"]) for r in records] == [
        ("reset", "unfinished", 2)
    ] * 2
    named = "0123456789abcdef0123456789abcdef" if "Boot" in mark else None
    assert [r["boot_id"] for r in records] == [None, named]


def test_the_same_words_within_a_line_are_no_mark(tmp_path):
    log = _syslog(1, _LATE) + _syslog(2, "x -- Reboot -- x") + _syslog(3, _RESET)

    assert [event.boot for event in _events(tmp_path, log)] == [None, None]
