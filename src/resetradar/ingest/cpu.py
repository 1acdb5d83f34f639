"""Per-CPU metrics of one day and shard to ``cpu_samples`` and ``cpu_minutes``.

With ``inputs.cpu_mode = "by_need"`` this comes after logs and inventory: only hosts with resets,
and some of their kind as controls, are read. Marts look back a day, so the day before is read again
for hosts that have their reset on this one. What a day holds then follows from the inputs, the
inventory, and the resets of the day and the next, in whatever order days are run.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resetradar.clock import SECOND_US, day_bounds
from resetradar.cpu import COUNTERS, Context, distinct, minutes, split_days, to_samples
from resetradar.cpu._coverage import coverage
from resetradar.cpu._day_files import day_files, read_day
from resetradar.cpu._need import CONTROL, Kind, Need, need_of
from resetradar.cpu._prometheus import fetch, targets
from resetradar.cpu._samples import frame
from resetradar.files import Reject
from resetradar.ingest.partition import Ingested, Part, lake_of, of_hosts, once, write
from resetradar.lake import shard_of
from resetradar.settings import Settings
from resetradar.tables import CPU_COVERAGE, CPU_MINUTES, CPU_SAMPLES, HOSTS, RESETS

_STAGE = "cpu"
# A Prometheus is asked so far beyond the day for the end of the day's last interval.
_AFTER_S = 900


def ingest_cpu(settings: Settings, day: date, shard: int) -> Ingested:
    """Write ``cpu_samples``, ``cpu_minutes``, ``cpu_coverage`` and ``rejects`` of a day and shard.

    By need, the day before is written again if it lacks a host that now has a reset.
    """
    if settings.inputs.cpu_mode == "by_need":
        before = day - timedelta(days=1)
        if _lacks(settings, before, shard):
            _ingest(settings, before, shard)
    return _ingest(settings, day, shard)


@dataclass
class _Found:
    """What the sources of a day gave."""

    files: int = 0
    samples: list[pa.Table] = field(default_factory=list)
    counters: list[pa.Table] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def _ingest(settings: Settings, day: date, shard: int) -> Ingested:
    found = _Found()
    inputs = settings.inputs
    files = day_files(settings.root, inputs.cpu, day)
    scraped = _scraped(settings, day, shard, found)
    roster = {file.source.host_id for file in files if file.source.host_id} | set(scraped)
    need = _need(settings, day, shard, roster)
    for file in files:
        host_id = file.source.host_id
        if host_id is not None and not _is_wanted(settings, host_id, shard, need):
            continue
        context = Context(host_id, file.source.name, inputs.timezone, inputs.cpu_columns)
        parsed = read_day(file, context, day)
        found.files += 1
        found.rejects += once(parsed.rejects, file.source, settings, shard)
        found.samples.append(parsed.samples)
        if parsed.counters is not None:
            found.counters.append(parsed.counters)
    wanted = {h: scraped[h] for h in scraped if _is_wanted(settings, h, shard, need)}
    _fetch(settings, day, wanted, found)
    samples = _of_day(settings, day, shard, need, found)
    tables = {
        CPU_SAMPLES.name: samples,
        CPU_MINUTES.name: minutes(samples),
        CPU_COVERAGE.name: coverage(samples, None if need is None else need.roles),
    }
    return write(settings, Part(day, shard, _STAGE), tables, found.rejects, found.files)


def _of_day(
    settings: Settings, day: date, shard: int, need: Need | None, found: _Found
) -> pa.Table:
    """The day's samples of the shard's hosts, those between two totals among them."""
    counters = pa.concat_tables([COUNTERS.empty_table(), *found.counters])
    counted, rejects = to_samples(of_hosts(_until(counters, day), shard, settings.shards))
    found.rejects += rejects
    parts = [of_hosts(part, shard, settings.shards) for part in found.samples if part.num_rows]
    of_day = split_days(pa.concat_tables([CPU_SAMPLES.empty(), counted, *parts])).get(day)
    samples = distinct(of_day if of_day is not None else CPU_SAMPLES.empty())
    if need is None:
        return samples
    hosts = pa.array(list(need.roles), pa.string())
    return samples.filter(pc.is_in(samples["host_id"], value_set=hosts))


def _until(counters: pa.Table, day: date) -> pa.Table:
    """Totals of a day, and of each CPU the first one after it, which ends its last interval."""
    _, last = day_bounds(day)
    rows = frame(counters).with_columns((pl.col("at").dt.epoch("us") < last).alias("is_of_day"))
    by_cpu = ("host_id", "cpu")
    ends_at = pl.col("at").filter(~pl.col("is_of_day")).min().over(*by_cpu)
    is_end = (pl.col("at") == ends_at).fill_null(value=False)
    kept = rows.filter((pl.col("is_of_day") | is_end) & pl.col("is_of_day").any().over(*by_cpu))
    return kept.drop("is_of_day").to_arrow().cast(COUNTERS)


def _scraped(settings: Settings, day: date, shard: int, found: _Found) -> dict[str, list[str]]:
    """Label values by host, of all hosts that a Prometheus knows."""
    server = settings.prometheus
    if server is None:
        return {}
    first, last = (instant / SECOND_US for instant in day_bounds(day))
    hosts, rejects = targets(server, first, last + _AFTER_S)
    # Every shard asks the same; one of them reports.
    found.rejects += rejects if shard == 0 else []
    return hosts


def _fetch(settings: Settings, day: date, hosts: dict[str, list[str]], found: _Found) -> None:
    server = settings.prometheus
    if server is None or not hosts:
        return
    first, last = (instant / SECOND_US for instant in day_bounds(day))
    fetched = fetch(server, hosts, first, last + _AFTER_S)
    found.counters.append(fetched.counters)
    found.rejects += fetched.rejects
    found.files += fetched.replies


def _is_wanted(settings: Settings, host_id: str, shard: int, need: Need | None) -> bool:
    return shard_of(host_id, settings.shards) == shard and (need is None or host_id in need)


def _need(settings: Settings, day: date, shard: int, roster: set[str]) -> Need | None:
    """Hosts to read, those of other shards left out; None for all."""
    if settings.inputs.cpu_mode == "all":
        return None
    resets, resets_after = _reset_hosts(settings, day), _resets_after(settings, day)
    need = need_of(day, resets, resets_after, roster, _kinds(settings, day))
    roles = need.roles.items()
    return Need({h: role for h, role in roles if shard_of(h, settings.shards) == shard})


def _reset_hosts(settings: Settings, day: date) -> set[str]:
    """Hosts of all shards with a reset or stall on a day."""
    files = lake_of(settings).files(RESETS, day, day)
    columns = [pq.ParquetFile(path).read(["host_id"])["host_id"].to_pylist() for path in files]
    return {str(host) for column in columns for host in column}


def _resets_after(settings: Settings, day: date) -> dict[str, bool]:
    """Hosts with a reset or stall on the day after, and whether its window begins on the day."""
    after = day + timedelta(days=1)
    midnight, _ = day_bounds(after)
    rows = lake_of(settings).read(RESETS, after, after)
    starts = rows["window_start_at"].cast(pa.int64()).to_pylist()
    found: dict[str, bool] = {}
    for host, start in zip(rows["host_id"].to_pylist(), starts, strict=True):
        is_early = start is not None and start < midnight
        found[str(host)] = found.get(str(host), False) or is_early
    return found


def _kinds(settings: Settings, day: date) -> dict[str, Kind]:
    """Instance family and image of the hosts, by the newest row that holds on the day."""
    first, last = day_bounds(day)
    rows = lake_of(settings).read(HOSTS, day, day)
    names = ("host_id", "valid_from_at", "valid_to_at", "instance_family", "ami_id")
    columns = [
        (rows[n].cast(pa.int64()) if n.endswith("_at") else rows[n]).to_pylist() for n in names
    ]
    kinds = {}
    # An open beginning is the oldest.
    ordered = sorted(zip(*columns, strict=True), key=lambda row: row[1] or 0)
    for host_id, since, until, family, image in ordered:
        if (since is None or since < last) and (until is None or until > first):
            kinds[host_id] = (family, image)
    return {host: kind for host, kind in kinds.items() if None not in kind}


def _lacks(settings: Settings, day: date, shard: int) -> bool:
    """Whether a day was read by need, before the next day's resets were known."""
    path = lake_of(settings).path(CPU_COVERAGE, day, shard, _STAGE)
    if not path.is_file():
        return False
    rows = pq.ParquetFile(path).read(["host_id", "mode", "role"]).to_pylist()
    if any(row["mode"] == "all" for row in rows):
        return False
    resets = _resets_after(settings, day)
    if any(resets.values()):
        # Rare, and the rows do not tell of which kinds the controls were read.
        return True
    known = {row["host_id"] for row in rows if row["role"] != CONTROL}
    return any(shard_of(h, settings.shards) == shard and h not in known for h in resets)
