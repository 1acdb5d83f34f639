"""Cohorts that explain why hosts reset, named one after the other: the step of cohort_verdicts."""

from typing import Any

import numpy as np
import pyarrow as pa

from resetradar.scoring.attributes import attribute_levels
from resetradar.scoring.candidates import Conditions, candidates
from resetradar.scoring.columns import codes, numbers, rounded, significant
from resetradar.scoring.explain import MAX_P, explain

_AND = " \u00d7 "
# What is compared: all episodes, and the two verdicts that lead to different people.
_CLASSES = {
    "any": "episodes",
    "host_starved": "host_starved_episodes",
    "device_fault": "device_fault_episodes",
}
_TEXTS = ("resets_of", "cohort_id", "tier", "attributes", "cohort_values", "aliases")
_COUNTS = ("place", "hosts", "affected_hosts", "episodes")
_FIGURES = (
    "exposure_h",
    "expected_episodes",
    "rate_ratio",
    "rate_ratio_low",
    "rate_ratio_high",
    "likelihood_gain",
)


def explain_away(rows: pa.Table, *, min_cohort_hosts: int, max_attribute_levels: int) -> pa.Table:
    """Named cohorts of all episodes and of single verdicts; see docs/method.md#cohorts.

    Args:
        rows: A row per host and spell of the same attributes with ``host_id``, ``attributes``,
            ``exposure_h``, ``episodes`` and the episodes of each verdict.
        min_cohort_hosts: Smallest cohort.
        max_attribute_levels: Labels with more values than this are not cohorts.

    Returns:
        The rows that the header of ``sql/cohort_verdicts.sql`` promises.
    """
    rows = rows.filter(pa.array(numbers(rows, "exposure_h") > 0, pa.bool_()))
    hosts = codes(rows["host_id"])
    levels = attribute_levels(rows["attributes"], max_attribute_levels)
    found = candidates(hosts, levels, min_cohort_hosts)
    hours = numbers(rows, "exposure_h")
    all_counts = {name: numbers(rows, column) for name, column in _CLASSES.items()}
    records = []
    for resets_of, counts in all_counts.items():
        for place, named in enumerate(explain(counts, hours, found), 1):
            members = found.members(named.number)[found.kinds]
            conditions = found.names[named.number]
            records.append(
                {
                    "resets_of": resets_of,
                    "cohort_id": cohort_id(conditions),
                    "place": place,
                    "tier": "convicted" if named.tolerant_p < MAX_P else "suspect",
                    "conditions": dict(conditions),
                    "attributes": _AND.join(name for name, _ in conditions),
                    "cohort_values": _AND.join(value for _, value in conditions),
                    "aliases": "; ".join(map(cohort_id, found.aliases.get(named.number, ()))),
                    "hosts": int(found.hosts[named.number]),
                    "affected_hosts": len(np.unique(hosts[members & (counts > 0)])),
                    "episodes": int(counts[members].sum()),
                    "exposure_h": hours[members].sum(),
                    "expected_episodes": named.expected,
                    "rate_ratio": named.rate_ratio,
                    "rate_ratio_low": named.low,
                    "rate_ratio_high": named.high,
                    "p_value": named.p,
                    "likelihood_gain": named.gain,
                }
            )
    return _table(records)


def cohort_id(conditions: Conditions) -> str:
    """Name of a cohort.

    >>> cohort_id((("ami_id", "ami-1"), ("availability_zone", "a"))).split()[::2]
    ['ami_id=ami-1', 'availability_zone=a']
    """
    return _AND.join(f"{name}={value}" for name, value in conditions)


def _table(records: list[dict[str, object]]) -> pa.Table:
    def column(name: str) -> list[object]:
        return [record[name] for record in records]

    def figures(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(column(name), dtype=np.float64)

    made: dict[str, pa.Array[Any]] = {}
    made |= {name: pa.array(column(name), pa.string()) for name in _TEXTS}
    made |= {name: pa.array(column(name), pa.int64()) for name in _COUNTS}
    made |= {name: rounded(figures(name)) for name in _FIGURES}
    made["p_value"] = significant(figures("p_value"))
    made["conditions"] = pa.array(column("conditions"), pa.map_(pa.string(), pa.string()))
    order = (
        *("resets_of", "cohort_id", "place", "tier", "conditions", "attributes", "cohort_values"),
        *("aliases", "hosts", "affected_hosts", "episodes", "exposure_h", "expected_episodes"),
        *("rate_ratio", "rate_ratio_low", "rate_ratio_high", "p_value", "likelihood_gain"),
    )
    return pa.table({name: made[name] for name in order})
