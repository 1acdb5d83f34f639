"""The coverage ledger: how much of each host's log was there to be read, per UTC hour.

Lines are counted without being parsed: their stamps lie at fixed places or are found by one
pattern, and numpy reads them by column. A line vouches for the time after it up to
``max_silence_s``, so that a log that falls silent stops being exposure (docs/method.md#exposure).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.clock import HOUR_US, SECOND_US, Calendar
from resetradar.envelopes import Envelope, FixedTimes, FoundTimes, decode
from resetradar.tables import LOG_COVERAGE

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Tally:
    """One host and UTC hour."""

    lines: int = 0
    kernel_lines: int = 0
    bytes: int = 0
    rejected: int = 0
    lost_messages: int = 0
    first_us: int | None = None
    last_us: int | None = None

    def saw(self, first_us: int, last_us: int) -> None:
        """Widen the span of the hour's lines."""
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)


@dataclass
class Ledger:
    """Tallies of all hosts, for hours within ``[start_us, end_us)``."""

    start_us: int
    end_us: int
    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)

    def at(self, host_id: str, instant_us: int) -> Tally | None:
        """Tally of the hour that holds the instant; None outside the ledger's span."""
        if not self.start_us <= instant_us < self.end_us:
            return None
        hour = instant_us // HOUR_US * HOUR_US
        return self.tallies.setdefault((host_id, hour), Tally())

    def count(self, host_id: str, instants: Ints, sizes: Ints, kernel_lines: int) -> None:
        """Count lines of one UTC hour, ``kernel_lines`` of them the kernel's."""
        if not len(instants):
            return
        tally = self.at(host_id, int(instants[0]))
        if tally is not None:
            tally.lines += len(instants)
            tally.bytes += int(sizes.sum())
            tally.kernel_lines += kernel_lines
            tally.saw(int(instants.min()), int(instants.max()))

    def table(self, max_silence_s: float, first_us: int, last_us: int) -> pa.Table:
        """``log_coverage`` of the hours in ``[first_us, last_us)``, sorted.

        An hour is a row when it has lines or when an earlier line vouches for a part of it.
        """
        rows = []
        for host in sorted({host for host, _ in self.tallies}):
            hours = {hour: tally for (of, hour), tally in self.tallies.items() if of == host}
            for hour, observed_s in _observed(hours, round(max_silence_s * SECOND_US)):
                tally = hours.get(hour, Tally())
                if not first_us <= hour < last_us or not (tally.lines or observed_s):
                    continue
                missing = tally.rejected + tally.lost_messages
                arrived = tally.lines / (tally.lines + missing) if missing else 1.0
                rows.append((host, hour, tally, observed_s * arrived))
        return pa.table(
            {
                "host_id": [host for host, *_ in rows],
                "hour_at": [hour for _, hour, *_ in rows],
                "lines": [tally.lines for _, _, tally, _ in rows],
                "kernel_lines": [tally.kernel_lines for _, _, tally, _ in rows],
                "bytes": [tally.bytes for _, _, tally, _ in rows],
                "rejected": [tally.rejected for _, _, tally, _ in rows],
                "lost_messages": [tally.lost_messages for _, _, tally, _ in rows],
                "observed_s": [observed for *_, observed in rows],
                "first_at": [tally.first_us for _, _, tally, _ in rows],
                "last_at": [tally.last_us for _, _, tally, _ in rows],
            },
            schema=LOG_COVERAGE.schema,
        )


def _observed(hours: dict[int, Tally], silence_us: int) -> Iterator[tuple[int, float]]:
    """Seconds of each hour that lines vouch for: the union of ``[line, line + silence]``."""
    spans = [
        (tally.first_us, tally.last_us + silence_us)
        for _, tally in sorted(hours.items())
        if tally.first_us is not None and tally.last_us is not None
    ]
    seconds: dict[int, int] = {}
    covered_to = 0
    for start, end in spans:
        place = max(start, covered_to)
        while place < end:
            hour = place // HOUR_US * HOUR_US
            stop = min(end, hour + HOUR_US)
            seconds[hour] = seconds.get(hour, 0) + stop - place
            place = stop
        covered_to = max(covered_to, end)
    for hour in sorted({*hours, *seconds}):
        yield hour, seconds.get(hour, 0) / SECOND_US


