"""What the rest of the fleet predicts for each candidate cohort."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resetradar.scoring.candidates import Candidates
from resetradar.scoring.distributions import Floats, count_tail


@dataclass(frozen=True)
class Totals:
    """Sums over the rows of each kind: counts, expected counts and their squares.

    ``dispersion`` is how much rows differ: variance = mean + dispersion * mean**2.
    """

    counts: Floats
    means: Floats
    squares: Floats
    dispersion: float


@dataclass(frozen=True)
class Prediction:
    """Count of each candidate, mean and variance that the rest predicts, and the ratio to it."""

    observed: Floats
    mean: Floats
    variance: Floats
    ratio: Floats

    def tail(self, rows: npt.NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Probability of a count as large."""
        mean = self.mean[rows]
        return count_tail(self.observed[rows], mean, (self.variance[rows] - mean) / mean**2)


def predicted(totals: Totals, candidates: Candidates, times: float = 1.0) -> Prediction:
    """What candidates would have if each were so many times as bad as the rest of the fleet.

    Args:
        totals: Of the fleet.
        candidates: The cohorts.
        times: The ratio that is assumed.
    """
    observed, mean, own = (
        candidates.sums(values) for values in (totals.counts, totals.means, totals.squares)
    )
    # With no episode elsewhere the ratio has no bound; half an episode keeps it finite.
    rest = np.maximum(totals.counts.sum() - observed, 0) + 0.5
    rest_mean = np.maximum(totals.means.sum() - mean, 1e-12)
    scale = rest / rest_mean
    s = scale * times
    others = totals.squares.sum() - own
    variance = (
        s * mean
        + totals.dispersion * s**2 * own
        + (mean / rest_mean) ** 2 * (s * rest_mean + totals.dispersion * s**2 * others)
    )
    return Prediction(observed, s * mean, variance, observed / mean / scale)
