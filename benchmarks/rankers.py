"""Ways to rank hosts: the product's score beside what people use instead, and their measures."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Days that the oracle looks back; the best of them counts.
_LOOK_BACK = (1, 2, 3, 5, 7, 14, 28)


def usual_rankers(
    episodes: Floats, resets: Floats, hours: Floats, families: npt.NDArray[np.str_]
) -> dict[str, Floats]:
    """Scores per host, higher is worse, from counts alone.

    Args:
        episodes: Episodes of each host.
        resets: Resets of each host.
        hours: Observed time of each host.
        families: Instance family of each host.
    """
    rate = episodes / np.maximum(hours, 1)
    family_z = np.zeros(len(rate))
    for family in np.unique(families):
        rows = families == family
        family_z[rows] = (rate[rows] - rate[rows].mean()) / (rate[rows].std() or 1)
    expected = hours * episodes.sum() / max(hours.sum(), 1)
    return {
        "count": episodes,
        "resets": resets,
        # Fleet-wide, a z-score orders as the rate does.
        "rate_z": rate,
        "family_z": family_z,
        "poisson": -stats.poisson.logsf(episodes - 1, np.maximum(expected, 1e-9)),
    }


def oracle(true_rate: Floats, seen: Floats, daily: Floats) -> Floats:
    """Scores of somebody who knows every host's rate when nothing is wrong with it.

    Args:
        true_rate: Episodes per hour of each host.
        seen: Hours, a row per host and a column per day.
        daily: Episodes, in the same form.
    """
    best = np.zeros(len(true_rate))
    for days in _LOOK_BACK:
        count = daily[:, -days:].sum(axis=1)
        expected = np.maximum(true_rate * seen[:, -days:].sum(axis=1), 1e-9)
        best = np.maximum(best, -stats.poisson.logsf(count - 1, expected))
    return best


def average_precision(score: Floats, is_bad: Flags) -> float:
    """Mean over bad hosts of the share of bad ones down to them; ties count as in the middle."""
    score = np.nan_to_num(score, nan=-np.inf)
    values, places = np.unique(-score, return_inverse=True)
    size = np.bincount(places, minlength=len(values))
    bad = np.bincount(places, is_bad, minlength=len(values))
    above, bad_above = np.cumsum(size) - size, np.cumsum(bad) - bad
    precision = (bad_above + (bad + 1) / 2) / (above + (size + 1) / 2)
    return float((bad * np.minimum(precision, 1)).sum() / max(is_bad.sum(), 1))


def precision_at(score: Floats, is_bad: Flags, count: int = 10) -> float:
    """Share of bad hosts among the first."""
    order = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:count]
    return float(is_bad[order].mean())


def false_share(flagged: Flags, is_bad: Flags) -> float:
    """Share of flagged hosts that are not bad; 0 if none is flagged."""
    return float((flagged & ~is_bad).sum() / max(flagged.sum(), 1))


def recalls(flagged: Flags, kinds: Mapping[str, Flags]) -> dict[str, float]:
    """Share of each kind of bad host that is flagged; not-a-number where a fleet has none."""
    return {
        kind: float(flagged[rows].mean()) if rows.any() else float("nan")
        for kind, rows in kinds.items()
    }
