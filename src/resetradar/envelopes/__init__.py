"""Log envelopes: what stands around a kernel message. One module here is one envelope.

Each module has ``NAME``, ``PRIORITY`` (lower is asked first), ``SAMPLES``, ``NOT_SAMPLES``,
``TIMES`` (where a line keeps its time, for counting lines that nobody parses), ``KERNEL_MARK``
(bytes that only lines of the kernel hold; None: all are) and ``parse(line) -> Record | None``.
None means "not mine"; no line makes a module raise.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from resetradar.clock import Stamp


@dataclass(frozen=True, slots=True)
class Record:
    """One line without its envelope.

    Attributes:
        text: The message.
        host: Host name that the line states.
        stamp: Wall clock that the line states.
        at_us: UTC microseconds where the line states them outright.
        monotonic_us: Kernel clock, microseconds since boot.
        boot_id: Boot id that the line states.
        program: Program that wrote it; None for the kernel.
    """

    text: str
    host: str | None = None
    stamp: Stamp | None = None
    at_us: int | None = None
    monotonic_us: int | None = None
    boot_id: str | None = None
    program: str | None = None

    @property
    def is_kernel(self) -> bool:
        """The kernel wrote it, as far as the line tells."""
        return self.program is None


def program_of(tag: str) -> str | None:
    """Program that a syslog tag names; None for the kernel's tag."""
    return None if tag == "kernel" else tag


@dataclass(frozen=True, slots=True)
class FixedTimes:
    """A stamp at a fixed place of every line; positions in bytes from the line start."""

    year: int | None
    month: int
    is_month_named: bool
    day: int
    hour: int


@dataclass(frozen=True, slots=True)
class FoundTimes:
    """A time found by a pattern once in a line, in group 1.

    Attributes:
        pattern: One match at most in a line; group 1 is the number.
        is_uptime: Seconds since boot rather than UTC.
        per_second: Units of the number in a second.
    """

    pattern: re.Pattern[bytes]
    is_uptime: bool
    per_second: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """One registered envelope; see the module docstring for what the parts mean."""

    name: str
    priority: int
    parse: Callable[[str], Record | None]
    times: FixedTimes | FoundTimes | None
    kernel_mark: tuple[bytes, ...] | None
    samples: tuple[tuple[str, Mapping[str, object]], ...]
    not_samples: tuple[str, ...]


@cache
def load_envelopes() -> tuple[Envelope, ...]:
    """All envelopes of this folder, in the order in which they are asked."""
    found = []
    for entry in iter_modules(__path__):
        module = import_module(f"{__name__}.{entry.name}")
        found.append(
            Envelope(
                module.NAME,
                module.PRIORITY,
                module.parse,
                module.TIMES,
                module.KERNEL_MARK,
                module.SAMPLES,
                module.NOT_SAMPLES,
            )
        )
    return tuple(sorted(found, key=lambda envelope: (envelope.priority, envelope.name)))


_LOOK_AT_LINES = 200


def detect(head: bytes) -> Envelope:
    """Envelope that takes most of the first lines; the last one, ``bare``, takes any line."""
    lines = [text for raw in head.split(b"\n", _LOOK_AT_LINES)[:_LOOK_AT_LINES]
             if (text := decode(raw)).strip()]  # fmt: skip
    envelopes = load_envelopes()
    counts = [sum(envelope.parse(line) is not None for line in lines) for envelope in envelopes]
    # "bare" takes every line, so it wins only when no other takes a tenth of them.
    best = max(range(len(envelopes) - 1), key=lambda place: (counts[place], -place))
    return envelopes[best] if counts[best] * 10 > len(lines) else envelopes[-1]


def parse_line(line: str, likely: Envelope) -> Record:
    """The line without its envelope: the file's usual one first, then any other."""
    record = likely.parse(line) if likely.priority < load_envelopes()[-1].priority else None
    if record is not None:
        return record
    for envelope in load_envelopes():
        record = envelope.parse(line)
        if record is not None:
            return record
    return Record(line)


def decode(raw: bytes) -> str:
    """Text of a raw line: any bytes, without the line end."""
    return raw.decode("utf-8", "replace").rstrip("\r\n")


_ESCAPED_CONTROL = re.compile(r"#(0[0-3][0-7]|177)")


def unescape_rsyslog(text: str) -> str:
    """Control characters that rsyslog wrote as ``#`` and three octal digits."""
    if "#" not in text:
        return text
    return _ESCAPED_CONTROL.sub(lambda match: chr(int(match[1], 8)), text)


_UPTIME = re.compile(r"\[\s*(\d{1,10})\.(\d{6})\](?: ?\[\s*[TC]\d+\])? ?")


def split_uptime(text: str) -> tuple[int | None, str]:
    """Kernel clock at the start of a message, in microseconds, and the rest."""
    match = _UPTIME.match(text)
    if match is None:
        return None, text
    return int(match[1]) * 1_000_000 + int(match[2]), text[match.end() :]


_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}

ISO = (
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?:[.,](?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)


def iso_stamp(match: re.Match[str]) -> Stamp:
    """Stamp from a match that contains ``ISO``."""
    fraction, zone = match["fraction"] or "", match["zone"]
    offset = None
    if zone == "Z":
        offset = 0
    elif zone:
        digits = zone[1:].replace(":", "")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * (-60 if zone[0] == "-" else 60)
    return Stamp(
        int(match["year"]),
        int(match["month"]),
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        int(match["second"]),
        int(fraction[:6].ljust(6, "0")),
        offset,
        10.0 ** -len(fraction),
    )
