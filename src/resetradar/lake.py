"""The lake: base tables as Parquet, one file per day, shard and part; its path is its identity.

A file is written under a temporary name and renamed, so a reader sees the old rows or the new ones.
Rows are sorted by the table's key and written with fixed options, so equal rows are equal bytes.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resetradar.errors import ContractError
from resetradar.tables import Table

UNSHARDED = 0
# One page per column and host: read a quarter faster than pages of the usual 20,000 rows.
PAGE_ROWS = 1_000_000


def shard_of(host_id: str, shards: int) -> int:
    """Shard that holds a host: stable over runs, machines and Python versions."""
    digest = hashlib.blake2b(host_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Temporary path beside ``path``, renamed over it on success and removed on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_parquet(rows: pa.Table, path: Path, *, group_by_host: bool = False) -> None:
    """Write rows to one Parquet file, atomically and with the same bytes for the same rows.

    Args:
        rows: Rows in their final order.
        path: File to write or replace.
        group_by_host: One row group per host, so that a query for some hosts reads only theirs, in
            long pages. Units and meanings are not repeated in such files, which have to be small.
    """
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            rows.schema,
            compression="zstd",
            compression_level=3,
            max_rows_per_page=PAGE_ROWS if group_by_host else None,
            store_schema=not group_by_host,
        ) as writer,
    ):
        if group_by_host:
            for start, stop in _host_runs(rows):
                writer.write_table(rows.slice(start, stop - start), row_group_size=stop - start)
        else:
            writer.write_table(rows)


def _host_runs(rows: pa.Table) -> Iterator[tuple[int, int]]:
    codes = rows.column("host_id").combine_chunks().dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    yield from zip(starts.tolist(), [*starts[1:].tolist(), len(codes)], strict=False)


@dataclass(frozen=True)
class Lake:
    """Reads and writes the partitions below one folder."""

    root: Path
    shards: int

    def path(self, table: Table, day: date, shard: int, part: str) -> Path:
        """File of one partition; ``part`` names the stage that wrote it."""
        folder = self.root / table.name / f"day={day.isoformat()}"
        if table.is_sharded:
            folder /= f"shard={shard:04d}"
        return folder / f"{part}.parquet"

    def write(self, table: Table, rows: pa.Table, *, day: date, shard: int, part: str) -> Path:
        """Replace one partition with rows in any order.

        Raises:
            ContractError: The rows do not have the table's schema.
        """
        if rows.schema.names != table.schema.names:
            raise ContractError(
                f"{table.name}: expected columns {table.schema.names}, found {rows.schema.names}"
            )
        ordered = rows.cast(table.schema).sort_by([(column, "ascending") for column in table.key])
        path = self.path(table, day, shard, part)
        write_parquet(ordered, path, group_by_host=table.name == "cpu_samples")
        return path

    def files(self, table: Table, first: date, last: date) -> list[Path]:
        """Files of a table whose day lies in ``[first, last]``, in path order."""
        folder = self.root / table.name
        days = (d for d in self.days(table) if first <= d <= last)
        return sorted(path for day in days for path in (folder / f"day={day}").rglob("*.parquet"))

    def read(self, table: Table, first: date, last: date) -> pa.Table:
        """Rows of ``[first, last]``, none if nothing was written; columns no file has are null."""
        parts = [pq.ParquetFile(path).read() for path in self.files(table, first, last)]
        return pa.concat_tables([table.empty(), *parts], promote_options="default")

    def days(self, table: Table) -> list[date]:
        """Days of which a partition exists, ascending."""
        folders = (self.root / table.name).glob("day=*")
        return sorted(date.fromisoformat(folder.name.removeprefix("day=")) for folder in folders)
