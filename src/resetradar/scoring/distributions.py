"""Tails and bounds of the Gamma and negative binomial distributions, over arrays.

All functions are exact to about ten digits in their tails except `gamma_bound`, whose approximation
is part of the method (docs/method.md#score).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Lanczos, g = 7: relative error below 1e-14 for arguments above one half.
_LANCZOS = (
    0.99999999999980993,
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
)
_TINY = 1e-300
_STEPS = 2000
_SMALL = 40.0
# Width of a bin on the logarithm of means.
_BIN = 0.01
# Below this a tail is no difference from 1 any more, but computed from its own end.
_RARE = 1e-3


def ln_gamma(x: Floats) -> Floats:
    """Logarithm of the gamma function of positive numbers."""
    total = np.full_like(x, _LANCZOS[0])
    for place, weight in enumerate(_LANCZOS[1:], 1):
        total += weight / (x + place)
    base = x + 7.5
    # Of x + 1 less ln x: the series is good above one half only.
    result: Floats = (
        0.5 * np.log(2 * np.pi) + (x + 0.5) * np.log(base) - base + np.log(total) - np.log(x)
    )
    return result


def gamma_bound(shape: Floats, rate: Floats, z: float) -> Floats:
    """Point of Gamma(shape, rate) that a standard normal ``z`` stands for.

    Wilson and Hilferty, PNAS 17, 1931: the cube root of a gamma variable is nearly normal.
    """
    bound: Floats = shape * (1 - 1 / (9 * shape) + z / (3 * np.sqrt(shape))) ** 3 / rate
    return bound


def count_tail(count: Floats, mean: Floats, dispersion: Floats | float) -> Floats:
    """P(N >= count) of a negative binomial N with variance mean + dispersion * mean**2.

    Args:
        count: Counts, not negative; fractions are interpolated.
        mean: Expected counts, not negative.
        dispersion: Above 0; a single value or one per count.
    """
    count, mean, dispersion = np.broadcast_arrays(
        np.asarray(count, float), np.asarray(mean, float), np.asarray(dispersion, float)
    )
    tail = np.where(count > 0, 0.0, 1.0)
    asked = np.flatnonzero((count > 0) & (mean > 0))
    # Most counts are small and ordinary: a sum of a few terms is exact there, and quick.
    small = asked[(count[asked] <= _SMALL) & (count[asked] % 1 == 0)]
    place, below = _walk(count[small], mean[small], dispersion[small], 1 - _RARE)
    ordinary = small[place == count[small]]
    tail[ordinary] = 1 - below[place == count[small]]
    rare = np.setdiff1d(asked, ordinary, assume_unique=True)
    if len(rare):
        size = 1 / dispersion[rare]
        tail[rare] = _beta_ratio(count[rare], size, mean[rare] / (mean[rare] + size))
    return tail


def count_cap(count: Floats, mean: Floats, dispersion: float, tail: float) -> Floats:
    """Whole counts, none above the point that N exceeds with a probability of ``tail`` at most."""
    return _walk(count, mean, np.full(len(count), dispersion), 1 - tail)[0]


def capped_moments(mean: Floats, dispersion: float, tail: float) -> tuple[Floats, Floats]:
    """Mean and mean square of counts that are capped as by `count_cap`, to one per cent.

    Args:
        mean: Expected counts, above 0.
        dispersion: Of the counts before they are capped.
        tail: As for `count_cap`.
    """
    bins = binned(mean)
    hosts = np.maximum(np.bincount(bins), 1)
    mean = np.bincount(bins, mean) / hosts
    size = 1 / dispersion
    odds = mean / (mean + size)
    term = np.exp(size * np.log1p(-odds))
    # Sums over the places of P(N > place), times 1 and times the steps of a square.
    above, first, second = 1 - term, np.zeros(len(mean)), np.zeros(len(mean))
    step = 0
    while (above > tail).any():
        counts = np.where(above > tail, above, 0)
        first += counts
        second += (2 * step + 1) * counts
        step += 1
        term = term * (size + step - 1) / step * odds
        above = above - term
    return first[bins], second[bins]


def binned(means: Floats) -> npt.NDArray[np.int64]:
    """A number for each mean above 0; means within one per cent may share it."""
    logs = np.log(means)
    bins: npt.NDArray[np.int64] = ((logs - logs.min(initial=0)) / _BIN).astype(np.int64)
    return bins


def _walk(count: Floats, mean: Floats, dispersion: Floats, limit: float) -> tuple[Floats, Floats]:
    """The count, or the first place below it up to which N has probability ``limit``.

    Returns:
        Places, and the probability that N is below each.
    """
    size = 1 / dispersion
    odds = mean / (mean + size)
    place, below = np.zeros(len(count)), np.zeros(len(count))
    rows = np.flatnonzero(count > 0)
    term = np.exp(size[rows] * np.log1p(-odds[rows]))
    step = 0
    while len(rows):
        reached = below[rows] + term
        moves = reached < limit
        rows, term, step = rows[moves], term[moves], step + 1
        below[rows], place[rows] = reached[moves], step
        goes_on = count[rows] > step
        rows, term = rows[goes_on], term[goes_on]
        term = term * (size[rows] + step - 1) / step * odds[rows]
    return place, below


def discoveries(p: Floats) -> Floats:
    """False-discovery rate at which each test would be reported.

    Benjamini and Hochberg, J. R. Statist. Soc. B 57, 1995.
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return q


def _beta_ratio(a: Floats, b: Floats, x: Floats) -> Floats:
    """Regularised incomplete beta function, by Lentz's continued fraction."""
    front = np.exp(ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * np.log(x) + b * np.log1p(-x))
    # The fraction converges quickly on one side of the mean; the other side is its complement.
    is_swapped = x > (a + 1) / (a + b + 2)
    first, second = np.where(is_swapped, b, a), np.where(is_swapped, a, b)
    part = front * _fraction(first, second, np.where(is_swapped, 1 - x, x)) / first
    return np.clip(np.where(is_swapped, 1 - part, part), 0, 1)


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    ratio_up = np.ones_like(x)
    ratio_down = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = ratio_down.copy()
    for m in range(1, _STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            ratio_down = 1 / _away_from_zero(1 + term * ratio_down)
            ratio_up = _away_from_zero(1 + term / ratio_up)
            value *= ratio_down * ratio_up
        if (np.abs(ratio_down * ratio_up - 1) < 1e-13).all():
            break
    return value


def _away_from_zero(x: Floats) -> Floats:
    return np.where(np.abs(x) < _TINY, _TINY, x)
