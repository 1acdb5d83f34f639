"""Whether a mart's header tells the truth about its query. Asks DuckDB, never the SQL text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from resetradar.errors import ContractError
from resetradar.mart_headers import Field, Investigation, Mart
from resetradar.mart_session import add_table, arrow_fields
from resetradar.mart_steps import param_names, query_params, run_mart, step_of


def verify_mart(
    connection: duckdb.DuckDBPyConnection,
    mart: Mart,
    marts: Mapping[str, Mart],
    values: Mapping[str, Any],
) -> None:
    """Compare inputs, parameters, columns, checks and sources of a header with its query.

    Afterwards the session knows the mart, empty.

    Args:
        connection: Session in which every input exists, empty.
        mart: The mart to judge.
        marts: All marts by name.
        values: A value for every parameter of the header.

    Raises:
        ContractError: ``<file>: header says …, query has …``.
    """
    path = mart.path
    _same(path, "Input", sorted(mart.inputs), sorted(query_inputs(connection, mart.sql, path)))
    _same(path, "Param", sorted(p.name for p in mart.params), param_names(mart))
    if step_of(mart) is None:
        verify_columns(connection, path, mart.columns, mart.sql, values)
    else:
        made = arrow_fields(run_mart(connection, mart, values).schema)
        _same(path, "Column", _typed(mart.columns), _typed(made))
    for name in mart.inputs:
        if mart.span == "day" and name in marts and marts[name].span == "window":
            raise ContractError(
                f"{path}: header says Span day, expected only day marts as input, "
                f"found the window mart {name}"
            )
    add_table(connection, mart.name, mart.columns)
    result = connection.table(mart.name)
    for check in (*mart.checks, *mart.warns):
        try:
            result.filter(f"({check.expression}) is not true")
        except duckdb.Error as error:
            raise ContractError(
                f"{path}: expected Check {check.name} to be an expression over the columns, "
                f"found {check.expression!r}: {error}"
            ) from error
    _verify_source(mart)


def verify_investigation(
    connection: duckdb.DuckDBPyConnection, investigation: Investigation
) -> None:
    """Compare parameters and columns of an investigation's header with its query.

    Raises:
        ContractError: ``<file>: header says …, query has …``.
    """
    path = investigation.path
    names = sorted(param.name for param in investigation.params)
    _same(path, "Param", names, query_params(investigation.sql))
    # Any value binds: only names and types of the result are looked at.
    values = {p.name: "" if p.kind == "VARCHAR" else 1 for p in investigation.params}
    verify_columns(connection, path, investigation.columns, investigation.sql, values)


def verify_columns(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    columns: tuple[Field, ...],
    sql: str,
    values: Mapping[str, Any],
) -> None:
    """Compare the columns of a header with what the query returns: names, types and order.

    Raises:
        ContractError: They differ, or the query does not bind at all.
    """
    try:
        result = connection.sql(sql, params=dict(values))
    except duckdb.Error as error:
        raise ContractError(f"{path}: expected a query that runs, found {error}") from error
    found = [f"{name} {kind}" for name, kind in zip(result.columns, result.types, strict=True)]
    _same(path, "Column", _typed(columns), found)


def query_inputs(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> set[str]:
    """Names of the tables that a SELECT reads, without its own common table expressions.

    Raises:
        ContractError: The text is not one SELECT.
    """
    text = connection.execute("select json_serialize_sql(?::varchar)", [sql]).fetchall()[0][0]
    tree = json.loads(text)
    if tree["error"] or len(tree["statements"]) != 1:
        reason = tree.get("error_message", "more than one statement")
        raise ContractError(f"{path}: expected one SELECT, found {reason}")
    nodes = list(_nodes(tree))
    own = {entry["key"] for node in nodes for entry in node.get("cte_map", {}).get("map", [])}
    read = {node["table_name"] for node in nodes if node.get("type") == "BASE_TABLE"}
    return read - own


def anchors(markdown: str) -> set[str]:
    """Anchors that a Markdown page offers: its headings, as links spell them.

    >>> anchors("# The method")
    {'the-method'}
    """
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _typed(columns: Iterable[Field]) -> list[str]:
    return [f"{column.name} {column.kind}" for column in columns]


def _same(path: Path, key: str, header: list[str], query: list[str]) -> None:
    if header != query:
        only_header = [name for name in header if name not in query]
        only_query = [name for name in query if name not in header]
        raise ContractError(
            f"{path}: header says {key} {only_header or header}, query has {only_query or query}"
        )


def _verify_source(mart: Mart) -> None:
    # An installed package carries no docs; the checkout does, and its tests read this.
    root = mart.path.parent.parent
    for source in mart.source.split(", "):
        page, _, anchor = source.partition("#")
        file = root / page
        if (root / "docs").is_dir() and not (
            file.is_file() and anchor in anchors(file.read_text(encoding="utf-8"))
        ):
            raise ContractError(
                f"{mart.path}: header says Source {source}, expected a heading there, found none"
            )
