"""The CPU samples near a day's windows, taken out of all samples before SQL joins them.

DuckDB 1.5 reads the samples of every host to find those of some: it skips no row groups by a list
of names. Polars does. A row group is one host, so the cost follows the hosts that have windows.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from resetradar.tables import CPU_SAMPLES

# A longer sample shows nothing; see sql/window_cpus.sql.
_LONGEST = pl.duration(minutes=15)
_MINUTE = pl.duration(minutes=1)


def near_samples(samples: Sequence[Path], windows: Sequence[Path], target: Path) -> None:
    """Write the rows of ``cpu_samples`` that can overlap a window of their host, in key order.

    Args:
        samples: Files of ``cpu_samples``.
        windows: Files of the mart ``windows``.
        target: Parquet file to write; made even if no row is near.
    """
    asked = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in windows])
    asked = asked.filter(~pl.col("has_clock_doubt"))
    start = pl.col("window_start_at").dt.truncate("1m")
    end = pl.col("window_end_at").dt.truncate("1m")
    minutes = (
        asked.select(
            "host_id",
            pl.datetime_ranges(start, end + _LONGEST, "1m").alias("minute_at"),
            (end + _MINUTE).alias("near_to_at"),
        )
        .explode("minute_at")
        .group_by("host_id", "minute_at")
        .agg((pl.col("minute_at") <= pl.col("near_to_at")).any().alias("is_near"))
    )
    hosts = asked["host_id"].unique().sort().implode()
    rows = pl.scan_parquet(list(samples), hive_partitioning=False)
    keyed = rows.filter(pl.col("host_id").is_in(hosts)).with_columns(
        pl.col("sampled_at").dt.truncate("1m").alias("minute_at")
    )
    # Only a long sample can reach back from minutes after the window.
    near = minutes.filter("is_near").drop("is_near").lazy()
    far = minutes.drop("is_near").lazy()
    is_short = pl.col("interval_s") <= 60
    keys = ["host_id", "minute_at"]
    found = [
        keyed.filter(is_short).join(near, on=keys, how="semi"),
        keyed.filter(~is_short).join(far, on=keys, how="semi"),
    ]
    # Sums of fractions hang on their order, so the order is fixed.
    ordered = pl.concat(found).select(CPU_SAMPLES.schema.names).sort(CPU_SAMPLES.key)
    ordered.sink_parquet(target, compression="zstd", compression_level=1, maintain_order=True)
