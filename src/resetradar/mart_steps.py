"""The Python half of a mart: what SQL cannot do, as a function from Arrow rows to Arrow rows.

A header's line ``Then: module:function`` names it. Its keyword-only arguments are parameters of the
mart, and what it returns for no rows at all is what the header's columns are compared with.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import Parameter, signature
from typing import Any, cast

import duckdb
import pyarrow as pa

from resetradar.errors import ContractError
from resetradar.mart_headers import Mart

Step = Callable[..., pa.Table]


def step_of(mart: Mart) -> Step | None:
    """The function that a mart's header names after its SELECT; none for most marts.

    Raises:
        ContractError: There is no such function.
    """
    if mart.then is None:
        return None
    module, _, name = mart.then.partition(":")
    try:
        return cast("Step", getattr(import_module(module), name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ContractError(
            f"{mart.path}: header says Then {mart.then}, expected module:function, found {error}"
        ) from error


def param_names(mart: Mart) -> list[str]:
    """Names of the parameters that a mart uses in its query or its step, sorted."""
    step = step_of(mart)
    return sorted({*query_params(mart.sql), *(_keywords(step) if step else ())})


def query_params(sql: str) -> list[str]:
    """Names of the ``$parameters`` of a query, sorted."""
    return sorted(duckdb.extract_statements(sql)[0].named_parameters)


def run_mart(
    connection: duckdb.DuckDBPyConnection, mart: Mart, values: Mapping[str, Any]
) -> pa.Table:
    """Rows of a mart: its query's, or what its step makes of them.

    Args:
        connection: Session in which every input exists.
        mart: The mart.
        values: A value for every parameter of the header.
    """
    asked = query_params(mart.sql)
    rows = connection.sql(mart.sql, params={name: values[name] for name in asked}).to_arrow_table()
    step = step_of(mart)
    if step is None:
        return rows
    others = {name: value for name, value in values.items() if name in _keywords(step)}
    return step(rows, **others)


def _keywords(step: Step) -> set[str]:
    found = signature(step).parameters.values()
    return {param.name for param in found if param.kind is Parameter.KEYWORD_ONLY}
