"""Instants of samples that print wall-clock time."""

from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Final

from resetradar.clock import micros
from resetradar.cpu._problems import Problems

DAY_S: Final = 86_400


def instant(moment: datetime, zone: tzinfo | None, last: int | None) -> int | None:
    """UTC microseconds of a printed time; None if it lies outside 1970 to 2199.

    Args:
        moment: Time without a zone.
        zone: Zone of the clock; None is UTC.
        last: Instant of the sample before. In the hour that a clock repeats in autumn, a time
            before it is of the second pass.
    """
    if not 1970 <= moment.year < 2200:
        return None
    first = micros(moment.replace(tzinfo=zone or UTC))
    if last is not None and first < last:
        return max(first, micros(moment.replace(tzinfo=zone or UTC, fold=1)))
    return first


def count_steps_back(instants: list[int | None], problems: Problems) -> None:
    """Report samples that lie before the one printed above them; they are kept as printed."""
    known = [at for at in instants if at is not None]
    back = sum(later < earlier for earlier, later in pairwise(known))
    problems.count("clock: expected samples in order of time, found a step back; kept", back)
