"""Candidate cohorts: every value of every attribute, every pair, and triples of the inventory's.

Cohorts with the very same members are one candidate; the simplest name stands for it and the others
are its aliases, as no statistic can tell them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resetradar.scoring.columns import Codes
from resetradar.scoring.distributions import Flags, Floats

# What each cohort shares: pairs of attribute and value.
Conditions = tuple[tuple[str, str], ...]

UNKNOWN = "?"
MAX_FLEET_SHARE = 0.7
_MAX_ATTRIBUTES = 3
# Attributes of the inventory are candidates whatever their number of values.
_INVENTORY = frozenset(
    {"ami_id", "availability_zone", "driver_version", "instance_family", "kernel"}
)


@dataclass(frozen=True)
class Split:
    """One way to split the fleet: by the values of one to three attributes.

    ``groups`` has a number per member, 0 if its group is too small or too large to be a candidate;
    ``names[n - 1]`` is what the members of group n share.
    """

    attributes: tuple[str, ...]
    groups: npt.NDArray[np.int32]
    names: tuple[Conditions, ...]

    def sums(self, values: Floats) -> Floats:
        """Sum of a value over the members of each candidate."""
        found = np.bincount(self.groups, values, minlength=len(self.names) + 1)[1:]
        return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True)
class Candidates:
    """All candidates of a fleet, numbered through the splits, and which of them are aliases."""

    splits: tuple[Split, ...]
    names: tuple[Conditions, ...]
    hosts: Floats
    is_first: Flags
    aliases: Mapping[int, tuple[Conditions, ...]]

    def sums(self, values: Floats) -> Floats:
        """Sum of a member's value over each candidate."""
        return np.concatenate([split.sums(values) for split in self.splits] or [np.empty(0)])

    def members(self, number: int) -> Flags:
        """Which rows belong to a candidate."""
        for split in self.splits:
            if number < len(split.names):
                return np.asarray(split.groups == number + 1)
            number -= len(split.names)
        raise IndexError(number)


def attribute_levels(
    column: "pa.ChunkedArray[Any]", max_levels: int
) -> dict[str, npt.NDArray[np.str_]]:
    """Values of each attribute, one per row; ``?`` where a row has none.

    Args:
        column: Maps from attribute to value.
        max_levels: Attributes with more values than this are names, not cohorts; those of the
            inventory are always taken.
    """
    maps: Any = column.combine_chunks()
    offsets = np.asarray(maps.offsets)
    pairs = slice(int(offsets[0]), int(offsets[-1]))
    rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
    keys = np.asarray(maps.keys.to_numpy(zero_copy_only=False))[pairs]
    values = pc.fill_null(maps.items, UNKNOWN).to_numpy(zero_copy_only=False)[pairs]
    found: dict[str, npt.NDArray[np.str_]] = {}
    for attribute in sorted(set(keys)):
        is_own = keys == attribute
        own = values[is_own].astype(str)
        if attribute not in _INVENTORY and len(set(own)) > max_levels:
            continue
        all_own = np.full(len(maps), UNKNOWN, dtype=np.result_type(own, "U1"))
        all_own[rows[is_own]] = own
        # What all hosts share splits nothing.
        if (all_own != all_own[0]).any():
            found[attribute] = all_own
    return found


def candidates(
    hosts: Codes, levels: Mapping[str, npt.NDArray[np.str_]], min_hosts: int
) -> Candidates:
    """Candidates with at least ``min_hosts`` hosts and at most 70 % of the fleet.

    Args:
        hosts: Number of the host of each row; a host whose attributes changed has several rows.
        levels: Value of each attribute in each row.
        min_hosts: Smallest cohort.
    """
    fleet = len(np.unique(hosts))
    limits = (min_hosts, MAX_FLEET_SHARE * fleet)
    singles = {name: np.unique(values, return_inverse=True) for name, values in levels.items()}
    splits = []
    sizes: list[Floats] = []
    for count in range(1, _MAX_ATTRIBUTES + 1):
        # Labels can be many: their triples would be thousands of splits that nobody could read.
        names_of = sorted(levels if count < _MAX_ATTRIBUTES else _INVENTORY & set(levels))
        for attributes in combinations(names_of, count):
            split, size = _split(hosts, singles, attributes, limits)
            if split.names:
                splits.append(split)
                sizes.append(size)
    names = tuple(name for split in splits for name in split.names)
    found = Candidates(
        tuple(splits), names, np.concatenate(sizes or [np.empty(0)]), np.ones(len(names), bool), {}
    )
    return _without_aliases(found, len(hosts))


def _split(
    hosts: Codes,
    singles: Mapping[str, tuple[npt.NDArray[np.str_], npt.NDArray[np.intp]]],
    attributes: tuple[str, ...],
    limits: tuple[float, float],
) -> tuple[Split, Floats]:
    combined = np.zeros(len(hosts), dtype=np.int64)
    for attribute in attributes:
        values, places = singles[attribute]
        combined = combined * len(values) + places
    kinds, first, groups = np.unique(combined, return_index=True, return_inverse=True)
    pairs = np.unique(groups * (hosts.max(initial=0) + 1) + hosts)
    size = np.bincount(pairs // (hosts.max(initial=0) + 1), minlength=len(kinds))
    kept = np.flatnonzero((size >= limits[0]) & (size <= limits[1]))
    numbers = np.zeros(len(kinds), dtype=np.int64)
    numbers[kept] = np.arange(1, len(kept) + 1)
    names = tuple(
        tuple((a, str(singles[a][0][singles[a][1][first[kind]]])) for a in attributes)
        for kind in kept
    )
    return Split(attributes, numbers.astype(np.int32)[groups], names), size[kept].astype(np.float64)


def _without_aliases(found: Candidates, rows: int) -> Candidates:
    """Marks the simplest of the candidates that have the same members, and lists the others."""
    marks = np.random.default_rng(20_260_101).integers(0, 2**32, rows).astype(np.float64)
    keys = list(zip(found.sums(np.ones(rows)), found.sums(marks), strict=True))
    first: dict[tuple[float, float], int] = {}
    others: dict[int, list[Conditions]] = {}
    for number, key in enumerate(keys):
        if key in first:
            others.setdefault(first[key], []).append(found.names[number])
        first.setdefault(key, number)
    is_first = np.zeros(len(keys), dtype=bool)
    is_first[list(first.values())] = True
    aliases = {number: _telling(found.names[number], names) for number, names in others.items()}
    return replace(found, is_first=is_first, aliases=aliases)


def _telling(name: Conditions, others: Sequence[Conditions]) -> tuple[Conditions, ...]:
    """Aliases that say something new: a longer form of a name that is listed already does not."""
    told = [set(name)]
    kept = []
    for other in others:
        if not any(known <= set(other) for known in told):
            told.append(set(other))
            kept.append(other)
    return tuple(kept)
