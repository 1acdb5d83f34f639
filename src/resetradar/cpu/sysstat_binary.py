"""sysstat's own archive, as sadc writes it: ``/var/log/sysstat/saDD`` or ``saYYYYMMDD``.

A layout that is known (``_sysstat_layout``) is read here, many records at a time. Any other, of an
older or newer sysstat, goes through the ``sadf`` of this machine.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from resetradar.cpu import _sadf
from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._hosts import host_named
from resetradar.cpu._problems import Problems
from resetradar.cpu._samples import distinct
from resetradar.cpu._shares import MAX_CPUS, halves, samples_table
from resetradar.cpu._sysstat_layout import CPU_COUNTERS, FILE_MAGIC, Layout, layout, shape
from resetradar.cpu._times import DAY_S
from resetradar.tables import CPU_SAMPLES

NAME: Final = "sysstat archive (saDD, as sadc writes it)"

_STATS, _RESTART, _LAST_STATS, _COMMENT = 1, 2, 3, 4
_HEADER_BYTES: Final = 24
_RESTART_BYTES, _COMMENT_BYTES = _HEADER_BYTES + 4, _HEADER_BYTES + 64
# Records compared at once, so that a file whose records keep changing shape costs no more.
_MOST_RECORDS: Final = 256
# The order of the archive, user nice system idle iowait steal irq softirq, to that of MODES.
_ORDER: Final = (0, 1, 2, 6, 7, 5, 4, 3)
_MAX_UST_S: Final = 7_258_118_400


def recognise(head: bytes) -> bool:
    """Whether the file begins with the archive's magic number, in either byte order."""
    return head[:2] in {FILE_MAGIC.to_bytes(2, "little"), FILE_MAGIC.to_bytes(2, "big")}


def parse(data: bytes, context: Context) -> Parsed:
    """All samples of an archive, in key order, each once.

    The record after a start of the machine is a baseline and no sample. CPUs that were offline are
    missing, not idle. The end of a file that was cut within a record is a reject.
    """
    problems = Problems(context, data)
    known = layout(data)
    if isinstance(known, str):
        return _sadf.parse(data, context, known)
    segments = _segments(data, known, problems)
    if segments is None:
        return _sadf.parse(data, context, "expected records of statistics, found extra structures")
    host_id = host_named(known.host, context)
    if host_id is None:
        problems.at(0, "host: expected a name in the path or the file, found none")
        return Parsed(CPU_SAMPLES.empty(), problems.rejects())
    tables = [segment.table(host_id, problems) for segment in segments]
    samples = pa.concat_tables([CPU_SAMPLES.empty(), *tables])
    if not samples.num_rows and not problems.rejects():
        problems.count("samples: expected two records with each CPU, found fewer; "
                       "record with sadc -S DISK, or without -S")  # fmt: skip
    return Parsed(samples if _is_in_order(samples) else distinct(samples), problems.rejects())


