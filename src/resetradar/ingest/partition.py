"""What every ingest stage shares: its sources, its partition and how it is written."""

from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from resetradar.files import Reject, Source, find
from resetradar.lake import Lake, shard_of
from resetradar.settings import Settings
from resetradar.tables import BASE_TABLES, REJECTS

_MAX_SAMPLE = 200


@dataclass(frozen=True)
class Ingested:
    """What one stage wrote: rows by table, rejects among them, files read."""

    rows: dict[str, int]
    rejects: int
    files: int


def lake_of(settings: Settings) -> Lake:
    """The lake that the settings name."""
    return Lake(settings.lake_root, settings.shards)


@dataclass(frozen=True)
class Part:
    """Partition that one stage writes."""

    day: date
    shard: int
    stage: str


def sources_of_shard(
    settings: Settings, templates: list[str], day: date, shard: int
) -> list[Source]:
    """Files that can hold lines of the day for hosts of the shard."""
    near = (day - timedelta(days=1), day, day + timedelta(days=1))
    found = {s.name: s for when in near for s in find(settings.root, templates, day=when)}
    return [
        source for _, source in sorted(found.items())
        if source.host_id is None or shard_of(source.host_id, settings.shards) == shard
    ]  # fmt: skip


def once(rejects: list[Reject], source: Source, settings: Settings, shard: int) -> list[Reject]:
    """Rejects of a file that every shard reads, in one of the shards."""
    is_shared = source.host_id is None
    is_mine = not is_shared or shard_of(source.name, settings.shards) == shard
    return rejects if is_mine else []


def of_hosts(rows: pa.Table, shard: int, shards: int) -> pa.Table:
    """Rows of the hosts that belong to a shard."""
    hosts = [str(host) for host in pc.unique(rows["host_id"]).to_pylist()]
    mine = [host for host in hosts if shard_of(host, shards) == shard]
    return rows.filter(pc.is_in(rows["host_id"], value_set=pa.array(mine, pa.string())))


def write(
    settings: Settings,
    part: Part,
    tables: dict[str, pa.Table],
    rejects: list[Reject],
    files: int,
) -> Ingested:
    """Replace one partition of each table, its rejects included."""
    lake = lake_of(settings)
    tables = {**tables, REJECTS.name: _rejects_table(rejects)}
    for name, rows in tables.items():
        table = BASE_TABLES[name]
        lake.write(table, rows, day=part.day, shard=part.shard, part=part.stage)
    counts = {name: rows.num_rows for name, rows in tables.items()}
    return Ingested(counts, len(rejects), files)


def _rejects_table(rejects: list[Reject]) -> pa.Table:
    unique = sorted(
        {
            (r.host_id, r.source_path, r.line_number, r.reason, r.sample[:_MAX_SAMPLE])
            for r in rejects
        },
        key=lambda row: tuple("" if value is None else str(value) for value in row),
    )
    return pa.Table.from_arrays(
        [
            pa.array(column, field.type)
            for column, field in zip(
                zip(*unique, strict=True) if unique else [[]] * 5, REJECTS.schema, strict=True
            )
        ],
        schema=REJECTS.schema,
    )
