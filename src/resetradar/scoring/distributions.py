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
    asked = (count > 0) & (mean > 0)
    if asked.any():
        size = 1 / dispersion[asked]
        tail[asked] = _beta_ratio(count[asked], size, mean[asked] / (mean[asked] + size))
    return tail


def count_cap(count: Floats, mean: Floats, dispersion: float, tail: float) -> Floats:
    """Counts, none above the point that N exceeds with a probability of ``tail`` at most."""
    capped = np.array(count, float)
    asked = np.flatnonzero(count_tail(capped, mean, dispersion) <= tail)
    low, high = np.zeros(len(asked)), capped[asked]
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        is_rare = count_tail(middle + 1, mean[asked], dispersion) <= tail
        low, high = np.where(is_rare, low, middle), np.where(is_rare, middle, high)
        low = np.minimum(low, high)
    is_rare = count_tail(low + 1, mean[asked], dispersion) <= tail
    capped[asked] = np.where(is_rare, low, high)
    return capped


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
