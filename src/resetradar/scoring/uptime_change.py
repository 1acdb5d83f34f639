"""From which time since boot on hosts have more, or fewer, episodes: each against itself.

A host with many episodes and a long uptime must not make uptime look guilty, so all figures but the
plain rates compare the time of one host before a moment with its time after it.
"""

from dataclasses import dataclass

import numpy as np

from resetradar.scoring.distributions import Flags, Floats

_STEPS = 40
# No host is a stronger sign than ten episodes can be.
_LARGEST = 10.0**0.5
# Half an episode on either side: a ratio to nothing has no bound.
_PSEUDO = 0.5
_LARGEST_LN = 9.0
_Z = 1.96
# A moment that explains the episodes worse by this much in log-likelihood is ruled out.
_RULED_OUT = 2.0


@dataclass(frozen=True)
class Change:
    """The moment that two rates explain best, and the ratio of the second to the first."""

    place: int
    low: int
    high: int
    gain: float
    ratio: float
    ratio_low: float
    ratio_high: float
    compared_hosts: int


def later_share(hours: Floats) -> Floats:
    """Share of each row's time at or after each bin but the first; a column per moment."""
    after = _after(hours)
    whole = hours.sum(axis=1, keepdims=True)
    share: Floats = after / np.where(whole > 0, whole, 1.0)
    return share


def excess(counts: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """How many more episodes than by chance come after each moment, and the variance of that.

    A row counts by the root of its episodes, and no row by more than ten episodes could make: many
    of one host are not many hosts, and a monster is one host.
    """
    number = counts.sum(axis=1, keepdims=True)
    scale = np.sqrt(np.maximum(number, 1))
    beyond: Floats = np.clip((_after(counts) - number * shares) / scale, -_LARGEST, _LARGEST)
    variance: Floats = np.where(number > 0, shares * (1 - shares), 0.0)
    return beyond, variance


def best_change(counts: Floats, hours: Floats) -> Change | None:
    """The moment between bins from which two rates explain the episodes best.

    Args:
        counts: Episodes by row and bin.
        hours: Exposure of the same shape.

    Returns:
        The change, ``place`` being the first bin of the second rate; None if no row was seen on
        both sides of any moment.
    """
    number = counts.sum(axis=1)
    counts, hours = counts[number > 0], hours[number > 0]
    if not len(counts) or counts.shape[1] < 2:
        return None
    after, after_h = _after(counts), _after(hours)
    before_h = hours.sum(axis=1, keepdims=True) - after_h
    is_both = (after_h > 0) & (before_h > 0)
    ln_ratio, gain = _profile(after, counts.sum(axis=1, keepdims=True), before_h, after_h)
    usable = is_both.any(axis=0)
    if not usable.any():
        return None
    gain = np.where(usable, gain, -np.inf)
    best = int(np.argmax(gain))
    near = np.flatnonzero(gain >= gain[best] - _RULED_OUT)
    spread = _spread(after, counts.sum(axis=1, keepdims=True), before_h, after_h, ln_ratio)[best]
    return Change(
        place=best + 1,
        low=int(near[0]) + 1,
        high=int(near[-1]) + 1,
        gain=float(gain[best]),
        ratio=float(np.exp(ln_ratio[best])),
        ratio_low=float(np.exp(ln_ratio[best] - _Z * spread)),
        ratio_high=float(np.exp(ln_ratio[best] + _Z * spread)),
        compared_hosts=int(is_both[:, best].sum()),
    )


def returned(counts: Floats, hours: Floats, rows: Floats, free_h: float) -> Flags:
    """Boots in which a host had episodes late only, after it had had some late in an earlier boot.

    Args:
        counts: Two rows: episodes of each boot before and after the change, boots in time order.
        hours: Exposure of the same shape.
        rows: Whose boot it is.
        free_h: Hours before the change; a boot must have been observed for half of them.
    """
    before, after = counts
    seen: set[float] = set()
    found = np.zeros(len(rows), dtype=bool)
    for boot in range(len(rows)):
        was_free = before[boot] == 0 and hours[0, boot] >= free_h / 2
        found[boot] = rows[boot] in seen and was_free and after[boot] > 0
        if after[boot] > 0:
            seen.add(float(rows[boot]))
    return found


def _after(values: Floats) -> Floats:
    summed: Floats = values[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return summed


def _profile(
    after: Floats, number: Floats, before_h: Floats, after_h: Floats
) -> tuple[Floats, Floats]:
    """Logarithm of the ratio and gain in log-likelihood for each moment.

    Given its number of episodes, those of a row after the moment are binomial. A row's likelihood
    is divided by the root of its number, since its episodes cluster.
    """
    weight = 1 / np.sqrt(number)
    ln_ratio = np.zeros(after.shape[1])
    for _ in range(_STEPS):
        slope, bend = _slope(after, number, before_h, after_h, ln_ratio)
        ln_ratio = np.clip(ln_ratio + np.clip(slope / bend, -1.0, 1.0), -_LARGEST_LN, _LARGEST_LN)
    whole = before_h + after_h
    mixed = np.log((before_h + np.exp(ln_ratio) * after_h) / np.where(whole > 0, whole, 1.0))
    gain: Floats = (weight * (after * ln_ratio - number * mixed)).sum(axis=0)
    return ln_ratio, gain


def _slope(
    after: Floats, number: Floats, before_h: Floats, after_h: Floats, ln_ratio: Floats
) -> tuple[Floats, Floats]:
    weight = 1 / np.sqrt(number)
    share = _share(before_h, after_h, ln_ratio)
    pseudo = 1 / (1 + np.exp(-ln_ratio))
    slope = (weight * (after - number * share)).sum(axis=0) + _PSEUDO - 2 * _PSEUDO * pseudo
    bend = (weight * number * share * (1 - share)).sum(axis=0)
    return slope, bend + 2 * _PSEUDO * pseudo * (1 - pseudo)


def _share(before_h: Floats, after_h: Floats, ln_ratio: Floats) -> Floats:
    later = np.exp(ln_ratio) * after_h
    whole = before_h + later
    share: Floats = later / np.where(whole > 0, whole, 1.0)
    return share


def _spread(
    after: Floats, number: Floats, before_h: Floats, after_h: Floats, ln_ratio: Floats
) -> Floats:
    """Standard deviation of the logarithm of the ratio, by chance or between hosts, the larger."""
    slope = (after - number * _share(before_h, after_h, ln_ratio)) / np.sqrt(number)
    bend = _slope(after, number, before_h, after_h, ln_ratio)[1]
    spread: Floats = np.sqrt(np.maximum(1 / bend, (slope**2).sum(axis=0) / bend**2))
    return spread