@dataclass
class LineCounter:
    """Counts the lines of one file, block by block, without parsing them."""

    envelope: Envelope
    calendar: Calendar
    # Kept for logs that print only the time since boot: placed when the boots are known.
    uptimes: list[Ints] = field(default_factory=list)
    uptime_sizes: list[Ints] = field(default_factory=list)
    # Time of the last stamped line: lines without a stamp continue it.
    last_us: int | None = None

    def count(self, data: bytes, newlines: Ints, host_id: str, ledger: Ledger) -> None:
        """Count one block of whole lines for one host."""
        times = self.envelope.times
        if isinstance(times, FixedTimes):
            self._count_fixed(times, data, newlines, host_id, ledger)
        elif isinstance(times, FoundTimes):
            self._count_found(times, data, newlines, host_id, ledger)
        else:
            self._count_parsed(data, host_id, ledger)

    def _count_fixed(
        self, times: FixedTimes, data: bytes, newlines: Ints, host_id: str, ledger: Ledger
    ) -> None:
        raw = np.frombuffer(data, np.uint8)
        starts, sizes = _lines(newlines, len(data))
        columns = _columns(times)
        cells = raw[np.minimum(starts[:, None] + columns, len(data) - 1)].astype(np.int64)
        clock = raw[np.minimum(starts[:, None] + times.hour + np.arange(8), len(data) - 1)]
        is_stamped = (
            (clock[:, 2] == ord(":")) & (clock[:, 5] == ord(":")) & (sizes > times.hour + 8)
        )
        stamped = np.flatnonzero(is_stamped)
        if not len(stamped):
            stamped = np.array([len(starts)])
        if self.last_us is not None and stamped[0]:
            head = np.full(stamped[0], self.last_us, np.int64)
            ledger.count(host_id, head, sizes[: stamped[0]], 0)
        key = np.zeros(len(starts), np.int64)
        for column in range(len(columns)):
            key = (key << 7 | cells[:, column] & 127) & ((1 << 62) - 1)
        digits = clock.astype(np.int64) - ord("0")
        within = digits[:, 3] * 600 + digits[:, 4] * 60 + digits[:, 6] * 10 + digits[:, 7]
        within = _carry(np.where(is_stamped, within, -1))
        edges = (
            stamped[np.flatnonzero(np.diff(key[stamped], prepend=-1))]
            if stamped[0] < len(starts)
            else stamped[:0]
        )
        for first, last in zip(edges, [*edges[1:], len(starts)], strict=True):
            line = data[starts[first] : starts[first] + sizes[first]]
            record = self.envelope.parse(decode(line))
            stamp = record.stamp if record else None
            instant = self.calendar.instant(stamp) if stamp else None
            if instant is None:
                continue
            base = instant // SECOND_US * SECOND_US - int(within[first]) * SECOND_US
            self.last_us = base + int(within[last - 1]) * SECOND_US
            if base + HOUR_US < ledger.start_us or base >= ledger.end_us:
                continue
            instants = base + within[first:last] * SECOND_US
            # A zone that is not whole hours from UTC puts one printed hour into two UTC hours.
            cuts = np.flatnonzero(np.diff(instants // HOUR_US, prepend=-1)) + first
            for start, stop in zip(cuts, [*cuts[1:], last], strict=True):
                text = data[starts[start] : starts[stop - 1] + sizes[stop - 1]]
                ledger.count(
                    host_id,
                    instants[start - first : stop - first],
                    sizes[start:stop],
                    self._kernel_lines(text, int(stop - start)),
                )

    def _kernel_lines(self, text: bytes, lines: int) -> int:
        marks = self.envelope.kernel_mark
        return lines if marks is None else min(lines, sum(text.count(mark) for mark in marks))

    def _count_found(
        self, times: FoundTimes, data: bytes, newlines: Ints, host_id: str, ledger: Ledger
    ) -> None:
        matches = [(match.start(), match[1]) for match in times.pattern.finditer(data)]
        if not matches:
            return
        starts, sizes = _lines(newlines, len(data))
        at = np.searchsorted(starts, [place for place, _ in matches], side="right") - 1
        if times.is_uptime:
            uptimes = [int(float(number) * SECOND_US) for _, number in matches]
            self.uptimes.append(np.array(uptimes, np.int64))
            self.uptime_sizes.append(sizes[at])
            return
        scale = SECOND_US // times.per_second
        instants = np.array([int(number) * scale for _, number in matches], np.int64)
        self.last_us = int(instants[-1])
        cuts = np.flatnonzero(np.diff(instants // HOUR_US, prepend=-1))
        for start, stop in zip(cuts, [*cuts[1:], len(at)], strict=True):
            text = data[starts[at[start]] : starts[at[stop - 1]] + sizes[at[stop - 1]]]
            kernel = self._kernel_lines(text, int(stop - start))
            ledger.count(host_id, instants[start:stop], sizes[at[start:stop]], kernel)

    def _count_parsed(self, data: bytes, host_id: str, ledger: Ledger) -> None:
        for line in data.split(b"\n"):
            record = self.envelope.parse(decode(line)) if line else None
            at_us = record and (
                record.at_us or (record.stamp and self.calendar.instant(record.stamp))
            )
            tally = ledger.at(host_id, at_us) if at_us else None
            if record and tally and at_us:
                tally.lines += 1
                tally.kernel_lines += record.is_kernel
                tally.bytes += len(line) + 1
                tally.saw(at_us, at_us)
            self.last_us = at_us or self.last_us


def line_ends(data: bytes) -> Ints:
    """Positions of the line ends of a block."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")).astype(np.int64)


def _lines(newlines: Ints, size: int) -> tuple[Ints, Ints]:
    """Start and size of each line, its end included."""
    ends = newlines + 1
    if not len(ends) or ends[-1] < size:
        ends = np.append(ends, size)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    return starts, ends - starts


def _columns(times: FixedTimes) -> Ints:
    """Byte positions that name the date and hour of a stamp."""
    spans = [] if times.year is None else [(times.year, 4)]
    spans += [(times.month, 3 if times.is_month_named else 2), (times.day, 2), (times.hour, 2)]
    return np.array(sorted(at + k for at, length in spans for k in range(length)), np.int64)


def _carry(values: Ints) -> Ints:
    """Values with each -1 replaced by the one before it."""
    places = np.maximum.accumulate(np.where(values >= 0, np.arange(len(values)), 0))
    carried: Ints = values[places]
    return carried
