"""A DuckDB session that sees tables by name: lists of Parquet files, or typed empty tables.

Frames in memory are never handed to DuckDB: the session holds views over files, so a query reads
only the row groups that it needs, and the versions of DuckDB with a faulty Arrow scan do no harm.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from resetradar.errors import ContractError
from resetradar.mart_headers import Field

_SCALARS = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP",
    pa.date32(): "DATE",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.uint8(): "UTINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
}


def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that the tables use.

    >>> duckdb_type(pa.list_(pa.int32()))
    'INTEGER[]'

    Raises:
        ContractError: No table uses this type yet.
    """
    if pa.types.is_list(kind):
        return f"{duckdb_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.item_type)})"
    if kind not in _SCALARS:
        raise ContractError(f"column type: expected one of {list(_SCALARS.values())}, found {kind}")
    return _SCALARS[kind]


def arrow_fields(schema: pa.Schema) -> tuple[Field, ...]:
    """The columns of an Arrow schema, as header fields."""
    return tuple(
        Field(
            column.name,
            duckdb_type(column.type),
            *((column.metadata or {}).get(key, b"").decode() for key in (b"unit", b"meaning")),
        )
        for column in schema
    )


@contextmanager
def session(threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory session in UTC.

    Args:
        threads: DuckDB threads. With one, sums of floating numbers are added in the same order in
            every run, so equal inputs give equal bytes.
    """
    with duckdb.connect(
        ":memory:", config={"threads": threads, "preserve_insertion_order": True}
    ) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def add_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Iterable[Field],
    files: Sequence[Path] = (),
) -> None:
    """Make a table known under its name: the rows of its files, or no rows of the right types.

    Columns that no file has are null: files of an older release know less, and stay readable.
    """
    fields = tuple(columns)
    if not files:
        body = ", ".join(f'"{column.name}" {column.kind}' for column in fields)
        connection.execute(f"create table {name} ({body})")
        return
    # The day is part of the path, not of the row: two sources of one fact could disagree.
    rows = connection.read_parquet(
        [str(file) for file in files], hive_partitioning=False, union_by_name=True
    )
    missing = [column for column in fields if column.name not in rows.columns]
    if missing:
        nulls = [f'cast(null as {column.kind}) as "{column.name}"' for column in missing]
        rows = rows.project(", ".join(["*", *nulls]))
    rows.create_view(name)
