"""Where the catalogue's patterns hit a block, and where the journal says that a boot begins.

One pass of one compiled database, at the speed of reading. A hit proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import hyperscan
import numpy as np

from resetradar.catalogue import load_catalogue
from resetradar.fixed_times import Ints

# journalctl prints it between the lines of two boots; old releases do not name the boot.
_BOOT_MARK = rb"^-- (?:Reboot|Boot [0-9a-f]{32}) --"
# More patterns than there will be messages.
_ID_BITS = 16


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of a block, counted from 0, and the messages that it may be, ascending.

    No messages: the line is the journal's mark of a new boot.
    """

    line: int
    start: int
    end: int
    candidates: list[int]


@cache
def database() -> Any:
    """All patterns as one compiled database, once per process; the mark of a boot is the last."""
    expressions = [*load_catalogue().expressions(), _BOOT_MARK]
    compiled = hyperscan.Database()
    compiled.compile(
        expressions=expressions,
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_MULTILINE] * len(expressions),
    )
    return compiled


def hits(data: bytes, newlines: Ints) -> Iterator[Hit]:
    """Lines that some pattern hit, ascending.

    Args:
        data: A block of lines.
        newlines: Positions of its line ends.
    """
    ends: list[int] = []
    ids: list[int] = []

    def hit(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ids.append(pattern)
        ends.append(end)

    database().scan(data, match_event_handler=hit)
    if not ends:
        return
    line = np.searchsorted(newlines, np.array(ends, np.int64) - 1)
    codes = np.unique(line << _ID_BITS | np.array(ids, np.int64))
    line, ids = codes >> _ID_BITS, (codes & (1 << _ID_BITS) - 1).tolist()
    firsts = np.flatnonzero(np.diff(line, prepend=-1))
    line = line[firsts]
    bounds = np.concatenate([[-1], newlines, [len(data)]])
    places = zip(
        line.tolist(),
        (bounds[line] + 1).tolist(),
        bounds[line + 1].tolist(),
        firsts.tolist(),
        [*firsts[1:].tolist(), len(ids)],
        strict=True,
    )
    mark = len(load_catalogue().messages)
    for number, start, end, first, last in places:
        yield Hit(number, start, end, [i for i in ids[first:last] if i != mark])
