"""Every host against its peers: rate ratios, their bounds, and a test of all hosts together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from resetradar.scoring.columns import Codes, codes, numbers, rounded, significant
from resetradar.scoring.dispersion import FIRST_DISPERSION, ROUNDS, fit_dispersion, outliers
from resetradar.scoring.distributions import Flags, Floats, count_tail, discoveries, gamma_bound

# The 95 % point of the standard normal: bounds are one-sided.
_Z = 1.645
# Three windows are looked at, and the best of them is taken.
_WINDOWS = 3
_FLEET_WEIGHT = 0.5
# Fewer hosts are no fleet: each would set the level of the others, and losing the logs of one would
# move the ranks of all.
MIN_FLEET = 4


@dataclass(frozen=True)
class Level:
    """What sets the expectation of a host: its family within the fleet.

    ``prior`` is the rate per hour of a fleet about which nothing is known; ``weight`` is the number
    of episodes that a family needs to speak for itself.
    """

    families: Codes
    prior: float
    weight: float

    def fleet_rate(self, counts: Floats, hours: Floats) -> Floats:
        """Rate per hour of all other hosts; the prior if there are hardly any."""
        if len(counts) < MIN_FLEET:
            return np.full(len(counts), self.prior)
        others = counts.sum() - counts + _FLEET_WEIGHT
        rate: Floats = others / (hours.sum() - hours + _FLEET_WEIGHT / self.prior)
        return rate

    def rate(self, counts: Floats, hours: Floats) -> Floats:
        """Rate per hour of the other hosts of the family, shrunk to the fleet's."""
        fleet = self.fleet_rate(counts, hours)
        if len(counts) < MIN_FLEET:
            return fleet
        return shrunk(counts, hours, self.families, fleet, self.weight)

    def surge(self, counts: Floats, means: Floats) -> Floats:
        """How much more than expected the others have in a window: of the family, at least 1.

        A bad night of the whole family is not the host's own.
        """
        if len(counts) < MIN_FLEET:
            return np.ones(len(counts))
        fleet = (counts.sum() - counts + _FLEET_WEIGHT) / (means.sum() - means + _FLEET_WEIGHT)
        own = shrunk(counts, means / fleet, self.families, fleet, self.weight)
        return np.maximum(own, 1.0)


def shrunk(counts: Floats, hours: Floats, groups: Codes, parent: Floats, weight: float) -> Floats:
    """Rate of the other members of each one's group, as if ``weight`` episodes came at ``parent``.

    Args:
        counts: Episodes of each host.
        hours: Its exposure.
        groups: Its group.
        parent: Rate towards which small groups are drawn.
        weight: Pseudo-episodes.
    """
    others = np.bincount(groups, counts)[groups] - counts
    other_hours = np.bincount(groups, hours)[groups] - hours
    rate: Floats = (others + weight) / (other_hours + weight / parent)
    return rate


def against_peers(
    rows: pa.Table, *, family_weight: float, prior_per_1000h: float, min_host_exposure_h: float
) -> pa.Table:
    """Rates of hosts against those of their peers; see docs/method.md#score.

    Args:
        rows: A row per host with ``episodes``, ``exposure_h`` and their ``_7d``, ``_1d`` and
            ``recent_`` forms, ``instance_family``, ``availability_zone`` and ``ami_id``.
        family_weight: Pseudo-episodes of the shrinkage.
        prior_per_1000h: Rate per 1,000 h of an unknown fleet.
        min_host_exposure_h: Hosts observed for less get nulls and are nobody's peers.

    Returns:
        The rows with the columns that the header of ``sql/host_rates.sql`` adds.
    """
    hours = numbers(rows, "exposure_h")
    seen = np.flatnonzero((hours > 0) & (hours >= min_host_exposure_h))
    observed = rows.take(seen)
    found = _rates(observed, family_weight, prior_per_1000h / 1000)
    for name, values in found.items():
        column = np.full(len(rows), np.nan)
        column[seen] = values
        is_probability = name.endswith("_value")
        rows = rows.append_column(name, significant(column) if is_probability else rounded(column))
    families = codes(observed["instance_family"])
    peers = np.zeros(len(rows), dtype=np.int64)
    peers[seen] = np.bincount(families)[families] - 1 if len(seen) else 0
    return rows.append_column("peers", pa.array(peers))


