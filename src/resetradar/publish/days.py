"""Which days of a mart must be built, so that a publication is of one piece.

A change of a day reaches later days, and a run that was cut short leaves base tables that are newer
than the marts made of them. Both are told from the lake alone, so any later run completes them.
"""

from datetime import date, timedelta
from pathlib import Path

from resetradar.lake import Lake
from resetradar.marts import Mart, load_marts, mart_path
from resetradar.tables import BASE_TABLES, Table


def days_to_build(mart: Mart, lake: Lake, days: list[date], history_days: int) -> list[date]:
    """Days that a run has to build of a mart, ascending.

    Args:
        mart: The mart.
        lake: The lake, with the base tables of ``days``.
        days: Days that the run was asked for.
        history_days: Length of the window that a publication shows.

    Returns:
        ``days``, the later days of the lake that look back on one of them, and the stale days of
        the window that is published next.
    """
    reach = timedelta(days=history_days - 1 if mart.span == "window" else 1)
    known = ingested_days(lake)
    later = {day for day in known if any(timedelta(0) < day - asked <= reach for asked in days)}
    return sorted({*days, *later, *stale_days(mart, lake, max([*days, *known]), history_days)})


def stale_days(mart: Mart, lake: Lake, newest: date, history_days: int) -> list[date]:
    """Ingested days of a window of which the mart is missing, or older than what it is made of."""
    first = newest - timedelta(days=history_days - 1)
    tables = base_tables_of(mart)
    return [
        day
        for day in ingested_days(lake)
        if first <= day <= newest
        and _written(mart_path(lake, mart.name, day)) < _changed(lake, tables, day)
    ]


def base_tables_of(mart: Mart) -> list[Table]:
    """Base tables that a mart reads, itself or through other marts.

    A mart of the inventory is finished before the logs are read, and not stale for it.
    """
    marts = {each.name: each for each in load_marts()}
    tables: dict[str, Table] = {}
    open_names = [*mart.inputs]
    while open_names:
        name = open_names.pop()
        if name in BASE_TABLES:
            tables[name] = BASE_TABLES[name]
        else:
            open_names += marts[name].inputs
    return [tables[name] for name in sorted(tables)]


def ingested_days(lake: Lake) -> list[date]:
    """Days of which the lake has any base table, ascending."""
    return sorted({day for table in BASE_TABLES.values() for day in lake.days(table)})


def _changed(lake: Lake, tables: list[Table], day: date) -> int:
    files = (file for table in tables for file in lake.files(table, day, day))
    # A day without any file of its inputs has the mart all the same: an empty one.
    return max((_written(file) for file in files), default=0)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else -1
