"""Attributes of hosts as numbers: which can make a cohort, and the value of each row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resetradar.scoring.columns import Codes

UNKNOWN = "?"
# Attributes of the inventory are candidates whatever their number of values.
INVENTORY = frozenset(
    {"ami_id", "availability_zone", "driver_version", "instance_family", "kernel"}
)


@dataclass(frozen=True)
class Levels:
    """Values of one attribute in order, and the place of each row's value among them."""

    values: tuple[str, ...]
    codes: Codes


def attribute_levels(column: "pa.ChunkedArray[Any]", max_levels: int) -> dict[str, Levels]:
    """Levels of each attribute, by name; ``?`` where a row has none.

    Args:
        column: Maps from attribute to value.
        max_levels: Attributes with more values than this are names, not cohorts; those of the
            inventory are always taken. An attribute that all rows share splits nothing.
    """
    maps: Any = column.combine_chunks()
    if not len(maps):
        return {}
    offsets = np.asarray(maps.offsets)
    pairs = slice(int(offsets[0]), int(offsets[-1]))
    rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
    keys = maps.keys.dictionary_encode()
    items = pc.fill_null(maps.items, UNKNOWN).dictionary_encode()
    key_codes = keys.indices.to_numpy()[pairs]
    item_codes = items.indices.to_numpy()[pairs]
    texts = np.array(items.dictionary.to_pylist(), dtype=object)
    found: dict[str, Levels] = {}
    for attribute, code in sorted((text, n) for n, text in enumerate(keys.dictionary.to_pylist())):
        own = np.flatnonzero(key_codes == code)
        values = sorted(texts[np.unique(item_codes[own])])
        if attribute not in INVENTORY and len(values) > max_levels:
            continue
        if len(own) < len(maps):
            values = sorted({*values, UNKNOWN})
        if len(values) < 2:
            continue
        places = {value: place for place, value in enumerate(values)}
        of_item = np.array([places.get(text, 0) for text in texts], dtype=np.int64)
        codes = np.full(len(maps), places.get(UNKNOWN, 0), dtype=np.int64)
        codes[rows[own]] = of_item[item_codes[own]]
        found[attribute] = Levels(tuple(values), codes)
    return found


def kinds(levels: Mapping[str, Levels], rows: int) -> tuple[Codes, npt.NDArray[np.intp]]:
    """The kind of each row, equal where all attributes are, and the first row of each kind."""
    found = np.zeros(rows, dtype=np.int64)
    first = np.zeros(min(rows, 1), dtype=np.intp)
    for level in levels.values():
        joined = found * len(level.values) + level.codes
        _, first, found = np.unique(joined, return_index=True, return_inverse=True)
    return found, first
