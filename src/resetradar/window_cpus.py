"""What the CPUs did in each window, from its samples: the sums behind ``sql/window_cpus.sql``.

The query pairs windows with samples; here these are flat arrays with one cell per window, sample
and CPU. Half percents and microseconds are whole numbers, so their sums are exact in any order.
The formulas are those of docs/method.md#saturation and #visibility.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Cells to work on at once, a few hundred bytes each.
_CELLS = 250_000
# The largest CPU number and one: a window or a rank above and a CPU below make one number.
_CPUS = 32_768
_OF_WINDOW = (
    "window_id", "reset_id", "window_kind", "host_id", "window_start_at", "window_end_at",
    "window_s", "has_clock_doubt", "queue_cpu",
)  # fmt: skip
_COLUMNS = (
    "window_id", "reset_id", "window_kind", "host_id", "window_start_at", "window_end_at",
    "window_s", "cpu_source", "has_clock_doubt", "samples_interval_s", "covered_s", "cpus",
    "hot_cpu", "hot_system_s", "hot_softirq_s", "hot_busy_s", "hot_busy_ratio",
    "hot_background_pct", "any_mode_cpu", "any_mode_busy_s", "saturated_cpus", "mean_busy_pct",
    "max_steal_pct", "queue_cpu", "queue_cpu_busy_s", "is_hot_queue_cpu", "smallest_visible_s",
    "is_visible",
)  # fmt: skip


def window_cpus(rows: pa.Table, *, saturation_pct: float) -> pa.Table:
    """Rows of the mart ``window_cpus``.

    Args:
        rows: Windows with each sample that overlaps them, hosts together, then windows; a window
            without samples has one row without ``cpus``.
        saturation_pct: A CPU at or above this busy share counts as saturated.
    """
    parts = [_of_hosts(block, saturation_pct) for block in _blocks(rows)]
    return pa.concat_tables([_of_hosts(rows.slice(0, 0), saturation_pct), *parts])


def _blocks(rows: pa.Table) -> Iterator[pa.Table]:
    """The rows in pieces of whole hosts, since windows of one host are compared."""
    if not rows.num_rows:
        return
    hosts = rows["host_id"].combine_chunks()
    starts = np.flatnonzero(_is_new(hosts))
    cells = np.concatenate([[0], np.cumsum(_lengths(rows["cpus"].combine_chunks()))])[starts]
    first = 0
    while first < len(starts):
        after = max(first + 1, int(np.searchsorted(cells, cells[first] + _CELLS)))
        stop = int(starts[after]) if after < len(starts) else rows.num_rows
        yield rows.slice(int(starts[first]), stop - int(starts[first]))
        first = after


@dataclass(frozen=True)
class _Cpus:
    """One CPU in one window: arrays of equal length, ordered by window and CPU."""

    window: Ints
    cpu: Ints
    interval_s: Floats
    covered_s: Floats
    kernel_ratio: Floats
    system_part: Floats
    busy_pct: Floats
    steal_pct: Floats
    background_pct: Floats
    smallest_visible_s: Floats


def _of_hosts(rows: pa.Table, saturation_pct: float) -> pa.Table:
    rows = rows.combine_chunks()
    is_first = _is_new(rows["window_id"].combine_chunks())
    windows = rows.filter(pa.array(is_first))
    found = _cpus(rows, np.cumsum(is_first) - 1, windows)
    has_cpus = np.bincount(found.window, minlength=windows.num_rows) > 0
    columns: dict[str, Any] = {name: windows[name] for name in _OF_WINDOW}
    columns["cpu_source"] = pa.array(np.where(has_cpus, "samples", "none"), pa.string())
    place = pa.array(np.cumsum(has_cpus) - 1, mask=~has_cpus)
    shown = _shown(found, windows, saturation_pct)
    columns |= {name: values.take(place) for name, values in shown.items()}
    columns["is_hot_queue_cpu"] = _is_hot_queue(windows, columns["hot_cpu"])
    return pa.table({name: columns[name] for name in _COLUMNS})


def _cpus(rows: pa.Table, window_of_row: Ints, windows: pa.Table) -> _Cpus:
    """Sums over the samples of a window, and the usual share from the host's other windows."""
    lists = cast("pa.ListArray[Any]", rows["cpus"].combine_chunks())
    row = np.repeat(np.arange(rows.num_rows), _lengths(lists))
    cells = cast("pa.StructArray", lists.flatten())
    cpu, interrupts, kernel, any_mode, steal = (_numbers(column) for column in cells.flatten())
    # Samples of one window follow each other; their CPUs are brought together.
    key = window_of_row[row] * _CPUS + cpu.astype(np.int64)
    order = np.argsort(key, kind="stable")
    row, key = row[order], key[order]
    kernel = kernel[order]
    interval_us = _numbers(rows["interval_us"])[row]
    overlap_us = _numbers(rows["overlap_us"])[row]
    starts = np.flatnonzero(np.diff(key, prepend=-1))

    def total(values: Floats) -> Floats:
        return _sums(values, starts)

    samples = np.diff(starts, append=len(key)).astype(np.float64)
    window = key[starts] // _CPUS
    usual, spread = _usual(windows, key[starts], samples, total(kernel), total(kernel**2))
    # The usual share in proportion; what is above it happened in the window if it fits.
    above = (kernel - np.repeat(usual, samples.astype(np.int64))) * interval_us
    kernel_part = total(np.minimum(200 * overlap_us, np.maximum(kernel * overlap_us, above)))
    covered_us = total(overlap_us)
    sampled = total(kernel * interval_us)
    interrupted = total(interrupts[order] * interval_us)
    with np.errstate(invalid="ignore"):
        system_part = np.where(sampled > 0, 1 - interrupted / sampled, 0)
    interval_s = _maxima(interval_us, starts) / 1e6
    return _Cpus(
        window=window,
        cpu=key[starts] % _CPUS,
        interval_s=interval_s,
        # Two collectors sample the same second twice: a window is never longer than itself.
        covered_s=np.minimum(_numbers(windows["window_s"])[window], covered_us / 1e6),
        kernel_ratio=kernel_part / covered_us / 200,
        system_part=system_part,
        busy_pct=total(any_mode[order] * overlap_us) / covered_us / 2,
        steal_pct=total(steal[order] * overlap_us) / covered_us / 2,
        background_pct=usual / 2,
        # Three deviations, at least 5 percent, and one step of a sample; a sum of samples scatters
        # with the root of their number.
        smallest_visible_s=(np.maximum(0.05, 3 * spread / 200) + 0.005)
        * interval_s
        * np.sqrt(samples),
    )


