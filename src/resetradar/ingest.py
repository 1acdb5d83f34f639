"""One day of one shard: from input files to base tables. Every stage writes its own partitions.

A day is read with its neighbours' edges, so that an episode across midnight is whole on the day in
which its reset lies.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resetradar.clock import HOUR_US, SECOND_US, Calendar, day_bounds, zone_named
from resetradar.coverage import Ledger
from resetradar.cpu import Context as CpuContext
from resetradar.cpu import distinct, minutes, parse_cpu, split_days
from resetradar.episodes import episodes
from resetradar.files import Reject, Source, find, read_bounded
from resetradar.hosts import Context as HostContext
from resetradar.hosts import merge_hosts, parse_hosts
from resetradar.lake import UNSHARDED, Lake, shard_of
from resetradar.overlap import merged
from resetradar.records import event_rows, events_table, reset_record, resets_table
from resetradar.scan import Event, number, scan_file
from resetradar.settings import Settings
from resetradar.tables import (
    BASE_TABLES,
    CPU_MINUTES,
    CPU_SAMPLES,
    HOSTS,
    KERNEL_EVENTS,
    LOG_COVERAGE,
    REJECTS,
    RESETS,
)
from resetradar.timeline import boots

# Longer than the longest wait of the episode rules and than the stretch in which the two clocks are
# compared, so that both days that see an event near midnight see it alike.
EDGE_US = 2 * HOUR_US
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


def ingest_logs(settings: Settings, day: date, shard: int) -> Ingested:
    """Write ``kernel_events``, ``log_coverage``, ``resets`` and ``rejects`` of a day and shard."""
    first, last = day_bounds(day)
    calendar = Calendar(day, zone=zone_named(settings.inputs.timezone))
    silence_us = round(settings.inputs.max_silence_s * SECOND_US)
    known_from = first - silence_us - HOUR_US
    ledgers: list[Ledger] = []
    events: dict[str, list[Event]] = defaultdict(list)
    rejects: list[Reject] = []
    sources = _of_shard(settings, settings.inputs.logs, day, shard)
    for source in sources:
        ledgers.append(Ledger(known_from, last))
        scanned = scan_file(source, calendar, ledgers[-1], span=(first - EDGE_US, last + EDGE_US))
        nameless = []
        for event in scanned.events:
            if event.host_id is None and event.at_us and first <= event.at_us < last:
                nameless.append(_nameless(event))
            elif event.host_id and shard_of(event.host_id, settings.shards) == shard:
                events[event.host_id].append(event)
        of_day = [r for r in scanned.rejects if r.at_us is None or first <= r.at_us < last]
        rejects += _once([*of_day, *nameless], source, settings, shard)
    ledger = merged(ledgers, known_from, last)
    event_part: list[dict[str, Any]] = []
    reset_part: list[dict[str, Any]] = []
    for host_id in sorted(events):
        _count_losses(ledger, host_id, events[host_id])
        for boot in boots(events[host_id]):
            today = [event for event in boot if event.at_us and first <= event.at_us < last]
            event_part += event_rows(today, host_id)
            records = (reset_record(episode, host_id) for episode in episodes(boot))
            reset_part += [row for row in records if _lies_in(row, first, last)]
    coverage = ledger.table(settings.inputs.max_silence_s, first, last)
    tables = {
        KERNEL_EVENTS.name: events_table(event_part),
        LOG_COVERAGE.name: _of_hosts(coverage, shard, settings.shards),
        RESETS.name: resets_table(reset_part),
    }
    return _write(lake_of(settings), _Part(day, shard, "logs"), tables, rejects, len(sources))


def _of_hosts(rows: pa.Table, shard: int, shards: int) -> pa.Table:
    """Rows of the hosts that belong to a shard."""
    hosts = [str(host) for host in pc.unique(rows["host_id"]).to_pylist()]
    mine = [host for host in hosts if shard_of(host, shards) == shard]
    return rows.filter(pc.is_in(rows["host_id"], value_set=pa.array(mine, pa.string())))


def _of_shard(settings: Settings, templates: list[str], day: date, shard: int) -> list[Source]:
    """Files that can hold lines of the day for hosts of the shard."""
    near = (day - timedelta(days=1), day, day + timedelta(days=1))
    found = {s.name: s for when in near for s in find(settings.root, templates, day=when)}
    return [
        source for _, source in sorted(found.items())
        if source.host_id is None or shard_of(source.host_id, settings.shards) == shard
    ]  # fmt: skip


def _once(rejects: list[Reject], source: Source, settings: Settings, shard: int) -> list[Reject]:
    """Rejects of a file that every shard reads, in one of the shards."""
    is_shared = source.host_id is None
    is_mine = not is_shared or shard_of(source.name, settings.shards) == shard
    return rejects if is_mine else []


def _nameless(event: Event) -> Reject:
    return Reject(
        event.source_path,
        event.line_number,
        "host: expected {host_id} in the path template or a host name in the line, found neither",
        event.first_line,
    )


def _count_losses(ledger: Ledger, host_id: str, events: Iterable[Event]) -> None:
    """Messages that the host itself says it dropped."""
    for event in events:
        if event.match.message.trigger == "log_loss" and event.at_us:
            tally = ledger.at(host_id, event.at_us)
            if tally is not None:
                tally.lost_messages += max(1, number(event, "lost_messages") or 1)


def _lies_in(row: dict[str, Any], first: int, last: int) -> bool:
    moment = row["reset_at"] if row["reset_at"] is not None else row["first_line_at"]
    return moment is not None and first <= moment < last


def ingest_cpu(settings: Settings, day: date, shard: int) -> Ingested:
    """Write ``cpu_samples``, ``cpu_minutes`` and ``rejects`` of one day and shard."""
    parts: list[pa.Table] = []
    rejects: list[Reject] = []
    sources = _of_shard(settings, settings.inputs.cpu, day, shard)
    for source in sources:
        data, damage = read_bounded(source)
        parsed = parse_cpu(data, CpuContext(source.host_id, source.name, settings.inputs.timezone))
        rejects += _once([*damage, *parsed.rejects], source, settings, shard)
        of_day = split_days(parsed.samples).get(day)
        if of_day is not None:
            parts.append(_of_hosts(of_day, shard, settings.shards))
    samples = distinct(pa.concat_tables([CPU_SAMPLES.empty(), *parts]))
    tables = {CPU_SAMPLES.name: samples, CPU_MINUTES.name: minutes(samples)}
    return _write(lake_of(settings), _Part(day, shard, "cpu"), tables, rejects, len(sources))


def ingest_hosts(settings: Settings, day: date) -> Ingested:
    """Write ``hosts``, the inventory as of one day, and its ``rejects``."""
    rejects: list[Reject] = []
    inventories = []
    sources = find(settings.root, settings.inputs.inventory, day=day)
    for source in sources:
        data, damage = read_bounded(source)
        parsed = parse_hosts(data, HostContext(source.name))
        rejects += [*damage, *parsed.rejects]
        inventories.append(parsed)
    merged = merge_hosts(inventories, day)
    rejects += merged.rejects
    part = _Part(day, UNSHARDED, "hosts")
    return _write(lake_of(settings), part, {HOSTS.name: merged.rows}, rejects, len(sources))


@dataclass(frozen=True)
class _Part:
    """Partition that one stage writes."""

    day: date
    shard: int
    stage: str


def _write(
    lake: Lake, part: _Part, tables: dict[str, pa.Table], rejects: list[Reject], files: int
) -> Ingested:
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
