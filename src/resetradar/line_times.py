"""When each line of a file was written, without parsing it where its stamp has a fixed place.

Stamps at fixed places are read by column with numpy, numbers found by a pattern are read at once,
and only lines of other envelopes are parsed one by one. A line without a time has the one of the
line before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from resetradar.anchors import instants_of, learn_anchors
from resetradar.clock import SECOND_US, BootAnchor, Calendar
from resetradar.envelopes import (
    Envelope,
    EveryLine,
    FixedTimes,
    FoundTimes,
    Record,
    decode,
    parse_line,
)
from resetradar.fixed_times import NO_TIME, Bools, Ints, are_all_stamped, read_fixed
from resetradar.found_times import BRACKET, are_all_bracketed, find_marks, read_found

# A console prints its processors' lines out of order by less than this.
_DISORDER_US = SECOND_US
# A kernel clock that falls back to its beginning, or by this much, is of another boot.
_BEGINNING_US = 10 * SECOND_US
_REBOOT_US = 120 * SECOND_US
_CONTINUES = b" \t\r\n"
# Without one of these a line has no time in any envelope.
_TIME = re.compile(rb"\d\d:\d\d|\d{9}|\d\.\d{6}|,\d+,|\"(?:time|u?sec)\"")


@dataclass(frozen=True)
class TimedLines:
    """The lines of one block: UTC microseconds and uptimes, ``NO_TIME`` where unknown."""

    starts: Ints
    sizes: Ints
    at_us: Ints
    uptime_us: Ints
    boot: Ints
    is_kernel: Bools


def lines_of(newlines: Ints, size: int) -> tuple[Ints, Ints]:
    """Start and size of each line, its end included."""
    ends = newlines + 1
    if not len(ends) or ends[-1] < size:
        ends = np.append(ends, size)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    return starts, ends - starts


def needs_all_lines(envelope: Envelope) -> bool:
    """The time of a line hangs on other lines: on the boot's anchor or on the line before."""
    times = envelope.times
    return isinstance(times, EveryLine) or (isinstance(times, FoundTimes) and times.is_uptime)


def may_be_cut(envelope: Envelope, data: bytes, newlines: Ints) -> bool:
    """Some line may be the rest of the one before it: not every line has a stamp of its own."""
    times, lines = envelope.times, lines_of(newlines, len(data))
    if isinstance(times, FixedTimes):
        return not are_all_stamped(times, data, lines)
    if isinstance(times, FoundTimes) and times.behind == BRACKET:
        return not are_all_bracketed(data, lines[0])
    return not data.startswith(b"{")


