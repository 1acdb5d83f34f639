"""Whether a treatment changed a rate: against what untreated hosts did in the same days.

Differences in differences, on a ratio scale. Where hosts are the same before and after, they are
expected to do what hosts with their count do, so that bad luck before is not taken for a cure.
"""

from dataclasses import dataclass

import numpy as np

from resetradar.scoring.columns import Codes
from resetradar.scoring.controls import Controls, sum_by
from resetradar.scoring.distributions import Floats, count_tail
from resetradar.scoring.rate_changes import NO_TREND, Spans, Trend, coin, intervals, tails
from resetradar.scoring.rate_mixture import RateMixture

# 95 % sure, in four cases of five.
_POWER_Z = 1.96 + 0.84
_SMALL_SAMPLE = 2.4
_STEPS = 60
_LOG_BOUND = 12.0


@dataclass(frozen=True)
class Effect:
    """Rate after over what was to be expected, with its 95 % interval.

    ``trend`` is what untreated hosts did meanwhile; ``expected`` counts episodes. ``up`` and
    ``down`` are the probabilities by chance of so many or more, and of so few or fewer.
    ``detectable`` is the smallest fall that would have been told in four cases of five.
    """

    trend: float
    expected: float
    ratio: float
    low: float
    high: float
    up: float
    down: float
    detectable: float


def effect_of_replacement(spans: Spans, untreated: Controls) -> Effect:
    """Other hosts came: their rate against that of those they replaced, and the trend."""
    others = untreated.by_host()
    others = others.where((others.before_h > 0) | (others.after_h > 0))
    usual = coin(others, NO_TREND, is_same_hosts=True)
    trend = Trend(usual.ratio, usual.log_variance)
    found = coin(spans, trend, is_same_hosts=False)
    (up,), (down,) = tails([found])
    (low,), (high,) = intervals([found])
    rate = (spans.before.sum() + 0.5) / spans.before_h.sum()
    expected = float(rate * spans.after_h.sum() * trend.ratio)
    parts = 1 / max(expected, 1e-9) + 1 / (spans.before.sum() + 0.5)
    detectable = float(np.exp(-_POWER_Z * np.sqrt(found.dispersion * parts)))
    return Effect(trend.ratio, expected, found.ratio, low, high, up, down, detectable)


def effect_in_place(
    spans: Spans, untreated: Controls, mixture: RateMixture, min_hosts: int
) -> Effect:
    """The same hosts: their episodes against what their count before lets expect, and the trend.

    Args:
        spans: Treated hosts, each observed before and after.
        untreated: Their controls.
        mixture: How rates are spread over the fleet.
        min_hosts: Fewest untreated hosts of a class of counts.
    """
    mean, spread = mixture.expected(spans.before, spans.before_h)
    trend = _trend_by_count(untreated, mixture, (mean, mean * spans.after_h), min_hosts)
    means = trend.ratio * mean * spans.after_h
    expected, observed = float(means.sum()), float(spans.after.sum())
    ratio = (observed + 0.5) / (expected + 0.5)
    variance = float((ratio**2 * ((trend.ratio * spans.after_h) ** 2 * spread)).sum())
    between = _between(spans.after, ratio * means) - ratio * expected
    uncertain = max(variance, between) + (ratio * expected) ** 2 * trend.variance
    dispersion = uncertain / max(ratio * expected, 1e-9) ** 2
    up, down = _count_tails(observed, expected, dispersion)
    low, high = (_bound(observed, expected, dispersion, side) for side in (0, 1))
    detectable = float(np.exp(-_POWER_Z * np.sqrt(1 / max(expected, 1e-9) + dispersion)))
    return Effect(trend.ratio, expected, ratio, low, high, up, down, detectable)


def regression(spans: Spans, mixture: RateMixture) -> float:
    """What the rate of the same hosts would have become by chance alone, over what it was."""
    same = spans.same_hosts()
    mean, _ = mixture.expected(same.before, same.before_h)
    usual = (same.before / same.before_h * same.after_h).sum()
    return float((mean * same.after_h).sum() / usual) if usual > 0 else float("nan")


def _trend_by_count(
    untreated: Controls, mixture: RateMixture, treated: tuple[Floats, Floats], min_hosts: int
) -> Trend:
    """Episodes of untreated hosts over what their counts before let expect.

    Classes of that expectation, each twice the one below, weigh as they do among treated hosts.
    """
    spans, host = untreated.spans, untreated.host
    mean, spread = mixture.expected(spans.before, spans.before_h)
    own, hopes = _classes(treated[0]), treated[1]
    classes = _classes(mean)
    sizes = {
        int(one): len(np.unique(host[classes == one]))
        for one in np.unique(classes)
        if (classes == one).any()
    }
    usable = np.array([one for one, size in sizes.items() if size >= min_hosts])
    weight = untreated.weight
    if len(usable):
        nearest = usable[np.abs(own[:, None] - usable).argmin(axis=1)]
        factors = np.zeros(len(classes))
        for one in usable:
            rows = classes == one
            had = float((weight * mean * spans.after_h)[rows].sum())
            factors[rows] = hopes[nearest == one].sum() / had
        weight = weight * factors
    weight = weight / weight.max(initial=1e-300)
    after, means, deviations, weights = (
        sum_by(host, weight * part)
        for part in (
            spans.after,
            mean * spans.after_h,
            spans.after_h * np.sqrt(spread),
            np.ones_like(weight),
        )
    )
    observed, expected = after.sum() + 0.5, means.sum() + 0.5
    ratio = float(observed / expected)
    # Days of one host overlap: they add up as one.
    chance = float((weights * after).sum()) + 0.5 + float((ratio**2 * deviations**2).sum())
    seen = weights > 0
    variance = max(chance, _between(after[seen], ratio * means[seen]))
    return Trend(ratio, float(variance / observed**2))


def _classes(rates: Floats) -> Codes:
    return np.floor(np.log2(rates)).astype(np.int64)


def _between(counts: Floats, means: Floats) -> float:
    """Variance of the sum of counts, from how far each host is from its mean."""
    hosts, affected = len(means), int((counts > 0).sum())
    residuals = counts - means * counts.sum() / max(means.sum(), 1e-9)
    found = float((residuals**2).sum()) * hosts / max(hosts - 1, 1)
    return found * (1 + _SMALL_SAMPLE / max(affected - 1, 1))


def _count_tails(observed: float, mean: float, dispersion: float) -> tuple[float, float]:
    """Probabilities of at least and of at most so many, the count itself by half."""
    counts = np.array([observed, observed + 1])
    at_least, more = count_tail(counts, np.array([mean]), max(dispersion, 1e-6))
    upper = float((at_least + more) / 2)
    return upper, 1 - upper


def _bound(observed: float, expected: float, dispersion: float, side: int) -> float:
    low, high = -_LOG_BOUND, _LOG_BOUND
    for _ in range(_STEPS):
        middle = (low + high) / 2
        tail = _count_tails(observed, expected * np.exp(middle), dispersion)[side]
        is_below = (tail < (1 - 0.95) / 2) == (side == 0)
        low, high = (middle, high) if is_below else (low, middle)
    if abs(high) > _LOG_BOUND - 1:
        return 0.0 if high < 0 else float("inf")
    return float(np.exp(high))
