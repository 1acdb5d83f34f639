"""Episodes from any files, with no configuration and no lake: what `resetradar episodes` prints."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from resetradar.clock import Calendar, zone_named
from resetradar.device import gap_us
from resetradar.episodes import RESET_GAP_US, episodes
from resetradar.errors import InputError
from resetradar.files import Reject, Source
from resetradar.records import reset_record
from resetradar.scan import Event, scan_file
from resetradar.timeline import boots

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Found:
    """Episodes of all files, and what was read for them."""

    records: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    files: int = 0
    lines: int = 0


def find_episodes(
    paths: list[Path], *, timezone: str = "UTC", on_file: Callable[[Source], None] | None = None
) -> Found:
    """Episodes of files and of all files below folders, in time order where times are known.

    Args:
        paths: Files and folders, of any number of hosts.
        timezone: Zone of stamps that print none.
        on_file: Called before each file.

    Raises:
        InputError: A path does not exist.
    """
    found = Found()
    events: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for source in _sources(paths):
        if on_file is not None:
            on_file(source)
        written = datetime.fromtimestamp(source.path.stat().st_mtime, UTC).date()
        calendar = Calendar(written, is_latest=True, zone=zone_named(timezone))
        scanned = scan_file(source, calendar)
        found.rejects += scanned.rejects
        found.lines += scanned.lines
        found.files += 1
        _heal_host_names(scanned.events)
        for event in scanned.events:
            # A file that names no host is one host's; two such files may be of two hosts.
            events[event.host_id or "", "" if event.host_id else source.name].append(event)
    for (host_id, _), of_host in sorted(events.items(), key=lambda item: item[0]):
        for boot in boots(of_host):
            found.records += [reset_record(episode, host_id or None) for episode in episodes(boot)]
    found.records.sort(key=_order)
    return found


def _heal_host_names(events: list[Event]) -> None:
    """Give a closing line whose host says nothing else in its file to the device it closes.

    Posted logs are made anonymous by hand, and a name was missed or changed within a reset.
    """
    hosts = Counter(event.host_id for event in events)
    for earlier, event in pairwise(events):
        is_stray = event.match.message.role == "reset_done" and hosts[event.host_id] == 1
        of_one_device = (
            event.match.driver == earlier.match.driver
            and event.match.pci_address == earlier.match.pci_address
            and earlier.match.message.role != "reset_done"
        )
        if is_stray and of_one_device and 0 <= gap_us(earlier, event) <= RESET_GAP_US:
            event.host_id = earlier.host_id


def _order(record: dict[str, Any]) -> tuple[int, str, int]:
    first_at = record["first_line_at"]
    return (first_at or 0, record["source_path"], record["line_number"])


def _sources(paths: list[Path]) -> Iterator[Source]:
    for path in paths:
        if path.is_dir():
            yield from (Source(p, str(p)) for p in sorted(path.rglob("*")) if p.is_file())
        elif path.exists():
            yield Source(path, str(path))
        else:
            raise InputError(f"{path}: expected a file or folder, found nothing there")


_TIMES = ("started_at", "reset_at", "ended_at", "first_line_at", "window_start_at", "window_end_at")


def as_json(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its instants as ISO 8601 text in UTC."""
    return {name: iso(value) if name in _TIMES else value for name, value in record.items()}


def iso(instant: int | None) -> str | None:
    """ISO 8601 of UTC microseconds; None stays None."""
    if instant is None:
        return None
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_days(text: str) -> tuple[date, date]:
    """First and last day of ``2026-11-15..2026-11-21`` or of one day.

    Raises:
        InputError: Not ISO dates, or in the wrong order.
    """
    first_text, _, last_text = text.partition("..")
    try:
        first = date.fromisoformat(first_text)
        last = date.fromisoformat(last_text or first_text)
    except ValueError as error:
        raise InputError(
            f"days {text!r}: expected YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD ({error})"
        ) from error
    if last < first:
        raise InputError(f"days {text!r}: expected the first day before the last")
    return first, last
