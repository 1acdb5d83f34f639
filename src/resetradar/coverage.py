"""The coverage ledger: how much of each host's log was there to be read, per UTC hour.

A line vouches for the time after it up to ``max_silence_s``, so that a log that falls silent stops
being exposure (docs/method.md#exposure). The hour's last kernel line that prints its clock tells
when the host was booted (docs/method.md#uptime); of all lines, only such are parsed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from resetradar.clock import HOUR_US, SECOND_US
from resetradar.fixed_times import NO_TIME, Ints
from resetradar.line_times import LineClock, TimedLines
from resetradar.tables import LOG_COVERAGE

# Fewer lines in a second than this are not remembered.
_BURST_LINES = 20
# Some kernel lines print no clock among others that do; a log whose lines never do ends the search.
_CLOCK_TRIES = 8


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
    stated_us: int | None = None
    boot_us: int | None = None

    def saw(self, first_us: int, last_us: int) -> None:
        """Widen the span of the hour's lines."""
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)

    def state(self, stated_us: int, boot_us: int) -> None:
        """Take the boot that a line states, unless a later line states another.

        Of two lines of one moment the longer uptime counts, so that files may come in any order.
        """
        if (
            self.stated_us is None
            or self.boot_us is None
            or (stated_us, -boot_us) > (self.stated_us, -self.boot_us)
        ):
            self.stated_us, self.boot_us = stated_us, boot_us


@dataclass
class Ledger:
    """Tallies of all hosts, for hours within ``[start_us, end_us)``."""

    start_us: int
    end_us: int
    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)
    # Kernel lines of seconds with many of them, by host and second.
    bursts: dict[tuple[str, int], int] = field(default_factory=dict)

    def at(self, host_id: str, instant_us: int) -> Tally | None:
        """Tally of the hour that holds the instant; None outside the ledger's span."""
        if not self.start_us <= instant_us < self.end_us:
            return None
        hour = instant_us // HOUR_US * HOUR_US
        return self.tallies.setdefault((host_id, hour), Tally())

    def count(self, host_id: str, at_us: Ints, sizes: Ints, is_kernel: Ints) -> None:
        """Count lines of one host; those without a time are left out."""
        is_known = at_us != NO_TIME
        if not is_known.all():
            at_us, sizes, is_kernel = at_us[is_known], sizes[is_known], is_kernel[is_known]
        if not len(at_us):
            return
        edges = np.flatnonzero(np.diff(at_us // HOUR_US, prepend=-1))
        firsts, lasts = np.minimum.reduceat(at_us, edges), np.maximum.reduceat(at_us, edges)
        lines = np.diff(np.append(edges, len(at_us)))
        size = np.add.reduceat(sizes, edges)
        kernel = np.add.reduceat(is_kernel, edges)
        for n in range(len(edges)):
            tally = self.at(host_id, int(firsts[n]))
            if tally is not None:
                tally.lines += int(lines[n])
                tally.bytes += int(size[n])
                tally.kernel_lines += int(kernel[n])
                tally.saw(int(firsts[n]), int(lasts[n]))

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
                "boot_at": [tally.boot_us for _, _, tally, _ in rows],
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
    """Counts the lines of one file for its host, block by block."""

    host_id: str
    ledger: Ledger
    # Lines with no time but that since boot are placed when the boots of the file are known.
    _waiting: list[TimedLines] = field(default_factory=list)

    def count(self, lines: TimedLines, data: bytes, clock: LineClock) -> None:
        """Count the lines of one block."""
        kernel = lines.is_kernel.astype(np.int64)
        self.ledger.count(self.host_id, lines.at_us, lines.sizes, kernel)
        self._note_bursts(lines.at_us[lines.is_kernel] // SECOND_US)
        self._note_boots(lines, data, clock)
        if (lines.uptime_us != NO_TIME).any():
            self._waiting.append(lines)

    def _note_bursts(self, seconds: Ints) -> None:
        """Remember seconds with many kernel lines; a second may go on in the next block."""
        starts = np.flatnonzero(np.diff(seconds, prepend=-1))
        counts = np.diff(starts, append=len(seconds))
        for second, lines in zip(
            seconds[starts[counts >= _BURST_LINES]].tolist(),
            counts[counts >= _BURST_LINES].tolist(),
            strict=True,
        ):
            if self.ledger.start_us <= second * SECOND_US < self.ledger.end_us:
                key = (self.host_id, second * SECOND_US)
                self.ledger.bursts[key] = self.ledger.bursts.get(key, 0) + lines

    def _note_boots(self, lines: TimedLines, data: bytes, clock: LineClock) -> None:
        """Remember what the last kernel line of each hour says of the boot."""
        kernel = np.flatnonzero(lines.is_kernel & (lines.at_us != NO_TIME))
        ends = _hour_ends(lines.at_us[kernel])
        for first, end in zip([0, *ends], ends, strict=False):
            tally = self.ledger.at(self.host_id, int(lines.at_us[kernel[end - 1]]))
            tries = kernel[max(first, end - _CLOCK_TRIES) : end][::-1] if tally else kernel[:0]
            for line in tries.tolist():
                start = int(lines.starts[line])
                record = clock.parsed(data[start : start + int(lines.sizes[line])])
                at_us = int(lines.at_us[line])
                if tally is not None and record.monotonic_us is not None:
                    tally.state(at_us, (record.at_us or at_us) - record.monotonic_us)
                    break

    def finish(self, clock: LineClock) -> None:
        """Count the lines that print only the time since boot, of boots with a wall clock."""
        for lines in self._waiting:
            at_us = clock.placed(lines)
            placed = np.flatnonzero(at_us != NO_TIME)
            for line in placed[np.array(_hour_ends(at_us[placed]), np.int64) - 1].tolist():
                tally = self.ledger.at(self.host_id, int(at_us[line]))
                if tally is not None:
                    tally.state(int(at_us[line]), int(at_us[line] - lines.uptime_us[line]))
            self.ledger.count(self.host_id, at_us, lines.sizes, lines.is_kernel.astype(np.int64))


def _hour_ends(at_us: Ints) -> list[int]:
    """Places behind the last line of each stretch of lines of one hour."""
    ends: list[int] = (np.flatnonzero(np.diff(at_us // HOUR_US, append=-1)) + 1).tolist()
    return ends


def count_by_host(clock: LineClock, data: bytes, ledger: Ledger) -> None:
    """Count lines that name their own host."""
    for raw in data.split(b"\n"):
        record = clock.parsed(raw) if raw else None
        at_us, _ = clock.instant(record) if record else (None, None)
        if record is None or record.host is None or at_us is None:
            continue
        tally = ledger.at(record.host, at_us)
        if tally is not None:
            tally.lines += 1
            tally.bytes += len(raw) + 1
            tally.kernel_lines += record.is_kernel
            tally.saw(at_us, at_us)
            if record.is_kernel and record.monotonic_us is not None:
                tally.state(at_us, at_us - record.monotonic_us)
