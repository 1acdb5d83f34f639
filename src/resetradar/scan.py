"""From bytes to kernel events: one pass of all catalogue patterns over each block of a file.

Only lines that a pattern hit are decoded and parsed; all others are merely counted. The order of
the events of one file is the order of its lines.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import hyperscan
import numpy as np

from resetradar.blocks import Block, blocks
from resetradar.catalogue import Match, load_catalogue
from resetradar.clock import MINUTE_S, RECEIVED_S, SECOND_US, Calendar
from resetradar.coverage import Ledger, LineCounter, count_by_host
from resetradar.envelopes import Record, decode, detect, split_record
from resetradar.files import Reject, Source, Stream
from resetradar.fixed_times import NO_TIME, Ints
from resetradar.line_times import LineClock, TimedLines, may_be_cut, needs_all_lines
from resetradar.wrapped import Joined, joined_lines

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
    # Which boot of its file, where lines print only the time since boot.
    boot: int | None = None


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
    clock: LineClock | None = None
    counter = LineCounter(source.host_id, ledger) if ledger and source.host_id else None
    for block in blocks(stream):
        clock = clock or LineClock(detect(block.data[: 1 << 16]), calendar)
        scanned.lines += len(block.newlines)
        scanned.bytes += len(block.data)
        is_timed = counter is not None or needs_all_lines(clock.envelope)
        lines = clock.read(block.data, block.newlines) if is_timed else None
        if counter is not None and lines is not None:
            counter.count(lines)
        elif ledger is not None:
            count_by_host(clock, block.data, ledger)
        reading = _Reading(source, clock, span, lines)
        scanned.events += _events(block, reading)
        scanned.rejects += _flaws(block, reading)
    if clock is not None:
        _place_by_uptime(scanned.events, clock)
        if counter is not None:
            counter.finish(clock)
    if stream.damage:
        scanned.rejects.append(_damage(stream.damage, source, clock, ledger))
    if span is not None:
        scanned.events = [
            event for event in scanned.events
            if event.at_us is not None and span[0] <= event.at_us < span[1]
        ]  # fmt: skip
    return scanned


def _damage(reason: str, source: Source, clock: LineClock | None, ledger: Ledger | None) -> Reject:
    """Reject for what a file does not give, in the hour in which its lines end."""
    last_us = clock.last_us if clock and clock.last_us != NO_TIME else None
    if ledger is not None and source.host_id is not None and last_us is not None:
        tally = ledger.at(source.host_id, last_us)
        if tally is not None:
            tally.rejected += 1
    return Reject(source.name, None, reason, host_id=source.host_id, at_us=last_us)


@dataclass(frozen=True)
class _Reading:
    """What the lines of a block are read with."""

    source: Source
    clock: LineClock
    span: tuple[int, int] | None
    lines: TimedLines | None


def _events(block: Block, reading: _Reading) -> Iterator[Event]:
    found = list(_whole_lines(block, reading))
    if block.first_line == 1 and may_be_cut(reading.clock.envelope, block.data, block.newlines):
        found += _cut_lines(block, reading, {line for line, _ in found})
        found.sort(key=lambda item: item[0])
    for _, event in found:
        yield event


def _whole_lines(block: Block, reading: _Reading) -> Iterator[tuple[int, Event]]:
    newlines = block.newlines
    for line, candidates in _hits(block.data, newlines):
        start = int(newlines[line - 1]) + 1 if line else 0
        end = int(newlines[line]) if line < len(newlines) else len(block.data)
        for event in _read(block, line, block.data[start:end], candidates, reading):
            yield line, event


def _cut_lines(
    block: Block, reading: _Reading, known: Iterable[int]
) -> Iterator[tuple[int, Event]]:
    """Messages that are known only when lines are put together that something cut."""
    joins = list(joined_lines(block.data))
    data = "\n".join(joined.text for joined in joins).encode()
    taken = set(known)
    for number, candidates in _hits(data, Block(data, 1).newlines):
        joined: Joined = joins[number]
        rows = set(range(joined.first, joined.last + 1))
        if rows & taken:
            continue
        for event in _read(block, joined.first, joined.text.encode(), candidates, reading):
            taken |= rows
            yield joined.first, event


def _read(
    block: Block, line: int, raw: bytes, candidates: set[int], reading: _Reading
) -> Iterator[Event]:
    """Events of one line: one, or more where writers to a console ran into each other."""
    source, span, clock = reading.source, reading.span, reading.clock
    whole = clock.parsed(raw)
    at_us, error_s = clock.instant(whole)
    boot = None
    if reading.lines is not None and at_us is None:
        boot = int(reading.lines.boot[line])
        if whole.since_last_us is not None and reading.lines.at_us[line] != NO_TIME:
            at_us, error_s = int(reading.lines.at_us[line]), MINUTE_S
    if span is not None and at_us is not None and not span[0] <= at_us < span[1]:
        return
    for record in split_record(whole):
        match = load_catalogue().match(record.text, sorted(candidates))
        if match is not None and _may_say(record, match):
            yield Event(
                match,
                record.text[:_MAX_TEXT],
                decode(raw)[:_MAX_TEXT],
                source.host_id or record.host,
                at_us,
                error_s,
                record.monotonic_us,
                record.boot_id,
                source.name,
                block.number(line),
                boot,
            )


def _flaws(block: Block, reading: _Reading) -> Iterator[Reject]:
    """Rejects for what is wrong with the text of a block, placed in time by their line."""
    clock = reading.clock
    for flaw in block.flaws:
        at_us, _ = clock.instant(clock.parsed(flaw.sample.encode()))
        if at_us is None and clock.last_us != NO_TIME:
            at_us = clock.last_us
        yield Reject(
            reading.source.name,
            flaw.line_number,
            flaw.reason,
            flaw.sample,
            reading.source.host_id,
            at_us,
        )


def _may_say(record: Record, match: Match) -> bool:
    """Whether the writer of the line can say it: no program speaks for the kernel."""
    programs = load_catalogue().drivers[match.message.driver].programs
    return record.program in {None, *programs} if programs else record.is_kernel


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


def _place_by_uptime(events: list[Event], clock: LineClock) -> None:
    """Give events that print only the time since boot the wall time of their boot's anchors."""
    for event in events:
        if event.at_us is None and event.monotonic_us is not None and event.boot is not None:
            event.at_us = clock.boots[event.boot].instant(event.monotonic_us)
            event.clock_error_s = None if event.at_us is None else RECEIVED_S