def _usual(
    windows: pa.Table, key: Ints, samples: Floats, sums: Floats, squares: Floats
) -> tuple[Floats, Floats]:
    """Mean and deviation of a CPU's share over the control windows of its host but this one.

    Where there are none, over the samples in the window itself. Half percents, by window and CPU.
    """
    window, cpu = key // _CPUS, key % _CPUS
    # Numbers of CPUs as they occur: one high number must not make the table of sums long.
    known = np.flatnonzero(np.bincount(cpu, minlength=1))
    host = np.cumsum(_is_new(windows["host_id"].combine_chunks())) - 1
    place = host[window] * len(known) + np.searchsorted(known, cpu)
    is_control = _flags(pc.not_equal(windows["window_kind"], pa.scalar("reset")))[window]

    def of_others(values: Floats) -> Floats:
        of_control = np.where(is_control, values, 0.0)
        others: Floats = np.bincount(place, of_control)[place] - of_control
        return others

    others = of_others(samples)
    counted = np.where(others > 0, others, samples)
    mean = np.where(others > 0, of_others(sums), sums) / counted
    mean_square = np.where(others > 0, of_others(squares), squares) / counted
    # The difference of two sums may be a hair below zero.
    return mean, np.sqrt(np.maximum(0, mean_square - mean**2))


