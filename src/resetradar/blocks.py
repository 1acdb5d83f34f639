"""A file as blocks of whole lines, and what is wrong with its text.

Files that hold records of other shapes, such as one JSON document, come as lines of one record
each. NULs are left out: a power cut or a log rotated by truncation leaves runs of them, sometimes
within a line. So are the colours of terminals; non-breaking blanks of web pages become blanks.
Bytes that are no UTF-8 stay, since a message is matched around them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from resetradar.envelopes import Row, document_rows, regroup
from resetradar.files import Stream

_BLOCK = 1 << 20
_COLOURS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_HARD_BLANK = "\u00a0".encode()
# No real log line comes near this; a longer one is cut so that memory stays bounded.
_MAX_LINE = 4 << 20


@dataclass(frozen=True)
class Flaw:
    """Text that is not what a log should hold."""

    line_number: int
    reason: str
    sample: str


@dataclass(frozen=True)
class Block:
    """Some whole lines. The last line of a file may lack its line end.

    ``numbers`` are those of the lines in the file where they do not follow ``first_line`` by one.
    """

    data: bytes
    first_line: int
    flaws: tuple[Flaw, ...] = ()
    numbers: tuple[int, ...] | None = None

    @cached_property
    def newlines(self) -> npt.NDArray[np.int64]:
        """Positions of the line ends."""
        return np.flatnonzero(np.frombuffer(self.data, np.uint8) == ord("\n")).astype(np.int64)

    def number(self, line: int) -> int:
        """Number in the file of a line of the block, counted from 0."""
        return self.first_line + line if self.numbers is None else self.numbers[line]


def blocks(stream: Stream) -> Iterator[Block]:
    """The file as blocks of whole lines, about a megabyte each."""
    pieces = stream.pieces()
    head = next(pieces, b"")
    whole = chain([head], pieces)
    rows = document_rows(head, whole)
    if rows is None:
        yield from _of_lines(whole)
    else:
        yield from _of_rows(rows)


def _of_rows(rows: Iterable[Row]) -> Iterator[Block]:
    found: list[Row] = []
    size = 0
    for row in rows:
        found.append(row)
        size += len(row.text)
        if size >= _BLOCK:
            yield _regrouped(found)
            found, size = [], 0
    if found:
        yield _regrouped(found)


def _regrouped(rows: list[Row], flaws: tuple[Flaw, ...] = ()) -> Block:
    flaws += tuple(Flaw(row.number, row.flaw, "") for row in rows if row.flaw)
    data = b"".join(row.text.replace(b"\n", b" ") + b"\n" for row in rows)
    numbers = tuple(row.number for row in rows)
    return Block(data.replace(b"\0", b""), rows[0].number, flaws, numbers)


def _of_lines(pieces: Iterable[bytes]) -> Iterator[Block]:
    pending: list[bytes] = []
    size, line = 0, 1
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        if size < _BLOCK:
            continue
        data = b"".join(pending)
        cut = data.rfind(b"\n") + 1
        if not cut and size < _MAX_LINE:
            pending = [data]
            continue
        cut = cut or len(data)
        block = _block(data[:cut], line)
        yield block
        line += len(block.newlines) if block.numbers is None else data.count(b"\n", 0, cut)
        pending = [data[cut:]]
        size = len(data) - cut
    if size:
        yield _block(b"".join(pending), line, is_last=True)


def _block(data: bytes, first_line: int, *, is_last: bool = False) -> Block:
    flaws = []
    if b"\0" in data:
        reason = f"text: expected none, found {data.count(bytes(1))} NUL bytes; left out"
        flaws.append(_flaw(data, data.find(b"\0"), first_line, reason))
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            reason = "text: expected UTF-8, found other bytes from here on; read around them"
            flaws.append(_flaw(data, error.start, first_line, reason))
        data = data.replace(_HARD_BLANK, b" ")
    if is_last and not data.endswith(b"\n"):
        reason = "last line: expected a line end, found the end of the file; it may be cut"
        flaws.append(_flaw(data, len(data) - 1, first_line, reason))
    if b"\x1b" in data:
        data = _COLOURS.sub(b"", data)
    rows = regroup(data, first_line)
    if rows is not None:
        return _regrouped(rows, tuple(flaws))
    return Block(data.replace(b"\0", b""), first_line, tuple(flaws))


def _flaw(data: bytes, place: int, first_line: int, reason: str) -> Flaw:
    start = data.rfind(b"\n", 0, place) + 1
    sample = data[start : start + 200].partition(b"\n")[0].decode("ascii", "backslashreplace")
    return Flaw(first_line + data.count(b"\n", 0, place), reason, sample)
