"""The cohorts that explain a fleet's episodes, named one after the other.

A cohort is named if the rest of the fleet does not predict its count. Its excess then belongs to
it, and what travels with it has nothing left to explain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from resetradar.scoring.candidates import Candidates
from resetradar.scoring.chance import independent_looks
from resetradar.scoring.dispersion import (
    FIRST_DISPERSION,
    ROUNDS,
    capped_dispersion,
    fit_dispersion,
    outliers,
)
from resetradar.scoring.distributions import Flags, Floats, count_cap
from resetradar.scoring.prediction import Totals, predicted
from resetradar.scoring.ratios import Ratio, rate_ratio

MIN_RATE_RATIO = 1.5
# A difference so small is no reason to accuse: real fleets always have some.
TOLERATED_RATIO = 1.25
MAX_P = 0.05
MIN_AFFECTED_HOSTS = 3
MAX_NAMES = 6
MAX_NAMED_SHARE = 0.5

# A host counts for no more than the point that one in a hundred exceeds: no monster makes a cohort.
_CAP_TAIL = 0.01
_FITS = 25
# Candidates of a round that are compared like for like; more would take long for little.
_MAX_TRIED = 12
_LIKE_FOR_LIKE = frozenset({"availability_zone", "instance_family"})


@dataclass(frozen=True)
class Named:
    """A cohort that stands out, against all others and with the other named cohorts accounted for.

    ``p`` and ``tolerant_p`` are adjusted for the candidates looked at; the latter tests a ratio of
    at most 1.25.
    """

    number: int
    rate_ratio: float
    low: float
    high: float
    expected: float
    p: float
    tolerant_p: float
    gain: float
    affected_hosts: int


@dataclass(frozen=True)
class _Model:
    """Expected counts with some cohorts' factors in them, and counts that no monster dominates."""

    means: Floats
    counts: Floats
    dispersion: float


@dataclass(frozen=True)
class _Tests:
    """What the rest of the fleet says of each candidate, before adjustment; over candidates."""

    rate_ratio: Floats
    p: Floats
    tolerant_p: Floats
    gain: Floats
    affected_hosts: Floats


@dataclass(frozen=True)
class _Fleet:
    """Episodes and exposure of each row, what can be named, and how many looks that makes."""

    counts: Floats
    hours: Floats
    candidates: Candidates
    looks: float = 1.0
    fits: dict[tuple[int, ...], _Model] = field(default_factory=dict)


def explain(counts: Floats, hours: Floats, candidates: Candidates) -> list[Named]:
    """Named cohorts, the best explanation first.

    Args:
        counts: Episodes of each row of the fleet.
        hours: Exposure of each row, above 0.
        candidates: What can be named.
    """
    if counts.sum() == 0 or not len(candidates.names):
        return []
    fleet = _Fleet(counts, hours, candidates)
    totals = _totals(_tested(fleet, [], _best(fleet, [])), candidates)
    fleet = replace(fleet, looks=independent_looks(totals, candidates, MIN_RATE_RATIO))
    named: list[int] = []
    # Two names that replace each other would go on for ever.
    for _ in range(2 * MAX_NAMES):
        number = _next(fleet, named) if len(named) < MAX_NAMES else None
        if number is None or _covers_too_much([*named, number], candidates):
            break
        named = _standing([*named, number], fleet)
        if number not in named:
            break
    return [_judged(number, named, fleet) for number in named]


def _fitted(fleet: _Fleet, named: Sequence[int]) -> _Model:
    """Rates of the fleet and the factors of the named cohorts, by proportional fitting."""
    if tuple(named) not in fleet.fits:
        fleet.fits[tuple(named)] = _fit(fleet, named)
    return fleet.fits[tuple(named)]


def _fit(fleet: _Fleet, named: Sequence[int]) -> _Model:
    counts, hours, candidates = fleet.counts, fleet.hours, fleet.candidates
    # Rows that belong to the same named cohorts share one factor.
    shared = sum(
        (
            candidates.members(number).astype(np.int64) << place
            for place, number in enumerate(named)
        ),
        start=np.zeros(candidates.kinds.max() + 1, dtype=np.int64),
    )
    kinds = shared[candidates.kinds]
    inside = [(np.arange(2 ** len(named)) >> place) % 2 == 1 for place in range(len(named))]
    calm, dispersion = counts, FIRST_DISPERSION
    means = hours * counts.sum() / hours.sum()
    for _ in range(ROUNDS):
        is_outlier = outliers(counts, means, dispersion)
        earlier, dispersion = dispersion, fit_dispersion(counts[~is_outlier], means[~is_outlier])
        before, calm = calm, count_cap(counts, means, dispersion, _CAP_TAIL)
        if before is not counts and dispersion == earlier and (calm == before).all():
            break
        means = means * calm.sum() / means.sum()
        observed, expected = np.bincount(kinds, calm), np.bincount(kinds, means)
        fitted = expected.copy()
        for _ in range(_FITS):
            for rows in (mask[: len(fitted)] for mask in inside):
                for side in (rows, ~rows):
                    fitted[side] *= max(observed[side].sum(), 0.5) / fitted[side].sum()
        means = means * (fitted / np.maximum(expected, 1e-300))[kinds]
    return _Model(means, calm, dispersion)


