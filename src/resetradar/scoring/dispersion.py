"""How much hosts differ beyond chance, from hosts that are not outliers themselves."""

import numpy as np

from resetradar.scoring.distributions import (
    Flags,
    Floats,
    binned,
    capped_moments,
    count_cap,
    ln_gamma,
)

# Below this tail a host is an outlier: it must neither set the level nor the dispersion.
OUTLIER_TAIL = 1e-3
# The rounds begin strictly and let hosts in: begun at an ordinary spread, some bad hosts of a small
# fleet would make themselves ordinary.
FIRST_DISPERSION = 0.25
ROUNDS = 5

_GRID = np.geomspace(0.02, 30, 40)
_STRIDE = 4
_UNKNOWN = 1.0
_MIN_EPISODES = 20
# Two bad hosts of six would look like ordinary spread.
_MIN_HOSTS = 20


def fit_dispersion(counts: Floats, means: Floats) -> float:
    """Dispersion of negative binomial counts, by maximum likelihood on a grid of 0.02 to 30.

    Args:
        counts: Whole counts of hosts.
        means: Expected counts; those of 0 are left out.

    Returns:
        Dispersion a, variance = mean + a * mean**2; 1 if there are fewer than 20
        episodes or hosts.
    """
    known = means > 0
    counts, means = counts[known], means[known]
    if counts.sum() < _MIN_EPISODES or len(counts) < _MIN_HOSTS:
        return _UNKNOWN
    # Equal counts share their gamma functions, and nearly equal means their logarithms.
    numbers = np.bincount(counts.astype(np.int64))
    values = np.flatnonzero(numbers).astype(np.float64)
    numbers = numbers[numbers > 0]
    bins = binned(means)
    hosts = np.bincount(bins).astype(np.float64)
    totals, sums = (np.bincount(bins, each)[hosts > 0] for each in (counts, means))
    hosts = hosts[hosts > 0]
    means = sums / hosts

    def fit(place: int) -> float:
        dispersion = _GRID[place]
        size = 1 / dispersion
        gammas = ln_gamma(values + size) - ln_gamma(np.full_like(values, size))
        spread = np.log1p(dispersion * means)
        return float(
            numbers @ gammas + totals @ (np.log(dispersion) - spread) - size * (hosts @ spread)
        )

    # The likelihood has one peak: every fourth point finds it, its neighbours place it.
    coarse = max(range(0, len(_GRID), _STRIDE), key=fit)
    near = range(max(coarse - _STRIDE + 1, 0), min(coarse + _STRIDE, len(_GRID)))
    return float(_GRID[max(near, key=fit)])


def outliers(counts: Floats, means: Floats, dispersion: float) -> Flags:
    """Which hosts have more episodes than chance gives one host in a thousand."""
    return count_cap(counts, means, dispersion, OUTLIER_TAIL) < counts


def capped_dispersion(means: Floats, dispersion: float, tail: float) -> float:
    """Dispersion of counts that are capped as by `count_cap`: their variance is smaller.

    It is that of negative binomial counts with the same excess of variance over all hosts.
    """
    first, second = capped_moments(means, dispersion, tail)
    squares = float((first**2).sum())
    return max(float((second - first).sum()) / squares - 1, _GRID[0]) if squares else dispersion
