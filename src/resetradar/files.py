"""Input files: found by path template, opened by content, read in bounded pieces.

The suffix of a name proves nothing, so compression is told from the first bytes. A damaged file
gives everything before the damage and one reject. No decompressed file is held in memory whole
unless a caller asks for it with a limit.
"""

import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any, Protocol

import zstandard
from isal import isal_zlib

from resetradar.errors import InputError

_PIECE = 1 << 16
# A zstd block of 4 bytes can unpack to 128 KiB: this bounds one step to some 170 MB at the worst.
_ZSTD_PIECE = 1 << 12
_STEP = 1 << 20
# Kernel logs pack 5 to 30 times; beyond this a file is a decompression bomb.
_MAX_RATIO = 1000
_RATIO_FLOOR = 256 << 20


@dataclass(frozen=True)
class Source:
    """One input file, with what its path says of it."""

    path: Path
    name: str
    host_id: str | None = None


@dataclass(frozen=True)
class Reject:
    """One thing that could not be read; a row of ``rejects``."""

    source_path: str
    line_number: int | None
    reason: str
    sample: str = ""
    host_id: str | None = None
    # Where in time it lies, in UTC microseconds; None if nothing near it tells.
    at_us: int | None = None


def find(root: Path, templates: list[str], *, day: date | None = None) -> list[Source]:
    """Files that match any template, sorted by name, each once.

    Args:
        root: Folder that relative templates start from.
        templates: Paths with ``{host_id}`` (one path segment or a part of one), ``{day}`` (ISO
            date) and the wildcards of the shell.
        day: Value of ``{day}``; without it any day matches.

    Raises:
        InputError: A template names a placeholder that does not exist.
    """
    found: dict[str, Source] = {}
    for template in templates:
        bound = template.replace("{day}", day.isoformat() if day else "*")
        unknown = set(re.findall(r"{\w*}", bound)) - {"{host_id}"}
        if unknown:
            raise InputError(
                f"template {template!r}: expected {{host_id}} or {{day}}, found {sorted(unknown)}"
            )
        pattern = bound.replace("{host_id}", "*")
        base = Path(pattern).anchor or str(root)
        host = _host_pattern(bound)
        for path in Path(base).glob(pattern.removeprefix(Path(pattern).anchor)):
            if path.is_file():
                name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
                spelled = str(path) if Path(pattern).is_absolute() else name
                matched = host.fullmatch(spelled) if host else None
                found.setdefault(name, Source(path, name, matched["host_id"] if matched else None))
    return [found[name] for name in sorted(found)]


def _host_pattern(template: str) -> re.Pattern[str] | None:
    """Pattern that reads the host from a file's name, if the template has a place for it."""
    if "{host_id}" not in template:
        return None
    parts = re.split(r"({host_id}|\*\*/|[*?]|\[[^\]]+\])", template)
    words = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    out, is_named = [], False
    for part in parts:
        if part == "{host_id}":
            out.append("(?P=host_id)" if is_named else "(?P<host_id>[^/]+?)")
            is_named = True
        elif part.startswith("[") and part.endswith("]"):
            out.append(part.replace("[!", "[^"))
        else:
            out.append(words.get(part, re.escape(part)))
    return re.compile("".join(out))


