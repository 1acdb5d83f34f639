"""Whether cohorts have more episodes from some time since boot on: the step of uptime_patterns."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.scoring.attributes import Levels, attribute_levels
from resetradar.scoring.candidates import MAX_FLEET_SHARE, Conditions
from resetradar.scoring.cohorts import cohort_id
from resetradar.scoring.columns import Codes, codes
from resetradar.scoring.distributions import Flags, Floats
from resetradar.scoring.record_tables import record_table
from resetradar.scoring.uptime_change import Change, best_change, excess, later_share, returned
from resetradar.scoring.uptime_groups import disjoint
from resetradar.scoring.uptime_timeline import CLASSES, Timeline, shifts, timeline
from resetradar.scoring.uptime_words import sentence

FLEET = "fleet"
MAX_P = 0.01
# A smaller ratio is no pattern: real hosts always change a little.
MIN_RATIO = 2.0
MIN_HOSTS = 3
# With less of the time known, what is known need not be typical.
MIN_KNOWN_RATIO = 0.5

_SHIFTS = 399
# When chance does so well after so many, the others need not be made.
_FIRST_SHIFTS = 99
_HOPELESS_P = 0.2
_SEED = 20_260_101
# So many hosts' worth of variance is added: what one or two hosts do is no sign.
_STEADY = 1.0
_CHANGES = frozenset({"rises_from_day", "early"})
_CHANGE_FIGURES = (
    *("change_h", "change_low_h", "change_high_h", "before_per_1000h", "after_per_1000h"),
    *("rate_ratio", "within_host_ratio", "within_host_ratio_low", "within_host_ratio_high"),
)
_CHANGE_COUNTS = ("compared_hosts", "returned_hosts")


@dataclass(frozen=True)
class _Cohorts:
    names: tuple[Conditions, ...]
    members: npt.NDArray[np.bool_]


def patterns(rows: pa.Table, *, min_cohort_hosts: int, max_attribute_levels: int) -> pa.Table:
    """What each cohort's episodes have to do with the time since boot; docs/method.md#uptime.

    Args:
        rows: A row per host and spell of equal attributes, see `timeline`, with ``host_id``,
            ``attributes`` and ``named``, the conditions of further cohorts, equal in all rows.
        min_cohort_hosts: Smallest cohort.
        max_attribute_levels: Labels with more values than this are not cohorts.

    Returns:
        The rows that the header of ``sql/uptime_patterns.sql`` promises.
    """
    hosts = codes(rows["host_id"])
    cohorts = _cohorts(rows, hosts, min_cohort_hosts, max_attribute_levels)
    found = timeline(rows)
    p = _p_values(found, cohorts.members)
    records = []
    for number, conditions in enumerate(cohorts.names):
        members = np.flatnonzero(cohorts.members[number])
        part = found.of(members)
        for kind, resets_of in enumerate(CLASSES):
            record = _record(part, kind, hosts[members], p[kind, number])
            name = {"resets_of": resets_of, "cohort_id": cohort_id(conditions) or FLEET}
            records.append({**name, "conditions": dict(conditions), **record})
    return record_table(records, _KINDS)


def _cohorts(rows: pa.Table, hosts: Codes, min_hosts: int, max_levels: int) -> _Cohorts:
    """The fleet, each value of each attribute, and the cohorts that are named already."""
    if not len(rows):
        return _Cohorts((), np.zeros((0, 0), bool))
    levels = attribute_levels(rows["attributes"], max_levels)
    names: dict[Conditions, Flags] = {(): np.ones(len(rows), bool)}
    for attribute, level in levels.items():
        for place, value in enumerate(level.values):
            names[((attribute, value),)] = level.codes == place
    for named in rows["named"][0].as_py() or ():
        conditions = tuple(named)
        names[conditions] = _matching(levels, dict(conditions), len(rows))
    # What nearly all hosts share says no more than the fleet.
    limits = (min_hosts, MAX_FLEET_SHARE * len(np.unique(hosts)))
    kept = {
        name: members
        for name, members in names.items()
        if not name or limits[0] <= len(np.unique(hosts[members])) <= limits[1]
    }
    return _Cohorts(tuple(kept), np.array(list(kept.values())))


def _matching(levels: Mapping[str, Levels], conditions: Mapping[str, str], rows: int) -> Flags:
    members = np.ones(rows, bool)
    for attribute, value in conditions.items():
        level = levels.get(attribute)
        if level is None or value not in level.values:
            return np.zeros(rows, bool)
        members &= level.codes == level.values.index(value)
    return members


def _p_values(found: Timeline, members: npt.NDArray[np.bool_]) -> Floats:
    """Probability that chance links any cohort's episodes so much to the time since boot.

    A row per class and a column per cohort. One set of shifts serves all cohorts, so the largest
    excess of all of them is what each is compared with (Westfall and Young 1993).
    """
    busy = np.unique(found.row[found.counts.any(axis=0)])
    p = np.ones((len(CLASSES), len(members)))
    if not len(busy) or len(found.edges_h) < 2:
        return p
    part, inside = found.of(busy), disjoint(members[:, busy])
    shares = later_share(part.by_bin(part.hours))
    kinds = np.flatnonzero(part.counts.any(axis=1))
    counted = np.stack([part.by_bin(part.counts[kind]) for kind in kinds])
    deviations = [np.sqrt(inside.sums(excess(each, shares)[1]) + _STEADY) for each in counted]

    def largest(counted: Floats) -> Floats:
        return np.stack([
            np.abs(inside.sums(excess(each, shares)[0]) / deviation).max(axis=1)
            for each, deviation in zip(counted, deviations, strict=True)
        ])  # fmt: skip

    seen = largest(counted) - 1e-9
    exceeded, made = np.ones_like(seen), 1
    for shift in islice(shifts(part, np.random.default_rng(_SEED)), _SHIFTS):
        exceeded += largest(shift[kinds]).max() >= seen
        made += 1
        if made > _FIRST_SHIFTS and exceeded.min() > _HOPELESS_P * made:
            break
    p[kinds] = exceeded / made
    return p


def _record(part: Timeline, kind: int, hosts: Codes, p: float) -> dict[str, Any]:
    counts, hours = part.by_bin(part.counts[kind]), part.by_bin(part.hours)
    by_row = counts.sum(axis=1)
    exposure = float(part.known_h.sum() + part.unknown_h.sum())
    known_ratio = float(part.known_h.sum()) / exposure if exposure else nan
    record: dict[str, Any] = {
        "hosts": len(np.unique(hosts)),
        "affected_hosts": len(np.unique(hosts[by_row > 0])),
        "episodes": int(by_row.sum()),
        "exposure_h": exposure,
        "known_ratio": known_ratio,
        "p_value": p,
    }
    change = best_change(counts, hours)
    pattern = _pattern(part, kind, change, record)
    record["pattern"] = pattern
    record |= dict.fromkeys(_CHANGE_FIGURES, nan) | dict.fromkeys(_CHANGE_COUNTS)
    if change is not None and pattern in _CHANGES:
        record |= _change_figures(part, kind, hosts, change)
    return record | {"sentence": sentence(record)}


def _pattern(part: Timeline, kind: int, change: Change | None, record: Mapping[str, Any]) -> str:
    if not record["known_ratio"] >= MIN_KNOWN_RATIO:
        return "unknown_uptime"
    if change is None or record["p_value"] > MAX_P or change.compared_hosts < MIN_HOSTS:
        return "none"
    # What begins on one day for all hosts is no matter of the time since boot.
    by_day = best_change(part.by_day(part.counts[kind]), part.by_day(part.hours))
    if by_day is not None and by_day.gain >= change.gain:
        return "none"
    if change.ratio_low > 1 and change.ratio >= MIN_RATIO:
        return "rises_from_day"
    if change.ratio_high < 1 and change.ratio <= 1 / MIN_RATIO:
        return "early"
    return "none"


def _change_figures(part: Timeline, kind: int, hosts: Codes, change: Change) -> dict[str, Any]:
    is_late = part.bin >= change.place
    counts, hours = part.counts[kind], part.hours
    n_late, n_early = float(counts[is_late].sum()), float(counts[~is_late].sum())
    h_late, h_early = float(hours[is_late].sum()), float(hours[~is_late].sum())
    edges = part.edges_h
    by_boot = [np.stack([part.by_boot(v * ~is_late), part.by_boot(v * is_late)])
               for v in (counts, hours)]  # fmt: skip
    owner = np.zeros(by_boot[0].shape[1])
    owner[part.boot] = hosts[part.row]
    again = returned(by_boot[0], by_boot[1], owner, edges[change.place])
    return {
        "change_h": edges[change.place],
        "change_low_h": edges[change.low],
        "change_high_h": edges[change.high],
        "before_per_1000h": 1000 * n_early / h_early,
        "after_per_1000h": 1000 * n_late / h_late,
        "rate_ratio": (n_late + 0.5) / h_late / ((n_early + 0.5) / h_early),
        "within_host_ratio": change.ratio,
        "within_host_ratio_low": change.ratio_low,
        "within_host_ratio_high": change.ratio_high,
        "compared_hosts": change.compared_hosts,
        "returned_hosts": len(np.unique(owner[again])),
    }


_KINDS = (
    {"resets_of": pa.string(), "cohort_id": pa.string()}
    | {"conditions": pa.map_(pa.string(), pa.string())}
    | {"pattern": pa.string(), "sentence": pa.string()}
    | dict.fromkeys(("hosts", "affected_hosts", "episodes"), pa.int64())
    | dict.fromkeys(("exposure_h", "known_ratio", *_CHANGE_FIGURES), pa.float64())
    | dict.fromkeys(_CHANGE_COUNTS, pa.int64())
    | {"p_value": pa.float64()}
)