@dataclass
class _Segment:
    """Records from one start of the machine to the next: stamps, uptimes, CPU counters."""

    headers: list[npt.NDArray[np.int64]] = field(default_factory=list)
    counters: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def table(self, host_id: str, problems: Problems) -> pa.Table:
        if not self.counters:
            return CPU_SAMPLES.empty()
        uptime_cs: Any
        uptime_cs, ust_s = np.concatenate(self.headers).T
        counters = self._joined()
        step_cs: Any = np.diff(uptime_cs)
        is_forward = (step_cs > 0) & (step_cs <= DAY_S * 100)
        is_forward &= (ust_s[1:] > 0) & (ust_s[1:] < _MAX_UST_S)
        problems.count("record: expected one later than the one before, found an earlier; "
                       "no sample", int((~is_forward).sum()))  # fmt: skip
        # A sadc that ends records once more, within the same second.
        steps: Any = is_forward & (np.diff(ust_s) != 0)
        # The first item is the sum of all CPUs. An offline one has zeros throughout.
        each = np.moveaxis(counters[:, 1:, :8], 2, 0)
        is_online: Any = each.any(axis=0)
        deltas = np.diff(each, axis=1)[list(_ORDER)].astype(np.float32)
        shares, has_ticks = halves(deltas.reshape(len(_ORDER), -1))
        kept = (is_online[1:] & is_online[:-1] & steps[:, None]).ravel()
        problems.count("CPU: expected ticks between two records, found none; left out",
                       (kept & ~has_ticks).sum())  # fmt: skip
        kept &= has_ticks
        cpus = counters.shape[1] - 1
        columns: tuple[npt.NDArray[Any], ...] = (
            np.repeat(ust_s[1:] * 1_000_000, cpus),
            np.repeat((step_cs / 100).astype(np.float32), cpus),
            np.tile(np.arange(cpus, dtype=np.int16), len(step_cs)),
        )
        if not kept.all():
            columns = tuple(column[kept] for column in columns)
            shares = shares[:, kept]
        at_us, interval_s, numbers = columns
        return samples_table(host_id, at_us, interval_s, numbers, shares)

    def _joined(self) -> npt.NDArray[np.int64]:
        if len(self.counters) == 1:
            return self.counters[0]
        records = sum(len(part) for part in self.counters)
        width = max(part.shape[1] for part in self.counters)
        joined = np.zeros((records, width, CPU_COUNTERS), np.int64)
        at = 0
        for part in self.counters:
            joined[at : at + len(part), : part.shape[1]] = part
            at += len(part)
        return joined


def _segments(data: bytes, known: Layout, problems: Problems) -> list[_Segment] | None:
    """Records by start of the machine; None for records of a kind that is not known here."""
    segments = [_Segment()]
    at = known.start
    while at + _HEADER_BYTES <= len(data):
        kind = data[at + 20]
        if data[at + 16 : at + 20] != b"\0\0\0\0":
            return None
        if kind == _RESTART:
            segments.append(_Segment())
            at += _RESTART_BYTES
        elif kind == _COMMENT:
            at += _COMMENT_BYTES
        elif kind in {_STATS, _LAST_STATS}:
            step = _take(data, at, known, segments[-1])
            if not step:
                break
            at += step
        else:
            problems.at(at, f"record: expected kind 1 to 4, found {kind}; rest not read")
            return segments
    if at < len(data) and data[at:].strip(b"\0"):
        problems.at(at, "record: expected all of its statistics, found the end; the file was cut")
    return segments


def _take(data: bytes, at: int, known: Layout, segment: _Segment) -> int:
    """Bytes of the records of equal shape that were taken; 0 if the next one is not complete."""
    form = shape(data, at, known)
    if form is None or form.cpus > MAX_CPUS:
        return 0
    most = min((len(data) - at) // form.length, _MOST_RECORDS)
    rows = np.frombuffer(data, np.uint8, most * form.length, at).reshape(most, form.length)
    signature = rows[:, form.signature]
    differs = (signature != signature[0]).any(axis=1)
    rows = rows[: int(differs.argmax()) if differs.any() else most]
    if form.cpus > 1:
        segment.headers.append(_numbers(rows[:, :16], known, (2,)))
        block = rows[:, form.cpu_at : form.cpu_at + form.cpus * 8 * CPU_COUNTERS]
        segment.counters.append(_numbers(block, known, (form.cpus, CPU_COUNTERS)))
    return int(rows.size)


def _numbers(
    block: npt.NDArray[np.uint8], known: Layout, form: tuple[int, ...]
) -> npt.NDArray[np.int64]:
    flat = np.ascontiguousarray(block).view(f"{known.order}i8")
    return flat.reshape(len(block), *form).astype(np.int64, copy=False)


def _is_in_order(samples: pa.Table) -> bool:
    """Whether rows of one host stand in key order, each once."""
    at: Any = samples["sampled_at"].cast(pa.int64()).to_numpy()
    cpu = samples["cpu"].to_numpy()
    later = np.diff(at)
    return bool(((later > 0) | ((later == 0) & (np.diff(cpu) > 0))).all())
