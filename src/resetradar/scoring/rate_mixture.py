"""How hosts' own rates are spread over a fleet, and what that says of a host's next days.

A host that was chosen because it had many episodes will have fewer: part of them was chance. What
it should be expected to do is the mean of the rates that its count speaks for, weighted by how many
hosts have such rates (Robbins 1956; Laird, J. Am. Stat. Assoc. 73, 1978).
"""

from dataclasses import dataclass

import numpy as np

from resetradar.scoring.distributions import Floats

_POINTS = 40
_ROUNDS = 200


@dataclass(frozen=True)
class RateMixture:
    """Rates per hour and the share of hosts that have each."""

    rates: Floats
    shares: Floats

    def expected(self, counts: Floats, hours: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of the rate of hosts with such counts in such hours."""
        weights = _likelihood(counts, hours, self.rates) * self.shares
        weights /= weights.sum(axis=1, keepdims=True)
        mean: Floats = weights @ self.rates
        return mean, np.maximum(weights @ self.rates**2 - mean**2, 0)


def rate_mixture(counts: Floats, hours: Floats) -> RateMixture:
    """The mixture that explains the counts of a fleet best, on a grid of rates.

    Args:
        counts: Episodes of each host.
        hours: Its observed time, above 0.
    """
    usual = (counts.sum() + 0.5) / hours.sum()
    highest = max(float(((counts + 1) / hours).max(initial=0)), 10 * usual)
    rates = np.geomspace(usual / 100, highest, _POINTS)
    likelihood = _likelihood(counts, hours, rates)
    shares = np.full(_POINTS, 1 / _POINTS)
    for _ in range(_ROUNDS):
        weights = likelihood * shares
        shares = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    return RateMixture(rates, shares)


def _likelihood(counts: Floats, hours: Floats, rates: Floats) -> Floats:
    """Poisson likelihoods, a row per host and a column per rate, 1 where a row is highest."""
    logs = counts[:, None] * np.log(rates) - hours[:, None] * rates
    likelihood: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    return likelihood
