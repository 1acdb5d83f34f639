"""Target: the marts that people and other programs load whole, as CSV and as Parquet."""

from pathlib import Path
from typing import Literal

import duckdb

from resetradar.lake import write_parquet
from resetradar.settings import Settings

# Rows stand as a person wants to read them: worst host first, highest rate first, newest day last.
_ORDERS: dict[str, list[tuple[str, Literal["ascending", "descending"]]]] = {
    "host_scores": [("rank", "ascending"), ("host_id", "ascending")],
    "cohort_rates": [("resets_per_1000h", "descending"), ("cohort_id", "ascending")],
    "cohort_verdicts": [("resets_of", "ascending"), ("place", "ascending")],
    "suspected_causes": [
        ("subject_kind", "ascending"),
        ("subject_id", "ascending"),
        ("resets_of", "ascending"),
        ("place", "ascending"),
    ],
    "fleet_days": [("fleet_date", "ascending")],
    "uptime_patterns": [("resets_of", "ascending"), ("cohort_id", "ascending")],
    "uptime_hazard": [
        ("resets_of", "ascending"),
        ("cohort_id", "ascending"),
        ("uptime_from_h", "ascending"),
    ],
    "changes": [("cohort_id", "ascending"), ("period_days", "ascending")],
    "rollouts": [
        ("attribute", "ascending"),
        ("from_value", "ascending"),
        ("to_value", "ascending"),
        ("treatment", "ascending"),
    ],
}


def write(connection: duckdb.DuckDBPyConnection, settings: Settings, folder: Path) -> None:
    """Write ``<mart>.csv`` and ``<mart>.parquet`` into ``folder``.

    Args:
        connection: Session with the views of a run.
        settings: Not used: every target has the same form.
        folder: Folder to write into.
    """
    del settings
    for name, order in _ORDERS.items():
        path = folder / f"{name}.parquet"
        rows = connection.table(name).to_arrow_table().sort_by(order)
        write_parquet(rows, path)
        # From the file, not from the rows: DuckDB is never given frames in memory.
        connection.read_parquet(str(path)).to_csv(str(folder / f"{name}.csv"), header=True)
