"""The cohorts that explain a fleet's episodes, named one after the other.

A cohort is named if the rest of the fleet does not predict its count. Its excess then belongs to
it, and what travels with it has nothing left to explain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resetradar.scoring.candidates import Candidates
from resetradar.scoring.dispersion import FIRST_DISPERSION, ROUNDS, fit_dispersion, outliers
from resetradar.scoring.distributions import Flags, Floats, count_cap, count_tail
from resetradar.scoring.ratios import rate_ratio

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
_LIKE_FOR_LIKE = frozenset({"availability_zone", "instance_family"})


@dataclass(frozen=True)
class Named:
    """A cohort that stands out, against all others and with the other named cohorts accounted for.

    ``p`` is adjusted for the number of candidates; ``tolerant_p`` tests a ratio of at most 1.25.
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
    """What the rest of the fleet says of each candidate; arrays over candidates."""

    rate_ratio: Floats
    p: Floats
    tolerant_p: Floats
    gain: Floats
    affected_hosts: Floats


def explain(counts: Floats, hours: Floats, candidates: Candidates) -> list[Named]:
    """Named cohorts, the best explanation first.

    Args:
        counts: Episodes of each row of the fleet.
        hours: Exposure of each row, above 0.
        candidates: What can be named.
    """
    if counts.sum() == 0 or not len(candidates.names):
        return []
    named: list[int] = []
    while len(named) < MAX_NAMES:
        number = _best(_tests(_fitted(counts, hours, candidates, named), candidates), candidates)
        if number is None or number in named or _covers_too_much([*named, number], candidates):
            break
        named = _standing([*named, number], counts, hours, candidates)
        if number not in named:
            break
    return [_judged(number, named, counts, hours, candidates) for number in named]


def _fitted(counts: Floats, hours: Floats, candidates: Candidates, named: Sequence[int]) -> _Model:
    """Rates of the fleet and the factors of the named cohorts, by proportional fitting."""
    # Rows that belong to the same named cohorts share one factor.
    kinds = np.zeros(len(counts), dtype=np.int64)
    for place, number in enumerate(named):
        kinds += candidates.members(number) << place
    inside = [(np.arange(2 ** len(named)) >> place) % 2 == 1 for place in range(len(named))]
    calm, dispersion = counts, FIRST_DISPERSION
    means = hours * counts.sum() / hours.sum()
    for _ in range(ROUNDS):
        is_outlier = outliers(counts, means, dispersion)
        dispersion = fit_dispersion(counts[~is_outlier], means[~is_outlier])
        calm = count_cap(counts, means, dispersion, _CAP_TAIL)
        means = means * calm.sum() / means.sum()
        observed, expected = np.bincount(kinds, calm), np.bincount(kinds, means)
        fitted = expected.copy()
        for _ in range(_FITS):
            for rows in (mask[: len(fitted)] for mask in inside):
                for side in (rows, ~rows):
                    fitted[side] *= max(observed[side].sum(), 0.5) / fitted[side].sum()
        means = means * (fitted / np.maximum(expected, 1e-300))[kinds]
    return _Model(means, calm, dispersion)


def _tests(model: _Model, candidates: Candidates) -> _Tests:
    observed, mean = candidates.sums(model.counts), candidates.sums(model.means)
    squares = candidates.sums(model.means**2)
    rest = model.counts.sum() - observed
    rest_mean = np.maximum(model.means.sum() - mean, 1e-12)
    rest_squares = (model.means**2).sum() - squares
    scale = (np.maximum(rest, 0) + 0.5) / rest_mean

    def tail(times: float) -> Floats:
        s = scale * times
        predicted = s * mean
        variance = (
            predicted
            + model.dispersion * s**2 * squares
            + (mean / rest_mean) ** 2 * (s * rest_mean + model.dispersion * s**2 * rest_squares)
        )
        return count_tail(observed, predicted, (variance - predicted) / predicted**2)

    # With no episode elsewhere the ratio has no bound; half an episode keeps it finite.
    ratio = (observed / mean) / np.maximum(scale, 1e-12)
    looked_at = int(candidates.is_first.sum())
    gain = _gain(observed, mean) + _gain(rest, rest_mean)
    return _Tests(
        rate_ratio=ratio,
        p=np.minimum(tail(1) * looked_at, 1),
        tolerant_p=np.minimum(tail(TOLERATED_RATIO) * looked_at, 1),
        gain=gain,
        affected_hosts=candidates.sums((model.counts > 0).astype(float)),
    )


def _gain(observed: Floats, mean: Floats) -> Floats:
    seen = np.maximum(observed, 1e-12)
    return np.where(observed > 1e-9, seen * np.log(seen / mean), 0.0)


def _stands(tests: _Tests) -> Flags:
    return np.asarray(
        (tests.rate_ratio >= MIN_RATE_RATIO)
        & (tests.p < MAX_P)
        & (tests.affected_hosts >= MIN_AFFECTED_HOSTS)
    )


def _best(tests: _Tests, candidates: Candidates) -> int | None:
    eligible = np.flatnonzero(_stands(tests) & candidates.is_first)
    if not len(eligible):
        return None
    return int(eligible[np.argmax(tests.gain[eligible])])


def _covers_too_much(named: Sequence[int], candidates: Candidates) -> bool:
    covered = np.any([candidates.members(number) for number in named], axis=0)
    return bool(covered.mean() > MAX_NAMED_SHARE) and len(named) > 1


def _standing(named: list[int], counts: Floats, hours: Floats, candidates: Candidates) -> list[int]:
    """Names without the earlier ones that no longer stand once the others are in the model."""
    for number in named[:-1]:
        others = [other for other in named if other != number]
        tests = _tests(_fitted(counts, hours, candidates, others), candidates)
        if not _stands(tests)[number]:
            named = others
    return named


def _judged(
    number: int, named: Sequence[int], counts: Floats, hours: Floats, candidates: Candidates
) -> Named:
    others = [other for other in named if other != number]
    without = _fitted(counts, hours, candidates, others)
    tests = _tests(without, candidates)
    rows = candidates.members(number)
    names = {name for name, _ in candidates.names[number]}
    # Zones and families differ: members are compared with others of theirs.
    groupings = [
        split.groups.astype(np.int64)
        for split in candidates.splits
        if len(split.attributes) == 1
        and split.attributes[0] in _LIKE_FOR_LIKE
        and split.attributes[0] not in names
    ]
    ratio = rate_ratio(counts, without.means, rows, groupings)
    rest = without.counts[~rows].sum() / without.means[~rows].sum()
    return Named(
        number=number,
        rate_ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        expected=float(without.means[rows].sum() * rest),
        p=float(tests.p[number]),
        tolerant_p=float(tests.tolerant_p[number]),
        gain=float(tests.gain[number]),
        affected_hosts=int(tests.affected_hosts[number]),
    )
