"""What a cohort's pattern over the time since boot means, as one sentence."""

from collections.abc import Mapping
from typing import Any

# From here on the first rate is next to nothing, and resets "begin".
_BEGIN_RATIO = 10.0
# As many hosts must have reset, been free after a reboot, and reset again.
MIN_RETURNED = 3


def sentence(record: Mapping[str, Any]) -> str:
    """One sentence for a row of ``uptime_patterns``; empty if there is nothing to tell.

    Args:
        record: Columns of the row by name.
    """
    pattern = record["pattern"]
    if pattern == "unknown_uptime":
        return "the logs do not tell the time since boot"
    if pattern == "none":
        return ""
    since = duration(record["change_h"])
    before, after = record["before_per_1000h"], record["after_per_1000h"]
    ratio = record["within_host_ratio"]
    rates = f"{_number(before)} per 1,000 h before, {_number(after)} after"
    if pattern == "early":
        return f"resets are {_number(1 / ratio)} times as frequent within {since} of boot: {rates}"
    if ratio < _BEGIN_RATIO:
        told = f"resets are {_number(ratio)} times as frequent from {since} after boot on: {rates}"
    else:
        told = f"resets begin {since} after boot: {rates}"
    returned = record["returned_hosts"]
    if returned >= MIN_RETURNED:
        told += (
            f"; a reboot postpones them by {since} and does not cure: {returned} hosts were free "
            "after one and reset again"
        )
    return told


def duration(hours: float) -> str:
    """Hours in words.

    >>> duration(120.0), duration(24.0), duration(36.0), duration(1.0)
    ('5 days', '1 day', '36 hours', '1 hour')
    """
    number, unit = (hours / 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{number:g} {unit}" + ("s" if number != 1 else "")


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
