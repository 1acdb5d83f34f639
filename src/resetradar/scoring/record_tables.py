"""Records to an Arrow table: figures with six decimals, probabilities with six digits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from resetradar.scoring.columns import rounded, significant


def record_table(records: Sequence[Mapping[str, Any]], kinds: Mapping[str, Any]) -> pa.Table:
    """Columns of the given Arrow types, in that order; not-a-number and infinity are null."""
    made = {}
    for name, kind in kinds.items():
        values = [record[name] for record in records]
        if kind == pa.float64():
            figures = np.array(values, dtype=np.float64)
            figures = np.where(np.isfinite(figures), figures, np.nan)
            made[name] = significant(figures) if name.endswith("_value") else rounded(figures)
        else:
            made[name] = pa.array(values, kind)
    return pa.table(made)
