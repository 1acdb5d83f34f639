"""The last published run, read-only: rows for the terminal and answers to SQL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from resetradar.errors import InputError
from resetradar.mart_headers import Investigation
from resetradar.marts import load_investigations
from resetradar.settings import Settings

_CATALOG = "catalog.duckdb"


@dataclass(frozen=True)
class Answer:
    """Rows of a query, with their column names."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """One mapping per row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@contextmanager
def _open(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    path = settings.published_root / _CATALOG
    if not path.is_file():
        raise InputError(
            f"{path}: expected a published run, found none; run `resetradar run --day …` first"
        )
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.sql("set timezone = 'UTC'")
        yield connection


def ask(settings: Settings, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
    """Answer of one query over the published tables.

    Args:
        settings: Says where the publication is.
        sql: One statement; ``$name`` marks a parameter.
        parameters: Values by name; every one must be used and none may be missing.

    Raises:
        InputError: Nothing was published, or DuckDB refuses the query.
    """
    with _open(settings) as connection:
        try:
            # The stubs leave it out, but a statement without a result gives None.
            relation: Any = connection.sql(sql, params=dict(parameters) if parameters else None)
            if relation is None:
                return Answer((), [])
            return Answer(tuple(relation.columns), relation.fetchall())
        except duckdb.Error as error:
            raise InputError(f"query: {error}") from error


def investigate(settings: Settings, name: str, parameters: Mapping[str, Any]) -> Answer:
    """Answer of a prepared question, a file in ``sql/investigations``.

    Raises:
        InputError: No such question, or a parameter is missing or unknown; the message names them.
    """
    question = questions().get(name)
    if question is None:
        raise InputError(f"{name}: expected one of {', '.join(questions())}")
    if {param.name for param in question.params} != set(parameters):
        known = "\n".join(f"  {p.name}: {p.kind}, {p.meaning}" for p in question.params)
        raise InputError(
            f"{name}: expected --param NAME=VALUE for each of\n{known}\n"
            f"found {sorted(parameters) or 'none'}"
        )
    return ask(settings, question.sql, parameters)


def questions() -> dict[str, Investigation]:
    """The prepared questions by name."""
    return {question.name: question for question in load_investigations()}
