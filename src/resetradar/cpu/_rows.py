"""CPU rows of sysstat's JSON to columns of ``cpu_samples``, a batch at a time."""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.cpu._problems import Problems
from resetradar.tables import CPU_SAMPLES

_BATCH_ROWS: Final = 1024
_SHARES: Final = ("user", "nice", "system", "irq", "softirq", "steal", "iowait")

_ALL_CPUS: Final = -1
_NO_CPU: Final = -2
# No percentage; and sums of larger numbers overflow.
_NOISE: Final = 1e9


@dataclass(frozen=True)
class _Layout:
    """Keys of a CPU row, and the matrix that adds them up to the shares of ``cpu_samples``."""

    keys: tuple[str, ...]
    sums: tuple[tuple[str, ...], ...]

    def matrix(self) -> npt.NDArray[np.float64]:
        """Keys by shares, in half percent."""
        return np.array([[2.0 * (key in sum_) for sum_ in self.sums] for key in self.keys])


# The kernel counts guests within user and nice; this layout prints them apart.
_FULL: Final = _Layout(
    ("usr", "nice", "sys", "irq", "soft", "steal", "iowait", "guest", "gnice", "idle"),
    (("usr", "guest"), ("nice", "gnice"), ("sys",), ("irq",), ("soft",), ("steal",), ("iowait",)),
)
# `sadf -- -P ALL` without `-u ALL`: system holds the interrupts too, so irq and softirq stay 0.
_BRIEF: Final = _Layout(
    ("user", "nice", "system", "steal", "iowait", "idle"),
    (("user",), ("nice",), ("system",), (), (), ("steal",), ("iowait",)),
)