def _shown(found: _Cpus, windows: pa.Table, saturation_pct: float) -> dict[str, "pa.Array[Any]"]:
    """The columns that need samples, one row per window that has any."""
    kernel_s = found.kernel_ratio * found.covered_s
    busy_s = found.busy_pct / 100 * found.covered_s
    starts = np.flatnonzero(np.diff(found.window, prepend=-1))
    hot, busiest = (_largest(values, found.cpu, starts) for values in (kernel_s, busy_s))

    cpus = np.diff(starts, append=len(found.window))
    covered_s = _maxima(found.covered_s, starts)
    saturated = (found.busy_pct >= saturation_pct).astype(np.float64)
    queue_cpu = _numbers(windows["queue_cpu"])[found.window]
    of_queue = np.flatnonzero(found.cpu == queue_cpu)
    queue_s = np.full(windows.num_rows, np.nan)
    queue_s[found.window[of_queue]] = kernel_s[of_queue]
    system_s = kernel_s[hot] * found.system_part[hot]
    return {
        "samples_interval_s": pa.array(_maxima(found.interval_s, starts)),
        "covered_s": _rounded(covered_s),
        "cpus": pa.array(cpus, pa.int64()),
        "hot_cpu": pa.array(found.cpu[hot], pa.int16()),
        "hot_system_s": _rounded(system_s),
        "hot_softirq_s": _rounded(kernel_s[hot] * (1 - found.system_part[hot])),
        "hot_busy_s": _rounded(kernel_s[hot]),
        "hot_busy_ratio": _rounded(found.kernel_ratio[hot]),
        "hot_background_pct": _rounded(found.background_pct[hot]),
        "any_mode_cpu": pa.array(found.cpu[busiest], pa.int16()),
        "any_mode_busy_s": _rounded(busy_s[busiest]),
        "saturated_cpus": pa.array(_sums(saturated, starts), pa.int64()),
        "mean_busy_pct": _rounded(_sums(found.busy_pct, starts) / np.maximum(cpus, 1)),
        "max_steal_pct": _rounded(_maxima(found.steal_pct, starts)),
        "queue_cpu_busy_s": _rounded(queue_s[found.window[starts]]),
        "smallest_visible_s": _rounded(found.smallest_visible_s[hot]),
        "is_visible": pa.array(found.smallest_visible_s[hot] <= covered_s, pa.bool_()),
    }


def _sums(values: Floats, starts: Ints) -> Floats:
    """Sums of the runs that begin at ``starts``."""
    return np.add.reduceat(values, starts) if len(starts) else values


def _maxima(values: Floats, starts: Ints) -> Floats:
    return np.maximum.reduceat(values, starts) if len(starts) else values


def _largest(seconds: Floats, cpu: Ints, starts: Ints) -> Ints:
    """Place of a window's largest time, to the microsecond; of equal ones the lowest CPU."""
    rank = np.round(1e6 * seconds).astype(np.int64) * _CPUS + _CPUS - 1 - cpu
    if not len(starts):
        return starts
    best = np.maximum.reduceat(rank, starts)
    return np.flatnonzero(rank == np.repeat(best, np.diff(starts, append=len(rank))))


def _is_hot_queue(windows: pa.Table, hot_cpu: "pa.Array[Any]") -> "pa.Array[Any]":
    """Whether the hottest CPU served a queue that the reset names; null if either is unknown."""
    lists = cast("pa.ListArray[Any]", windows["queue_cpus"].combine_chunks())
    window = np.repeat(np.arange(windows.num_rows), _lengths(lists))
    hot = _numbers(hot_cpu)
    served = window[_numbers(lists.flatten()) == hot[window]]
    is_known = np.isin(np.arange(windows.num_rows), window) & ~np.isnan(hot)
    is_hot = np.isin(np.arange(windows.num_rows), served)
    return pa.array(is_hot, pa.bool_(), mask=~is_known)


def _numbers(values: Any) -> Floats:
    """A column of numbers; null is not a number."""
    numbers: Floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _flags(values: Any) -> Flags:
    flags: Flags = values.to_numpy(zero_copy_only=False)
    return flags


def _lengths(lists: Any) -> Ints:
    lengths: Ints = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)


def _is_new(values: Any) -> Flags:
    """Whether a row differs from the one before."""
    codes = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    is_new: Flags = np.diff(codes, prepend=-1) != 0
    return is_new


def _rounded(values: Floats) -> "pa.Array[Any]":
    """Six decimals, halves up; not-a-number is null."""
    scaled = values * 1e6
    whole = np.floor(scaled)
    return pa.array((whole + (scaled - whole >= 0.5)) / 1e6, pa.float64(), from_pandas=True)
