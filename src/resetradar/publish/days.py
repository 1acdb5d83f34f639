"""Which days of a mart must be built, so that a publication is of one piece.

A change of a day reaches later days, and a run that was cut short leaves base tables that are newer
than the marts made of them. Both are told from the lake alone, so any later run completes them.
"""

from datetime import date, timedelta
from pathlib import Path

from resetradar.lake import Lake
from resetradar.marts import Mart, mart_path
from resetradar.tables import BASE_TABLES


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
    """Ingested days of a window of which the mart is missing, or older than a base table."""
    first = newest - timedelta(days=history_days - 1)
    return [
        day
        for day in ingested_days(lake)
        if first <= day <= newest
        and _written(mart_path(lake, mart.name, day)) < _changed(lake, day)
    ]


def ingested_days(lake: Lake) -> list[date]:
    """Days of which the lake has any base table, ascending."""
    return sorted({day for table in BASE_TABLES.values() for day in lake.days(table)})


def _changed(lake: Lake, day: date) -> int:
    files = (file for table in BASE_TABLES.values() for file in lake.files(table, day, day))
    return max(_written(file) for file in files)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else -1
