"""Hosts by day, grouped by spells of the same attributes, as arrays that sums are quick over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.scoring.attributes import UNKNOWN, Levels, attribute_levels
from resetradar.scoring.columns import Codes, codes
from resetradar.scoring.distributions import Flags, Floats


@dataclass(frozen=True)
class History:
    """Spells of hosts with the same attributes, and the days in them.

    ``host`` and the codes of ``levels`` have a value per spell; ``spell``, ``age``, ``hours``,
    ``counts``, ``is_inventoried`` and ``reboots`` one per host and day. ``age`` is 0 on the last
    day; ``reboots`` is 1 on days on which the host was booted and -1 if that is unknown.
    """

    host: Codes
    levels: Mapping[str, Levels]
    spell: Codes
    age: Codes
    hours: Floats
    counts: Floats
    is_inventoried: Flags
    reboots: Codes

    def has(self, attribute: str, value: str) -> Flags:
        """Which spells have a value of an attribute."""
        level = self.levels[attribute]
        place = level.values.index(value) if value in level.values else -1
        return np.asarray(level.codes == place)

    def sums(self, youngest: int, oldest: int) -> tuple[Floats, Floats]:
        """Episodes and hours of each spell in a span of ages, both ends included."""
        is_in = (self.age >= youngest) & (self.age <= oldest)
        spells, size = self.spell[is_in], len(self.host)
        return (
            np.bincount(spells, self.counts[is_in], minlength=size).astype(np.float64),
            np.bincount(spells, self.hours[is_in], minlength=size).astype(np.float64),
        )


def history(rows: pa.Table, max_attribute_levels: int) -> History:
    """The history of a fleet.

    Args:
        rows: A row per host and attributes with ``host_id``, ``attributes`` and the lists ``ages``,
            ``hours``, ``episodes``, ``inventoried`` and ``reboots``, an item per day.
        max_attribute_levels: Labels with more values than this are names, not cohorts.
    """

    def column(name: str) -> Any:
        return rows[name].combine_chunks()

    def flat(name: str) -> npt.NDArray[Any]:
        return np.asarray(column(name).flatten().to_numpy(zero_copy_only=False))

    lengths = np.diff(np.asarray(column("ages").offsets))

    return History(
        host=codes(rows["host_id"]) if len(rows) else np.empty(0, np.int64),
        levels=attribute_levels(rows["attributes"], max_attribute_levels),
        spell=np.repeat(np.arange(len(rows)), lengths),
        age=flat("ages").astype(np.int64),
        hours=flat("hours").astype(np.float64),
        counts=flat("episodes").astype(np.float64),
        is_inventoried=flat("inventoried").astype(bool),
        reboots=flat("reboots").astype(np.int64),
    )


def known_values(levels: Levels) -> list[str]:
    """Values of an attribute, sorted, without the unknown."""
    return [value for value in levels.values if value != UNKNOWN]