def _rates(rows: pa.Table, weight: float, prior: float) -> dict[str, Floats]:
    level = Level(codes(rows["instance_family"]), prior, weight)
    counts, hours = numbers(rows, "episodes"), numbers(rows, "exposure_h")
    recent, recent_hours = numbers(rows, "recent_episodes"), numbers(rows, "recent_exposure_h")

    rivals = [Level(codes(rows[name]), prior, weight) for name in ("availability_zone", "ami_id")]
    means, is_outlier, dispersion = _robust_level(level, counts, hours, rivals)
    rate = means / hours
    p = count_tail(counts, means, dispersion)
    for window in ("7d", "1d"):
        window_counts = numbers(rows, f"episodes_{window}")
        window_means = rate * numbers(rows, f"exposure_{window}_h")
        is_loud = is_outlier | outliers(window_counts, window_means, dispersion)
        calm = np.where(is_loud, np.minimum(window_counts, window_means), window_counts)
        expected = window_means * level.surge(calm, window_means)
        p = np.minimum(p, count_tail(window_counts, expected, dispersion))
    p = np.minimum(_WINDOWS * p, 1)

    calm = np.where(is_outlier, np.minimum(recent, rate * recent_hours), recent)
    family_rate = level.rate(calm, recent_hours)
    # An outlier in the family need not be one in the cohort: its level has rounds of its own.
    names = ("instance_family", "availability_zone", "ami_id")
    cohort = Level(codes(*(rows[name] for name in names)), prior, weight)
    cohort_means, is_odd, _ = _robust_level(cohort, counts, hours, ())
    odd_calm = np.where(is_odd, np.minimum(recent, cohort_means / hours * recent_hours), recent)
    cohort_rate = cohort.rate(odd_calm, recent_hours)

    def low(peers: Floats) -> Floats:
        return gamma_bound(1 + recent, 1 + peers * recent_hours, -_Z)

    return {
        "score": low(family_rate),
        "score_fleet": low(level.fleet_rate(calm, recent_hours)),
        "score_cohort": low(cohort_rate),
        "rate_ratio": (1 + recent) / (1 + family_rate * recent_hours),
        "rate_ratio_high": gamma_bound(1 + recent, 1 + family_rate * recent_hours, _Z),
        "p_value": p,
        "q_value": discoveries(p),
        "peers_per_1000h": 1000 * rate,
        "recent_peers_per_1000h": 1000 * family_rate,
        "dispersion": np.full(len(counts), dispersion),
    }


def _robust_level(
    level: Level, counts: Floats, hours: Floats, rivals: Sequence[Level]
) -> tuple[Floats, Flags, float]:
    """Expected counts, outliers and dispersion; outliers count as expected for everybody else.

    A bad image makes the hosts of a family differ, and would excuse them all. So the dispersion is
    that around the levels of families, or of a rival grouping if hosts differ less around those.
    """
    calm, dispersion = counts, FIRST_DISPERSION
    is_outlier = np.zeros(len(counts), dtype=bool)
    means = level.rate(calm, hours) * hours
    for _ in range(ROUNDS):
        is_outlier = outliers(counts, means, dispersion)
        calm = np.where(is_outlier, np.minimum(counts, means), counts)
        dispersion = min(
            fit_dispersion(counts[~is_outlier], (each.rate(calm, hours) * hours)[~is_outlier])
            for each in (level, *rivals)
        )
        means = level.rate(calm, hours) * hours
    return means, is_outlier, dispersion
