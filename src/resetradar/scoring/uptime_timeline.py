"""Observed time of hosts as pieces in the order of time, with the episodes that began in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from resetradar.scoring.columns import Codes
from resetradar.scoring.distributions import Flags, Floats

# What is compared, as in cohort_verdicts, and the list that counts it.
CLASSES = {
    "any": "episodes",
    "host_starved": "host_starved_episodes",
    "device_fault": "device_fault_episodes",
}
_UNKNOWN_H = -1.0


@dataclass(frozen=True)
class Timeline:
    """Pieces whose time since boot is known, row by row and in the order of time.

    ``row``, ``bin``, ``day``, ``boot`` and ``hours`` have a value per piece, ``counts`` a row per
    class of episodes and a column per piece. ``edges_h`` is where each bin begins.
    ``known_h`` and ``unknown_h`` have a value per row.
    """

    row: Codes
    bin: Codes
    day: Codes
    boot: Codes
    hours: Floats
    counts: Floats
    edges_h: Floats
    known_h: Floats
    unknown_h: Floats

    def of(self, rows: Codes) -> "Timeline":
        """The same with only some rows, numbered in the order given (ascending)."""
        place = np.full(len(self.known_h), -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.row] >= 0
        return Timeline(
            place[self.row[kept]],
            self.bin[kept],
            self.day[kept],
            self.boot[kept],
            self.hours[kept],
            self.counts[:, kept],
            self.edges_h,
            self.known_h[rows],
            self.unknown_h[rows],
        )

    def by_bin(self, values: Floats) -> Floats:
        """Sums of a value over each row's pieces of a bin: a row per row, a column per bin."""
        return _sums(self.row, self.bin, values, (len(self.known_h), len(self.edges_h)))

    def by_day(self, values: Floats) -> Floats:
        """Sums of a value over each row's pieces of a day."""
        return _sums(self.row, self.day, values, (len(self.known_h), _size(self.day)))

    def by_boot(self, values: Floats) -> Floats:
        """Sums of a value over the pieces of each boot."""
        return np.bincount(self.boot, values, minlength=_size(self.boot)).astype(np.float64)


def timeline(rows: pa.Table) -> Timeline:
    """The pieces of a table with lists.

    Args:
        rows: A row per host and spell of equal attributes with lists of equal length, ordered by
            time: ``days`` (any numbers that rise with time), ``boots`` (one number per boot),
            ``uptime_from_h`` (-1 if unknown), ``exposure_h`` and the counts of ``CLASSES``.
    """
    lists: Any = rows["boots"].combine_chunks()
    lengths = np.asarray(lists.value_lengths().fill_null(0), np.int64)
    row = np.repeat(np.arange(len(rows)), lengths)
    uptime, hours = _flat(rows, "uptime_from_h"), _flat(rows, "exposure_h")
    known = uptime != _UNKNOWN_H
    edges, bins = np.unique(uptime[known], return_inverse=True)
    boots = np.stack([row[known], _flat(rows, "boots")[known]])
    return Timeline(
        row=row[known],
        bin=bins.astype(np.int64),
        day=np.unique(_flat(rows, "days")[known], return_inverse=True)[1].astype(np.int64),
        boot=np.unique(boots, axis=1, return_inverse=True)[1].astype(np.int64).reshape(-1),
        hours=hours[known],
        counts=np.stack([_flat(rows, name)[known] for name in CLASSES.values()]),
        edges_h=edges,
        known_h=np.bincount(row[known], hours[known], len(rows)).astype(np.float64),
        unknown_h=np.bincount(row[~known], hours[~known], len(rows)).astype(np.float64),
    )


def shifts(found: Timeline, dice: np.random.Generator) -> Iterator[Floats]:
    """Counts by class, row and bin after each row's episodes were moved along its time as a whole.

    What comes last goes on at the beginning. Distances between episodes stay, so what clusters
    stays clustered, and only the link to the time since boot is lost.

    Args:
        found: Every piece of rows that have any known time.
        dice: Draws the distances.
    """
    ends = np.cumsum(found.hours)
    total = np.bincount(found.row, found.hours, len(found.known_h))
    start = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    holds: Flags = np.any(found.counts, axis=0).astype(np.bool_)
    row, counts = found.row[holds], found.counts[:, holds]
    first = np.searchsorted(found.row, row, side="left")
    last = np.searchsorted(found.row, row, side="right") - 1
    # One place for all episodes of a piece: they stay together.
    place = (ends - found.hours)[holds] - start[row] + found.hours[holds] * dice.random(len(row))
    shape = (len(total), len(found.edges_h))
    while True:
        moved = (place + (dice.random(len(total)) * total)[row]) % np.maximum(total[row], 1e-9)
        target = np.searchsorted(ends, start[row] + moved, side="right")
        bins = found.bin[np.clip(target, first, last)]
        yield np.stack([_sums(row, bins, values, shape) for values in counts])


def _flat(rows: pa.Table, name: str) -> Floats:
    values: Any = rows[name].combine_chunks()
    values = values.flatten()
    return np.asarray(values.cast(pa.float64()), np.float64)


def _sums(rows: Codes, columns: Codes, values: Floats, shape: tuple[int, int]) -> Floats:
    flat = np.bincount(rows * shape[1] + columns, values, minlength=shape[0] * shape[1])
    return flat.astype(np.float64).reshape(shape)


def _size(codes: Codes) -> int:
    return int(codes.max(initial=-1)) + 1