class _Decoder(Protocol):
    """One compressed member: what zlib, lzma and zstandard objects have in common here."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def step(self, data: bytes) -> Iterator[bytes]: ...


@dataclass
class _Gzip:
    member: Any = field(default_factory=lambda: isal_zlib.decompressobj(wbits=31))

    @property
    def eof(self) -> bool:
        return bool(self.member.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self.member.unused_data)

    def step(self, data: bytes) -> Iterator[bytes]:
        while data and not self.member.eof:
            yield self.member.decompress(data, _STEP)
            data = self.member.unconsumed_tail


@dataclass
class _Xz:
    member: lzma.LZMADecompressor = field(
        default_factory=lambda: lzma.LZMADecompressor(memlimit=256 << 20)
    )

    @property
    def eof(self) -> bool:
        return self.member.eof

    @property
    def unused_data(self) -> bytes:
        return self.member.unused_data

    def step(self, data: bytes) -> Iterator[bytes]:
        yield self.member.decompress(data, _STEP)
        while not self.member.eof and not self.member.needs_input:
            yield self.member.decompress(b"", _STEP)


@dataclass
class _Zstd:
    member: "zstandard.ZstdDecompressionObj" = field(
        default_factory=lambda: zstandard.ZstdDecompressor().decompressobj()
    )

    @property
    def eof(self) -> bool:
        return self.member.eof

    @property
    def unused_data(self) -> bytes:
        return self.member.unused_data

    def step(self, data: bytes) -> Iterator[bytes]:
        yield self.member.decompress(data)


_BROKEN: tuple[type[Exception], ...] = (
    isal_zlib.error,  # type: ignore[assignment] # its stub calls the class an instance
    lzma.LZMAError,
    zstandard.ZstdError,
    EOFError,
)
_CODECS: tuple[tuple[bytes, str, type[_Gzip] | type[_Xz] | type[_Zstd], int], ...] = (
    (b"\x1f\x8b", "gzip", _Gzip, _PIECE),
    (b"\x28\xb5\x2f\xfd", "zstd", _Zstd, _ZSTD_PIECE),
    (b"\xfd7zXZ\x00", "xz", _Xz, _PIECE),
)


@dataclass
class Stream:
    """Decompressed bytes of one file. ``damage`` says, after the last piece, what was not read."""

    source: Source
    damage: str | None = None

    def pieces(self) -> Iterator[bytes]:
        """Pieces of at most some megabytes, in order. Never raises for what the file holds."""
        try:
            with self.source.path.open("rb") as file:
                head = file.read(6)
                file.seek(0)
                for magic, name, decoder, size in _CODECS:
                    if head.startswith(magic):
                        yield from self._unpack(file, name, decoder, size)
                        return
                while piece := file.read(_STEP):
                    yield piece
        except OSError as error:
            self.damage = f"file: expected readable, found {error.strerror or error}"

    def _unpack(
        self, file: IO[bytes], name: str, decoder: type[_Gzip] | type[_Xz] | type[_Zstd], size: int
    ) -> Iterator[bytes]:
        read = produced = 0
        member: _Decoder | None = None
        try:
            while data := file.read(size):
                read += len(data)
                while data:
                    if member is None:
                        # Padding and appended noise after the last member are no data.
                        data = data.lstrip(b"\0") if produced else data
                        if not data:
                            break
                        member = decoder()
                    for piece in member.step(data):
                        produced += len(piece)
                        if piece:
                            yield piece
                        if produced > max(_RATIO_FLOOR, _MAX_RATIO * read):
                            self.damage = (
                                f"{name}: expected at most {_MAX_RATIO} times the packed size, "
                                f"found more at byte {read}; rest not read"
                            )
                            return
                    data = member.unused_data if member.eof else b""
                    member = None if member.eof else member
        except _BROKEN as error:
            self.damage = f"{name}: expected valid data, found {error} near byte {read}"
            return
        if member is not None:
            self.damage = f"{name}: expected an end mark, found the end of the file; it was cut"


def read_bounded(source: Source, limit: int = 1 << 30) -> tuple[bytes, list[Reject]]:
    """Whole decompressed content up to ``limit`` bytes, and what could not be read of it."""
    stream = Stream(source)
    data = bytearray()
    for piece in stream.pieces():
        data += piece
        if len(data) > limit:
            stream.damage = f"file: expected at most {limit} bytes, found more; rest not read"
            del data[limit:]
            break
    rejects = []
    if stream.damage:
        rejects.append(Reject(source.name, None, stream.damage, host_id=source.host_id))
    return bytes(data), rejects
