"""Sums over many cohorts at once: cohorts that have no member in common are summed in one pass."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resetradar.scoring.columns import Codes
from resetradar.scoring.distributions import Floats


@dataclass(frozen=True)
class Groups:
    """Cohorts as splits; each split has a number per row, the last one for rows in none of it."""

    splits: tuple[Codes, ...]
    sizes: tuple[int, ...]

    def sums(self, values: Floats) -> Floats:
        """Sums of each column over each cohort: a row per cohort."""
        width = values.shape[1]
        places = np.arange(width)
        found = [
            np.bincount(
                (split[:, None] * width + places).ravel(),
                values.ravel(),
                minlength=(size + 1) * width,
            ).reshape(size + 1, width)[:size]
            for split, size in zip(self.splits, self.sizes, strict=True)
        ]
        return np.concatenate(found).astype(np.float64)


def disjoint(members: npt.NDArray[np.bool_]) -> Groups:
    """Groups of cohorts, given as a row per cohort and a column per member, in the same order."""
    splits: list[Codes] = []
    sizes: list[int] = []
    taken = np.ones(members.shape[1], dtype=bool)
    for rows in members:
        if (taken & rows).any() or not sizes:
            splits.append(np.full(members.shape[1], -1))
            sizes.append(0)
            taken = np.zeros(members.shape[1], dtype=bool)
        splits[-1][rows] = sizes[-1]
        sizes[-1] += 1
        taken |= rows
    return Groups(
        tuple(np.where(split < 0, size, split) for split, size in zip(splits, sizes, strict=True)),
        tuple(sizes),
    )
