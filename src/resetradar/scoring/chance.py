"""How far the luckiest of all candidates goes by chance: the price of having looked at many.

Candidates overlap, and counts are whole: the number of candidates as a factor (Bonferroni) would
ask for far too much. Fleets are drawn in which no cohort differs, and the best candidate of each is
taken; so many independent looks as explain these are what a p-value is multiplied by.
"""

from dataclasses import replace

import numpy as np

from resetradar.scoring.candidates import Candidates
from resetradar.scoring.prediction import Totals, predicted

_SEED = 20_260_101
_FLEETS = 200
# Fewer drawn fleets say too little; more additions than this take too long.
_MIN_FLEETS = 100
_MAX_ADDITIONS = 4e8
# One drawn fleet in twenty has a better candidate than the point that is asked for.
_LEVEL = 0.05
# Candidates so near to what is expected are never the best of a fleet.
_NEAR_Z = 2.0


def independent_looks(totals: Totals, candidates: Candidates, min_ratio: float) -> float:
    """Number of independent candidates that would be as lucky; at most all that are no aliases.

    Args:
        totals: What is expected of the fleet; its counts are not looked at.
        candidates: What was looked at.
        min_ratio: Candidates with a lower ratio are not named, however many episodes they have.
    """
    looks = float(candidates.is_first.sum())
    additions = max(len(candidates.splits) * len(totals.means), 1)
    fleets = min(_FLEETS, int(_MAX_ADDITIONS / additions))
    if fleets < _MIN_FLEETS:
        return looks
    rng = np.random.default_rng(_SEED)
    # Sums of rows that differ: negative binomial with the same mean and variance.
    size = totals.means**2 / (totals.dispersion * totals.squares)
    best = np.ones(fleets)
    for fleet in range(fleets):
        counts = rng.poisson(totals.means * rng.gamma(size) / size).astype(np.float64)
        found = predicted(replace(totals, counts=counts), candidates)
        is_far = found.observed - found.mean > _NEAR_Z * np.sqrt(found.variance)
        rows = np.flatnonzero(is_far & (found.ratio >= min_ratio) & candidates.is_first)
        if len(rows):
            best[fleet] = found.tail(rows).min()
    point = np.sort(best)[int(_LEVEL * fleets) - 1]
    return float(np.clip(_LEVEL / max(point, 1e-300), 1, looks))
