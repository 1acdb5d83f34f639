"""Target: ``catalog.duckdb``, one view per table over the files of one run.

Replacing this one small file is the switch of a publication. A reader that opened the old file goes
on with the old run, whose files stay. Paths in it are absolute, as relative ones would follow the
reader's folder: who moves the publications publishes again.
"""

from datetime import date
from pathlib import Path

import duckdb

from resetradar.lake import replacing
from resetradar.marts import load_marts
from resetradar.publish.run_folder import TABLES
from resetradar.tables import BASE_TABLES

NAME = "catalog.duckdb"

# The oldest format with all that the views need: tools with an older DuckDB can open the file.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.2.0"
}


def add_views(connection: duckdb.DuckDBPyConnection, run: Path, day: date) -> None:
    """Add a view per base table and mart to a session.

    ``hosts`` and marts with a window show the state as of ``day`` alone, so that a join by host
    meets one row per host; the other tables show the whole history of the run.

    Args:
        connection: Any writable session.
        run: Folder of a run, sealed or not.
        day: The day that the run is as of.
    """
    states = {"hosts", *(mart.name for mart in load_marts() if mart.span == "window")}
    for name in [*BASE_TABLES, *(mart.name for mart in load_marts())]:
        days = f"day={day}/**" if name in states else "**"
        pattern = run / TABLES / name / days / "*.parquet"
        rows = connection.read_parquet(str(pattern), hive_partitioning=True, union_by_name=True)
        rows.create_view(name)


def write(run: Path, published: Path, day: date) -> Path:
    """Replace the catalogue of ``published`` by one over ``run``."""
    path = published / NAME
    with (
        replacing(path) as temporary,
        duckdb.connect(str(temporary), config=_CONFIG) as connection,
    ):
        add_views(connection, run.resolve(), day)
    return path