def _tested(fleet: _Fleet, named: Sequence[int], more: Sequence[int]) -> _Model:
    """The model of some names, with the dispersion that is left when more are in it.

    A guilty cohort makes hosts differ; it must not excuse itself by that.
    """
    model = _fitted(fleet, named)
    dispersion = min(model.dispersion, _fitted(fleet, more).dispersion)
    return replace(model, dispersion=capped_dispersion(model.means, dispersion, _CAP_TAIL))


def _best(fleet: _Fleet, named: Sequence[int]) -> list[int]:
    """The names, and the candidate that explains most of what they leave, be it only luck."""
    tests = _tests(_fitted(fleet, named), fleet.candidates)
    worse = np.flatnonzero((tests.rate_ratio >= MIN_RATE_RATIO) & fleet.candidates.is_first)
    return [*named, int(worse[np.argmax(tests.gain[worse])])] if len(worse) else [*named]


def _totals(model: _Model, candidates: Candidates) -> Totals:
    counts, means = (candidates.by_kind(values) for values in (model.counts, model.means))
    return Totals(counts, means, candidates.by_kind(model.means**2), model.dispersion)


def _tests(model: _Model, candidates: Candidates) -> _Tests:
    totals = _totals(model, candidates)
    found = predicted(totals, candidates)
    mean = candidates.sums(totals.means)
    rest = totals.counts.sum() - found.observed
    rest_mean = np.maximum(totals.means.sum() - mean, 1e-12)
    return _Tests(
        rate_ratio=found.ratio,
        p=found.tail(),
        tolerant_p=predicted(totals, candidates, TOLERATED_RATIO).tail(),
        gain=_gain(found.observed, mean) + _gain(rest, rest_mean),
        affected_hosts=candidates.sums(candidates.by_kind((model.counts > 0).astype(float))),
    )


def _gain(observed: Floats, mean: Floats) -> Floats:
    seen = np.maximum(observed, 1e-12)
    return np.where(observed > 1e-9, seen * np.log(seen / mean), 0.0)


def _stands(tests: _Tests, looks: float) -> Flags:
    return np.asarray(
        (tests.rate_ratio >= MIN_RATE_RATIO)
        & (tests.p * looks < MAX_P)
        & (tests.affected_hosts >= MIN_AFFECTED_HOSTS)
    )


def _next(fleet: _Fleet, named: Sequence[int]) -> int | None:
    """The candidate that explains most of what is left, like for like; None if none stands."""
    model = _tested(fleet, named, _best(fleet, named))
    tests = _tests(model, fleet.candidates)
    eligible = np.flatnonzero(_stands(tests, fleet.looks) & fleet.candidates.is_first)
    best_first = eligible[np.argsort(-tests.gain[eligible], kind="stable")]
    for number in best_first[:_MAX_TRIED]:
        # A pair whose excess is that of its family, or a true but small difference, is no finding.
        if number not in named and _ratio(int(number), model, fleet).low > TOLERATED_RATIO:
            return int(number)
    return None


def _covers_too_much(named: Sequence[int], candidates: Candidates) -> bool:
    covered = np.any([candidates.members(number) for number in named], axis=0)[candidates.kinds]
    return bool(covered.mean() > MAX_NAMED_SHARE) and len(named) > 1


def _standing(named: list[int], fleet: _Fleet) -> list[int]:
    """Names without the earlier ones that no longer stand once the others are in the model."""
    for number in named[:-1]:
        others = [other for other in named if other != number]
        tests = _tests(_tested(fleet, others, named), fleet.candidates)
        if not _stands(tests, fleet.looks)[number]:
            named = others
    return named


def _judged(number: int, named: Sequence[int], fleet: _Fleet) -> Named:
    candidates = fleet.candidates
    without = _tested(fleet, [other for other in named if other != number], named)
    tests = _tests(without, candidates)
    rows = candidates.members(number)[candidates.kinds]
    ratio = _ratio(number, without, fleet)
    rest = without.counts[~rows].sum() / without.means[~rows].sum()
    return Named(
        number=number,
        rate_ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        expected=float(without.means[rows].sum() * rest),
        p=float(min(tests.p[number] * fleet.looks, 1)),
        tolerant_p=float(min(tests.tolerant_p[number] * fleet.looks, 1)),
        gain=float(tests.gain[number]),
        affected_hosts=int(tests.affected_hosts[number]),
    )


def _ratio(number: int, model: _Model, fleet: _Fleet) -> Ratio:
    """Like for like: zones and families differ, so members are compared with others of theirs."""
    candidates = fleet.candidates
    groupings = [
        split.groups[candidates.kinds].astype(np.int64)
        for split in candidates.splits
        if len(split.attributes) == 1
        and split.attributes[0] in _LIKE_FOR_LIKE
        # A whole zone has no others of its zone.
        and split.attributes != tuple(name for name, _ in candidates.names[number])
    ]
    rows = candidates.members(number)[candidates.kinds]
    return rate_ratio(fleet.counts, model.means, rows, groupings)
