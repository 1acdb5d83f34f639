r"""The journal's records of many lines (``journalctl -o export``, ``-o verbose``) as JSON lines.

In the export format a record is ``NAME=value`` per line up to an empty line. A value that does not
print is binary: the name alone, eight bytes of length in little endian, the bytes. Source: systemd,
"Journal Export Formats". The verbose format indents these lines below one of the time and the
cursor, whose parts ``b``, ``m`` and ``t`` are boot id, monotonic and real time in hexadecimal.
"""

import re
from collections.abc import Iterable, Iterator

import orjson

_HEAD = re.compile(rb"(?:[A-Z_][A-Z0-9_]*=[^\n]*\n|\n)*?__(?:CURSOR|REALTIME_TIMESTAMP)=")
_CURSOR = re.compile(
    rb"\S{1,12} \d{4}-\d\d-\d\d [\d:.]{8,18} \S{1,6} "
    rb"\[s=[0-9a-f]+;i=[0-9a-f]+;b=([0-9a-f]{32});m=([0-9a-f]{1,14});t=([0-9a-f]{1,14});"
)
_VERBOSE_HEAD = re.compile(rb"(?:-- [^\n]*\n|\s)*" + _CURSOR.pattern)
_NAME = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)
_MAX_VALUE = 4 << 20
_KEPT = (
    b"MESSAGE", b"_HOSTNAME", b"_TRANSPORT", b"_BOOT_ID", b"SYSLOG_IDENTIFIER", b"_COMM",
    b"__REALTIME_TIMESTAMP", b"__MONOTONIC_TIMESTAMP", b"_SOURCE_MONOTONIC_TIMESTAMP",
)  # fmt: skip


def is_export(head: bytes) -> bool:
    """The file begins with a record of the export format."""
    return _HEAD.match(head[:4096]) is not None


def export_rows(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """One JSON line per record, and the line it began on. Bytes that fit nowhere are left out."""
    buffer = _Buffer(iter(pieces))
    entry: dict[str, str] = {}
    began = 1
    while (line := buffer.line()) is not None:
        if not line:
            if entry:
                yield orjson.dumps(entry), began
            entry, began = {}, buffer.number
            continue
        name, is_text, value = line.partition(b"=")
        if not is_text and _NAME.fullmatch(name):
            value = buffer.binary()
        if name in _KEPT:
            entry[name.decode()] = value.decode("utf-8", "replace")
    if entry:
        yield orjson.dumps(entry), began


def is_verbose(head: bytes) -> bool:
    """The file begins with a record of the verbose format."""
    return _VERBOSE_HEAD.match(head[:4096]) is not None


def verbose_rows(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """One JSON line per record, and the line it began on. Lines that fit nowhere are left out."""
    buffer = _Buffer(iter(pieces))
    entry: dict[str, str] = {}
    began = number = 1
    while (line := buffer.line()) is not None:
        cursor = _CURSOR.match(line)
        if cursor is not None:
            if entry:
                yield orjson.dumps(entry), began
            boot, monotonic, real = (part.decode() for part in cursor.groups())
            entry, began = {"_BOOT_ID": boot}, number
            entry["__MONOTONIC_TIMESTAMP"] = str(int(monotonic, 16))
            entry["__REALTIME_TIMESTAMP"] = str(int(real, 16))
        name, is_text, value = line.strip().partition(b"=")
        if entry and is_text and name in _KEPT:
            entry[name.decode()] = value.decode("utf-8", "replace")
        number = buffer.number
    if entry:
        yield orjson.dumps(entry), began


class _Buffer:
    """Lines and counted bytes from a stream of pieces; ``number`` is the line that comes next."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._data = b""
        self.number = 1

    def line(self) -> bytes | None:
        """Next line without its end; None at the end. A longer one than the bound is cut."""
        at = self._data.find(b"\n")
        while at < 0 and len(self._data) < _MAX_VALUE:
            piece = next(self._pieces, b"")
            if not piece:
                at = len(self._data)
                break
            searched = len(self._data)
            self._data += piece
            at = self._data.find(b"\n", searched)
        if not self._data:
            return None
        at = at if at >= 0 else _MAX_VALUE
        line, self._data = self._data[:at], self._data[at + 1 :]
        self.number += 1
        return line

    def binary(self) -> bytes:
        """Value of a binary field: eight bytes of length, the bytes, a line end."""
        length = min(int.from_bytes(self._take(8), "little"), _MAX_VALUE)
        value = self._take(length)
        self._take(1)
        self.number += value.count(b"\n") + 1
        return value

    def _take(self, size: int) -> bytes:
        while len(self._data) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._data += piece
        taken, self._data = self._data[:size], self._data[size:]
        return taken
