"""From bytes to kernel events: one pass of all catalogue patterns over each block of a file.

Only lines that a pattern hit are decoded and parsed; all others are merely counted. The order of
the events of one file is the order of its lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import hyperscan
import numpy as np

from resetradar.blocks import Block, blocks
from resetradar.catalogue import Match, load_catalogue
from resetradar.clock import SECOND_US, BootAnchor, Calendar
from resetradar.coverage import Ints, Ledger, LineCounter, line_ends
from resetradar.envelopes import Envelope, FoundTimes, Record, decode, detect, parse_line
from resetradar.files import Reject, Source, Stream

# Text beyond this is kept out of the tables; matching sees the whole line.
_MAX_TEXT = 2000
_SCALE = {"_us": 1, "_ms": 1000, "_s": SECOND_US}


@dataclass(slots=True)
class Event:
    """One catalogued line: what it says, when, and where it stands."""

    match: Match
    text: str
    first_line: str
    host_id: str | None
    at_us: int | None
    clock_error_s: float | None
    monotonic_us: int | None
    boot_id: str | None
    source_path: str
    line_number: int


def duration_us(event: Event, name: str) -> int | None:
    """Duration that a line states under ``name``, in microseconds whatever unit it printed."""
    for suffix, factor in _SCALE.items():
        value = event.match.fields.get(name + suffix)
        if isinstance(value, int):
            return value * factor
    return None


def number(event: Event, *names: str) -> int | None:
    """First of the named integer fields that the line has."""
    for name in names:
        value = event.match.fields.get(name)
        if isinstance(value, int):
            return value
    return None


@dataclass
class Scanned:
    """What one file holds."""

    events: list[Event] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    lines: int = 0
    bytes: int = 0


@cache
def _database() -> Any:
    """All catalogue patterns as one compiled database, once per process."""
    expressions = load_catalogue().expressions()
    database = hyperscan.Database()
    database.compile(
        expressions=expressions,
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_MULTILINE] * len(expressions),
    )
    return database


def scan_file(
    source: Source,
    calendar: Calendar,
    ledger: Ledger | None = None,
    *,
    span: tuple[int, int] | None = None,
) -> Scanned:
    """Events of one file, in line order, and what could not be read. Never raises for content.

    Args:
        source: File to read; its ``host_id`` goes before the host that lines state.
        calendar: Rules for stamps without year or zone.
        ledger: Where lines are counted by host and hour; without it they are not.
        span: Microseconds ``[first, last)``; placed events outside it are left out.
    """
    scanned = Scanned()
    stream = Stream(source)
    counter: LineCounter | None = None
    anchor = BootAnchor()
    for block in blocks(stream):
        envelope = counter.envelope if counter else detect(block.data[: 1 << 16])
        counter = counter or LineCounter(envelope, calendar)
        newlines = line_ends(block.data)
        scanned.lines += len(newlines)
        scanned.bytes += len(block.data)
        if isinstance(envelope.times, FoundTimes) and envelope.times.is_uptime:
            anchor.learn(block.data)
        if ledger is not None:
            _count(counter, block, newlines, source, ledger)
        reading = _Reading(source, envelope, calendar, span)
        scanned.events += _events(block, newlines, reading)
        scanned.rejects += _flaws(block, reading, counter)
    if counter is not None:
        _place_by_uptime(scanned.events, anchor)
        if ledger is not None:
            _count_uptimes(counter, anchor, source, ledger)
    if stream.damage:
        last_us = counter.last_us if counter else None
        scanned.rejects.append(
            Reject(source.name, None, stream.damage, host_id=source.host_id, at_us=last_us)
        )
        tally = (
            ledger.at(source.host_id, last_us) if ledger and source.host_id and last_us else None
        )
        if tally is not None:
            tally.rejected += 1
    if span is not None:
        scanned.events = [
            event for event in scanned.events
            if event.at_us is not None and span[0] <= event.at_us < span[1]
        ]  # fmt: skip
    return scanned


@dataclass(frozen=True)
class _Reading:
    """What all blocks of a file are read with."""

    source: Source
    envelope: Envelope
    calendar: Calendar
    span: tuple[int, int] | None


def _events(block: Block, newlines: Ints, reading: _Reading) -> Iterator[Event]:
    catalogue = load_catalogue()
    source, span = reading.source, reading.span
    for line, candidates in _hits(block.data, newlines):
        start = int(newlines[line - 1]) + 1 if line else 0
        end = int(newlines[line]) if line < len(newlines) else len(block.data)
        raw = decode(block.data[start:end])
        record = parse_line(raw, reading.envelope)
        at_us, error_s = _instant(record, reading.calendar)
        if span is not None and at_us is not None and not span[0] <= at_us < span[1]:
            continue
        match = catalogue.match(record.text, sorted(candidates))
        if match is not None and _may_say(record, match):
            yield Event(
                match,
                record.text[:_MAX_TEXT],
                raw[:_MAX_TEXT],
                source.host_id or record.host,
                at_us,
                error_s,
                record.monotonic_us,
                record.boot_id,
                source.name,
                block.first_line + line,
            )


def _flaws(block: Block, reading: _Reading, counter: LineCounter) -> Iterator[Reject]:
    """Rejects for what is wrong with the text of a block, placed in time by their line."""
    for flaw in block.flaws:
        at_us, _ = _instant(parse_line(flaw.sample, reading.envelope), reading.calendar)
        yield Reject(
            reading.source.name,
            flaw.line_number,
            flaw.reason,
            flaw.sample,
            reading.source.host_id,
            at_us or counter.last_us,
        )


def _may_say(record: Record, match: Match) -> bool:
    """A program cannot speak for the kernel, nor the kernel for systemd."""
    if match.message.driver == "systemd":
        return record.program is None or record.program.startswith("systemd")
    return record.is_kernel


def _hits(data: bytes, newlines: Ints) -> Iterator[tuple[int, set[int]]]:
    """Lines of a block that some pattern hit, ascending, with the ids of the patterns."""
    ends: list[int] = []
    ids: list[int] = []

    def hit(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ids.append(pattern)
        ends.append(end)

    _database().scan(data, match_event_handler=hit)
    if not ends:
        return
    lines = np.searchsorted(newlines, np.array(ends, np.int64) - 1)
    by_line: dict[int, set[int]] = {}
    for line, pattern in zip(lines.tolist(), ids, strict=True):
        by_line.setdefault(line, set()).add(pattern)
    for line in sorted(by_line):
        yield line, by_line[line]


def _instant(record: Record, calendar: Calendar) -> tuple[int | None, float | None]:
    """UTC microseconds of a record and how far they may be off, in seconds."""
    if record.at_us is not None:
        return record.at_us, 0.001
    if record.stamp is None:
        return None, None
    return calendar.instant(record.stamp), record.stamp.resolution_s


def _place_by_uptime(events: list[Event], anchor: BootAnchor) -> None:
    """Give events that print only the time since boot the wall time of their file's anchors."""
    for event in events:
        if event.at_us is None and event.monotonic_us is not None:
            event.at_us = anchor.instant(event.monotonic_us)
            event.clock_error_s = None if event.at_us is None else 1.0


def _count(
    counter: LineCounter, block: Block, newlines: Ints, source: Source, ledger: Ledger
) -> None:
    if source.host_id is not None:
        counter.count(block.data, newlines, source.host_id, ledger)
        return
    for raw in block.data.split(b"\n"):
        record = parse_line(decode(raw), counter.envelope) if raw else None
        at_us = _instant(record, counter.calendar)[0] if record else None
        tally = ledger.at(record.host, at_us) if record and record.host and at_us else None
        if record and tally and at_us:
            tally.lines += 1
            tally.bytes += len(raw) + 1
            tally.kernel_lines += record.is_kernel
            tally.saw(at_us, at_us)


def _count_uptimes(
    counter: LineCounter, anchor: BootAnchor, source: Source, ledger: Ledger
) -> None:
    for uptimes, sizes in zip(counter.uptimes, counter.uptime_sizes, strict=True):
        for uptime, size in zip(uptimes.tolist(), sizes.tolist(), strict=True):
            at_us = anchor.instant(uptime)
            tally = ledger.at(source.host_id, at_us) if source.host_id and at_us else None
            if tally and at_us:
                tally.lines += 1
                tally.kernel_lines += 1
                tally.bytes += size
                tally.saw(at_us, at_us)
