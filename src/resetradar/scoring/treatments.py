"""Who was treated and when: attributes that changed in place, and hosts that others replaced.

The counterpart are hosts of the same family, in the same zone if there are enough, that kept their
value of the attribute all the time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from resetradar.scoring.attributes import UNKNOWN
from resetradar.scoring.columns import Codes
from resetradar.scoring.distributions import Flags, Floats
from resetradar.scoring.history import History

_FAMILY, _ZONE = "instance_family", "availability_zone"
# Hosts of one group share these, so one of them cannot replace another by a new value of them.
_GROUPS = (_FAMILY, _ZONE)
_FEWEST = 2


@dataclass(frozen=True)
class Limits:
    """Longest span before and after, in days, and fewest hosts that are looked at."""

    days: int
    hosts: int


@dataclass(frozen=True)
class Calendar:
    """Hours and episodes of each host (row) by day (column), the oldest day first.

    ``hours_until`` and ``counts_until`` are sums of all days before, with one column more.
    ``reboots`` is 1 on days with a boot, -1 if that is unknown.
    """

    hours_until: Floats
    counts_until: Floats
    is_present: Flags
    reboots: npt.NDArray[np.int8]

    @property
    def days(self) -> int:
        """Days of the history."""
        return int(self.is_present.shape[1])

    def sums(self, hosts: Codes, first: Codes | int, end: Codes | int) -> tuple[Floats, Floats]:
        """Episodes and hours of hosts in days ``[first, end)``, which may be beyond the edges."""
        low, high = np.clip(first, 0, self.days), np.clip(end, 0, self.days)
        high = np.maximum(low, high)
        return (
            self.counts_until[hosts, high] - self.counts_until[hosts, low],
            self.hours_until[hosts, high] - self.hours_until[hosts, low],
        )


@dataclass(frozen=True)
class DailyLevels:
    """Values of one attribute: ``codes`` by host and day, -1 if unknown, and their ``names``."""

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """A treated host: its days before in ``[before, at)``, and after in ``[start, end)``.

    A host that was replaced has no days after; the one in its place has none before.
    """

    host: int
    before: int
    at: int
    start: int
    end: int


@dataclass(frozen=True)
class Treatment:
    """Hosts that went from one value to another in one way, and hosts that could be controls.

    ``is_turn`` tells by host and day where the attribute changed: a control until then is none any
    more, but it must not be chosen for what it did later.
    """

    attribute: str
    from_value: str
    to_value: str
    is_in_place: bool
    members: tuple[Member, ...]
    controls: Flags
    is_turn: Flags

    def recent(self, days: int) -> "Treatment":
        """The same with no more than the last days before."""
        members = (replace(each, before=max(each.before, each.at - days)) for each in self.members)
        return replace(self, members=tuple(members))


def calendar(past: History) -> tuple[Calendar, Codes]:
    """The history by host and day, and the day of each of its cells."""
    hosts, days = int(past.host.max(initial=-1)) + 1, int(past.age.max(initial=-1)) + 1
    shape, day = (hosts, days), days - 1 - past.age
    host = past.host[past.spell]
    hours, counts, present = np.zeros(shape), np.zeros(shape), np.zeros(shape, bool)
    hours[host, day], counts[host, day], present[host, day] = past.hours, past.counts, True
    until = [np.pad(np.cumsum(part, axis=1), ((0, 0), (1, 0))) for part in (hours, counts)]
    reboots = np.full(shape, -1, dtype=np.int8)
    reboots[host, day] = past.reboots
    return Calendar(until[0], until[1], present, reboots), day


def levels_of(past: History, attribute: str, shape: tuple[int, int], day: Codes) -> DailyLevels:
    """Values of an attribute by host and day."""
    names, numbers = past.levels[attribute].values, past.levels[attribute].codes
    known = np.array([-1 if name == UNKNOWN else place for place, name in enumerate(names)])
    codes = np.full(shape, -1, dtype=np.int32)
    codes[past.host[past.spell], day] = known[numbers[past.spell]]
    return DailyLevels(codes, names)


def groups_of(past: History, days: Calendar, day: Codes) -> dict[str, Codes]:
    """Number of each host's family and zone, and of its family, as first known."""
    hosts = len(days.is_present)
    parts = {}
    for name in _GROUPS:
        first = np.full(hosts, -1, dtype=np.int64)
        if name in past.levels:
            codes = levels_of(past, name, days.is_present.shape, day).codes
            place = np.argmax(codes >= 0, axis=1)
            first = codes[np.arange(hosts), place].astype(np.int64)
        parts[name] = first
    both = (parts[_FAMILY] + 1) * (parts[_ZONE].max(initial=0) + 2) + parts[_ZONE] + 1
    return {"family_and_zone": both, "family": parts[_FAMILY]}


