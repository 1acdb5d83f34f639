"""Times that lines state as a number, read for all lines of a block at once.

Two forms are read by column: the kernel clock behind a bracket that begins the line, and a JSON
field of sixteen digits. A line of any other form is searched for its number by itself.
"""

from itertools import repeat

import numpy as np

from resetradar.clock import SECOND_US
from resetradar.envelopes import FoundTimes
from resetradar.fixed_times import NO_TIME, WORD, Bools, Ints, Words, is_byte, words

BLANKS = np.uint64(0x2020202020202020)
# When a blank is taken off by XOR, digits are 0x10 to 0x19 and blanks 0.
_IS_DIGIT = np.uint64(0x1010101010101010)
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIX = np.uint64(0x0606060606060606)
BRACKET = b"["
# Of a fraction of six digits.
_BEHIND_DOT = 6
# Columns of the dot of ``[%5lu.%06lu]``, the usual one first; up to seven digits before it.
_DOTS = (6, 7, 8)
_STAMP_DIGITS = 16
# Blanks that JSON writers put behind a name.
_BETWEEN = (b':"', b': "', b' : "')


def read_found(times: FoundTimes, data: bytes, lines: tuple[Ints, Ints]) -> Ints:
    """Microseconds that each line states, ``NO_TIME`` where it states none.

    Args:
        times: How a line states its time.
        data: A block of lines.
        lines: Start and size of each.
    """
    starts, sizes = lines
    found = np.full(len(starts), NO_TIME)
    if len(data) >= 8 * WORD and times.behind == BRACKET:
        _read_uptimes(data, starts, sizes, found)
    elif len(data) >= 8 * WORD and times.behind is not None:
        _read_field(times.behind, data, starts, sizes, found)
    for line in np.flatnonzero(found == NO_TIME).tolist():
        start = int(starts[line])
        match = times.pattern.search(data, start, start + int(sizes[line]))
        if match is not None:
            found[line] = _micros(match[1], times.per_second)
    return found


def are_all_bracketed(data: bytes, starts: Ints) -> bool:
    """Every line begins with a bracket and a blank or digit, as one with a kernel clock does."""
    behind = np.frombuffer(data, np.uint8)[np.minimum(starts + 1, len(data) - 1)]
    is_number = (behind == ord(" ")) | ((behind >= ord("0")) & (behind <= ord("9")))
    return bool((is_byte(data, starts, "[") & is_number).all())


def find_marks(marks: tuple[bytes, ...], data: bytes, lines: tuple[Ints, Ints]) -> Bools:
    """Lines that hold one of the marks at the first place where their common beginning stands."""
    starts, sizes = lines
    begin = _common_beginning(marks)
    places = _find_each(begin, data, starts, starts + sizes)
    line = np.flatnonzero(places >= 0)
    holds = np.zeros(len(starts), np.bool_)
    holds[line] = _stands_one_of(
        tuple(mark.removeprefix(begin) for mark in marks), data, places[line] + len(begin)
    )
    return holds


def _common_beginning(texts: tuple[bytes, ...]) -> bytes:
    first, last = min(texts), max(texts)
    size = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first if size is None else first[:size]


def _find_each(needle: bytes, data: bytes, starts: Ints, ends: Ints) -> Ints:
    """First place of the needle in each line, -1 where it is not."""
    found = map(data.find, repeat(needle), starts.tolist(), ends.tolist())
    return np.fromiter(found, np.int64, len(starts))


def _stands_one_of(endings: tuple[bytes, ...], data: bytes, places: Ints) -> Bools:
    holds = np.zeros(len(places), np.bool_)
    for ending in endings:
        holds |= _stands(ending, data, places)
    return holds


def _stands(text: bytes, data: bytes, places: Ints) -> Bools:
    """Whether a text stands at each place."""
    holds = _is_word(text[-WORD:], data, places + max(len(text) - WORD, 0))
    for at in range(0, len(text) - WORD, WORD):
        at_last = np.flatnonzero(holds)
        holds[at_last] = _is_word(text[at : at + WORD], data, places[at_last] + at)
    # Words that would reach beyond the end are not those of their places.
    for n in np.flatnonzero((places < 0) | (places + len(text) + WORD > len(data))).tolist():
        holds[n] = places[n] >= 0 and data.startswith(text, int(places[n]))
    return holds


