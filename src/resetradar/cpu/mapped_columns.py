"""Tables of any other tool: CSV or Parquet whose columns ``[inputs.cpu_columns]`` names.

One column per mode, or one line per CPU and mode (``mode`` and ``value``). Shares, ratios, and
totals since boot in seconds or ticks are understood. ``user`` and ``nice`` include guests.
"""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from resetradar.clock import zone_named
from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._counters import from_series
from resetradar.cpu._hosts import host_of_instance
from resetradar.cpu._problems import Problems
from resetradar.cpu._samples import distinct, frame
from resetradar.cpu._shares import FULL, MAX_CPUS, MODES, SHARES, samples_table
from resetradar.cpu._times import DAY_S
from resetradar.sources import CpuColumns
from resetradar.tables import CPU_SAMPLES

NAME: Final = "CSV or Parquet with [inputs.cpu_columns]"

_PARQUET: Final = b"PAR1"
_SEPARATORS: Final = (b",", b";", b"\t")
# What tools call the sum or the mean of all CPUs, without a leading "cpu" or "-".
_AVERAGES: Final = ("", "all", "total", "average")
_SCALE: Final = {"percent": 2.0, "ratio": 200.0, "counter_s": 1.0, "counter_ticks": 0.01}
# The year 2200.
_MAX_AT_US: Final = 7_258_118_400_000_000
_NS: Final = {"ns": 1, "us": 1000, "ms": 1_000_000}
_US: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


def recognise(head: bytes) -> bool:
    """Whether the file is Parquet, or begins with a line of three or more column names."""
    return head.startswith(_PARQUET) or _separator(head) is not None


def _separator(head: bytes) -> bytes | None:
    line = head.partition(b"\n")[0].strip(b"\r\xef\xbb\xbf")
    for mark in _SEPARATORS:
        names = [name.strip(b'" ') for name in line.split(mark)]
        if len(names) > 2 and all(re.fullmatch(rb"[A-Za-z_][\w .%/-]*", name) for name in names):
            return mark
    return None


def parse(data: bytes, context: Context) -> Parsed:
    """All samples of the table, or all totals as counters."""
    problems = Problems(context, data)
    empty = Parsed(CPU_SAMPLES.empty(), [])
    wanted = context.columns
    rows = _read(data)
    if wanted is None:
        problems.at(0, "table: expected [inputs.cpu_columns] to say what its columns are, "
                    "found none")  # fmt: skip
    elif rows is None:
        problems.at(0, "table: expected CSV with a header or Parquet, found it damaged")
    elif missing := sorted(_named(wanted) - set(rows.columns)):
        problems.at(0, f"table: expected the columns {missing}, found {sorted(rows.columns)[:40]}")
    else:
        try:
            return _parse(rows, wanted, problems)
        except pl.exceptions.PolarsError:
            problems.at(0, "table: expected text, numbers and times, found columns of other types")
    return Parsed(empty.samples, problems.rejects())


def _read(data: bytes) -> pl.DataFrame | None:
    try:
        if data.startswith(_PARQUET):
            # Polars' reader panics on some damaged files, and trusts that text is UTF-8.
            table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
            table.validate(full=True)
            return frame(table)
        mark = (_separator(data[:8192]) or b",").decode()
        return pl.read_csv(
            data, separator=mark, infer_schema=False, truncate_ragged_lines=True,
            encoding="utf8-lossy",
        )  # fmt: skip
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError, ValueError):
        return None


def _named(wanted: CpuColumns) -> set[str]:
    one_by_one = [getattr(wanted, mode) for mode in MODES]
    others = [wanted.host_id, wanted.sampled_at, wanted.cpu, wanted.mode, wanted.value]
    interval = wanted.interval_s if isinstance(wanted.interval_s, str) else None
    return {name for name in [*one_by_one, *others, interval] if name}


def _parse(rows: pl.DataFrame, wanted: CpuColumns, problems: Problems) -> Parsed:
    context = problems.context
    host = pl.lit(context.host_id)
    if wanted.host_id and not context.host_id:
        labels = rows[wanted.host_id].cast(pl.String).unique().drop_nulls()
        names = {label: host_of_instance(label, context) for label in labels}
        host = pl.col(wanted.host_id).cast(pl.String).replace_strict(names, default=None)
    cpu = pl.col(wanted.cpu).cast(pl.String).str.strip_prefix("cpu").str.strip_chars(" -")
    rows = rows.filter(~cpu.is_in(_AVERAGES).fill_null(value=False))
    base = rows.select(
        host.cast(pl.String).alias("host_id"),
        _instant(rows, wanted, context).alias("at"),
        cpu.cast(pl.Float64, strict=False).cast(pl.Int64, strict=False).alias("cpu"),
        (pl.col(wanted.interval_s) if isinstance(wanted.interval_s, str)
         else pl.lit(wanted.interval_s)).cast(pl.Float64, strict=False).alias("interval_s"),
        *([pl.col(wanted.mode).cast(pl.String).alias("mode"),
           pl.col(wanted.value or "").cast(pl.Float64, strict=False).alias("value")]
          if wanted.mode else [_number(wanted, mode) for mode in MODES]),
    )  # fmt: skip
    is_whole = pl.col("host_id").str.len_chars().is_between(1, 255)
    is_whole &= pl.col("at").is_between(1, _MAX_AT_US)
    is_whole &= pl.col("cpu").is_between(0, MAX_CPUS - 1)
    values = ["value"] if wanted.mode else [m for m in MODES if getattr(wanted, m)]
    is_whole &= pl.all_horizontal(pl.col(*values).is_between(-1e12, 1e12))
    whole = base.filter(is_whole.fill_null(value=False))
    problems.count("row: expected a host, a time, a CPU and numbers, found others; left out",
                   base.height - whole.height)  # fmt: skip
    if wanted.mode:
        whole = whole.with_columns(pl.col("mode").str.strip_prefix("cpu_").str.to_lowercase())
        whole = whole.filter(pl.col("mode").is_in(MODES))
    if wanted.unit.startswith("counter"):
        counters = _counters(whole, wanted, context)
        return Parsed(CPU_SAMPLES.empty(), problems.rejects(), counters)
    return _samples(whole, wanted, problems)


