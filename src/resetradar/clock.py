"""Every rule about time: year inference, zones, boot anchors. Only here text becomes instants.

Instants are integers: microseconds since 1970 in UTC. docs/method.md#year states the rules.

How far a time may be from the kernel's moment is claimed by who wrote it, not by its digits. A
syslog daemon stamps what it receives: some 50 ms late as a rule, and seconds late on a host that
is starved, which is when it matters; so its stamp is claimed to a second (``RECEIVED_S``). Times
that a tool computed from boot time and uptime, or that a forwarder took when it read the line,
are claimed to ten (``DERIVED_S``, ``FORWARDED_S``): too coarse to meet CPU samples of one second.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3600 * SECOND_US
DAY_US: Final = 24 * HOUR_US

RECEIVED_S: Final = 1.0
DERIVED_S: Final = 10.0
FORWARDED_S: Final = 10.0
# dmesg -H prints minutes and, behind the first line of each, only distances.
MINUTE_S: Final = 60.0
# The kernel clock and the journal's are read on one host; what is left is their rounding.
SAME_HOST_S: Final = 0.001
_UNKNOWN_ZONE_S: Final = 86_400.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A wall-clock time as printed. ``year`` and ``offset_s`` are null where the log omits them.

    ``zone`` is an abbreviation that is printed and names no one offset, such as CST.
    """

    year: int | None
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int = 0
    offset_s: int | None = None
    resolution_s: float = 1.0
    zone: str | None = None


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

    def error_s(self, stamp: Stamp) -> float:
        """How far the instant of a stamp may be off by what it prints, in seconds."""
        if stamp.zone is None or stamp.offset_s is not None:
            return stamp.resolution_s
        instant = self.instant(stamp)
        local = None if instant is None else _moment(instant).astimezone(self.zone)
        is_ours = local is not None and local.tzname() == stamp.zone
        return stamp.resolution_s if is_ours else _UNKNOWN_ZONE_S


# Abbreviations that mean one offset wherever they are in use, in hours; CST, IST, BST do not.
_ZONE_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2, "CAT": 2, "EAT": 3, "WAT": 1, "EST": -5, "EDT": -4,
    "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
    "NST": -3.5, "NDT": -2.5, "ADT": -3, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "PHT": 8,
    "WIB": 7, "WITA": 8, "WIT": 9, "PKT": 5, "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3, "ART": -3,
}  # fmt: skip
_NUMERIC_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)?", re.ASCII)


def zone_offset_s(name: str) -> int | None:
    """Seconds east of UTC of a zone's abbreviation or number; None when it names no one offset."""
    if name in _ZONE_HOURS:
        return round(_ZONE_HOURS[name] * 3600)
    match = _NUMERIC_ZONE.fullmatch(name)
    if match is None:
        return None
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60
    return -seconds if match[1] == "-" else seconds


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
    return _moment(instant).date()


def _moment(instant: int) -> datetime:
    return _EPOCH + timedelta(microseconds=instant)


def zone_named(name: str) -> tzinfo:
    """Zone by its IANA name; plain UTC where it is UTC, since that is much faster."""
    return UTC if name == "UTC" else ZoneInfo(name)


_ANCHORS = re.compile(
    # drivers/rtc/class.c prints the clock it read, with the epoch in brackets.
    rb"setting system clock to [^\n(]*\((?P<rtc>\d{9,10})\)"
    # kernel/audit.c stamps each record with the epoch in milliseconds.
    rb"|\baudit\((?P<audit>\d{9,10}\.\d{3}):\d+\)"
    # kernel/time/timekeeping.c: the kernel clock of most machines stands still meanwhile.
    rb"|Timekeeping suspended for (?P<suspended>\d{1,9}\.\d{3}) seconds"
)


@dataclass
class BootAnchor:
    """Wall time for logs that print only the time since boot, from lines that print both.

    One anchor is one boot. The offset nearest before an uptime is used, so that slow drift and
    suspends are followed.
    """

    uptimes: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def learn(self, uptime_us: int, line: re.Match[bytes]) -> None:
        """Take a line of ``anchor_lines`` that was printed at an uptime of this boot."""
        if line["suspended"]:
            before = self.instant(uptime_us)
            if before is None:
                return
            instant = before + _to_us(line["suspended"])
        else:
            instant = _to_us(line["rtc"] or line["audit"])
        place = bisect_right(self.uptimes, uptime_us)
        self.uptimes.insert(place, uptime_us)
        self.offsets.insert(place, instant - uptime_us)

    def instant(self, uptime_us: int) -> int | None:
        """UTC microseconds of an uptime; None when no line gave both clocks."""
        if not self.uptimes:
            return None
        place = max(0, bisect_right(self.uptimes, uptime_us) - 1)
        return self.offsets[place] + uptime_us


def anchor_lines(data: bytes) -> Iterator[re.Match[bytes]]:
    """Places where a line gives the wall clock, or says how long the kernel clock stood still."""
    return _ANCHORS.finditer(data)


def _to_us(number: bytes) -> int:
    whole, _, part = number.partition(b".")
    return int(whole) * SECOND_US + int(part.ljust(6, b"0")[:6] or 0)
