"""Resets and CPU samples to ``reset_cpus``, against a scan of the columns and other engines.

`python -m benchmarks.correlate [--quick] [--json] [--hosts N …] [--resets N …]`. The samples are
one day of hosts with 64 CPUs, a minute each, written as the lake writes them. The product builds
the windows of the resets and their controls and joins them; peers get these windows ready-made and
find the hottest CPU of each, join_asof in the last sample of the window only. Engines that are not
installed are left out; ``--python NAME=PATH`` takes one from another environment.
"""

import argparse
import importlib.util
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table as TextTable

from benchmarks.measure import Median, measure
from resetradar.cpu import minutes as rolled_up
from resetradar.lake import PAGE_ROWS, Lake, shard_of
from resetradar.tables import (
    CPU_COVERAGE,
    CPU_MINUTES,
    CPU_SAMPLES,
    HOSTS,
    LOG_COVERAGE,
    RESETS,
    Table,
)

_DAY = date(2026, 11, 21)
_MIDNIGHT_US = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp()) * 1_000_000
_CPUS = 64
_SHARDS = 4
# Distinct hosts; all others repeat one of them under their own name.
_PATTERNS = 16
_WINDOW_S = 6.6

_PRODUCT = """
import sys
from datetime import date
from pathlib import Path
from resetradar.lake import Lake
from resetradar.marts import build_mart, load_marts
from resetradar.settings import Parameters
marts = {mart.name: mart for mart in load_marts()}
for name in sys.argv[2].split():
    build_mart(marts[name], Lake(Path(sys.argv[1]), 4), date(2026, 11, 21), Parameters())
"""
_DUCKDB = """
import sys
import duckdb
c = duckdb.connect(config={"threads": 1})
samples = f"read_parquet('{sys.argv[1]}/cpu_samples/**/*.parquet', hive_partitioning = false)"
windows = f"'{sys.argv[1]}/windows/**/*.parquet'"
if sys.argv[2] == "scan":
    c.sql(f'''select max(host_id), max(sampled_at), sum(interval_s), max(cpu), sum("user"),
        sum(nice), sum(system), sum(irq), sum(softirq), sum(steal) from {samples}''').fetchall()
else:
    c.sql(f'''select window_id, arg_max(cpu, system::integer + irq + softirq)
        from {samples} as s join {windows} as w on w.host_id = s.host_id
        and s.sampled_at > w.window_start_at
        and s.sampled_at < w.window_end_at + interval 1 minute group by all''').fetchall()
"""
_POLARS = """
import sys
import polars as pl
samples = pl.scan_parquet(sys.argv[1] + "/cpu_samples/**/*.parquet", hive_partitioning=False)
windows = pl.read_parquet(sys.argv[1] + "/windows/**/*.parquet", hive_partitioning=False)
keys = windows.select("window_id", "host_id", "window_start_at", "window_end_at",
    pl.datetime_ranges(pl.col("window_start_at").dt.truncate("1m"),
        pl.col("window_end_at").dt.truncate("1m") + pl.duration(minutes=1), "1m")
    .alias("minute_at")).explode("minute_at")
kernel = pl.col("system").cast(pl.Int32) + pl.col("irq") + pl.col("softirq")
rows = samples.select("host_id", "sampled_at", "cpu", kernel.alias("kernel"))
if sys.argv[2] == "minutes":
    hosts = windows["host_id"].unique().implode()
    found = rows.filter(pl.col("host_id").is_in(hosts)).with_columns(
        pl.col("sampled_at").dt.truncate("1m").alias("minute_at")).join(
        keys.lazy(), on=["host_id", "minute_at"])
elif sys.argv[2] == "join_asof":
    asked = windows.select("window_id", "host_id", "window_start_at", "window_end_at")
    cpus = rows.select("cpu").unique().collect()
    found = asked.join(cpus, how="cross").sort("window_end_at").lazy().join_asof(
        rows.filter(pl.col("host_id").is_in(windows["host_id"].unique().implode())).sort(
            "sampled_at"), left_on="window_end_at", right_on="sampled_at",
        by=["host_id", "cpu"], strategy="forward", check_sortedness=False)
else:
    found = rows.join_where(keys.unique("window_id").lazy().rename({"host_id": "of"}),
        pl.col("host_id") == pl.col("of"), pl.col("sampled_at") > pl.col("window_start_at"),
        pl.col("sampled_at") < pl.col("window_end_at").dt.offset_by("1m"))
found.filter((pl.col("sampled_at") > pl.col("window_start_at"))
    & (pl.col("sampled_at") < pl.col("window_end_at").dt.offset_by("1m"))).group_by(
    "window_id").agg(pl.col("cpu").sort_by("kernel").last()).collect()
"""
_PANDAS = """
import sys
import pandas as pd
samples = pd.read_parquet(sys.argv[1] + "/cpu_samples")
windows = pd.read_parquet(sys.argv[1] + "/windows")
samples["kernel"] = samples["system"].astype("int32") + samples["irq"] + samples["softirq"]
samples = samples[samples["host_id"].isin(windows["host_id"].unique())]
samples["minute_at"] = samples["sampled_at"].dt.floor("min")
parts = [windows.assign(minute_at=windows["window_end_at"].dt.floor("min")
    + pd.Timedelta(minutes=n)) for n in (0, 1)]
found = samples.merge(pd.concat(parts), on=["host_id", "minute_at"])
found = found[(found["sampled_at"] > found["window_start_at"])
    & (found["sampled_at"] < found["window_end_at"] + pd.Timedelta(minutes=1))]
found.sort_values("kernel").groupby("window_id")["cpu"].last()
"""
_CHDB = """
import sys
import chdb
chdb.query(f'''select window_id, argMax(cpu, toInt32(system) + irq + softirq)
    from file('{sys.argv[1]}/cpu_samples/*/*/*.parquet') as s
    join (select window_id, host_id, window_start_at, window_end_at,
        arrayJoin([0, 1]) + toUInt32(toUnixTimestamp(window_end_at) / 60) as m
        from file('{sys.argv[1]}/windows/*/*.parquet')) as w
    on w.host_id = s.host_id and w.m = toUInt32(toUnixTimestamp(s.sampled_at) / 60)
    where sampled_at > window_start_at and sampled_at < window_end_at + interval 1 minute
    group by window_id settings max_threads = 1''', "Null")
"""
_START = "import resetradar.marts as m; m.load_marts()"
# Medians of each contender by hosts and resets.
_Found = dict[tuple[int, int], dict[str, Median]]
_SAMPLES = "windows queue_cpus window_cpus reset_cpus"
_ROLL_UP = "windows window_minutes"


