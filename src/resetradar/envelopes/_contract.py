"""What an envelope module offers and returns."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from resetradar.clock import Stamp


class Record(NamedTuple):
    """One line without its envelope. A tuple, since one is made for each line that is parsed.

    Attributes:
        text: The message.
        host: Host name that the line states.
        stamp: Wall clock that the line states.
        at_us: UTC microseconds where the line states them outright.
        monotonic_us: Kernel clock, microseconds since boot.
        boot_id: Boot id that the line states.
        program: Program that wrote it; None for the kernel.
        floor_s: The time is not claimed better than this, whatever digits are printed; the
            figures are in ``clock.py``.
        since_last_us: Kernel time since the line before, where that is all that is printed.
        is_nested: The text is a line of some other envelope, or may be one.
    """

    text: str
    host: str | None = None
    stamp: Stamp | None = None
    at_us: int | None = None
    monotonic_us: int | None = None
    boot_id: str | None = None
    program: str | None = None
    floor_s: float = 0.0
    since_last_us: int | None = None
    is_nested: bool = False

    @property
    def is_timed(self) -> bool:
        """The line states a time, of the calendar or since boot."""
        times = (self.stamp, self.at_us, self.monotonic_us, self.since_last_us)
        return any(time is not None for time in times)

    @property
    def is_kernel(self) -> bool:
        """The kernel wrote it, as far as the line tells."""
        return self.program is None


@dataclass(frozen=True, slots=True)
class FixedTimes:
    """A stamp at a fixed place of every line; positions in bytes from the line start.

    With ``is_after_blank`` they count from behind the first blank.
    """

    year: int | None
    month: int
    is_month_named: bool
    day: int
    hour: int
    is_after_blank: bool = False


@dataclass(frozen=True, slots=True)
class FoundTimes:
    """A time found by a pattern once in a line, in group 1.

    Attributes:
        pattern: One match at most in a line; group 1 is the number.
        is_uptime: Time since boot rather than UTC.
        per_second: Units of the number in a second.
        behind: What stands before the number in most lines, so that it is read without the
            pattern: ``[`` at the start of the line, or the quoted name of a JSON field.
    """

    pattern: re.Pattern[bytes]
    is_uptime: bool
    per_second: int
    behind: bytes | None = None


@dataclass(frozen=True, slots=True)
class EveryLine:
    """No line has a time without the lines before it: each of them is parsed."""


Times = FixedTimes | FoundTimes | EveryLine | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One registered envelope; the package says what the parts mean."""

    name: str
    priority: int
    parse: Callable[[str], Record | None]
    times: Times
    kernel_mark: tuple[bytes, ...] | None
    samples: tuple[tuple[str, Mapping[str, object]], ...]
    not_samples: tuple[str, ...]
