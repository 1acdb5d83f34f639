"""A file as blocks of whole lines, and what is wrong with its text.

NULs are left out: a power cut or a log rotated by truncation leaves runs of them, sometimes within
a line. Bytes that are no UTF-8 stay, since a message is matched around them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from resetradar.files import Stream

_BLOCK = 1 << 20
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
    """Some whole lines. The last line of a file may lack its line end."""

    data: bytes
    first_line: int
    flaws: tuple[Flaw, ...] = ()


def blocks(stream: Stream) -> Iterator[Block]:
    """The file as blocks of whole lines, about a megabyte each."""
    pending: list[bytes] = []
    size, line = 0, 1
    for piece in stream.pieces():
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
        yield _block(data[:cut], line)
        line += data.count(b"\n", 0, cut)
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
    if is_last and not data.endswith(b"\n"):
        reason = "last line: expected a line end, found the end of the file; it may be cut"
        flaws.append(_flaw(data, len(data) - 1, first_line, reason))
    return Block(data.replace(b"\0", b""), first_line, tuple(flaws))


def _flaw(data: bytes, place: int, first_line: int, reason: str) -> Flaw:
    start = data.rfind(b"\n", 0, place) + 1
    sample = data[start : start + 200].partition(b"\n")[0].decode("ascii", "backslashreplace")
    return Flaw(first_line + data.count(b"\n", 0, place), reason, sample)
