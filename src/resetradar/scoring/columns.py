"""Between Arrow columns and arrays: numbers, labels as codes, and rounding for all machines."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.scoring.distributions import Floats

Codes = npt.NDArray[np.int64]


def numbers(rows: pa.Table, column: str) -> Floats:
    """A numeric column; nulls are 0."""
    values: Floats = rows[column].cast(pa.float64()).to_numpy()
    return np.nan_to_num(values, nan=0.0)


def codes(*labels: "pa.ChunkedArray[Any]") -> Codes:
    """A number per row, equal where all labels are equal; nulls are a label of their own."""
    found = np.zeros(len(labels[0]), dtype=np.int64)
    for column in labels:
        encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
        found = found * (len(encoded.dictionary) + 1) + indices
        # Kept dense: the product of many labels would outgrow the number.
        found = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return found


def rounded(values: Floats) -> "pa.Array[Any]":
    """Six decimals; not-a-number is null."""
    return pa.array(np.round(values, 6), pa.float64(), from_pandas=True)


def significant(values: Floats) -> "pa.Array[Any]":
    """Six significant digits, for probabilities; not-a-number is null."""
    short = np.array(values, dtype=np.float64)
    # Powers of ten up to 22 are exact, so dividing by them gives the number that is nearest.
    places = np.full(len(short), -1.0)
    is_positive = short > 0
    places[is_positive] = 5 - np.floor(np.log10(short[is_positive]))
    exact = (places >= 0) & (places <= 22)
    scale = 10.0 ** places[exact]
    short[exact] = np.round(short[exact] * scale) / scale
    short[~exact] = [float(f"{value:.6g}") for value in short[~exact]]
    return pa.array(short, pa.float64(), from_pandas=True)
