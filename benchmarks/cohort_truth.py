"""Named cohorts against the truth: guilty, innocent, and does the interval hold the factor?"""

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.event_fleet import EventFleet

Measures = dict[str, float]
Flags = npt.NDArray[np.bool_]

# A named cohort is the guilty one if they share so much, and innocent below such a true ratio.
_SAME = 0.9
_INNOCENT_RATIO = 1.3
# Bins of episodes that the guilty cohort has too many of: what power depends on.
EXCESSES = (20, 40, 80, 160)


def cohort_figures(fleet: EventFleet, named: list[dict[str, Any]]) -> Measures:
    """What the named cohorts of a fleet are worth; not-a-number where a fleet cannot tell.

    Args:
        fleet: The truth.
        named: Rows of ``cohort_verdicts``.
    """
    usual_rate = fleet.rate / np.where(fleet.is_guilty, fleet.factor, 1)
    seen = fleet.seen.sum(axis=1)
    nothing = float("nan")
    found: Measures = defaultdict(float)
    named = [verdict for verdict in named if verdict["resets_of"] == "any"]
    all_rows = [members(fleet, dict(verdict["conditions"])) for verdict in named]
    for place, (verdict, rows) in enumerate(zip(named, all_rows, strict=True)):
        common = (rows & fleet.is_guilty).sum() / max((rows | fleet.is_guilty).sum(), 1)
        # A ratio is to those that no name accounts for.
        elsewhere = np.any([*all_rows[:place], *all_rows[place + 1 :], fleet.is_guilty], axis=0)
        own = rows & ~elsewhere if (rows & ~elsewhere).any() else rows
        usual = (usual_rate * seen)[own].sum() / max(seen[own].sum(), 1)
        others = (usual_rate * seen)[~rows & ~elsewhere].sum() / seen[~rows & ~elsewhere].sum()
        is_innocent = fleet.is_guilty[rows].mean() < 0.5 and usual / others < _INNOCENT_RATIO
        for tier in ["named"] + (["convicted"] if verdict["tier"] == "convicted" else []):
            found[f"{tier}_innocents"] += float(is_innocent)
            found[f"{tier}_guilty"] = max(found[f"{tier}_guilty"], float(common >= _SAME))
        if verdict["place"] == 1:
            found["named_first"] = float(common >= _SAME)
        if common >= _SAME:
            low, high = verdict["rate_ratio_low"], verdict["rate_ratio_high"]
            true = _true_ratio(fleet)
            found["covered"] = float(low <= true <= high)
            found["ratio_bias"] = verdict["rate_ratio"] / true
            found["width"] = high / low
    result = {key: found.get(key, 0.0) for key in ("named_innocents", "convicted_innocents")}
    # Innocents in any tier but `convicted` are those that a reader must not take for guilty.
    result["any_innocent"] = float(result["named_innocents"] > 0)
    is_asked = bool(fleet.is_guilty.any())
    for key in ("named_guilty", "convicted_guilty", "named_first"):
        result[key] = found.get(key, 0.0) if is_asked else nothing
    for key in ("covered", "ratio_bias", "width"):
        result[key] = found.get(key, nothing)
    result["excess"] = (
        float(((fleet.rate - usual_rate) * seen)[fleet.is_guilty].sum()) if is_asked else nothing
    )
    return result


def members(fleet: EventFleet, conditions: dict[str, str]) -> Flags:
    """Hosts that have all values of a cohort."""
    rows = [fleet.attributes[name] == value for name, value in conditions.items()]
    return np.asarray(np.all(rows, axis=0))


def excess_label(excess: float) -> str:
    """The bin of a number of excess episodes.

    >>> excess_label(50.0), excess_label(1000.0)
    ('excess 40 to 80', 'excess 160 or more')
    """
    place = int(np.searchsorted(EXCESSES, excess, side="right"))
    if place == len(EXCESSES):
        return f"excess {EXCESSES[-1]} or more"
    return f"excess {0 if place == 0 else EXCESSES[place - 1]} to {EXCESSES[place]}"


def _true_ratio(fleet: EventFleet) -> float:
    """The planted factor, times what a family or zone has anyway if it is the guilty cohort."""
    if set(fleet.guilty) not in ({"instance_family"}, {"availability_zone"}):
        return fleet.factor
    hours, rows = fleet.seen.sum(axis=1), fleet.is_guilty
    own, others = (np.average(fleet.level[r], weights=hours[r]) for r in (rows, ~rows))
    return float(fleet.factor * own / others)
