"""How many times as often as before, and how sure that is: hosts cluster, and counts are small.

A change is judged like a coin: of all episodes of both spans, how many fall into the later one, and
how many would if nothing had changed. Hosts that differ from each other widen it, by the variance
between them.
"""

from dataclasses import dataclass

import numpy as np

from resetradar.scoring.distributions import Flags, Floats, count_tail

# Hosts seen in both spans are compared with themselves if they hold so much of the time of each.
_SAME_HOSTS_SHARE = 0.5
_Z = 1.96
# How much wider than the normal distribution Student's is at 95 %, per degree of freedom.
_SMALL_SAMPLE = (_Z**2 + 1) / 2
_STEPS = 60
_LOGIT = 30.0
# Real fleets always move a little: less than this is no change.
MIN_CHANGE = 1.25


@dataclass(frozen=True)
class Spans:
    """Episodes and observed hours of each host, before and after a moment."""

    before: Floats
    before_h: Floats
    after: Floats
    after_h: Floats

    def where(self, rows: Flags) -> "Spans":
        """The same of some hosts."""
        return Spans(self.before[rows], self.before_h[rows], self.after[rows], self.after_h[rows])

    def same_hosts(self) -> "Spans":
        """The hosts that were observed in both spans."""
        return self.where((self.before_h > 0) & (self.after_h > 0))

    def are_same_hosts(self) -> bool:
        """Whether hosts observed in both spans hold at least half of the time of each."""
        same = self.same_hosts()
        return bool(
            same.before_h.sum() >= _SAME_HOSTS_SHARE * self.before_h.sum()
            and same.after_h.sum() >= _SAME_HOSTS_SHARE * self.after_h.sum()
            and len(same.after_h) > 0
        )


@dataclass(frozen=True)
class Trend:
    """What would have changed anyway: a rate ratio and the variance of its logarithm."""

    ratio: float = 1.0
    variance: float = 0.0


NO_TREND = Trend()


@dataclass(frozen=True)
class Coin:
    """Of ``total`` episodes ``later`` fell into the later span; ``share`` is what chance gives.

    ``dispersion`` is the variance of ``later`` over that of a coin, at least 1.
    """

    later: float
    total: float
    share: float
    dispersion: float

    @property
    def ratio(self) -> float:
        """Rate ratio against what chance gives; half an episode is added to both spans."""
        odds = (self.later + 0.5) / (self.total - self.later + 0.5)
        return float(odds * (1 - self.share) / self.share)

    @property
    def change(self) -> float:
        """How many times as high or as low, 1 or more."""
        return max(self.ratio, 1 / self.ratio)

    @property
    def log_variance(self) -> float:
        """Variance of the logarithm of the ratio."""
        parts = 1 / (self.later + 0.5) + 1 / (self.total - self.later + 0.5)
        return float(self.dispersion * parts)


def coin(spans: Spans, trend: Trend, *, is_same_hosts: bool) -> Coin:
    """The coin of a group of hosts.

    Args:
        spans: Episodes and hours of the hosts, some in each span.
        trend: What would have changed anyway.
        is_same_hosts: Compare each host with itself, so that neither other hosts nor a longer
            silence of some counts as a change; otherwise all hosts of one span with all of the
            other.
    """
    if is_same_hosts:
        spans = spans.same_hosts()
    counts = spans.before + spans.after
    before_h, after_h = spans.before_h.sum(), spans.after_h.sum()
    later, total = float(spans.after.sum()), float(counts.sum())
    usual = trend.ratio * after_h / (trend.ratio * after_h + before_h)
    if is_same_hosts:
        shares = trend.ratio * spans.after_h / (trend.ratio * spans.after_h + spans.before_h)
        share = float((counts * shares).sum() + usual) / (total + 1)
        weights = spans.after_h * spans.before_h / (spans.after_h + spans.before_h)
        own = spans.after - counts * shares
        residuals = own - own.sum() * weights / weights.sum()
    else:
        share = float(usual)
        after = spans.after - later * spans.after_h / after_h
        before = spans.before - (total - later) * spans.before_h / before_h
        residuals = after * (1 - share) - before * share
    chance = later * (1 - share) ** 2 + (total - later) * share**2
    dispersion = 1.0
    affected = int((counts > 0).sum())
    if chance > 0:
        hosts = len(counts)
        between = float((residuals**2).sum()) * hosts / max(hosts - 1, 1)
        # Few affected hosts say little about how much hosts differ.
        between *= 1 + _SMALL_SAMPLE / max(affected - 1, 1)
        uncertain = (total * share * (1 - share)) ** 2 * trend.variance
        dispersion = (max(between, chance) + uncertain) / chance
    return Coin(later, total, share, dispersion)


