"""Times of lines whose stamp has a fixed place, read by column: eight bytes of all lines at once.

Only the first line of each printed hour is parsed; minutes and seconds are added from the columns.
"""

import numpy as np
import numpy.typing as npt

from resetradar.clock import SECOND_US, Calendar
from resetradar.envelopes import Envelope, FixedTimes, decode

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

NO_TIME = -1
WORD = 8
_COLONS = np.uint64(int.from_bytes(b"\0\0:\0\0:\0\0", "little"))
_AT_COLONS = np.uint64(int.from_bytes(b"\0\0\xff\0\0\xff\0\0", "little"))
_HOUR = np.uint64(0xFFFF)


def read_fixed(
    times: FixedTimes,
    envelope: Envelope,
    calendar: Calendar,
    data: bytes,
    lines: tuple[Ints, Ints],
) -> tuple[Ints, Ints, Bools]:
    """Lines whose stamp is where it should be, their UTC microseconds, and which are the kernel's.

    Args:
        times: Where the stamp is.
        envelope: Reads the first line of each printed hour.
        calendar: Gives that line its instant.
        data: A block of lines.
        lines: Start and size of each.
    """
    none = np.zeros(0, np.int64)
    if len(data) < 8 * WORD:
        return none, none, none.astype(np.bool_)
    starts, sizes = lines
    origins, stamp, is_stamped = _stamps(times, data, starts, sizes)
    place: Ints = np.flatnonzero(is_stamped)
    if not len(place):
        return none, none, none.astype(np.bool_)
    if len(place) < len(starts):
        starts, sizes, origins = starts[place], sizes[place], origins[place]
        stamp = stamp[place]
    hour = stamp & _HOUR
    changes = np.ones(len(starts), np.bool_)
    changes[1:] = hour[1:] != hour[:-1]
    for offset, mask in _date_words(times):
        word = words(data, origins + offset) & mask
        changes[1:] |= word[1:] != word[:-1]
    edges = np.flatnonzero(changes)
    within = _seconds(stamp)
    base = np.empty(len(edges), np.int64)
    for n, edge in enumerate(edges.tolist()):
        line = data[int(starts[edge]) : int(starts[edge] + sizes[edge])]
        record = envelope.parse(decode(line))
        instant = calendar.instant(record.stamp) if record and record.stamp else None
        base[n] = NO_TIME if instant is None else instant // SECOND_US - int(within[edge])
    base = np.repeat(base, np.diff(np.append(edges, len(starts))))
    at_us: Ints = np.where(base < 0, NO_TIME, (base + within) * SECOND_US)
    return place, at_us, _is_kernel(envelope, data, starts, sizes)


def are_all_stamped(times: FixedTimes, data: bytes, lines: tuple[Ints, Ints]) -> bool:
    """Every line has colons where the stamp has them."""
    return len(data) >= 8 * WORD and bool(_stamps(times, data, *lines)[2].all())


def _stamps(times: FixedTimes, data: bytes, starts: Ints, sizes: Ints) -> tuple[Ints, Words, Bools]:
    """Where the stamps count from, their clock times, and which lines have one."""
    origins = _behind_blank(data, starts) if times.is_after_blank else starts
    stamp = words(data, origins + times.hour)
    is_stamped: Bools = ((stamp & _AT_COLONS) == _COLONS) & (sizes > times.hour + WORD)
    return origins, stamp, is_stamped


def words(data: bytes, places: Ints) -> Words:
    """Eight bytes at each place as one number; places beyond the end give the last ones."""
    data = data.ljust(WORD, b"\0")
    view: Words = np.ndarray((len(data) - WORD + 1,), "<u8", data, strides=(1,))
    found: Words = view[np.minimum(places, len(data) - WORD)]
    return found


def is_byte(data: bytes, places: Ints, letter: str) -> Bools:
    """Whether a byte stands at each place; places beyond the end give the last one."""
    view = np.frombuffer(data, np.uint8)
    found: Bools = view[np.minimum(places, len(data) - 1)] == ord(letter)
    return found


def _seconds(stamp: Words) -> Ints:
    """Seconds in the hour of ``HH:MM:SS``."""
    digits = [((stamp >> np.uint64(8 * n)) & np.uint64(15)).astype(np.int64) for n in (3, 4, 6, 7)]
    seconds: Ints = digits[0] * 600 + digits[1] * 60 + digits[2] * 10 + digits[3]
    return seconds


def _date_words(times: FixedTimes) -> list[tuple[int, np.uint64]]:
    """Offsets and masks of the words that hold the date."""
    spans = [] if times.year is None else [(times.year, 4)]
    spans += [(times.month, 3 if times.is_month_named else 2), (times.day, 2)]
    columns = sorted(at + n for at, length in spans for n in range(length))
    found: list[tuple[int, np.uint64]] = []
    while columns:
        offset = columns[0]
        mask = sum(0xFF << 8 * (c - offset) for c in columns if c - offset < WORD)
        found.append((offset, np.uint64(mask)))
        columns = [c for c in columns if c - offset >= WORD]
    return found


def _behind_blank(data: bytes, starts: Ints) -> Ints:
    """Place behind the first blank within eight bytes of each line; else its start."""
    word = words(data, starts)
    behind = np.zeros(len(starts), np.int64)
    for n in range(WORD - 1, -1, -1):
        is_blank = (word >> np.uint64(8 * n)) & np.uint64(0xFF) == np.uint64(ord(" "))
        behind[is_blank] = n + 1
    places: Ints = starts + behind
    return places


def _is_kernel(envelope: Envelope, data: bytes, starts: Ints, sizes: Ints) -> Bools:
    """Lines whose tag is the kernel's.

    A file is most often of one host, so the tag of all lines has the place that it has in one of
    them; lines with another host before that place are looked at one by one.
    """
    marks = envelope.kernel_mark
    if marks is None:
        return np.ones(len(starts), np.bool_)
    place = next((place for mark in marks if (place := data.find(mark)) >= 0), -1)
    if place < 0:
        return np.zeros(len(starts), np.bool_)
    line = max(0, int(np.searchsorted(starts, place, side="right")) - 1)
    first = data[int(starts[line]) : place]
    offset = len(first)
    word = words(data, starts + offset)
    is_kernel: Bools = np.zeros(len(starts), np.bool_)
    for mark in marks:
        is_kernel |= word == np.uint64(int.from_bytes(mark, "little"))
    # The last bytes of the host, as many of them as fit, must stand before the tag.
    tail = (b" " + first[first.rfind(b" ") + 1 :])[-WORD:]
    mask = np.uint64(((1 << 8 * len(tail)) - 1) << 8 * (WORD - len(tail)))
    before = words(data, np.maximum(starts + offset - WORD, 0)) & mask
    wanted = np.uint64(int.from_bytes(tail.rjust(WORD, b"\0"), "little"))
    is_other = (before != wanted) | (offset < WORD) | (sizes < offset + WORD)
    hour = envelope.times.hour if isinstance(envelope.times, FixedTimes) else 0
    for n in np.flatnonzero(is_other).tolist():
        is_kernel[n] = _is_tagged(marks, data, int(starts[n]) + hour, int(starts[n] + sizes[n]))
    return is_kernel


def _is_tagged(marks: tuple[bytes, ...], data: bytes, clock: int, end: int) -> bool:
    """The word behind the host, which stands behind the stamp, is the kernel's tag."""
    host = data.find(b" ", clock, end)
    tag = data.find(b" ", host + 1, end) if host >= 0 else -1
    return tag >= 0 and data.startswith(marks, tag)
