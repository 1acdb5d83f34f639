"""What changed: each cohort's rate now against its own before, and against how all others moved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from resetradar.scoring.candidates import Conditions
from resetradar.scoring.cohort_spans import Finding, cohorts, compared, finding, period_of
from resetradar.scoring.cohorts import cohort_id
from resetradar.scoring.distributions import discoveries
from resetradar.scoring.history import History, history
from resetradar.scoring.rate_changes import MIN_CHANGE, Coin, break_age, intervals, two_sided
from resetradar.scoring.record_tables import record_table

PERIODS = (1, 7, 28)

_AND = " \u00d7 "
_MOVED = ("better", "first_resets", "worse")
_KINDS: dict[str, Any] = {
    "cohort_id": pa.string(),
    "period_days": pa.int64(),
    "change": pa.string(),
    "since_date": pa.date32(),
    "attributes": pa.string(),
    "cohort_values": pa.string(),
    "before_days": pa.int64(),
    "hosts": pa.int64(),
    "hosts_before": pa.int64(),
    "same_hosts": pa.int64(),
    "exposure_h": pa.float64(),
    "exposure_before_h": pa.float64(),
    "episodes": pa.int64(),
    "episodes_before": pa.int64(),
    "episodes_per_1000h": pa.float64(),
    "before_per_1000h": pa.float64(),
    "own_ratio": pa.float64(),
    "others_ratio": pa.float64(),
    "rate_ratio": pa.float64(),
    "rate_ratio_low": pa.float64(),
    "rate_ratio_high": pa.float64(),
    "same_hosts_ratio": pa.float64(),
    "is_by_same_hosts": pa.bool_(),
    "p_value": pa.float64(),
    "q_value": pa.float64(),
    "explained_by": pa.string(),
}


@dataclass(frozen=True)
class _Judged:
    """A finding in words, with its test; the figures are not numbers if nothing was compared."""

    finding: Finding
    change: str
    p: float = np.nan
    q: float = np.nan
    low: float = np.nan
    high: float = np.nan
    explained_by: str | None = None


def changes(  # noqa: PLR0913 - each is a parameter of the mart
    rows: pa.Table,
    *,
    as_of: date,
    history_days: int,
    min_cohort_hosts: int,
    min_cohort_exposure_h: float,
    max_attribute_levels: int,
    change_q: float,
) -> pa.Table:
    """Every cohort in the last 1, 7 and 28 days against the days before; docs/method.md#changes.

    Args:
        rows: As `history` takes them, with ``named``, the conditions of the cohorts named today.
        as_of: Last day.
        history_days: Longest span before.
        min_cohort_hosts: Fewer hosts in a span are not compared.
        min_cohort_exposure_h: Less observed time in a span is not compared.
        max_attribute_levels: Labels with more values than this are no cohorts.
        change_q: False-discovery rate up to which a change is told.

    Returns:
        The rows that the header of ``sql/changes.sql`` promises.
    """
    past = history(rows, max_attribute_levels)
    looked_at = cohorts(past, _named(rows))
    limits = (min_cohort_hosts, min_cohort_exposure_h)
    periods = [period_of(past, days, history_days) for days in PERIODS]
    found = [
        finding(past, period, each, limits) for period in periods if period for each in looked_at
    ]
    judged = _judged([each for each in found if each is not None], change_q)
    told = _explained(judged, past)
    return record_table([_record(each, _since(past, each, as_of)) for each in told], _KINDS)


def _named(rows: pa.Table) -> list[Conditions]:
    named = rows["named"][0].as_py() if len(rows) else None
    return sorted({tuple(sorted(dict(each).items())) for each in named or ()})


def _judged(found: Sequence[Finding], change_q: float) -> list[_Judged]:
    """All findings, after a test that knows how many cohorts and periods were looked at."""
    judged = [_Judged(each, each.state) for each in found]
    places = [n for n, each in enumerate(found) if each.own and each.relative]
    own = [each.own for each in found if each.own and each.relative]
    relative = [each.relative for each in found if each.own and each.relative]
    p = two_sided(own, relative)
    figures = zip(places, p, discoveries(p), *intervals(relative), strict=True)
    for place, *values in figures:
        chance, q, low, high = map(float, values)
        word = _word(found[place], q, change_q)
        judged[place] = _Judged(found[place], word, chance, q, low, high)
    return judged


def _word(found: Finding, q: float, change_q: float) -> str:
    if found.own is None or found.relative is None or q > change_q:
        return "steady"
    if min(found.own.change, found.relative.change) < MIN_CHANGE:
        return "steady"
    if found.relative.ratio < 1:
        return "better"
    return "worse" if found.spans.before.sum() > 0 else "first_resets"


def _explained(judged: Sequence[_Judged], past: History) -> list[_Judged]:
    """The same; who would not have moved without the members of a cohort that did, names it."""
    moved = [each for each in judged if each.change in _MOVED and each.finding.conditions]
    limit = max((each.p for each in moved), default=0.0)
    told: list[_Judged] = []
    explained: dict[int, str] = {}
    for each in sorted(moved, key=lambda one: (one.p, len(one.finding.conditions))):
        causes = [one for one in told if one.finding.period is each.finding.period]
        cause = next((one for one in causes if not _stands_without(each, one, past, limit)), None)
        if cause:
            explained[id(each)] = cohort_id(cause.finding.conditions)
        else:
            told.append(each)
    return [replace(each, explained_by=explained.get(id(each))) for each in judged]


def _stands_without(judged: _Judged, cause: _Judged, past: History, limit: float) -> bool:
    found, caused = judged.finding, cause.finding.rows
    alone = compared(past, found, found.rows & ~caused, ~found.rows & ~caused, (1, 0.0))
    if alone.own is None or alone.relative is None:
        return False
    p = float(two_sided([alone.own], [alone.relative])[0])
    return _word(alone, p, limit) == judged.change


def _since(past: History, judged: _Judged, as_of: date) -> date | None:
    """First day of the new rate, of a new cohort, or without a gone one."""
    found, age = judged.finding, None
    if judged.change == "new":
        age = int(found.period.first_seen[found.rows].max())
    elif judged.change == "gone":
        age = int(found.period.last_seen[found.rows].min()) - 1
    elif judged.change in _MOVED:
        looked_at = past.age < found.period.days + found.period.before_days
        cells = found.rows[past.spell] & looked_at
        counts, hours = (
            np.bincount(past.age[cells], part[cells]).astype(np.float64)
            for part in (past.counts, past.hours)
        )
        age = break_age(counts, hours, is_rise=judged.change != "better")
    return None if age is None else as_of - timedelta(days=age)


def _record(judged: _Judged, since: date | None) -> dict[str, Any]:
    found = judged.finding
    spans = found.spans
    after, after_h, before, before_h = (
        float(part.sum()) for part in (spans.after, spans.after_h, spans.before, spans.before_h)
    )
    return {
        "cohort_id": cohort_id(found.conditions) or "fleet",
        "period_days": found.period.days,
        "change": judged.change,
        "since_date": since,
        "attributes": _AND.join(name for name, _ in found.conditions),
        "cohort_values": _AND.join(value for _, value in found.conditions),
        "before_days": found.period.before_days,
        "hosts": int((spans.after_h > 0).sum()),
        "hosts_before": int((spans.before_h > 0).sum()),
        "same_hosts": len(spans.same_hosts().after),
        "exposure_h": after_h,
        "exposure_before_h": before_h,
        "episodes": int(after),
        "episodes_before": int(before),
        "episodes_per_1000h": 1000 * after / after_h if after_h else np.nan,
        "before_per_1000h": 1000 * before / before_h if before_h else np.nan,
        "own_ratio": _ratio(found.own),
        "others_ratio": found.trend.ratio if found.relative and found.conditions else np.nan,
        "rate_ratio": _ratio(found.relative),
        "rate_ratio_low": judged.low,
        "rate_ratio_high": judged.high,
        "same_hosts_ratio": _ratio(found.same_hosts),
        "is_by_same_hosts": found.is_same_hosts if found.relative else None,
        "p_value": judged.p,
        "q_value": judged.q,
        "explained_by": judged.explained_by,
    }


def _ratio(found: Coin | None) -> float:
    return found.ratio if found else np.nan