def tails(coins: list[Coin]) -> tuple[Floats, Floats]:
    """Probabilities of at least and of at most so many later episodes, the count itself by half."""
    later, total, share, dispersion = _columns(coins)
    return _tails(later / dispersion, total / dispersion, share)


def intervals(coins: list[Coin]) -> tuple[Floats, Floats]:
    """95 % bounds of the rate ratios: what the tails would not reject; may be 0 and infinity."""
    later, total, share, dispersion = _columns(coins)
    later, total = later / dispersion, total / dispersion
    bounds = []
    for side in (0, 1):
        low, high = np.full(len(coins), -_LOGIT), np.full(len(coins), _LOGIT)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            tail = _tails(later, total, 1 / (1 + np.exp(-middle)))[side]
            # The upper tail grows with the share, the lower one falls.
            is_below = (tail < (1 - 0.95) / 2) == (side == 0)
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        ends = np.where(np.abs(high) > _LOGIT - 1, np.sign(high) * np.inf, high)
        bounds.append(np.exp(ends) * (1 - share) / share)
    return bounds[0], bounds[1]


def _columns(coins: list[Coin]) -> tuple[Floats, Floats, Floats, Floats]:
    rows = [(each.later, each.total, each.share, each.dispersion) for each in coins]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def _tails(later: Floats, total: Floats, share: Floats) -> tuple[Floats, Floats]:
    at_least, more = (_binomial_tail(later + more, total, share) for more in (0, 1))
    upper = (at_least + more) / 2
    return upper, 1 - upper


def _binomial_tail(least: Floats, total: Floats, share: Floats) -> Floats:
    """P(N >= least) of a binomial N; fractions are interpolated by the beta distribution."""
    size = np.maximum(total - least + 1, 1e-12)
    tail = count_tail(least, size * share / (1 - share), 1 / size)
    return np.where(least > total + 1 - 1e-9, 0.0, tail)


def two_sided(own: list[Coin], relative: list[Coin]) -> Floats:
    """Probability that a group moved neither from its own past nor from how others moved.

    The larger of both, in the same direction: who stays as others get worse is not better.
    """
    (own_up, own_down), (up, down) = tails(own), tails(relative)
    smaller: Floats = np.minimum(np.maximum(own_up, up), np.maximum(own_down, down))
    return np.minimum(2 * smaller, 1)


def break_age(counts: Floats, hours: Floats, *, is_rise: bool) -> int | None:
    """Age of the first day of another rate: where two rates explain the days best.

    Args:
        counts: Episodes by age, the last day first.
        hours: Observed hours by age.
        is_rise: Whether the later rate is the higher one.
    """
    n, e = np.cumsum(counts), np.cumsum(hours)
    later, later_h, earlier, earlier_h = n[:-1], e[:-1], n[-1] - n[:-1], e[-1] - e[:-1]
    is_known = (later_h > 0) & (earlier_h > 0)
    rates = later / np.maximum(later_h, 1e-9), earlier / np.maximum(earlier_h, 1e-9)
    is_known &= (rates[0] > rates[1]) == is_rise
    sides = zip((later, earlier), rates, strict=True)
    gain = sum(count * np.log(np.maximum(rate, 1e-12)) for count, rate in sides)
    gain = np.where(is_known, gain, -np.inf)
    return int(np.argmax(gain)) if is_known.any() else None