def _number(wanted: CpuColumns, mode: str) -> pl.Expr:
    name = getattr(wanted, mode)
    column = pl.col(name).cast(pl.Float64, strict=False) if name else pl.lit(0.0)
    return column.alias(mode)


def _instant(rows: pl.DataFrame, wanted: CpuColumns, context: Context) -> pl.Expr:
    """UTC microseconds: of numbers in their unit, of text and stamps in their zone."""
    column = pl.col(wanted.sampled_at)
    kind = rows.schema[wanted.sampled_at]
    if isinstance(kind, pl.Datetime):
        # Polars panics on instants beyond its calendar.
        is_sane = column.to_physical().is_between(0, _MAX_AT_US * 1000 // _NS[kind.time_unit])
        column = pl.when(is_sane).then(column)
        zoned = column if kind.time_zone else column.dt.replace_time_zone(
            str(zone_named(context.timezone)), ambiguous="earliest", non_existent="null"
        )  # fmt: skip
        return zoned.dt.epoch("us")
    number = (column.cast(pl.Float64, strict=False) * _US[wanted.at_unit]).round()
    number = pl.when(number.abs() < 1e18).then(number).cast(pl.Int64, strict=False)
    if kind != pl.String:
        return number
    text = column.str.strip_chars()
    with_zone = text.str.replace(r"(Z|[ ]?UTC)$", "+00:00").str.replace(" ", "T")
    zoned = with_zone.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", strict=False)
    naive = with_zone.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    local = naive.dt.replace_time_zone(
        str(zone_named(context.timezone)), ambiguous="earliest", non_existent="null"
    )
    return pl.coalesce(number, zoned.dt.epoch("us"), local.dt.epoch("us"))


def _counters(rows: pl.DataFrame, wanted: CpuColumns, context: Context) -> Any:
    if not wanted.mode:
        rows = rows.unpivot(
            [mode for mode in MODES if getattr(wanted, mode)],
            index=["host_id", "at", "cpu"], variable_name="mode", value_name="value",
        )  # fmt: skip
    names = rows["host_id"].unique(maintain_order=True)
    host: npt.NDArray[np.int64] = np.searchsorted(names.sort(), rows["host_id"])
    mode = rows["mode"].replace_strict(
        {name: number for number, name in enumerate(MODES)}, return_dtype=pl.Int64
    )
    series = np.column_stack([host, rows["cpu"].to_numpy(), mode.to_numpy()]).astype(np.int64)
    seconds = rows["value"].to_numpy() * _SCALE[wanted.unit]
    at_us = rows["at"].to_numpy()
    return from_series(names.sort().to_list(), context.source, series, at_us, seconds)


def _samples(rows: pl.DataFrame, wanted: CpuColumns, problems: Problems) -> Parsed:
    key = ["host_id", "cpu", "at"]
    if wanted.mode:
        index = [*key, "interval_s"]
        rows = rows.pivot("mode", index=index, values="value", aggregate_function="first")
        rows = rows.with_columns(pl.lit(0.0).alias(m) for m in MODES if m not in rows.columns)
        rows = rows.with_columns(pl.col(*MODES).fill_null(0.0))
    rows = rows.sort(key, maintain_order=True)
    step_s = (pl.col("at") - pl.col("at").shift(1).over("host_id", "cpu")) / 1e6
    rows = rows.with_columns(pl.coalesce("interval_s", step_s).alias("interval_s"))
    good = rows.filter(pl.col("interval_s").is_between(0, DAY_S, closed="right"))
    problems.count("row: expected an interval of up to a day, or a row before it; left out",
                   rows.height - good.height)  # fmt: skip
    halves = good.select(*SHARES).to_numpy().T * _SCALE[wanted.unit]
    outside = int(((halves < 0) | (halves > FULL)).any(axis=0).sum()) if good.height else 0
    problems.count("row: expected shares of one CPU, found others; clipped", outside)
    samples = samples_table(
        good["host_id"].to_arrow().cast("string"),
        good["at"].to_numpy(),
        good["interval_s"].to_numpy().astype(np.float32),
        good["cpu"].to_numpy().astype(np.int16),
        np.rint(halves).clip(0, FULL).astype(np.uint8),
    )
    if not samples.num_rows and not problems.rejects():
        problems.at(0, "table: expected rows, found none")
    return Parsed(distinct(samples), problems.rejects())