def in_place(attribute: str, levels: DailyLevels, limits: Limits) -> Iterator[Treatment]:
    """Changes of an attribute of hosts that stayed; each host's first of a kind counts.

    The day of the change is of neither span: part of it is before and part after.
    """
    steps: dict[tuple[int, int], dict[int, Member]] = {}
    last_day = levels.codes.shape[1]
    turns = _turns(levels)
    for host, changes in turns.items():
        edges = [0, *changes, last_day]
        for before, at, end in zip(edges, changes, edges[2:], strict=False):
            kind = _values_around(levels, host, at)
            # The day of the change before this one is of two values, too.
            first = max(before + (before > 0), at - limits.days)
            member = Member(host, first, at, at + 1, min(end, at + 1 + limits.days))
            steps.setdefault(kind, {}).setdefault(host, member)
    is_turn = np.zeros(levels.codes.shape, dtype=bool)
    for host, changes in turns.items():
        is_turn[host, changes] = True
    controls = np.ones(len(is_turn), dtype=bool)
    for (old, new), members in sorted(steps.items()):
        if len(members) >= limits.hosts:
            names = levels.names[old], levels.names[new]
            yield Treatment(attribute, *names, True, tuple(members.values()), controls, is_turn)


def _turns(levels: DailyLevels) -> dict[int, list[int]]:
    """Days on which each host's known value differs from the one known before."""
    hosts, days = np.nonzero(levels.codes >= 0)
    values = levels.codes[hosts, days]
    is_turn = (hosts[1:] == hosts[:-1]) & (values[1:] != values[:-1])
    found: dict[int, list[int]] = {}
    for place in np.flatnonzero(is_turn) + 1:
        found.setdefault(int(hosts[place]), []).append(int(days[place]))
    return found


def _values_around(levels: DailyLevels, host: int, day: int) -> tuple[int, int]:
    known = levels.codes[host, :day]
    return int(known[known >= 0][-1]), int(levels.codes[host, day])


def replacements(
    attribute: str, levels: DailyLevels, days: Calendar, groups: Codes, limits: Limits
) -> Iterator[Treatment]:
    """New values that came with new hosts of a group while hosts of an old value left it."""
    if attribute in _GROUPS:
        return
    present = levels.codes >= 0
    has_any = present.any(axis=1)
    first = np.where(has_any, np.argmax(present, axis=1), -1)
    rows = np.arange(len(first))
    value = np.where(has_any, levels.codes[rows, first], -1)
    last = days.days - 1 - np.argmax(days.is_present[:, ::-1], axis=1)
    is_constant = ((levels.codes == value[:, None]) | ~present).all(axis=1) & has_any
    no_turn = np.zeros(levels.codes.shape, dtype=bool)
    found: dict[tuple[int, int], list[Member]] = {}
    left_of: Counter[tuple[int, int]] = Counter()
    touched: dict[tuple[int, int], set[int]] = {}
    for group in np.unique(groups):
        is_in = is_constant & (groups == group)
        for new in np.unique(value[is_in & (first > 0)]):
            comers = np.flatnonzero(is_in & (value == new))
            start = int(first[comers].min())
            leavers = is_in & (last < days.days - 1) & (last >= start - 1) & (value != new)
            if start == 0 or not leavers.any():
                continue
            old = _most_common(value[leavers])
            kind, left = (old, int(new)), int((leavers & (value == old)).sum())
            # Hosts come and go anyway: a value that a single one brings replaces nothing.
            if left < _FEWEST or len(comers) < _FEWEST:
                continue
            left_of[kind] += left
            touched.setdefault(kind, set()).add(int(group))
            members = found.setdefault(kind, [])
            olds = np.flatnonzero(is_in & (value == old) & (first < start))
            earliest = max(start - limits.days, 0)
            end = min(start + limits.days, days.days)
            members += [Member(int(host), earliest, start, end, end) for host in olds]
            members += [Member(int(host), start, start, start, end) for host in comers]
    for kind, members in sorted(found.items()):
        comers_count = sum(member.before == member.at for member in members)
        if min(left_of[kind], comers_count) >= limits.hosts:
            controls = is_constant & (value != kind[1])
            controls &= (value != kind[0]) | ~np.isin(groups, sorted(touched[kind]))
            names = levels.names[kind[0]], levels.names[kind[1]]
            yield Treatment(attribute, *names, False, tuple(members), controls, no_turn)


def _most_common(values: npt.NDArray[np.int32]) -> int:
    numbers, counts = np.unique(values, return_counts=True)
    return int(numbers[np.argmax(counts)])
