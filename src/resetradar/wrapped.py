"""Lines that mail clients, wikis and terminals cut in two, put together again.

Only tried where a line has no stamp of its own, in the first megabyte of a file, and a joined text
counts only if it is a known message and its parts are not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from resetradar.envelopes import decode

_MAX_JOINED = 2000
_MAX_ROWS = 3
_MAX_CHARS = 1000
# Lines that begin as lines of logs do; all others may be the rest of the line before.
_UNSTAMPED = re.compile(
    rb"(?m)^(?![ \t>|]*(?:\d{1,7}[: ] ?)?(?:<\d{1,3}>|\[[ \d+<A-Z]|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d"
    rb"|\d{4}-\d\d-\d\d|\{|\d+,\d+,\d+|kern|\d+ <|\d{9,}\.))[^\n]+$"
)
_QUOTE = re.compile(r"^[\s>|]+")


@dataclass(frozen=True, slots=True)
class Joined:
    """Some lines read as one; ``first`` and ``last`` count from 0 in the block."""

    first: int
    last: int
    text: str


def joined_lines(data: bytes) -> Iterator[Joined]:
    """Every way to join a line and the unstamped ones behind it, shortest first for each line."""
    numbers: list[int] = []
    line = place = 0
    for match in _UNSTAMPED.finditer(data):
        line += data.count(b"\n", place, match.start())
        place = match.start()
        numbers.append(line)
        if len(numbers) >= _MAX_JOINED:
            break
    unstamped = set(numbers)
    if not unstamped - {0}:
        return
    lines = data.split(b"\n", max(unstamped) + 1)
    for first in sorted({number - 1 for number in unstamped} & set(range(len(lines)))):
        last = first
        forms = [decode(lines[first][:_MAX_CHARS])]
        while last + 1 in unstamped and last - first < _MAX_ROWS - 1:
            last += 1
            rest = decode(lines[last][:_MAX_CHARS])
            forms = list(dict.fromkeys(join for form in forms for join in _joins(form, rest)))
            for form in forms:
                yield Joined(first, last, form)


def _joins(head: str, rest: str) -> list[str]:
    """Two parts with a blank, and without where a word may have been cut."""
    bare = head.rstrip()
    unquoted = _QUOTE.sub("", rest)
    # Quoted-printable mail ends a line that goes on with an equals sign; the blanks that the next
    # one begins with are of the text, unless the mail was quoted since.
    if bare.endswith("="):
        return [bare[:-1] + rest, bare[:-1] + unquoted, f"{bare[:-1]} {unquoted}"]
    return [f"{bare} {unquoted}", bare + unquoted]
