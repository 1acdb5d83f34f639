"""Candidate cohorts: every value of every attribute, every pair, and triples of the inventory's.

Cohorts with the very same members are one candidate; the simplest name stands for it and the others
are its aliases, as no statistic can tell them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from resetradar.scoring.attributes import INVENTORY, Levels, kinds
from resetradar.scoring.columns import Codes
from resetradar.scoring.distributions import Flags, Floats

# What each cohort shares: pairs of attribute and value.
Conditions = tuple[tuple[str, str], ...]

MAX_FLEET_SHARE = 0.7
_MAX_ATTRIBUTES = 3


@dataclass(frozen=True)
class Split:
    """One way to split the fleet: by the values of one to three attributes.

    ``groups`` has a number per kind of row, 0 if its group is too small or too large to be a
    candidate; ``names[n - 1]`` is what the members of group n share.
    """

    attributes: tuple[str, ...]
    groups: npt.NDArray[np.int32]
    names: tuple[Conditions, ...]


@dataclass(frozen=True)
class Candidates:
    """All candidates of a fleet, numbered through the splits, and which of them are aliases.

    Rows that agree in all attributes are of one kind (``kinds``, a number per row): a cohort has
    all of a kind or nothing of it, so sums are made by kind first.
    """

    kinds: Codes
    splits: tuple[Split, ...]
    names: tuple[Conditions, ...]
    hosts: Floats
    is_first: Flags
    aliases: Mapping[int, tuple[Conditions, ...]]

    def by_kind(self, values: Floats) -> Floats:
        """Sum of a row's value over each kind."""
        return np.bincount(self.kinds, values).astype(np.float64)

    def sums(self, totals: Floats) -> Floats:
        """Sum of a kind's value over each candidate."""
        parts: list[Floats] = [
            np.bincount(split.groups, totals, minlength=len(split.names) + 1)[1:].astype(np.float64)
            for split in self.splits
        ]
        return np.concatenate(parts or [np.empty(0)])

    def members(self, number: int) -> Flags:
        """Which kinds belong to a candidate."""
        for split in self.splits:
            if number < len(split.names):
                return np.asarray(split.groups == number + 1)
            number -= len(split.names)
        raise IndexError(number)


def candidates(hosts: Codes, levels: Mapping[str, Levels], min_hosts: int) -> Candidates:
    """Candidates with at least ``min_hosts`` hosts and at most 70 % of the fleet.

    Args:
        hosts: Number of the host of each row; a host whose attributes changed has several rows.
        levels: Value of each attribute in each row.
        min_hosts: Smallest cohort.
    """
    row_kinds, first = kinds(levels, len(hosts))
    rows_of = np.bincount(hosts)
    fleet = int((rows_of > 0).sum())
    repeated = rows_of[hosts] > 1
    members = _Members(
        np.bincount(row_kinds[~repeated], minlength=len(first)),
        row_kinds[repeated],
        hosts[repeated],
    )
    kind_levels = {name: replace(level, codes=level.codes[first]) for name, level in levels.items()}
    splits = []
    sizes: list[Floats] = []
    for count in range(1, _MAX_ATTRIBUTES + 1):
        # Labels can be many: their triples would be thousands of splits that nobody could read.
        names_of = sorted(levels if count < _MAX_ATTRIBUTES else INVENTORY & set(levels))
        for attributes in combinations(names_of, count):
            split, size = _split(
                kind_levels, attributes, members, (min_hosts, MAX_FLEET_SHARE * fleet)
            )
            if split.names:
                splits.append(split)
                sizes.append(size)
    names = tuple(name for split in splits for name in split.names)
    hosts_of = np.concatenate(sizes or [np.empty(0)])
    found = Candidates(row_kinds, tuple(splits), names, hosts_of, np.ones(len(names), bool), {})
    return _without_aliases(found)


@dataclass(frozen=True)
class _Members:
    """Hosts with one row, counted by kind, and the rows of hosts that have several."""

    single: npt.NDArray[np.intp]
    kinds: Codes
    hosts: Codes

    def sizes(self, groups: npt.NDArray[np.intp], count: int) -> Floats:
        """Hosts of each group of kinds."""
        found: Floats = np.bincount(groups, self.single, minlength=count).astype(np.float64)
        hosts = int(self.hosts.max(initial=0)) + 1
        pairs = np.unique(groups[self.kinds] * hosts + self.hosts)
        return found + np.bincount(pairs // hosts, minlength=count)


def _split(
    levels: Mapping[str, Levels],
    attributes: tuple[str, ...],
    members: _Members,
    limits: tuple[float, float],
) -> tuple[Split, Floats]:
    combined = np.zeros(len(members.single), dtype=np.int64)
    for attribute in attributes:
        combined = combined * len(levels[attribute].values) + levels[attribute].codes
    found, first, groups = np.unique(combined, return_index=True, return_inverse=True)
    size = members.sizes(groups, len(found))
    kept = np.flatnonzero((size >= limits[0]) & (size <= limits[1]))
    numbers = np.zeros(len(found), dtype=np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    names = tuple(
        tuple((a, levels[a].values[levels[a].codes[first[group]]]) for a in attributes)
        for group in kept
    )
    return Split(attributes, numbers[groups], names), size[kept]


def _without_aliases(found: Candidates) -> Candidates:
    """Marks the simplest of the candidates that have the same members, and lists the others."""
    rows = np.bincount(found.kinds).astype(np.float64)
    marks = np.random.default_rng(20_260_101).integers(0, 2**40, len(rows)).astype(np.float64)
    keys = list(zip(found.sums(rows), found.sums(marks), strict=True))
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
