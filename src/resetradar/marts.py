"""Marts: derived tables, each made by one SELECT in ``sql/`` whose header is its contract.

What SQL cannot do is a Python function behind the SELECT, named by the header's ``Then``.

A header that differs from its query is refused before anything runs. ``day`` marts hold the rows of
one day; ``window`` marts hold the state as of a day and look back ``history_days``, or so many
times of them as the header's ``Windows`` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from resetradar.errors import ContractError
from resetradar.lake import Lake, write_parquet
from resetradar.mart_contracts import verify_investigation, verify_mart
from resetradar.mart_headers import (
    Check,
    Field,
    Investigation,
    Mart,
    read_investigation,
    read_mart,
)
from resetradar.mart_session import add_table, arrow_fields, session
from resetradar.mart_steps import run_mart
from resetradar.near_samples import NEAR
from resetradar.settings import Parameters
from resetradar.tables import BASE_TABLES

__all__ = [
    "Check",
    "CheckResult",
    "Field",
    "Investigation",
    "Mart",
    "build_mart",
    "check_mart",
    "load_investigations",
    "load_marts",
    "look_back_days",
    "mart_path",
    "sql_folder",
]

_AS_OF = "as_of"
# A mart that reads samples or minutes beside it wants those near its windows.
_WINDOWS = "windows"
# A window that ends after midnight may begin, and may be sampled, on the day before.
_DAY_LOOKBACK = timedelta(days=1)
# Their partition alone tells their day: a stall begins before the line that files it, and a reject
# may have no time at all. A day mart sees the day's own.
_FILED_BY_DAY = frozenset({"rejects", "resets"})


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check of a built mart; a failed warning does not block."""

    name: str
    passed: bool
    failed_rows: int
    description: str
    is_blocking: bool = True


def sql_folder() -> Path:
    """Folder of the SQL files: inside the installed package, else beside ``src``."""
    package = Path(__file__).parent
    inside = package / "sql"
    return inside if inside.is_dir() else package.parents[1] / "sql"


@cache
def load_marts(folder: Path | None = None) -> tuple[Mart, ...]:
    """All marts, each after the ones it reads.

    Raises:
        ContractError: A header lies about its query, reads an unknown table, or marts form a cycle.
    """
    folder = folder or sql_folder()
    found = {path.stem: read_mart(path) for path in sorted(folder.glob("*.sql"))}
    known = [*BASE_TABLES, *found]
    for mart in found.values():
        if unknown := [name for name in mart.inputs if name not in known]:
            raise ContractError(
                f"{mart.path}: header says Input {unknown}, expected one of {known}"
            )
    marts = _in_order(found)
    with session() as connection:
        for name, table in BASE_TABLES.items():
            add_table(connection, name, arrow_fields(table.schema))
        for mart in marts:
            verify_mart(connection, mart, {m.name: m for m in marts}, _samples(mart))
    return marts


@cache
def load_investigations(folder: Path | None = None) -> tuple[Investigation, ...]:
    """The parameterised questions of ``sql/investigations``, by name.

    They read the base tables and marts of all published days under their own names.

    Raises:
        ContractError: A header lies about its query.
    """
    folder = folder or sql_folder() / "investigations"
    found = tuple(read_investigation(path) for path in sorted(folder.glob("*.sql")))
    with session() as connection:
        for name, table in BASE_TABLES.items():
            add_table(connection, name, arrow_fields(table.schema))
        for mart in load_marts():
            add_table(connection, mart.name, mart.columns)
        for investigation in found:
            verify_investigation(connection, investigation)
    return found


def mart_path(lake: Lake, mart_name: str, day: date) -> Path:
    """File that holds a mart of a day."""
    return lake.root / mart_name / f"day={day.isoformat()}" / "mart.parquet"


def build_mart(
    mart: Mart, lake: Lake, day: date, parameters: Parameters, *, threads: int = 1
) -> Path:
    """Run a mart's query over the lake and replace its file of the day.

    Inputs that were never written are empty, so the result may be an empty table, never an error.

    Args:
        mart: One of `load_marts`.
        lake: Where the inputs are and the result goes.
        day: The value of ``$as_of``.
        parameters: Values of the other parameters.
        threads: DuckDB threads; more than one may change the last digit of sums.

    Returns:
        The file, sorted by the mart's grain.
    """
    with TemporaryDirectory() as scratch:
        rows = _rows(mart, lake, day, parameters, (mart.windows, Path(scratch), threads))
    path = mart_path(lake, mart.name, day)
    write_parquet(rows, path)
    return path


def look_back_days(mart: Mart, history_days: int) -> int:
    """Days that a mart sees itself or through the marts that it reads, the last included."""
    through = [_mart(name) for name in mart.inputs if name not in BASE_TABLES]
    return max([history_days * mart.windows, *(look_back_days(m, history_days) for m in through)])