def _is_word(part: bytes, data: bytes, places: Ints) -> Bools:
    mask = np.uint64((1 << 8 * len(part)) - 1)
    holds: Bools = (words(data, np.maximum(places, 0)) & mask) == np.uint64(
        int.from_bytes(part, "little")
    )
    return holds


def _read_uptimes(data: bytes, starts: Ints, sizes: Ints, into: Ints) -> None:
    """Fill in the lines that begin with ``[12345.678901``, also behind a level such as ``<6>``."""
    origins = np.where(is_byte(data, starts, "<") & is_byte(data, starts + 2, ">"), 3, 0) + starts
    left: Ints = np.flatnonzero(is_byte(data, origins, "["))
    for dot in _DOTS:
        at = origins[left] + dot
        is_read = is_byte(data, at, ".") & (at >= WORD)
        is_read &= at + _BEHIND_DOT < starts[left] + sizes[left]
        is_read &= at + WORD < len(data)
        whole = words(data, np.maximum(at - WORD, 0)) ^ BLANKS
        # What stands before the bracket's content is cut off; it counts as blank.
        whole &= np.uint64(((1 << 8 * (dot - 1)) - 1) << 8 * (WORD - dot + 1))
        lowest = whole & _IS_DIGIT
        lowest &= ~lowest + np.uint64(1)
        below = (lowest >> np.uint64(4)) - np.uint64(1)
        is_read &= (lowest != 0) & are_digits(whole | (below & _IS_DIGIT)) & (whole & below == 0)
        part = (words(data, at + 1) ^ BLANKS) << np.uint64(16)
        is_read &= are_digits(part | _IS_DIGIT & np.uint64(0xFFFF))
        lines = left[is_read]
        into[lines] = number_of(whole[is_read]) * SECOND_US + number_of(part[is_read])
        left = left[~is_read]
        if not len(left):
            return


def _read_field(name: bytes, data: bytes, starts: Ints, sizes: Ints, into: Ints) -> None:
    """Fill in the lines that hold a JSON field with sixteen digits in quotes."""
    ends = starts + sizes
    places = _find_each(name, data, starts, ends)
    left: Ints = np.flatnonzero(places >= 0)
    for between in _BETWEEN:
        at = places[left] + len(name)
        is_read = _stands(between, data, at)
        at += len(between)
        is_read &= at + _STAMP_DIGITS < ends[left]
        high, low = words(data, at) ^ BLANKS, words(data, at + WORD) ^ BLANKS
        is_read &= are_digits(high) & are_digits(low)
        is_read &= is_byte(data, at + _STAMP_DIGITS, '"')
        into[left[is_read]] = number_of(high[is_read]) * 10**8 + number_of(low[is_read])
        left = left[~is_read]
        if not len(left):
            return


def are_digits(word: Words) -> Bools:
    """Whether all eight bytes are digits; given without the bits of a blank."""
    are: Bools = ((word & _HIGH) == _IS_DIGIT) & (((word + _SIX) & _HIGH) == _IS_DIGIT)
    return are


def number_of(word: Words) -> Ints:
    """Value of eight digits, the first of them in the lowest byte; blanks count as zeros."""
    value = word & _LOW
    for bits, factor, kept in (
        (8, 10, 0x00FF00FF00FF00FF),
        (16, 100, 0x0000FFFF0000FFFF),
        (32, 10_000, 0x00000000FFFFFFFF),
    ):
        value = (value * np.uint64(factor) + (value >> np.uint64(bits))) & np.uint64(kept)
    number: Ints = value.astype(np.int64)
    return number


def _micros(number: bytes, per_second: int) -> int:
    if b"." in number:
        return round(float(number) * SECOND_US / per_second)
    return int(number) * SECOND_US // per_second