@dataclass
class Run:
    """Samples of one host block of a file.

    Attributes:
        header: What the block says of the host.
        offset: Where the block begins.
        offsets: Where each sample begins.
        stamps: ``timestamp`` of each sample as printed; None for a sample that is torn.
    """

    header: dict[str, Any]
    offset: int
    offsets: list[int] = field(default_factory=list)
    stamps: list[Any] = field(default_factory=list)
    _rows: list[Any] = field(default_factory=list)
    _owners: list[int] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)
    _layout: _Layout = _FULL
    _batches: list[tuple[npt.NDArray[Any], ...]] = field(default_factory=list)

    def add(self, offset: int, sample: Any, problems: Problems) -> None:
        """Take one sample, decoded; None is a torn one."""
        sample = sample if isinstance(sample, dict) else {}
        self.offsets.append(offset)
        self.stamps.append(sample.get("timestamp"))
        # sysstat up to 11 calls the long layout cpu-load-all.
        rows = sample.get("cpu-load-all") or sample.get("cpu-load")
        if not isinstance(rows, list) or not rows:
            if sample:
                problems.count("sample: expected cpu-load, found none; record CPUs with -P ALL")
            return
        layout = _BRIEF if isinstance(rows[0], dict) and "user" in rows[0] else _FULL
        if layout is not self._layout or len(self._rows) > _BATCH_ROWS:
            self.flush(problems)
            self._layout = layout
        self._rows += rows
        self._owners.append(len(self.stamps) - 1)
        self._counts.append(len(rows))

    def flush(self, problems: Problems) -> None:
        """Turn the rows at hand into columns."""
        if not self._rows:
            return
        owners = np.repeat(np.array(self._owners, np.int64), self._counts)
        cpus, values, kept = _numbers(self._rows, self._layout)
        problems.count("CPU row: expected a CPU number and percentages, found others",
                       len(owners) - len(kept))  # fmt: skip
        owners = owners[kept]
        # sysstat prints an offline CPU as zeros throughout; an idle one has idle at 100.
        seen = (cpus >= 0) & values.any(axis=1)
        owners, cpus, values = owners[seen], cpus[seen], values[seen]
        outside = ((values < 0) | (values > 100)).any(axis=1)
        problems.count("CPU row: expected 0 to 100 percent, found others; clipped", outside.sum())
        halves = np.rint(values @ self._layout.matrix()).clip(0, 200).astype(np.uint8)
        self._batches.append((owners, cpus.astype(np.int16), halves))
        self._rows, self._owners, self._counts = [], [], []

    def table(
        self,
        host_id: str,
        instants: list[int | None],
        intervals: list[float | None],
        problems: Problems,
    ) -> pa.Table:
        """Rows of ``cpu_samples``, in file order.

        Args:
            host_id: Host of the block.
            instants: UTC microseconds of each sample's end; None leaves the sample out.
            intervals: Seconds of each sample; None leaves the sample out.
            problems: Takes what is missing.
        """
        if not self._batches:
            return CPU_SAMPLES.empty()
        owners, cpus, halves = (np.concatenate(part) for part in zip(*self._batches, strict=True))
        self._count_missing(owners, problems)
        has_time = np.array(
            [at is not None and s is not None for at, s in zip(instants, intervals, strict=True)]
        )
        kept = has_time[owners]
        owners, cpus, halves = owners[kept], cpus[kept], halves[kept]
        at = np.array([instant or 0 for instant in instants], np.int64)[owners]
        seconds = np.array([interval or 0 for interval in intervals], np.float32)[owners]
        columns = [
            pa.repeat(pa.scalar(host_id), len(owners)),
            pa.array(at).cast(pa.timestamp("us")),
            pa.array(seconds),
            pa.array(cpus),
            *(pa.array(np.ascontiguousarray(halves[:, i])) for i in range(len(_SHARES))),
        ]
        return pa.Table.from_arrays(columns, schema=CPU_SAMPLES.schema)

    def _count_missing(self, owners: npt.NDArray[Any], problems: Problems) -> None:
        stated = self.header.get("number-of-cpus")
        if not len(owners):
            problems.at(self.offset, "CPUs: expected each, found only their average; "
                        "record with -P ALL")  # fmt: skip
        elif isinstance(stated, int):
            found = np.bincount(owners, minlength=len(self.stamps))
            found = found[[stamp is not None for stamp in self.stamps]]
            short = found[found < stated]
            if len(short):
                problems.at(
                    self.offset,
                    f"CPUs: expected {stated} in each of {len(found)} samples, "
                    f"found {short.min()} to {short.max()} in {len(short)}; "
                    f"{stated * len(short) - short.sum()} CPU samples missing",
                )


def _numbers(
    rows: list[Any], layout: _Layout
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """CPU numbers, percentages and the positions of the rows that have them."""
    kept = np.arange(len(rows))
    try:
        cpus, values = _columns(rows, layout)
    except (TypeError, ValueError, KeyError, OverflowError):
        kept = np.array([i for i, row in enumerate(rows) if _is_regular(row, layout)], np.int64)
        cpus, values = _columns([rows[i] for i in kept], layout)
    good = (cpus != _NO_CPU) & (np.abs(values) < _NOISE).all(axis=1)
    return cpus[good], values[good], kept[good]


def _columns(rows: list[Any], layout: _Layout) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    width = len(layout.keys)
    cpus = np.fromiter(map(_cpu_number, map(itemgetter("cpu"), rows)), np.int64, len(rows))
    flat = chain.from_iterable(map(itemgetter(*layout.keys), rows))
    return cpus, np.fromiter(flat, np.float64, len(rows) * width).reshape(-1, width)


def _is_regular(row: Any, layout: _Layout) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("cpu"), str | int)
        and all(isinstance(row.get(k), int | float) and abs(row[k]) < _NOISE for k in layout.keys)
    )


@lru_cache(maxsize=1 << 15)
def _cpu_number(name: str | int) -> int:
    # Version 12.1 printed -1 for the average.
    if name in {"all", "-1", -1}:
        return _ALL_CPUS
    try:
        number = int(name)
    except ValueError:
        return _NO_CPU
    return number if 0 <= number < 1 << 15 else _NO_CPU
