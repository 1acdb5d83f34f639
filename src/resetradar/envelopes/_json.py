"""What the JSON envelopes share: one parse per line, and values whatever their spelling."""

from functools import lru_cache
from typing import Any

import orjson

from resetradar.clock import Stamp
from resetradar.envelopes._stamps import iso_stamp

_MAX_DEPTH = 4


@lru_cache(maxsize=4)
def load(line: str) -> dict[str, Any] | None:
    """The object of a line; None when the line is no JSON object.

    Fluent Bit writes a pair of time and object; the time is put under ``date``.
    """
    if not line.lstrip(" \t\x1e").startswith(("{", "[")) or "{" not in line:
        return None
    try:
        value = orjson.loads(line.lstrip("\x1e"))
    except orjson.JSONDecodeError:
        return None
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
        stamp = value[0][0] if isinstance(value[0], list) and value[0] else value[0]
        return {"date": stamp, **value[1]}
    return value if isinstance(value, dict) else None


def at(entry: dict[str, Any], path: str) -> Any:
    """Value under a dotted path, or under the path as one key; None when there is none."""
    if path in entry:
        return entry[path]
    value: Any = entry
    for part in path.split(".", _MAX_DEPTH):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def text_at(entry: dict[str, Any], *paths: str) -> str | None:
    """First text under the paths that is not empty."""
    for path in paths:
        value = at(entry, path)
        # A field that was given twice is an array.
        if isinstance(value, list) and value:
            value = value[-1]
        if isinstance(value, str) and value:
            return value
    return None


def number_at(entry: dict[str, Any], *paths: str) -> int | None:
    """First whole number under the paths, also one that is written as text."""
    for path in paths:
        value = at(entry, path)
        digits = str(value) if isinstance(value, str | int) else ""
        if digits.isascii() and digits.isdigit() and len(digits) < 19:
            return int(digits)
    return None


def time_at(entry: dict[str, Any], *paths: str) -> tuple[int | None, Stamp | None]:
    """First time under the paths: UTC microseconds of a number, or the stamp of a text."""
    for path in paths:
        value = at(entry, path)
        if isinstance(value, str):
            stamp = iso_stamp(value.strip())
            if stamp is not None:
                return None, stamp
            value = _as_number(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            instant = epoch_us(value)
            if instant is not None:
                return instant, None
    return None, None


def epoch_us(value: float) -> int | None:
    """Microseconds of a time since 1970 in s, ms, us or ns; None when it is none of this century.

    Which unit it is shows in its size: from 2001 to 2286 the ranges do not meet.
    """
    for low, per_second in ((1e9, 1), (1e12, 10**3), (1e15, 10**6), (1e18, 10**9)):
        if low <= value < low * 10:
            if isinstance(value, int):
                return value * 10**6 // per_second
            return round(value * (10**6 / per_second))
    return None


def _as_number(value: str) -> float | int | None:
    try:
        return int(value) if value.isdigit() else float(value)
    except ValueError:
        return None
