"""Shares of a CPU's time as columns of ``cpu_samples``: what the counter formats have in common."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.tables import CPU_SAMPLES

SHARES: Final = ("user", "nice", "system", "irq", "softirq", "steal", "iowait")
# Idle is not stored: it is what remains.
MODES: Final = (*SHARES, "idle")
FULL: Final = 200
# Far below a tick and a hundredth of a second: what is left of rounding.
_LEAST: Final = 1e-4
MAX_CPUS: Final = 1 << 15


def halves(deltas: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Half percents of each share, and which columns have any time at all.

    Args:
        deltas: Time by ``MODES``, one column per sample, in any unit. A mode that fell counts as 0:
            idle and iowait step back now and then, and so does steal on some hypervisors.

    Returns:
        One row per share and one column per sample, 0 to 200. A sample without time has zeros and
        is marked False: nothing is known of it, and that is not idleness.
    """
    grown = np.maximum(deltas, np.float32(0))
    total = grown.sum(axis=0)
    is_known = total > _LEAST
    total[~is_known] = 1
    shares = grown[: len(SHARES)] * (np.float32(FULL) / total)
    return np.rint(shares).astype(np.uint8), is_known


def samples_table(
    host_id: Any,
    at_us: npt.NDArray[np.int64],
    interval_s: npt.NDArray[np.float32],
    cpus: npt.NDArray[np.int16],
    shares: npt.NDArray[np.uint8],
) -> pa.Table:
    """Rows of ``cpu_samples``, in the order given.

    Args:
        host_id: One host for all rows, or one per row.
        at_us: UTC microseconds of the end of each sample.
        interval_s: Seconds.
        cpus: CPU numbers.
        shares: Half percents, one array per share in the order of ``SHARES``.
    """
    hosts: Any = host_id
    if isinstance(host_id, str):
        hosts = pa.repeat(host_id, len(cpus))
    columns = [
        hosts,
        pa.array(at_us).cast(pa.timestamp("us")),
        pa.array(interval_s),
        pa.array(cpus),
        *(pa.array(np.ascontiguousarray(share)) for share in shares),
    ]
    return pa.Table.from_arrays(columns, schema=CPU_SAMPLES.schema)