def check_mart(mart: Mart, lake: Lake, day: date) -> list[CheckResult]:
    """Results of a built mart's checks: its grain first, then its header's in their order.

    Raises:
        ContractError: The mart was not built for that day.
    """
    path = mart_path(lake, mart.name, day)
    if not path.is_file():
        raise ContractError(f"{mart.name}: expected {path}, found no file; build the day first")
    with session() as connection:
        add_table(connection, mart.name, mart.columns, [path])
        rows = connection.table(mart.name)
        grain = ", ".join(mart.grain)
        keyed = rows.filter(" and ".join(f"{column} is not null" for column in mart.grain))
        distinct = keyed.project(grain).distinct()
        results = [_result("grain", _count(rows) - _count(distinct), f"one row per {grain}")]
        for check in (*mart.checks, *mart.warns):
            # "is not true": a check that a null cannot answer has failed.
            failed = _count(rows.filter(f"({check.expression}) is not true"))
            is_blocking = check in mart.checks
            results.append(_result(check.name, failed, check.expression, is_blocking=is_blocking))
    return results


def _rows(
    mart: Mart, lake: Lake, day: date, parameters: Parameters, how: tuple[int, Path, int]
) -> pa.Table:
    """Rows of a mart over so many windows, sorted by its grain."""
    windows, scratch, threads = how
    days = parameters.history_days * windows
    with session(threads) as connection:
        for name in mart.inputs:
            if windows > 1 and name not in BASE_TABLES and _mart(name).span == "window":
                # What the lake holds of it covers one window: it is made anew for all of them.
                files = [scratch / f"{name}.parquet"]
                if not files[0].is_file():
                    write_parquet(_rows(_mart(name), lake, day, parameters, how), files[0])
            else:
                files = _files(mart, name, lake, day, days)
            if name in NEAR and _WINDOWS in mart.inputs and files:
                files = _near(name, files, mart_path(lake, _WINDOWS, day), scratch)
            _add_input(connection, name, files, day)
        rows = run_mart(connection, mart, _bindings(mart, day, parameters))
    return rows.sort_by([(column, "ascending") for column in mart.grain])


def _in_order(marts: Mapping[str, Mart]) -> tuple[Mart, ...]:
    graph = {name: sorted(set(mart.inputs) & set(marts)) for name, mart in sorted(marts.items())}
    try:
        return tuple(marts[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ContractError(
            f"sql: expected marts without a cycle, found {' -> '.join(error.args[1])}"
        ) from error


def _near(name: str, files: list[Path], windows: Path, scratch: Path) -> list[Path]:
    """The rows of a table that a mart over windows can need, in one file."""
    if not windows.is_file():
        return []
    target = scratch / f"near_{name}.parquet"
    NEAR[name](files, [windows], target)
    return [target]


def _samples(mart: Mart) -> dict[str, Any]:
    # Any value binds: only names and types of the result are looked at.
    return _bindings(mart, date(2000, 1, 1), Parameters())


def _bindings(mart: Mart, day: date, parameters: Parameters) -> dict[str, Any]:
    values = {_AS_OF: day, **parameters.model_dump()}
    if unknown := [param.name for param in mart.params if param.name not in values]:
        raise ContractError(
            f"{mart.path}: header says Param {unknown}, expected one of {sorted(values)}"
        )
    return {param.name: values[param.name] for param in mart.params}


def _add_input(
    connection: duckdb.DuckDBPyConnection, name: str, files: list[Path], day: date
) -> None:
    table = BASE_TABLES.get(name)
    columns = arrow_fields(table.schema) if table else _mart(name).columns
    if name == "hosts":
        add_table(connection, "host_periods", columns, files)
        query = (sql_folder() / "views" / "hosts.sql").read_text(encoding="utf-8")
        connection.execute(query, {_AS_OF: day})
    else:
        add_table(connection, name, columns, files)


def _files(mart: Mart, name: str, lake: Lake, day: date, history_days: int) -> list[Path]:
    """Files of an input that a mart sees as of a day; see the module's docstring."""
    table = BASE_TABLES.get(name)
    if name == "hosts" or (mart.span == "day" and (table is None or name in _FILED_BY_DAY)):
        first = day
    elif mart.span == "day":
        first = day - _DAY_LOOKBACK
    else:
        first = day - timedelta(days=history_days - 1)
    if table is not None:
        return lake.files(table, first, day)
    if _mart(name).span == "window":
        first = day
    days = (first + timedelta(days=n) for n in range((day - first).days + 1))
    return [path for each in days if (path := mart_path(lake, name, each)).is_file()]


def _mart(name: str) -> Mart:
    return next(mart for mart in load_marts() if mart.name == name)


def _count(rows: duckdb.DuckDBPyRelation) -> int:
    return int(rows.count("*").fetchall()[0][0])


def _result(name: str, failed: int, description: str, *, is_blocking: bool = True) -> CheckResult:
    return CheckResult(name, failed == 0, failed, description, is_blocking)
