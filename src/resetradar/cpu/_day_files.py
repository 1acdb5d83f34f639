"""CPU files that can hold samples of a day, read no further than they do.

A file that is named by the day is read whole. Of any other the first megabyte is read: if it goes
beyond the end of the day, that is all. Else its last kilobytes are looked at for a time within the
day, and only then is it read whole. A time that is not found means reading.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.clock import DAY_US, SECOND_US, day_bounds, micros, zone_named
from resetradar.cpu import Context, Parsed, read_cpu
from resetradar.cpu._samples import started_us
from resetradar.files import Source, Stream, find, read_bounded
from resetradar.tables import CPU_SAMPLES

# Some samples of 1,000 CPUs.
_HEAD_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 64 << 10
_PARQUET: Final = b"PAR1"
_BINARY: Final = (_PARQUET, b"\x96\xd5", b"\xd5\x96")
_STAMP: Final = re.compile(
    rb"(\d{4}-\d\d-\d\d)(?:\", ?\"time\": ?\"|[ T])(\d\d:\d\d:\d\d)"
    rb"|(?<![\d.])(1\d{9})(?:\d{3})?(?!\d)|(?<![\d.])(1\.\d{1,12}e\+09)"
)


@dataclass(frozen=True)
class DayFile:
    """A file and what its name says of its day.

    Attributes:
        source: The file.
        days_off: Days from the day asked for to the day in the name; None if the name has none.
    """

    source: Source
    days_off: int | None


def day_files(root: Path, templates: list[str], day: date) -> list[DayFile]:
    """Files that can hold samples of a day, those of the days beside it among them, by name."""
    dated = [template for template in templates if "{day}" in template]
    found = {
        source.name: DayFile(source, None)
        for source in find(root, [t for t in templates if t not in dated])
    }
    for days_off in (-1, 1, 0):
        sources = find(root, dated, day=day + timedelta(days=days_off))
        found |= {source.name: DayFile(source, days_off) for source in sources}
    return [found[name] for name in sorted(found)]


def read_day(file: DayFile, context: Context, day: date) -> Parsed:
    """What a file holds of a day: intervals that start in it, and totals from its start on.

    Damage of a file that is named by another day is that day's to report, unless the file had
    samples of this day.
    """
    first, last = day_bounds(day)
    nothing = Parsed(CPU_SAMPLES.empty(), [])
    if file.days_off == 0:
        return _whole(file.source, context, first, last)
    head, _ = read_bounded(file.source, _HEAD_BYTES)
    is_short = len(head) < _HEAD_BYTES
    if file.days_off != -1 and not is_short and not head.startswith(_PARQUET):
        beginning = read_cpu(head, context)
        starts = _starts(beginning)
        if len(starts) and starts.max() >= last:
            return Parsed(_cut(beginning, first, last).samples, [], beginning.counters)
    if not head.startswith(_BINARY) and _ends_before(file.source, context, first):
        return nothing
    parsed = _whole(file.source, context, first, last)
    is_beside = file.days_off is not None
    return nothing if is_beside and not len(_starts(parsed)) else parsed


def _whole(source: Source, context: Context, first: int, last: int) -> Parsed:
    data, damage = read_bounded(source)
    parsed = _cut(read_cpu(data, context), first, last)
    return Parsed(parsed.samples, [*damage, *parsed.rejects], parsed.counters)


def _ends_before(source: Source, context: Context, first: int) -> bool:
    """Whether the newest time in the last kilobytes is known and not after an instant.

    A time that states no zone may be UTC or local, so the later of both counts.
    """
    tail = b""
    for piece in Stream(source).pieces():
        tail = (tail + piece)[-_TAIL_BYTES:]
    zone = zone_named(context.timezone)
    newest = 0
    for day, clock, epoch_s, exponent in _STAMP.findall(tail):
        if day:
            try:
                moment = datetime.fromisoformat(f"{day.decode()}T{clock.decode()}")
            except ValueError:
                continue
            if moment.year > 1970:
                local, utc = (micros(moment.replace(tzinfo=tz)) for tz in (zone, zone_named("UTC")))
                newest = max(newest, local, utc)
        else:
            newest = max(newest, round(float(epoch_s or exponent)) * SECOND_US)
    return 0 < newest <= first


def _starts(parsed: Parsed) -> npt.NDArray[np.int64]:
    """UTC microseconds at which samples start, and totals were read."""
    starts = started_us(parsed.samples)
    if parsed.counters is None:
        return starts
    return np.concatenate([starts, parsed.counters["at"].cast(pa.int64()).to_numpy()])


def _cut(parsed: Parsed, first: int, last: int) -> Parsed:
    starts = started_us(parsed.samples)
    samples = parsed.samples.filter(pa.array((starts >= first) & (starts < last)))
    if parsed.counters is None:
        return Parsed(samples, parsed.rejects)
    # The interval that starts last in the day ends at the first total after it.
    at = parsed.counters["at"].cast(pa.int64()).to_numpy()
    return Parsed(
        samples,
        parsed.rejects,
        parsed.counters.filter(pa.array((at >= first) & (at < last + DAY_US))),
    )
