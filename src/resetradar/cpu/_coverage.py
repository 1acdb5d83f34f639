"""``cpu_coverage``: of which hosts a day's CPU metrics were looked for, why, and what was found."""

import polars as pl
import pyarrow as pa

from resetradar.cpu._samples import frame
from resetradar.tables import CPU_COVERAGE


def coverage(samples: pa.Table, roles: dict[str, str] | None) -> pa.Table:
    """Rows of ``cpu_coverage``, hosts ascending.

    Args:
        samples: Rows of ``cpu_samples`` of one day.
        roles: Why each host was looked for; None if all hosts were.
    """
    found = (
        frame(samples)
        .group_by("host_id")
        .agg(
            pl.len().cast(pl.Int64).alias("samples"),
            pl.col("cpu").n_unique().cast(pl.Int16).alias("cpus"),
            pl.col("interval_s").median().cast(pl.Float32),
            pl.col("sampled_at").min().alias("first_at"),
            pl.col("sampled_at").max().alias("last_at"),
        )
    )
    if roles is None:
        rows = found.with_columns(
            pl.lit("all").alias("mode"), pl.lit(None, pl.String).alias("role")
        )
    else:
        wanted = pl.DataFrame(
            {"host_id": list(roles), "role": list(roles.values())},
            schema={"host_id": pl.String, "role": pl.String},
        )
        rows = wanted.join(found, on="host_id", how="left").with_columns(
            pl.lit("by_need").alias("mode"), pl.col("samples", "cpus").fill_null(0)
        )
    ordered = rows.sort("host_id").select(CPU_COVERAGE.schema.names)
    return ordered.to_arrow().cast(CPU_COVERAGE.schema)