@dataclass
class LineClock:
    """Reads the lines of one file, block by block, in order."""

    envelope: Envelope
    calendar: Calendar
    last_us: int = NO_TIME
    last_uptime_us: int = NO_TIME
    boots: list[BootAnchor] = field(default_factory=lambda: [BootAnchor()])

    def read(self, data: bytes, newlines: Ints) -> TimedLines:
        """Times of the lines of one block."""
        starts, sizes = lines_of(newlines, len(data))
        times = self.envelope.times
        if isinstance(times, FixedTimes):
            place, instants, is_tagged = read_fixed(
                times, self.envelope, self.calendar, data, (starts, sizes)
            )
            if len(place) == len(starts) and (instants != NO_TIME).all():
                self.last_us = int(instants[-1])
                nothing = np.full(len(starts), NO_TIME)
                return TimedLines(starts, sizes, instants, nothing, nothing, is_tagged)
        at_us, uptime_us = np.full(len(starts), NO_TIME), np.full(len(starts), NO_TIME)
        is_kernel = np.zeros(len(starts), np.bool_)
        if isinstance(times, FixedTimes):
            at_us[place], is_kernel[place] = instants, is_tagged
        elif isinstance(times, FoundTimes):
            found = read_found(times, data, (starts, sizes))
            at_us, uptime_us = (at_us, found) if times.is_uptime else (found, uptime_us)
            marks = self.envelope.kernel_mark
            is_kernel = (
                found != NO_TIME if marks is None else find_marks(marks, data, (starts, sizes))
            )
        unread = np.flatnonzero((at_us == NO_TIME) & (uptime_us == NO_TIME))
        self._parse(data, starts, sizes, unread.tolist(), (at_us, uptime_us, is_kernel))
        self.last_us = _carry(at_us, self.last_us, uptime_us == NO_TIME)
        previous = self.last_uptime_us
        self.last_uptime_us = _carry(uptime_us, previous, at_us == NO_TIME)
        boot = self._boots(uptime_us, previous)
        learn_anchors(data, starts, uptime_us, boot, self.boots)
        return TimedLines(starts, sizes, at_us, uptime_us, boot, is_kernel)

    def placed(self, lines: TimedLines) -> Ints:
        """UTC microseconds of lines that print only the time since boot, when all is read."""
        return instants_of(self.boots, lines.boot, lines.uptime_us)

    def _timed(self, line: bytes) -> Record:
        """The line as far as its time needs it: what is in an envelope with a time is not read."""
        outer = self.envelope.parse(decode(line)) if self.envelope.name != "bare" else None
        is_enough = outer is not None and (outer.at_us is not None or outer.stamp is not None)
        return outer if outer and is_enough else self.parsed(line)

    def parsed(self, line: bytes) -> Record:
        """The line without its envelope."""
        return parse_line(decode(line), self.envelope)

    def instant(self, record: Record) -> tuple[int | None, float | None]:
        """UTC microseconds that a record states, and how far they may be off, in seconds."""
        if record.at_us is not None:
            return record.at_us, record.floor_s
        at_us = self.calendar.instant(record.stamp) if record.stamp else None
        if record.stamp is None or at_us is None:
            return None, None
        return at_us, max(self.calendar.error_s(record.stamp), record.floor_s)

    def _parse(
        self,
        data: bytes,
        starts: Ints,
        sizes: Ints,
        lines: Sequence[int],
        into: tuple[Ints, Ints, Bools],
    ) -> None:
        """Parse lines one by one: those of an envelope that has no place for its time."""
        at_us, uptime_us, is_kernel = into
        is_every = self.envelope.times is None or isinstance(self.envelope.times, EveryLine)
        clock = self.last_us
        for line in lines:
            start = int(starts[line])
            # Only an indented line continues another for sure, and many may follow.
            if not is_every and data[start : start + 1] in _CONTINUES:
                continue
            raw = data[start : start + int(sizes[line])]
            if _TIME.search(raw) is None:
                continue
            record = self._timed(raw)
            instant, _ = self.instant(record)
            if instant is None and record.since_last_us is not None and clock != NO_TIME:
                instant = clock + record.since_last_us
            if instant is not None:
                at_us[line] = clock = instant
            elif record.monotonic_us is not None:
                uptime_us[line] = record.monotonic_us
            is_kernel[line] = record.is_kernel and (
                instant is not None or record.monotonic_us is not None
            )

    def _boots(self, uptime_us: Ints, previous: int) -> Ints:
        """Index of each line's boot."""
        known = np.flatnonzero(uptime_us != NO_TIME)
        values = uptime_us[known]
        fall = np.concatenate([[max(previous, 0)], values[:-1]])[: len(values)] - values
        is_new = (fall > _REBOOT_US) | ((fall > _DISORDER_US) & (values < _BEGINNING_US))
        begins = np.zeros(len(uptime_us), np.int64)
        begins[known[is_new]] = 1
        boot: Ints = len(self.boots) - 1 + np.cumsum(begins)
        self.boots += [BootAnchor() for _ in range(int(begins.sum()))]
        return boot


def _carry(values: Ints, before: int, where: Bools) -> int:
    """Fill unknown values by the one before them, in place; return the last known one."""
    known = np.where(values != NO_TIME, np.arange(len(values)), -1)
    place = np.maximum.accumulate(known)
    filled = np.where(place >= 0, values[place], before)
    values[where] = filled[where]
    return int(filled[-1]) if len(filled) else before
