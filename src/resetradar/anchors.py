"""Lines that print wall clock and kernel clock, read at once: where each boot lies in time.

Audit records are the most of them, thousands in a block; they are read by column. The rules are
those of ``clock.BootAnchor``.
"""

from collections.abc import Iterator

import numpy as np

from resetradar.clock import SECOND_US, BootAnchor, anchor_lines
from resetradar.fixed_times import NO_TIME, WORD, Bools, Ints, Words, words
from resetradar.found_times import BLANKS, are_digits, number_of

_AUDIT = b"audit("
_EPOCH = 10
# "audit(1795165200.123:", behind which the record's number stands.
_SERIAL = len(_AUDIT) + _EPOCH + len(".123:")
# A whole anchor is a third of this.
_MAX_ANCHOR = 200
_RARE = (b"setting system clock to", b"Timekeeping suspended for")
# Second, dot, milliseconds and colon: the bytes of the word that are digits.
_AS_DIGITS = np.uint64(0x1010_0000_0010_0000)
_DIGITS = np.uint64(0x0000_FFFF_FF00_FFFF)


def learn_anchors(
    data: bytes, starts: Ints, uptime_us: Ints, boot: Ints, boots: list[BootAnchor]
) -> None:
    """Let each boot learn from the lines of one block, in their order.

    Args:
        data: A block of lines.
        starts: Start of each line.
        uptime_us: Kernel clock of each line, ``NO_TIME`` where unknown.
        boot: Index of each line's boot in ``boots``.
        boots: Filled in.
    """
    if not (uptime_us != NO_TIME).any():
        return
    places, instants = _audits(data)
    line = np.searchsorted(starts, places, side="right") - 1
    is_timed = uptime_us[line] != NO_TIME
    places, instants, line = places[is_timed], instants[is_timed], line[is_timed]
    rare = sorted(place for needle in _RARE for place in _places(needle, data))
    # A suspend adds to what is known before it, so the anchors around it keep their order.
    cuts = np.searchsorted(places, rare).tolist()
    for first, last, place in zip([0, *cuts], [*cuts, len(places)], [*rare, -1], strict=True):
        lines = line[first:last]
        _extend(boots, boot[lines], uptime_us[lines], instants[first:last])
        match = next(anchor_lines(data[place : place + _MAX_ANCHOR]), None) if place >= 0 else None
        if match is not None and match.start() == 0:
            at = int(np.searchsorted(starts, place, side="right")) - 1
            if uptime_us[at] != NO_TIME:
                boots[boot[at]].learn(int(uptime_us[at]), match)


def _places(needle: bytes, data: bytes) -> Iterator[int]:
    place = data.find(needle)
    while place >= 0:
        yield place
        place = data.find(needle, place + len(needle))


def _audits(data: bytes) -> tuple[Ints, Ints]:
    """Places of audit stamps, ascending, and the UTC microseconds that they state."""
    # The parts between the stamps tell where they are, faster than one search after the other.
    places = np.cumsum([len(part) + len(_AUDIT) for part in data.split(_AUDIT)])[:-1] - len(_AUDIT)
    if not len(places) or len(data) < 8 * WORD:
        return _audits_one_by_one(data, places.tolist())
    before = np.frombuffer(data, np.uint8)[np.maximum(places - 1, 0)]
    is_read = (before == ord(" ")) & (places + _SERIAL + WORD < len(data))
    seconds = words(data, places + len(_AUDIT)) ^ BLANKS
    rest = words(data, places + len(_AUDIT) + WORD)
    is_read &= ((rest >> np.uint64(16)) & np.uint64(0xFF)) == np.uint64(ord("."))
    is_read &= ((rest >> np.uint64(48)) & np.uint64(0xFF)) == np.uint64(ord(":"))
    rest = ((rest ^ BLANKS) & _DIGITS) | _AS_DIGITS
    is_read &= are_digits(seconds) & are_digits(rest) & _is_serial(data, places + _SERIAL)
    # As one number the second word is SS0mmm00.
    behind = number_of(rest)
    instants = (number_of(seconds) * 100 + behind // 10**6) * SECOND_US + behind % 10**5 * 10
    if is_read.all():
        return places, instants
    slow_places, slow_instants = _audits_one_by_one(data, places[~is_read].tolist())
    places = np.concatenate([places[is_read], slow_places])
    order = np.argsort(places)
    return places[order], np.concatenate([instants[is_read], slow_instants])[order]


def _is_serial(data: bytes, places: Ints) -> Bools:
    """Whether one to seven digits and a closing bracket stand at each place."""
    found: Bools = np.zeros(len(places), np.bool_)
    is_number = np.ones(len(places), np.bool_)
    view: Words = words(data, places)
    for n in range(WORD):
        letter = (view >> np.uint64(8 * n)) & np.uint64(0xFF)
        if n:
            found |= is_number & (letter == np.uint64(ord(")")))
        is_number &= (letter >= np.uint64(ord("0"))) & (letter <= np.uint64(ord("9")))
    return found


def _audits_one_by_one(data: bytes, places: list[int]) -> tuple[Ints, Ints]:
    found: list[tuple[int, int]] = []
    for place in places:
        # With the letter before it, since "xaudit(" is none.
        match = next(anchor_lines(data[max(place - 1, 0) : place + _MAX_ANCHOR]), None)
        if match is not None and match["audit"] and match.start() == min(place, 1):
            whole, _, part = match["audit"].partition(b".")
            found.append((place, int(whole) * SECOND_US + int(part) * 1000))
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _extend(boots: list[BootAnchor], boot: Ints, uptime_us: Ints, instants: Ints) -> None:
    """Add anchors to their boots, as if each was learnt by itself."""
    edges = np.flatnonzero(np.diff(boot, prepend=-1)).tolist()
    for first, last in zip(edges, [*edges[1:], len(boot)], strict=False):
        anchor, uptimes = boots[int(boot[first])], uptime_us[first:last]
        offsets = instants[first:last] - uptimes
        is_later = not anchor.uptimes or anchor.uptimes[-1] <= uptimes[0]
        if not is_later or (np.diff(uptimes) < 0).any():
            uptimes = np.concatenate([np.array(anchor.uptimes, np.int64), uptimes])
            offsets = np.concatenate([np.array(anchor.offsets, np.int64), offsets])
            order = np.argsort(uptimes, kind="stable")
            uptimes, offsets = uptimes[order], offsets[order]
            anchor.uptimes, anchor.offsets = [], []
        anchor.uptimes += uptimes.tolist()
        anchor.offsets += offsets.tolist()


def instants_of(boots: list[BootAnchor], boot: Ints, uptime_us: Ints) -> Ints:
    """UTC microseconds of uptimes by the anchors of their boots, ``NO_TIME`` where none tells."""
    at_us = np.full(len(uptime_us), NO_TIME)
    for number in np.unique(boot).tolist():
        anchor, lines = boots[number], np.flatnonzero((boot == number) & (uptime_us != NO_TIME))
        if anchor.uptimes:
            place = np.searchsorted(anchor.uptimes, uptime_us[lines], side="right") - 1
            offsets = np.array(anchor.offsets, np.int64)
            at_us[lines] = uptime_us[lines] + offsets[np.maximum(place, 0)]
    return at_us
