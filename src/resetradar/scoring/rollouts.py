"""Whether what was rolled out helped: every change of an attribute, against untreated hosts."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from resetradar.scoring.columns import Codes
from resetradar.scoring.controls import Controls, controls, treated_spans
from resetradar.scoring.distributions import discoveries, gamma_bound
from resetradar.scoring.effects import (
    Effect,
    effect_in_place,
    effect_of_replacement,
    regression,
)
from resetradar.scoring.history import history
from resetradar.scoring.rate_changes import MIN_CHANGE, Spans
from resetradar.scoring.rate_mixture import RateMixture, rate_mixture
from resetradar.scoring.record_tables import record_table
from resetradar.scoring.treatments import (
    Calendar,
    Limits,
    Treatment,
    calendar,
    groups_of,
    in_place,
    levels_of,
    replacements,
)

_Z = 1.645
_RECENT_DAYS = 7
# Treatments of so many hosts in common came together.
_TOGETHER = 0.8
_KINDS: dict[str, Any] = {
    "attribute": pa.string(),
    "from_value": pa.string(),
    "to_value": pa.string(),
    "treatment": pa.string(),
    "verdict": pa.string(),
    "first_date": pa.date32(),
    "last_date": pa.date32(),
    "hosts_before": pa.int64(),
    "hosts": pa.int64(),
    "exposure_before_h": pa.float64(),
    "exposure_h": pa.float64(),
    "episodes_before": pa.int64(),
    "episodes": pa.int64(),
    "before_per_1000h": pa.float64(),
    "episodes_per_1000h": pa.float64(),
    "per_1000h_high": pa.float64(),
    "rebooted_ratio": pa.float64(),
    "control_group": pa.string(),
    "control_hosts": pa.int64(),
    "control_ratio": pa.float64(),
    "regression_ratio": pa.float64(),
    "expected_episodes": pa.float64(),
    "rate_ratio": pa.float64(),
    "rate_ratio_low": pa.float64(),
    "rate_ratio_high": pa.float64(),
    "p_value": pa.float64(),
    "q_value": pa.float64(),
    "detectable_ratio": pa.float64(),
    "also_changed": pa.string(),
}


@dataclass(frozen=True)
class _Outcome:
    """A treatment with what its hosts and its controls did."""

    treatment: Treatment
    spans: Spans
    controls: Controls | None
    effect: Effect | None
    p: float
    regression: float
    rebooted: float


def rollouts(  # noqa: PLR0913 - each is a parameter of the mart
    rows: pa.Table,
    *,
    as_of: date,
    history_days: int,
    min_cohort_hosts: int,
    max_attribute_levels: int,
    change_q: float,
) -> pa.Table:
    """Every value that replaced another, before and after; see docs/method.md#roll-outs.

    Args:
        rows: As `history` takes them.
        as_of: Last day.
        history_days: Longest span before and after.
        min_cohort_hosts: Fewer treated hosts are no roll-out, fewer untreated ones no control.
        max_attribute_levels: Labels with more values than this are not looked at.
        change_q: False-discovery rate up to which an effect is told.

    Returns:
        The rows that the header of ``sql/rollouts.sql`` promises.
    """
    past = history(rows, max_attribute_levels)
    limits = Limits(history_days, min_cohort_hosts)
    days, day = calendar(past)
    groups = groups_of(past, days, day)
    found: list[Treatment] = []
    for attribute in sorted(past.levels):
        levels = levels_of(past, attribute, days.is_present.shape, day)
        found += in_place(attribute, levels, limits)
        found += replacements(attribute, levels, days, groups["family_and_zone"], limits)
    found = [each for each in found if _is_observed(each, days, limits)]
    if not found:
        return record_table([], _KINDS)
    mixture = _mixture(days, history_days)
    outcomes = [_outcome(each, days, groups, mixture, limits) for each in found]
    told = [each for each in outcomes if each.spans.before_h.sum() and each.spans.after_h.sum()]
    chances = iter(discoveries(np.array([each.p for each in told if each.effect])))
    first_day = as_of - timedelta(days=days.days - 1)
    records = []
    for each in told:
        q = float(next(chances)) if each.effect else np.nan
        others = [
            _name(other.treatment)
            for other in told
            if other is not each and _came_with(each.treatment, other.treatment)
        ]
        records.append(
            {
                **_who(each, first_day),
                **_what(each),
                **_figures(each, q),
                "verdict": _verdict(each, q, change_q),
                "also_changed": "; ".join(others),
            }
        )
    return record_table(records, _KINDS)


def _is_observed(treatment: Treatment, days: Calendar, limits: Limits) -> bool:
    """Whether enough treated hosts were seen before and after; in place, the same ones."""
    spans = treated_spans(treatment, days)
    if treatment.is_in_place:
        return len(spans.same_hosts().after) >= limits.hosts
    return bool(min((spans.before_h > 0).sum(), (spans.after_h > 0).sum()) >= limits.hosts)


def _mixture(days: Calendar, history_days: int) -> RateMixture:
    """Rates of all hosts in the first days: most of these are before any treatment."""
    hosts = np.arange(len(days.is_present))
    counts, hours = days.sums(hosts, 0, history_days)
    return rate_mixture(counts[hours > 0], hours[hours > 0])


def _outcome(
    treatment: Treatment,
    days: Calendar,
    groups: dict[str, Codes],
    mixture: RateMixture,
    limits: Limits,
) -> _Outcome:
    spans = treated_spans(treatment, days)
    untreated = controls(treatment, days, groups, limits, limits.days)
    if untreated is not None:
        spans = spans.where(untreated.is_covered)
    beside = (np.nan, np.nan)
    if treatment.is_in_place:
        spans = spans.same_hosts()
        beside = (regression(spans, mixture), _rebooted(treatment, days))
    if untreated is None or not (spans.before_h.sum() and spans.after_h.sum()):
        return _Outcome(treatment, spans, untreated, None, np.nan, *beside)
    effect = _effect(treatment, spans, untreated, mixture, limits)
    # What had begun before the treatment is not its doing: the last days before must agree.
    up, down = effect.up, effect.down
    recent = treatment.recent(_RECENT_DAYS)
    late = controls(recent, days, groups, limits, _RECENT_DAYS)
    late_spans = treated_spans(recent, days).where(untreated.is_covered)
    if treatment.is_in_place:
        late_spans = late_spans.same_hosts()
    if late is not None and late_spans.before_h.sum() and late_spans.after_h.sum():
        other = _effect(treatment, late_spans, late, mixture, limits)
        up, down = max(up, other.up), max(down, other.down)
    return _Outcome(treatment, spans, untreated, effect, min(2 * min(up, down), 1.0), *beside)


def _rebooted(treatment: Treatment, days: Calendar) -> float:
    """Share of the hosts that were booted about the day of the change, of those that tell."""
    around = [days.reboots[each.host, each.at - 1 : each.at + 2] for each in treatment.members]
    told = [bool((part == 1).any()) for part in around if (part >= 0).any()]
    return float(np.mean(told)) if told else float("nan")


def _effect(
    treatment: Treatment, spans: Spans, untreated: Controls, mixture: RateMixture, limits: Limits
) -> Effect:
    if treatment.is_in_place:
        return effect_in_place(spans, untreated, mixture, limits.hosts)
    return effect_of_replacement(spans, untreated)


def _verdict(outcome: _Outcome, q: float, change_q: float) -> str:
    effect, spans = outcome.effect, outcome.spans
    if effect is None:
        return "no_controls"
    if q <= change_q and max(effect.ratio, 1 / effect.ratio) >= MIN_CHANGE:
        before = spans.before.sum() / spans.before_h.sum()
        after = spans.after.sum() / spans.after_h.sum()
        # Who stays as others get worse was not cured, and the other way round.
        if effect.ratio < 1 and after < before:
            return "improved"
        if effect.ratio > 1 and after > before:
            return "worsened"
    return "no_difference_seen"


def _came_with(treatment: Treatment, other: Treatment) -> bool:
    """Whether most treated hosts had the other treatment, too, at most a day apart."""
    moments = {(each.host, each.at + days) for each in other.members for days in (-1, 0, 1)}
    both = sum((each.host, each.at) in moments for each in treatment.members)
    return both >= _TOGETHER * len(treatment.members)


def _name(treatment: Treatment) -> str:
    return f"{treatment.attribute}: {treatment.from_value} \u2192 {treatment.to_value}"


def _who(outcome: _Outcome, first_day: date) -> dict[str, Any]:
    treatment, spans = outcome.treatment, outcome.spans
    moments = [each.at for each in treatment.members]
    return {
        "attribute": treatment.attribute,
        "from_value": treatment.from_value,
        "to_value": treatment.to_value,
        "treatment": "in_place" if treatment.is_in_place else "replaced",
        "first_date": first_day + timedelta(days=min(moments)),
        "last_date": first_day + timedelta(days=max(moments)),
        "hosts_before": int((spans.before_h > 0).sum()),
        "hosts": int((spans.after_h > 0).sum()),
        "control_group": outcome.controls.group if outcome.controls else None,
        "control_hosts": len(np.unique(outcome.controls.host)) if outcome.controls else 0,
    }


def _what(outcome: _Outcome) -> dict[str, Any]:
    after, after_h, before, before_h = (
        float(part.sum())
        for part in (
            outcome.spans.after,
            outcome.spans.after_h,
            outcome.spans.before,
            outcome.spans.before_h,
        )
    )
    most = gamma_bound(np.array([1 + after]), np.array([after_h]), _Z)
    return {
        "exposure_before_h": before_h,
        "exposure_h": after_h,
        "episodes_before": int(before),
        "episodes": int(after),
        "before_per_1000h": 1000 * before / before_h,
        "episodes_per_1000h": 1000 * after / after_h,
        "per_1000h_high": 1000 * float(most[0]),
        "regression_ratio": outcome.regression,
        "rebooted_ratio": outcome.rebooted,
    }


def _figures(outcome: _Outcome, q: float) -> dict[str, Any]:
    effect = outcome.effect
    names = ("trend", "expected", "ratio", "low", "high", "detectable")
    figures = {name: getattr(effect, name) if effect else np.nan for name in names}
    return {
        "control_ratio": figures["trend"],
        "expected_episodes": figures["expected"],
        "rate_ratio": figures["ratio"],
        "rate_ratio_low": figures["low"],
        "rate_ratio_high": figures["high"],
        "p_value": outcome.p,
        "q_value": q,
        "detectable_ratio": figures["detectable"],
    }
