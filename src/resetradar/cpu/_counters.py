"""Totals since boot to shares per interval: the rule for every format that counts.

Two totals of one CPU, next to each other in time, are one sample: the difference by mode, divided
by the sum of the differences. What the kernel counts as user and nice includes guests.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resetradar.cpu._shares import MAX_CPUS, MODES, halves, samples_table
from resetradar.cpu._times import DAY_S
from resetradar.files import Reject
from resetradar.tables import CPU_SAMPLES

_FIELDS: Final[list[Any]] = [
    pa.field("host_id", pa.string()),
    pa.field("at", pa.timestamp("us")),
    pa.field("cpu", pa.int16()),
    pa.field("source_path", pa.string()),
    *(pa.field(mode, pa.float64()) for mode in MODES),
]
COUNTERS: Final = pa.schema(_FIELDS)

# Counters and stamps are read one after the other, and stamps may be cut to the second.
_SLACK_S: Final = 1.5
# Far below the hundredth of a second in which kernels count.
_LEAST_S: Final = 1e-3
# A CPU counts a second a second; far more or less means that the two totals are not of one boot.
_SLACK_RATIO: Final = 0.5
# The year 2200, and 30,000 years of uptime: numbers beyond are noise and would overflow.
_MAX_AT_US: Final = 7_258_118_400_000_000
_MAX_TOTAL_S: Final = 1e12


def counters_table(
    hosts: str | Sequence[str],
    source: str,
    at_us: npt.NDArray[np.int64],
    cpus: npt.NDArray[np.int64],
    seconds: npt.NDArray[np.float64],
) -> pa.Table:
    """Rows of ``COUNTERS``; a mode that was not printed is NaN.

    Args:
        hosts: Host of all rows, or of each.
        source: Name of the file.
        at_us: UTC microseconds at which the totals were read.
        cpus: CPU numbers; rows with a number that no kernel has are left out.
        seconds: Seconds since boot, rows by ``MODES``.
    """
    kept = (cpus >= 0) & (cpus < MAX_CPUS) & (at_us > 0) & (at_us < _MAX_AT_US)
    seconds = np.where(np.abs(seconds) < _MAX_TOTAL_S, seconds, np.nan)
    if isinstance(hosts, str):
        names: Any = pa.repeat(hosts, int(kept.sum()))
    else:
        names = pa.array(hosts, pa.string()).filter(pa.array(kept))
    columns = [
        names,
        pa.array(at_us[kept]).cast(pa.timestamp("us")),
        pa.array(cpus[kept].astype(np.int16)),
        pa.repeat(source, int(kept.sum())),
        *(pa.array(np.ascontiguousarray(seconds[kept, i])) for i in range(len(MODES))),
    ]
    return pa.Table.from_arrays(columns, schema=COUNTERS)


def from_series(
    hosts: Sequence[str],
    source: str,
    series: npt.NDArray[np.int64],
    at_us: npt.NDArray[np.int64],
    seconds: npt.NDArray[np.float64],
) -> pa.Table:
    """Rows of ``COUNTERS`` from one value per line: the modes of an instant are put side by side.

    Args:
        hosts: Host names, as ``series`` numbers them.
        source: Name of the file.
        series: Columns host number, CPU number and place in ``MODES``; one row per value.
        at_us: UTC microseconds of each value.
        seconds: Each value.
    """
    host, cpu, mode = series.T
    kept = (cpu >= 0) & (cpu < MAX_CPUS)
    host, cpu, mode, at_us, seconds = (a[kept] for a in (host, cpu, mode, at_us, seconds))
    instants, at_number = np.unique(at_us, return_inverse=True)
    key = (host * len(instants) + at_number) * MAX_CPUS + cpu
    keys, row = np.unique(key, return_inverse=True)
    values = np.full((len(keys), len(MODES)), np.nan)
    # Last to first, so that of two values for one place the first printed stays.
    values[row[::-1], mode[::-1]] = seconds[::-1]
    rest, cpus = np.divmod(keys, MAX_CPUS)
    host_numbers, at_numbers = np.divmod(rest, max(len(instants), 1))
    names = [hosts[number] for number in host_numbers]
    return counters_table(names, source, instants[at_numbers], cpus, values)


def to_samples(counters: pa.Table) -> tuple[pa.Table, list[Reject]]:
    """Samples between neighbouring totals, in key order, and what gave none.

    Args:
        counters: Rows of ``COUNTERS`` in any order; of two for one key the smaller is taken.

    Returns:
        ``cpu_samples``. Totals that fell, or that do not fit the time between them, are of two
        boots: no sample, and one reject per file with their number. A host with one total of each
        CPU has no interval, which is one reject as well.
    """
    if not counters.num_rows:
        return CPU_SAMPLES.empty(), []
    host_codes: Any = counters["host_id"].combine_chunks().dictionary_encode()
    hosts = host_codes.indices.to_numpy()
    at = counters["at"].cast(pa.int64()).to_numpy()
    cpus = counters["cpu"].to_numpy()
    values = np.column_stack([counters[mode].to_numpy() for mode in MODES])
    order = np.lexsort((np.nansum(values, axis=1), at, cpus, hosts))
    hosts, at, cpus, values = hosts[order], at[order], cpus[order], values[order]
    is_same = (np.diff(hosts) == 0) & (np.diff(cpus) == 0)
    is_new = np.concatenate([[True], ~is_same | (np.diff(at) != 0)])
    hosts, at, cpus, values, order = (a[is_new] for a in (hosts, at, cpus, values, order))
    is_pair = (np.diff(hosts) == 0) & (np.diff(cpus) == 0)
    elapsed_s = np.diff(at) / 1e6
    deltas = np.nan_to_num(np.diff(values, axis=0), nan=0.0, posinf=0.0, neginf=0.0)
    counted_s = np.maximum(deltas, 0).sum(axis=1)
    slack_s = _SLACK_S + _SLACK_RATIO * elapsed_s
    is_one_boot = (deltas.sum(axis=1) > _LEAST_S) & (np.abs(counted_s - elapsed_s) <= slack_s)
    # Nothing counted and nothing lost is a clock that did not tick, not a boot.
    is_still = ~deltas.any(axis=1)
    good = np.flatnonzero(is_pair & is_one_boot & (elapsed_s <= DAY_S))
    shares, _ = halves(deltas[good].T.astype(np.float32))
    later = good + 1
    samples = samples_table(
        host_codes.dictionary.take(pa.array(hosts[later])),
        at[later],
        elapsed_s[good].astype(np.float32),
        cpus[later],
        shares,
    ).sort_by([(name, "ascending") for name in CPU_SAMPLES.key])
    sources: Any = counters["source_path"].combine_chunks()
    broken = order[1:][is_pair & ~is_one_boot & ~is_still]
    rejects = _counted(
        sources.take(pa.array(broken)),
        "counters: expected totals that grow with the time, found a new start or a gap; no sample",
    )
    still = order[1:][is_pair & is_still]
    rejects += _counted(
        sources.take(pa.array(still)), "counters: expected ticks between two totals, found none"
    )
    alone = np.setdiff1d(hosts, hosts[1:][is_pair])
    first = order[np.searchsorted(hosts, alone)]
    names = host_codes.dictionary.to_pylist()
    return samples, rejects + [
        Reject(
            sources[int(row)].as_py(),
            None,
            "counters: expected two or more totals of the host, found one",
            host_id=names[int(host)],
        )
        for host, row in zip(alone, first, strict=True)
    ]


def _counted(sources: Any, reason: str) -> list[Reject]:
    counts = pc.value_counts(sources).to_pylist()
    return [
        Reject(each["values"], None, f"{reason} ({each['counts']} times)")
        for each in sorted(counts, key=lambda each: str(each["values"]))
    ]
