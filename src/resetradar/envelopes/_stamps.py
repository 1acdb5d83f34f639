"""Dates and times as logs print them, to ``Stamp``."""

import re
from functools import lru_cache

from resetradar.clock import Stamp

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}

# First letters tell the months apart in the languages whose servers are common.
_MONTH_STARTS = (
    ("jan", 1), ("gen", 1), ("ene", 1), ("ja", 1), ("led", 1), ("fe", 2), ("fé", 2), ("mars", 3),
    ("mar", 3), ("mär", 3), ("mrt", 3), ("maa", 3), ("ap", 4), ("av", 4), ("abr", 4), ("mai", 5),
    ("may", 5), ("mag", 5), ("mei", 5), ("maj", 5), ("juin", 6), ("jun", 6), ("giu", 6),
    ("juil", 7), ("jul", 7), ("lug", 7), ("aug", 8), ("ao", 8), ("ago", 8), ("se", 9), ("set", 9),
    ("o", 10), ("no", 11), ("de", 12), ("dé", 12), ("di", 12), ("dez", 12),
    ("янв", 1), ("фев", 2), ("мар", 3), ("апр", 4), ("мая", 5), ("май", 5), ("июн", 6),
    ("июл", 7), ("авг", 8), ("сен", 9), ("окт", 10), ("ноя", 11), ("дек", 12),
)  # fmt: skip

# "Nov 20 12:00:01.123456"; a year may stand before the time, as Cisco and others write it.
BSD = (
    r"(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]?\d) (?:(?P<year>\d{4}) )?"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?"
)

ISO = (
    r"(?P<year>\d{4})[-/](?P<month>\d\d)[-/](?P<day>\d\d)"
    r"[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?:[.,](?P<fraction>\d{1,9}))?(?P<zone> ?Z| ?UTC| ?[+-]\d\d:?\d\d)?"
)


def month_number(name: str) -> int | None:
    """Month by its name in a common language, or by its number where months are numbered."""
    if name in MONTHS:
        return MONTHS[name]
    digits = re.match(r"\d{1,2}", name, re.ASCII)
    if digits:
        return int(digits[0]) if 1 <= int(digits[0]) <= 12 else None
    lower = name.lower()
    if "\ufffd" in lower[1:]:
        return _month_around_lost_letters(lower)
    return next((number for start, number in _MONTH_STARTS if lower.startswith(start)), None)


def _month_around_lost_letters(lower: str) -> int | None:
    """The first month that the name may be where a letter was of another encoding."""
    if not lower[0].isascii():
        return None
    shape = re.compile("".join("." if c == "\ufffd" else re.escape(c) for c in lower))
    return next(
        (number for start, number in _MONTH_STARTS if shape.match(start + lower[len(start) :])),
        None,
    )


def stamp_of(match: re.Match[str]) -> Stamp | None:
    """Stamp from a match that contains ``BSD``, ``ISO`` or groups of the same names.

    Returns:
        None when the month has no known name.
    """
    fields = _fields(match.re.pattern)
    return _stamp(fields, match.group(*fields))


_FIELDS = ("year", "month", "day", "hour", "minute", "second", "fraction", "zone")


@lru_cache(maxsize=64)
def _fields(pattern: str) -> tuple[str, ...]:
    """Which parts of a stamp are groups of a pattern."""
    return tuple(name for name in _FIELDS if f"(?P<{name}>" in pattern)


# Lines come in bursts that share their second.
@lru_cache(maxsize=1024)
def _stamp(fields: tuple[str, ...], values: tuple[str | None, ...]) -> Stamp | None:
    found = {name: value or "" for name, value in zip(fields, values, strict=True)}
    month = month_number(found["month"])
    if month is None:
        return None
    fraction = found.get("fraction", "")
    return Stamp(
        int(found["year"]) if found.get("year") else None,
        month,
        int(found["day"]),
        int(found["hour"]),
        int(found["minute"]),
        int(found["second"]),
        int(fraction[:6].ljust(6, "0")),
        _offset_s(found.get("zone")),
        10.0 ** -min(len(fraction), 6),
    )


def iso_stamp(text: str) -> Stamp | None:
    """Stamp of an ISO 8601 time that stands alone; None when it is none."""
    match = _WHOLE_ISO.fullmatch(text)
    return stamp_of(match) if match else None


_WHOLE_ISO = re.compile(ISO, re.ASCII)


def _offset_s(zone: str | None) -> int | None:
    if not zone:
        return None
    zone = zone.strip()
    if zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    return (int(digits[:2]) * 60 + int(digits[2:])) * (-60 if zone[0] == "-" else 60)
