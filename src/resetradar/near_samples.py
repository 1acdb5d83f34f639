"""The CPU samples and minutes near a day's windows, taken out of all before SQL joins them.

DuckDB 1.5 reads the rows of every host to find those of some: it skips no row groups by a list of
names, and decodes all columns of a row before it joins. Polars skips them, and of a row group that
it reads it decodes the rows that are asked for. So the cost follows the hosts that have windows,
not all hosts, and hardly the number of their windows.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

# A longer sample shows nothing; see sql/window_cpus.sql.
_LONGEST_S = 900.0
_MINUTE = np.timedelta64(60, "s")

# Starts and ends of a host's windows.
_Spans = tuple[npt.NDArray[Any], npt.NDArray[Any]]
# First and last row of each window, in the rows of its host.
_Rows = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
_Find = Callable[[_Spans, Sequence[pl.Series]], _Rows]


def near_samples(samples: Sequence[Path], windows: Sequence[Path], target: Path) -> None:
    """Write the rows of ``cpu_samples`` that can overlap a window of their host, in file order.

    Args:
        samples: Files of ``cpu_samples``, each in key order.
        windows: Files of the mart ``windows``.
        target: Parquet file to write; made even if no row is near.
    """
    _write(samples, windows, target, ["sampled_at", "interval_s"], _samples_of)


def near_minutes(minutes: Sequence[Path], windows: Sequence[Path], target: Path) -> None:
    """Write the rows of ``cpu_minutes`` that overlap a window of their host, as above."""
    _write(minutes, windows, target, ["minute_at"], _minutes_of)


def _write(
    files: Sequence[Path], windows: Sequence[Path], target: Path, times: list[str], find: _Find
) -> None:
    asked = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in windows])
    spans = _spans(asked.filter(~pl.col("has_clock_doubt")))
    rows = pl.scan_parquet(list(files), hive_partitioning=False)
    near = rows.filter(
        # The list of hosts leaves out row groups; the rows of the others are looked at in Python.
        pl.col("host_id").is_in(pl.Series(sorted(spans), dtype=pl.String).implode()),
        pl.map_batches(
            ["host_id", *times],
            partial(_is_near, spans, find),
            return_dtype=pl.Boolean,
            is_elementwise=True,
        ),
    )
    near.sink_parquet(target, compression="zstd", compression_level=1, maintain_order=True)


def _spans(windows: pl.DataFrame) -> Mapping[str, _Spans]:
    by_host = windows.select("host_id", "window_start_at", "window_end_at").partition_by(
        "host_id", as_dict=True, include_key=False
    )
    return {
        str(host_id): (rows["window_start_at"].to_numpy(), rows["window_end_at"].to_numpy())
        for (host_id,), rows in by_host.items()
    }


def _is_near(spans: Mapping[str, _Spans], find: _Find, columns: Sequence[pl.Series]) -> pl.Series:
    """Whether a row can overlap a window of its host; rows come in key order."""
    hosts, *times = columns
    is_near = np.zeros(len(hosts), np.bool_)
    first = 0
    # A row group of samples has those of one host.
    is_one = len(hosts) > 0 and hosts[0] == hosts[-1]
    for length in [len(hosts)] if is_one else hosts.rle().struct.field("len").to_list():
        if (of_host := spans.get(hosts[first])) is not None:
            begin, end = find(of_host, [column.slice(first, length) for column in times])
            for start, stop in zip(begin.tolist(), end.tolist(), strict=True):
                is_near[first + start : first + stop] = True
        first += length
    return pl.Series(is_near)


def _samples_of(of_host: _Spans, columns: Sequence[pl.Series]) -> _Rows:
    ended_at = columns[0].to_numpy()
    longest_s = columns[1].max()
    reach_s = min(_LONGEST_S, longest_s) if isinstance(longest_s, float) else 0.0
    reach = np.timedelta64(round(reach_s * 1e6), "us")
    starts_at, ends_at = of_host
    return (
        np.searchsorted(ended_at, starts_at, side="right"),
        np.searchsorted(ended_at, ends_at + reach, side="left"),
    )


def _minutes_of(of_host: _Spans, columns: Sequence[pl.Series]) -> _Rows:
    minute_at = columns[0].to_numpy()
    starts_at, ends_at = of_host
    return (
        np.searchsorted(minute_at, starts_at - _MINUTE, side="right"),
        np.searchsorted(minute_at, ends_at, side="left"),
    )


# By the table that they read.
NEAR = {"cpu_samples": near_samples, "cpu_minutes": near_minutes}
