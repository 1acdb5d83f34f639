"""Cohorts in a span of days and in the days before it: who was there, and what both spans had."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from resetradar.scoring.attributes import UNKNOWN
from resetradar.scoring.candidates import Conditions
from resetradar.scoring.distributions import Flags, Floats
from resetradar.scoring.history import History, known_values
from resetradar.scoring.rate_changes import NO_TREND, Coin, Spans, Trend, coin

# An attribute says what is new only if it was known for most of the time before.
_KNOWN_SHARE = 0.5


@dataclass(frozen=True)
class Period:
    """A span of days and the one before it, and the sums of each spell in both.

    ``first_seen`` and ``last_seen`` are the oldest and the youngest age of each spell.
    """

    days: int
    before_days: int
    spans: Spans
    first_seen: Floats
    last_seen: Floats


@dataclass(frozen=True)
class Finding:
    """A cohort in a period.

    ``state`` is compared, not_comparable, new or gone. ``own`` is against its own days before,
    ``relative`` also against the trend of all others. ``same_hosts`` is the latter of hosts that
    were seen in both spans; ``is_same_hosts`` tells that all three are of these.
    """

    conditions: Conditions
    rows: Flags
    period: Period
    spans: Spans
    state: str
    is_same_hosts: bool = False
    own: Coin | None = None
    relative: Coin | None = None
    same_hosts: Coin | None = None
    trend: Trend = NO_TREND


def cohorts(past: History, named: Sequence[Conditions]) -> list[Conditions]:
    """The fleet, each value of every attribute, and the named combinations, in this order."""
    single = [
        ((attribute, value),)
        for attribute, levels in sorted(past.levels.items())
        for value in known_values(levels)
    ]
    combined = [
        each
        for each in named
        if len(each) > 1 and {name for name, _ in each} <= set(past.levels)
        and UNKNOWN not in {value for _, value in each}
    ]  # fmt: skip
    return [(), *single, *combined]


def period_of(past: History, days: int, history_days: int) -> Period | None:
    """None if nothing is known of the days before."""
    first = int(past.age.max(initial=-1))
    before_days = min(first + 1 - days, history_days)
    if before_days < 1:
        return None
    after, after_h = past.sums(0, days - 1)
    before, before_h = past.sums(days, days + before_days - 1)
    size = len(past.host)
    first_seen, last_seen = np.full(size, -1), np.full(size, first + 1)
    np.maximum.at(first_seen, past.spell, past.age)
    np.minimum.at(last_seen, past.spell, past.age)
    spans = Spans(before, before_h, after, after_h)
    return Period(days, before_days, spans, first_seen.astype(float), last_seen.astype(float))


def _members(past: History, conditions: Conditions) -> Flags:
    rows = np.ones(len(past.host), dtype=bool)
    for attribute, value in conditions:
        rows &= past.has(attribute, value)
    return rows


def _by_host(past: History, spans: Spans, rows: Flags) -> Spans:
    """Sums of spells over hosts; hosts that were not observed in either span are left out."""
    hosts = past.host[rows]
    parts = (spans.before, spans.before_h, spans.after, spans.after_h)
    sums = Spans(*(np.bincount(hosts, part[rows]).astype(np.float64) for part in parts))
    return sums.where((sums.before_h > 0) | (sums.after_h > 0))


def finding(
    past: History, period: Period, conditions: Conditions, limits: tuple[int, float]
) -> Finding | None:
    """What there is to say of a cohort in a period; nothing if it was gone long before.

    Args:
        past: The fleet.
        period: The spans.
        conditions: The cohort; without any, the fleet.
        limits: Fewest hosts and hours of a span that is compared.
    """
    rows = _members(past, conditions)
    last_seen = period.last_seen[rows].min()
    if last_seen > period.days:
        return None
    found = Finding(conditions, rows, period, _by_host(past, period.spans, rows), "")
    if not _was_known(past, period, conditions):
        return replace(found, state="not_comparable")
    if period.first_seen[rows].max() < period.days and last_seen < 1:
        return replace(found, state="new")
    if last_seen >= 1:
        is_told = past.is_inventoried[past.age == 0].any()
        return replace(found, state="gone" if is_told else "not_comparable")
    return compared(past, found, rows, ~rows, limits)


def _was_known(past: History, period: Period, conditions: Conditions) -> bool:
    hours = period.spans.before_h
    unknown = np.zeros(len(hours), dtype=bool)
    for attribute, _ in conditions:
        unknown |= past.has(attribute, UNKNOWN)
    return bool(hours[~unknown].sum() >= _KNOWN_SHARE * hours.sum() > 0)


def compared(
    past: History, found: Finding, rows: Flags, others: Flags, limits: tuple[int, float]
) -> Finding:
    """The finding over some spells, against the trend of others."""
    spans, min_hosts, min_hours = _by_host(past, found.period.spans, rows), *limits
    sizes = [((hours > 0).sum(), hours.sum()) for hours in (spans.before_h, spans.after_h)]
    if any(hosts < min_hosts or hours < min_hours for hosts, hours in sizes):
        return replace(found, state="not_comparable")
    trend = NO_TREND
    if found.conditions:
        rest = _by_host(past, found.period.spans, others)
        if min(rest.before_h.sum(), rest.after_h.sum()) < min_hours:
            return replace(found, state="not_comparable")
        rest_coin = coin(rest, trend, is_same_hosts=rest.are_same_hosts())
        trend = Trend(rest_coin.ratio, rest_coin.log_variance)
    is_same = spans.are_same_hosts()
    same = spans.same_hosts()
    has_same = len(same.after) >= min_hosts
    return replace(
        found,
        state="compared",
        is_same_hosts=is_same,
        own=coin(spans, NO_TREND, is_same_hosts=is_same),
        relative=coin(spans, trend, is_same_hosts=is_same),
        same_hosts=coin(spans, trend, is_same_hosts=True) if has_same else None,
        trend=trend,
    )
