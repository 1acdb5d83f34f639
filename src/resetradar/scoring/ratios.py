"""How many times as often a named cohort has episodes, like for like, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resetradar.scoring.columns import Codes
from resetradar.scoring.dispersion import fit_dispersion, outliers
from resetradar.scoring.distributions import Flags, Floats, count_cap

_ROUNDS = 8
# A ratio that changes by less is found.
_SAME = 1e-5
# Bad hosts on either side must hardly move a ratio; the cap takes the same share of both.
_CAP_TAIL = 0.05
# Episodes that a group needs to speak for itself; with fewer it is taken for an average one.
_GROUP_WEIGHT = 20.0
_Z = 1.96


@dataclass(frozen=True)
class Ratio:
    """A rate ratio with its 95 % interval."""

    value: float
    low: float
    high: float


def rate_ratio(counts: Floats, hours: Floats, rows: Flags, groupings: Sequence[Codes]) -> Ratio:
    """Rate of some rows over that of all others, each compared with others of its own groups.

    Counts are capped at the point that one host in twenty exceeds, on both sides alike: neither a
    monster in the cohort nor bad hosts outside move the ratio. The variance is that of negative
    binomial counts, and of the groups' own levels.

    Args:
        counts: Episodes of each row.
        hours: Its exposure, times the factors of the other named cohorts.
        rows: The cohort.
        groupings: Groups that tell hosts apart, such as families; the levels of groups are those
            outside of the cohort.
    """
    ratio, dispersion = 0.0, 1.0
    levels = np.ones(len(counts))
    calm = counts
    # Half an episode where there is none: a ratio to nothing has no bound.
    rate = max(counts[~rows].sum(), 0.5) / hours[~rows].sum()
    for _ in range(_ROUNDS):
        base = hours * levels * rate
        earlier, ratio = ratio, max(calm[rows].sum(), 0.5) / base[rows].sum()
        if abs(ratio - earlier) < _SAME * ratio:
            break
        means = base * np.where(rows, ratio, 1.0)
        is_outlier = outliers(counts, means, dispersion)
        dispersion = fit_dispersion(counts[~is_outlier], means[~is_outlier])
        calm = count_cap(counts, means, dispersion, _CAP_TAIL)
        rate = max(calm[~rows].sum(), 0.5) / hours[~rows].sum()
        levels = np.ones(len(counts))
        for groups in groupings:
            levels *= _levels(calm, hours * levels * rate, rows, groups)
    means = hours * levels * rate * np.where(rows, ratio, 1.0)
    variance = _variance(means[rows], dispersion) + _variance(means[~rows], dispersion)
    variance += sum(_level_variance(calm, means, rows, groups) for groups in groupings)
    spread = float(np.exp(_wide(means[rows]) * np.sqrt(variance)))
    return Ratio(float(ratio), float(ratio / spread), float(ratio * spread))


def _wide(means: Floats) -> float:
    """Deviations of the interval: Student's, with as many hosts as really tell something."""
    hosts = means.sum() ** 2 / (means**2).sum()
    return float(_Z + (_Z**3 + _Z) / (4 * max(hosts - 1, 1)))


def _levels(calm: Floats, means: Floats, rows: Flags, groups: Codes) -> Floats:
    observed = np.bincount(groups, np.where(rows, 0, calm))
    expected = np.bincount(groups, np.where(rows, 0, means))
    levels: Floats = ((observed + _GROUP_WEIGHT) / (expected + _GROUP_WEIGHT))[groups]
    return levels


def _level_variance(calm: Floats, means: Floats, rows: Flags, groups: Codes) -> float:
    """Variance that the cohort's ratio has from the levels of the groups it is compared in."""
    weights = np.bincount(groups, np.where(rows, means, 0)) / means[rows].sum()
    observed = np.bincount(groups, np.where(rows, 0, calm))
    return float((weights**2 / (observed + _GROUP_WEIGHT)).sum())


def _variance(means: Floats, dispersion: float) -> float:
    """Variance of the logarithm of a sum of counts when hosts differ."""
    return float((means + dispersion * means**2).sum() / means.sum() ** 2)
