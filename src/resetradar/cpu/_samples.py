"""``cpu_samples`` as a whole: each sample once, split by day, rolled up to minutes."""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from resetradar.tables import CPU_MINUTES, CPU_SAMPLES

# 95 percent in half-percent steps.
_SATURATED = 190
_FULL = 200


def distinct(samples: pa.Table) -> pa.Table:
    """Rows of ``cpu_samples`` in key order, one per host, instant and CPU.

    Of rows that differ for one key, the one with the smallest values is kept, in column order, so
    the order in which files arrive does not show.
    """
    rows = frame(samples)
    key = list(CPU_SAMPLES.key)
    rows = rows.sort([*key, *(name for name in rows.columns if name not in key)])
    return (
        rows.unique(subset=key, keep="first", maintain_order=True).to_arrow().cast(samples.schema)
    )


def started_us(samples: pa.Table) -> npt.NDArray[np.int64]:
    """UTC microseconds at which the interval of each row starts."""
    ended = samples["sampled_at"].cast(pa.int64()).to_numpy()
    seconds = samples["interval_s"].to_numpy().astype(np.float64)
    started: npt.NDArray[np.int64] = ended - (seconds * 1e6).astype(np.int64)
    return started


def split_days(samples: pa.Table) -> dict[date, pa.Table]:
    """Rows by the UTC day in which their interval starts, days ascending, row order kept."""
    started = pl.Series("day", started_us(samples)).cast(pl.Datetime("us")).dt.date()
    days = frame(samples).with_columns(started)
    return {
        day: days.filter(pl.col("day") == day).drop("day").to_arrow().cast(samples.schema)
        for day in days["day"].unique().sort()
    }


def minutes(samples: pa.Table) -> pa.Table:
    """Roll-up of ``cpu_samples`` to ``cpu_minutes``, one row per host and minute, in key order.

    Samples of a minute are averaged per CPU first, each with the weight of its interval; then the
    CPUs are compared. Ties go to the lowest CPU number. A sample that ends on the full minute
    belongs to the minute before, which it measured. Empty input gives an empty table.
    """
    kernel = pl.col("system") + pl.col("irq") + pl.col("softirq")
    busy = kernel + pl.col("user") + pl.col("nice") + pl.col("steal")
    shares = ["user", "nice", "system", "irq", "softirq", "steal"]
    weight = pl.col("interval_s")
    per_cpu = (
        frame(samples)
        .with_columns(
            pl.col(*shares, "interval_s").cast(pl.Float64),
            (pl.col("sampled_at") - pl.duration(microseconds=1))
            .dt.truncate("1m")
            .alias("minute_at"),
        )
        .group_by("host_id", "minute_at", "cpu")
        .agg(
            pl.len().alias("samples"),
            weight.max().alias("longest_s"),
            *((pl.col(name) * weight).sum() / weight.sum() for name in shares),
        )
        # Each share is rounded, so their sum can pass the whole.
        .with_columns(
            busy.clip(0, _FULL).alias("busy"),
            kernel.alias("kernel"),
            (pl.col("irq") + pl.col("softirq")).clip(0, _FULL).alias("interrupts"),
        )
        .sort("host_id", "minute_at", "cpu")
    )
    # Sums of floats depend on the order of threads in their last bits: compare rounded values.
    hot = pl.col("kernel").round(6).arg_max()
    rows = (
        per_cpu.group_by("host_id", "minute_at", maintain_order=True)
        .agg(
            pl.col("samples").sum(),
            pl.len().alias("cpus"),
            pl.col("longest_s").max().alias("interval_s"),
            pl.col("busy").max().alias("max_busy"),
            pl.col("cpu").get(hot).alias("hot_cpu"),
            pl.col("system").get(hot).alias("hot_system"),
            pl.col("interrupts").get(hot).alias("hot_softirq"),
            (pl.col("busy").round(6) >= _SATURATED).sum().alias("saturated_cpus"),
            pl.col("busy").mean().alias("mean_busy"),
            pl.col("steal").max(),
        )
        .with_columns(
            pl.col("max_busy", "hot_system", "hot_softirq", "mean_busy", "steal").round(6).round()
        )
    )
    return rows.select(CPU_MINUTES.schema.names).to_arrow().cast(CPU_MINUTES.schema)


def frame(samples: pa.Table) -> pl.DataFrame:
    """Rows of an Arrow table as Polars holds them, without a copy."""
    frame = pl.from_arrow(samples)
    assert isinstance(frame, pl.DataFrame)
    return frame