def main() -> None:
    """Make the samples, run the contenders for each size, print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data; ends within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object of the ratios")
    parser.add_argument("--hosts", type=int, nargs="+", default=[])
    parser.add_argument("--resets", type=int, nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the samples here and use them again")
    parser.add_argument("--python", action="append", default=[], help="NAME=PATH of an interpreter")
    parser.add_argument("--peers-up-to", type=int, default=1000, help="hosts; beyond, peers rest")
    arguments = parser.parse_args()
    is_quick = arguments.quick
    minutes = 240 if is_quick else 1440
    sizes = arguments.hosts or ([20, 200] if is_quick else [100, 1_000, 10_000])
    counts = arguments.resets or ([30, 300] if is_quick else [500, 5_000, 50_000])
    pythons = dict(each.split("=", 1) for each in arguments.python)
    found: _Found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for hosts in sizes:
            corpus = (arguments.folder or Path(temporary)) / f"{hosts}x{minutes}"
            if not corpus.exists():
                make_samples(corpus, hosts, minutes)
            for resets in counts:
                lake = Path(temporary) / f"lake-{hosts}-{resets}"
                make_resets(lake, corpus, hosts, minutes, resets)
                contenders = _contenders(
                    lake, pythons, has_peers=hosts <= arguments.peers_up_to and resets < 10_000
                )
                rounds = arguments.rounds or (1 if is_quick else 5)
                found[hosts, resets] = measure(contenders, rounds=rounds)
                if not arguments.json:
                    Console(width=100).print(_table(hosts, resets, minutes, found[hosts, resets]))
    if arguments.json:
        print(json.dumps({"benchmark": "correlate", "ratios": _ratios(found)}))
    else:
        Console(width=100).print(_growth(found))


def host_names(hosts: int) -> list[str]:
    """Invented names, sorted."""
    return sorted(f"ip-10-{20 + n // 2500}-{n // 250 % 10}-{n % 250}" for n in range(hosts))


def make_samples(root: Path, hosts: int, minutes: int) -> None:
    """Write a day of samples and their roll-up, host by host: a row group each, little memory."""
    ends = _MIDNIGHT_US + np.arange(1, minutes + 1) * 60_000_000
    patterns = [_pattern(number, ends) for number in range(_PATTERNS)]
    rollups = [rolled_up(pattern) for pattern in patterns]
    writers: dict[int, pq.ParquetWriter] = {}
    lake = Lake(root, _SHARDS)
    minute_parts: dict[int, list[pa.Table]] = {shard: [] for shard in range(_SHARDS)}
    for number, name in enumerate(host_names(hosts)):
        shard = shard_of(name, _SHARDS)
        if shard not in writers:
            path = lake.path(CPU_SAMPLES, _DAY, shard, "cpu")
            path.parent.mkdir(parents=True, exist_ok=True)
            writers[shard] = pq.ParquetWriter(
                path, CPU_SAMPLES.schema, compression="zstd", compression_level=3,
                max_rows_per_page=PAGE_ROWS, store_schema=False,
            )  # fmt: skip
        rows = _named(patterns[number % _PATTERNS], name)
        writers[shard].write_table(rows, row_group_size=rows.num_rows)
        minute_parts[shard].append(_named(rollups[number % _PATTERNS], name))
    for writer in writers.values():
        writer.close()
    for shard, parts in minute_parts.items():
        rows = pa.concat_tables([CPU_MINUTES.empty(), *parts])
        lake.write(CPU_MINUTES, rows, day=_DAY, shard=shard, part="cpu")


def _pattern(number: int, ends: "np.ndarray[Any, Any]") -> pa.Table:
    """One host: steady users, a little kernel time; noise as real minutes have it."""
    dice = np.random.default_rng(number)
    rows = len(ends) * _CPUS
    user = np.tile(dice.integers(5, 120, _CPUS), len(ends)) + dice.integers(-4, 5, rows)
    columns = {
        "sampled_at": pa.array(np.repeat(ends, _CPUS)).cast(pa.timestamp("us")),
        "interval_s": np.full(rows, 60, "f4"),
        "cpu": np.tile(np.arange(_CPUS, dtype="i2"), len(ends)),
        "user": user.astype("u1"),
        "system": np.clip(dice.normal(4, 2, rows), 0, 40).astype("u1"),
        "softirq": np.clip(dice.normal(1, 1, rows), 0, 10).astype("u1"),
    }
    return _table_of(CPU_SAMPLES, rows, columns)


def _table_of(form: Table, rows: int, columns: dict[str, Any]) -> pa.Table:
    """Rows of a base table; shares that are not given are 0, other columns null."""
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.array(np.zeros(rows, "u1"))
        if field.type == pa.uint8()
        else pa.nulls(rows, field.type)
        for field in form.schema
    ]
    return pa.Table.from_arrays(arrays, schema=form.schema)


def _named(rows: pa.Table, name: str) -> pa.Table:
    codes = pa.array(np.zeros(rows.num_rows, "i4"), pa.int32())
    names = pa.DictionaryArray.from_arrays(codes, pa.array([name])).cast(pa.string())
    return rows.set_column(0, rows.schema.field(0), names)


def make_resets(lake: Path, corpus: Path, hosts: int, minutes: int, resets: int) -> None:
    """A lake of these samples with so many resets, spread over hosts and the day; its windows."""
    lake.mkdir(parents=True)
    for name in (CPU_SAMPLES.name, CPU_MINUTES.name):
        (lake / name).symlink_to((corpus / name).resolve())
    names = host_names(hosts)
    rows = []
    for number in range(resets):
        draw = int.from_bytes(blake2b(b"%d" % number, digest_size=8).digest(), "big")
        second = 600 + draw // hosts % (60 * minutes - 1200)
        rows.append((names[draw % hosts], f"r{number:06d}", _MIDNIGHT_US + second * 1_000_000))
    ends = np.array([row[2] for row in rows])
    at = {
        "window_start_at": pa.array(ends - round(_WINDOW_S * 1e6)).cast(pa.timestamp("us")),
        **dict.fromkeys(("window_end_at", "reset_at"), pa.array(ends).cast(pa.timestamp("us"))),
    }
    reset_rows = _table_of(RESETS, resets, {
        "host_id": [row[0] for row in rows], "reset_id": [row[1] for row in rows],
        "kind": ["reset"] * resets, "clock_error_s": np.zeros(resets), **at,
    })  # fmt: skip
    host_rows = _table_of(HOSTS, hosts, {
        "host_id": names, "instance_family": ["p5" if n % 5 else "g6" for n in range(hosts)],
        "ami_id": [f"ami-{n % 7}" for n in range(hosts)], "attributes": [[]] * hosts,
    })  # fmt: skip
    hours = 24 * hosts
    coverage = _table_of(LOG_COVERAGE, hours, {
        "host_id": np.repeat(names, 24), "observed_s": np.full(hours, 3600.0),
        "hour_at": pa.array(np.tile(_MIDNIGHT_US + np.arange(24) * 3_600_000_000, hosts)).cast(
            pa.timestamp("us")
        ),
    })  # fmt: skip
    sampled = _table_of(CPU_COVERAGE, hosts, {
        "host_id": names, "samples": np.full(hosts, minutes * _CPUS), "interval_s": [60.0] * hosts,
        "first_at": pa.array(np.full(hosts, _MIDNIGHT_US + 60_000_000)).cast(pa.timestamp("us")),
    })  # fmt: skip
    tables = (
        (RESETS, reset_rows),
        (HOSTS, host_rows),
        (LOG_COVERAGE, coverage),
        (CPU_COVERAGE, sampled),
    )
    for form, form_rows in tables:
        Lake(lake, _SHARDS).write(form, form_rows, day=_DAY, shard=0, part="made")
    measure({"windows": [sys.executable, "-c", _PRODUCT, str(lake), "windows"]}, rounds=1)


def _contenders(lake: Path, pythons: dict[str, str], *, has_peers: bool) -> dict[str, list[str]]:
    here = [sys.executable, "-c"]
    found = {
        "start": [*here, _START],
        "this project, samples": [*here, _PRODUCT, str(lake), _SAMPLES],
        "this project, roll-up": [*here, _PRODUCT, str(lake), _ROLL_UP],
        "duckdb, scan of the columns": [*here, _DUCKDB, str(lake), "scan"],
    }
    if has_peers:
        found["polars, minutes"] = [*here, _POLARS, str(lake), "minutes"]
        found["polars, join_where"] = [*here, _POLARS, str(lake), "join_where"]
        found["polars, join_asof"] = [*here, _POLARS, str(lake), "join_asof"]
        found["duckdb, range join"] = [*here, _DUCKDB, str(lake), "range"]
        for name, code in (("pandas", _PANDAS), ("chdb", _CHDB)):
            if name in pythons or importlib.util.find_spec(name):
                found[name] = [pythons.get(name, sys.executable), "-c", code, str(lake)]
    return found


def _net(found: dict[str, Median], name: str) -> float:
    """CPU seconds without the start of the interpreter and the check of the marts."""
    start = found["start"].cpu_s if name.startswith("this project") else 0.0
    return max(0.001, found[name].cpu_s - start)


def _table(hosts: int, resets: int, minutes: int, found: dict[str, Median]) -> TextTable:
    rows = hosts * minutes * _CPUS / 1e6
    table = TextTable(title=f"{resets:,} resets on {hosts:,} hosts, {rows:,.1f} M samples")
    for heading in ("", "CPU s", "net CPU s", "of the scan", "wall s", "MB"):
        table.add_column(heading, justify="left" if not heading else "right")
    scan = _net(found, "duckdb, scan of the columns")
    for name, median in found.items():
        net = _net(found, name)
        table.add_row(
            name, f"{median.cpu_s:.2f}", f"{net:.2f}", f"{net / scan:.2f}",
            f"{median.wall_s:.2f}", f"{median.rss_mb:.0f}",
        )  # fmt: skip
    return table


def _steps(found: _Found, name: str) -> Iterator[tuple[str, float, float]]:
    """Factors of cost from one size to the next, and their exponents."""
    sizes = sorted(found)
    for before in sizes:
        for after in sizes:
            for axis, what in ((0, "hosts"), (1, "resets")):
                is_next = before[1 - axis] == after[1 - axis] and after[axis] == min(
                    (size[axis] for size in sizes if size[axis] > before[axis]), default=None
                )
                if is_next:
                    factor = _net(found[after], name) / _net(found[before], name)
                    other = f"{before[1 - axis]:,} {('resets', 'hosts')[axis]}"
                    label = f"{what} {before[axis]:,} to {after[axis]:,}, {other}"
                    yield label, factor, math.log(factor) / math.log(after[axis] / before[axis])


def _growth(found: _Found) -> TextTable:
    table = TextTable(title="Growth of net CPU time")
    for heading in ("", "samples", "exponent", "roll-up", "exponent"):
        table.add_column(heading, justify="left" if not heading else "right")
    pairs = zip(
        _steps(found, "this project, samples"), _steps(found, "this project, roll-up"), strict=True
    )
    for (label, factor, exponent), (_, other, other_exponent) in pairs:
        numbers = (factor, exponent, other, other_exponent)
        table.add_row(label, *(f"{number:.2f}" for number in numbers))
    return table


def _ratios(found: _Found) -> dict[str, float]:
    ratios = {}
    for (hosts, resets), medians in found.items():
        scan = _net(medians, "duckdb, scan of the columns")
        for name in medians:
            ratios[f"{hosts} hosts, {resets} resets: {name} / scan"] = _net(medians, name) / scan
    for name in ("this project, samples", "this project, roll-up"):
        for label, _, exponent in _steps(found, name):
            ratios[f"exponent, {name}, {label}"] = exponent
    return {name: round(value, 3) for name, value in ratios.items()}


if __name__ == "__main__":
    main()
