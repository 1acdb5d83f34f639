"""From bytes to kernel events: one pass of all catalogue patterns over each block of a file.

Only lines that a pattern hit are decoded and parsed; all others are merely counted. The order of
the events of one file is the order of its lines.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from resetradar.blocks import Block, blocks
from resetradar.catalogue import UNKNOWN_DRIVER, Catalogue, Match, load_catalogue
from resetradar.catalogue.prefix import has_number
from resetradar.clock import MINUTE_S, RECEIVED_S, SECOND_US, Calendar
from resetradar.coverage import Ledger, LineCounter, count_by_host
from resetradar.envelopes import Record, decode, detect, parse_line, split_record
from resetradar.files import Reject, Source, Stream
from resetradar.fixed_times import NO_TIME
from resetradar.hits import hits
from resetradar.line_times import LineClock, TimedLines, may_be_cut, needs_all_lines
from resetradar.repeats import repeated_times, repeats_behind
from resetradar.wrapped import Joined, joined_lines

# Text beyond this is kept out of the tables; matching sees the whole line.
_MAX_TEXT = 2000
_BOOT_ID = re.compile(r"[0-9a-f]{32}")
# Rows of one report stand so close.
ADJACENT_LINES = 2
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
    # Which boot of its file, where the file tells them apart.
    boot: int | None = None
    # Of the log: a syslog daemon writes one line for a message that came again.
    lines: int = 1


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
    so_far = _SoFar()
    counter = LineCounter(source.host_id, ledger) if ledger and source.host_id else None
    for block in blocks(stream):
        clock = clock or LineClock(detect(block.data[: 1 << 16]), calendar)
        scanned.lines += len(block.newlines)
        scanned.bytes += len(block.data)
        is_timed = counter is not None or needs_all_lines(clock.envelope)
        lines = clock.read(block.data, block.newlines) if is_timed else None
        if counter is not None and lines is not None:
            counter.count(lines, block.data, clock)
        elif ledger is not None:
            count_by_host(clock, block.data, ledger)
        reading = _Reading(source, clock, span, lines, so_far)
        scanned.events += _events(block, reading)
        scanned.rejects += _flaws(block, reading)
    if clock is not None:
        _complete_rows(scanned.events)
        _place_by_uptime(scanned.events, clock)
        _tell_boots(scanned.events, so_far.boot_marks)
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


@dataclass
class _SoFar:
    """What is left of the blocks before: the event that may be repeated, the marks of boots."""

    repeating: Event | None = None
    boot_marks: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Reading:
    """What the lines of a block are read with."""

    source: Source
    clock: LineClock
    span: tuple[int, int] | None
    lines: TimedLines | None
    so_far: _SoFar
    catalogue: Catalogue = field(default_factory=load_catalogue)


def _events(block: Block, reading: _Reading) -> list[Event]:
    found = _whole_lines(block, reading)
    if block.first_line == 1 and may_be_cut(reading.clock.envelope, block.data, block.newlines):
        found += _cut_lines(block, reading, {line for line, _ in found})
        found.sort(key=lambda item: item[0])
    return [event for _, event in found]


def _whole_lines(block: Block, reading: _Reading) -> list[tuple[int, Event]]:
    found: list[tuple[int, Event]] = []
    so_far = reading.so_far
    done = _count_repeats(block, -1, reading)
    for hit in hits(block.data, block.newlines):
        text = decode(block.data[hit.start : hit.end])
        if not hit.candidates:
            so_far.boot_marks.append((block.number(hit.line), text))
        elif hit.line > done:
            events = _read(block, hit.line, text, hit.candidates, reading)
            if events:
                found += [(hit.line, event) for event in events]
                so_far.repeating = events[-1]
                done = _count_repeats(block, hit.line, reading)
    return found


def _count_repeats(block: Block, line: int, reading: _Reading) -> int:
    """Count what the lines behind say of the last event; return the last line that does."""
    event = reading.so_far.repeating
    if event is None:
        return line
    host_id = event.host_id if reading.source.host_id is None else None
    repeats = repeats_behind(block, line, event.text, host_id)
    event.lines += repeats.times
    if repeats.last_line + 1 < len(block.newlines):
        reading.so_far.repeating = None
    return repeats.last_line


def _cut_lines(
    block: Block, reading: _Reading, known: Iterable[int]
) -> Iterator[tuple[int, Event]]:
    """Messages that are known only when lines are put together that something cut."""
    joins = list(joined_lines(block.data))
    data = "\n".join(joined.text for joined in joins).encode()
    taken = set(known)
    for hit in hits(data, Block(data, 1).newlines):
        joined: Joined = joins[hit.line]
        rows = set(range(joined.first, joined.last + 1))
        if rows & taken:
            continue
        for event in _read(block, joined.first, joined.text, hit.candidates, reading):
            taken |= rows
            yield joined.first, event


def _read(
    block: Block, line: int, text: str, candidates: Sequence[int], reading: _Reading
) -> list[Event]:
    """Events of one line: one, or more where writers to a console ran into each other."""
    source, span, clock = reading.source, reading.span, reading.clock
    whole = parse_line(text, clock.envelope)
    at_us, error_s = clock.instant(whole)
    boot = None
    if reading.lines is not None and at_us is None:
        boot = int(reading.lines.boot[line])
        if whole.since_last_us is not None and reading.lines.at_us[line] != NO_TIME:
            at_us, error_s = int(reading.lines.at_us[line]), MINUTE_S
    if span is not None and at_us is not None and not span[0] <= at_us < span[1]:
        return []
    events = []
    for record in split_record(whole):
        match = reading.catalogue.match(record.text, candidates)
        if match is not None and _may_say(record, match, reading.catalogue):
            events.append(
                Event(
                    match,
                    record.text[:_MAX_TEXT],
                    text[:_MAX_TEXT],
                    source.host_id or record.host,
                    at_us,
                    error_s,
                    record.monotonic_us,
                    record.boot_id,
                    source.name,
                    block.number(line),
                    boot,
                    repeated_times(text),
                )
            )
    return events


def _flaws(block: Block, reading: _Reading) -> Iterator[Reject]:
    """Rejects for what is wrong with the text of a block, placed in time by their line."""
    clock, source = reading.clock, reading.source
    for flaw in block.flaws:
        at_us, _ = clock.instant(clock.parsed(flaw.sample.encode()))
        if at_us is None and clock.last_us != NO_TIME:
            at_us = clock.last_us
        yield Reject(source.name, flaw.line_number, flaw.reason, flaw.sample, source.host_id, at_us)


def _may_say(record: Record, match: Match, catalogue: Catalogue) -> bool:
    """Whether the writer of the line can say it: no program speaks for the kernel."""
    programs = catalogue.programs[match.message.driver]
    if match.driver == UNKNOWN_DRIVER and match.interface and not record.is_timed:
        # Prose about a message has a word where the name of an interface would stand.
        return has_number(match.interface)
    return record.program in {None, *programs} if programs else record.is_kernel


def _complete_rows(events: list[Event]) -> None:
    """Give rows below a message that state neither host nor time those of the line above."""
    for above, event in pairwise(events):
        if event.match.message.role != "detail" or event.at_us is not None:
            continue
        if event.monotonic_us is None and event.line_number - above.line_number <= ADJACENT_LINES:
            event.host_id = event.host_id or above.host_id
            event.at_us, event.clock_error_s = above.at_us, above.clock_error_s
            event.monotonic_us, event.boot = above.monotonic_us, above.boot


def _place_by_uptime(events: list[Event], clock: LineClock) -> None:
    """Give events that print only the time since boot the wall time of their boot's anchors."""
    for event in events:
        if event.at_us is None and event.monotonic_us is not None and event.boot is not None:
            event.at_us = clock.boots[event.boot].instant(event.monotonic_us)
            event.clock_error_s = None if event.at_us is None else RECEIVED_S


def _tell_boots(events: list[Event], marks: list[tuple[int, str]]) -> None:
    """Give events between the journal's marks their boot, and its id where the mark names it."""
    if not marks:
        return
    for event in events:
        if event.boot is None:
            event.boot = bisect(marks, event.line_number, key=lambda mark: mark[0])
            named = _BOOT_ID.search(marks[event.boot - 1][1]) if event.boot else None
            event.boot_id = event.boot_id or (named[0] if named else None)
