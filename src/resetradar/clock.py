"""Every rule about time: year inference, zones, boot anchors. Only here text becomes instants.

Instants are integers: microseconds since 1970 in UTC. docs/method.md#year states the rules.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3600 * SECOND_US
DAY_US: Final = 24 * HOUR_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A wall-clock time as printed. ``year`` and ``offset_s`` are null where the log omits them."""

    year: int | None
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int = 0
    offset_s: int | None = None
    resolution_s: float = 1.0


@dataclass(frozen=True)
class Calendar:
    """What is known beside the stamp: the zone of its clock and a date near it.

    Attributes:
        near: Date that a stamp without a year lies close to.
        is_latest: The stamp is not later than ``near`` plus one day, as for a file last written
            then; otherwise the nearest year on either side is taken, as for a known day.
        zone: Zone of stamps that print none.
    """

    near: date
    is_latest: bool = False
    zone: tzinfo = UTC

    def instant(self, stamp: Stamp) -> int | None:
        """UTC microseconds of a stamp; None when it names no possible time.

        Source: RFC 3164 4.1.2 has no year; docs/method.md#year.
        """
        year = stamp.year
        if year is None:
            year = infer_year(stamp.month, stamp.day, self.near, is_latest=self.is_latest)
        if year is None:
            return None
        base = _day_start(
            year, stamp.month, stamp.day, self.zone if stamp.offset_s is None else UTC
        )
        if base is None or stamp.hour > 23 or stamp.minute > 59 or stamp.second > 60:
            return None
        if stamp.offset_s is None and self.zone is not UTC:
            local = datetime(
                year, stamp.month, stamp.day, stamp.hour, stamp.minute, min(stamp.second, 59),
                tzinfo=self.zone,
            )  # fmt: skip
            return micros(local) + stamp.microsecond
        seconds = stamp.hour * 3600 + stamp.minute * 60 + stamp.second - (stamp.offset_s or 0)
        return base + seconds * SECOND_US + stamp.microsecond


def micros(moment: datetime) -> int:
    """UTC microseconds of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def _day_start(year: int, month: int, day: int, zone: tzinfo) -> int | None:
    try:
        return micros(datetime(year, month, day, tzinfo=zone))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def infer_year(month: int, day: int, near: date, *, is_latest: bool) -> int | None:
    """Year of a stamp that has none; None when no year fits, as for 31 February.

    Args:
        month: 1 to 12.
        day: 1 to 31.
        near: Date to be close to.
        is_latest: Not later than ``near`` plus one day.

    Returns:
        The year that brings the date closest to ``near``; 29 February looks back up to 8 years.
    """
    best: tuple[int, int] | None = None
    for year in range(near.year + 1, near.year - 9, -1):
        try:
            distance = (date(year, month, day) - near).days
        except ValueError:
            continue
        if not (is_latest and distance > 1) and (best is None or abs(distance) < best[0]):
            best = (abs(distance), year)
    return best[1] if best else None


def day_bounds(day: date) -> tuple[int, int]:
    """First microsecond of a UTC day and of the next."""
    start = micros(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return start, start + DAY_US


def day_of(instant: int) -> date:
    """UTC day of an instant."""
    return (_EPOCH + timedelta(microseconds=instant)).date()


def zone_named(name: str) -> tzinfo:
    """Zone by its IANA name; plain UTC where it is UTC, since that is much faster."""
    return UTC if name == "UTC" else ZoneInfo(name)


_ANCHOR_LINES = (
    # drivers/rtc/class.c prints the clock it read, with the epoch in brackets.
    re.compile(
        rb"^[^\n]*?\[\s*(\d+\.\d{6})[^\n]*setting system clock to [^\n]*\((\d{9,10})\)",
        re.MULTILINE,
    ),
    # kernel/audit.c stamps each record with the epoch in milliseconds.
    re.compile(rb"^[^\n]*?\[\s*(\d+\.\d{6})[^\n]*?\baudit\((\d{9,10}\.\d{3}):\d+\)", re.MULTILINE),
)


@dataclass
class BootAnchor:
    """Wall time for logs that print only the time since boot, from lines that print both.

    The offset nearest before an uptime is used, so that slow drift and suspends are followed.
    """

    uptimes: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def learn(self, data: bytes) -> None:
        """Take the lines of one boot that carry both clocks."""
        found = [
            (_to_us(match[1]), _to_us(match[2]) - _to_us(match[1]))
            for pattern in _ANCHOR_LINES
            for match in pattern.finditer(data)
        ]
        merged = sorted([*zip(self.uptimes, self.offsets, strict=True), *found])
        self.uptimes = [uptime for uptime, _ in merged]
        self.offsets = [offset for _, offset in merged]

    def instant(self, uptime_us: int) -> int | None:
        """UTC microseconds of an uptime; None when no line gave both clocks."""
        if not self.uptimes:
            return None
        place = max(0, bisect_right(self.uptimes, uptime_us) - 1)
        return self.offsets[place] + uptime_us


def _to_us(number: bytes) -> int:
    whole, _, part = number.partition(b".")
    return int(whole) * SECOND_US + int(part.ljust(6, b"0")[:6] or 0)
