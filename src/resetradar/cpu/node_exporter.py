"""What node_exporter serves, saved as text: ``curl -s HOST:9100/metrics >> node.prom``.

A file may hold one snapshot or many, one below the other; each states its time as
``node_time_seconds``, or each line has a stamp, as those of a Prometheus' ``/federate`` do.
"""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._counters import from_series
from resetradar.cpu._hosts import host_of_instance
from resetradar.cpu._problems import Problems
from resetradar.cpu._shares import MODES
from resetradar.tables import CPU_SAMPLES

NAME: Final = "node_exporter text (node_cpu_seconds_total)"

# Before version 0.16 it was called node_cpu.
_LINE: Final = re.compile(
    rb"^node_cpu(?:_seconds_total)?\{([^}\n]{1,4096})\}[ \t]+([^\s]{1,40})"
    rb"(?:[ \t]+([\d.]{9,20}))?[ \t\r]*$",
    re.MULTILINE,
)
_ANY_LINE: Final = re.compile(rb"^node_cpu(?:_seconds_total)?\{", re.MULTILINE)
_TIME: Final = re.compile(rb"^node_time(?:_seconds)?(?:\{[^}\n]*\})?[ \t]+(\S{1,40})", re.MULTILINE)
_LABEL: Final = re.compile(rb'(\w+)="([^"\\]*)"')
_TEXT: Final = re.compile(rb"\s*(# (HELP|TYPE|UNIT) \w+ |(node|go|process|promhttp)_\w+[ {])")
# Stamps are milliseconds, in OpenMetrics seconds; this many seconds lie in the year 5138.
_MOST_S: Final = 1e11
_NO_SERIES: Final = (0, -1, 0)


def recognise(head: bytes) -> bool:
    """Whether the file begins as a page of node_exporter does."""
    return _TEXT.match(head) is not None


def parse(data: bytes, context: Context) -> Parsed:
    """The totals of all snapshots, as counters; guests are within user and nice already.

    Where the path names no host, the label ``instance`` does, without its port.
    """
    problems = Problems(context, data)
    hosts: dict[str, int] = {}
    known: dict[bytes, tuple[int, int, int] | None] = {}
    parts = [
        _page(data[start:stop], seconds, (context, hosts, known))
        for start, stop, seconds in _pages(data)
    ]
    series, at, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    torn = len(_ANY_LINE.findall(data)) - len(at)
    problems.count("line: expected labels and a value, found others", torn)
    problems.count("line: expected a host, a CPU and a known mode, found others",
                   int((series[:, 1] < 0).sum()))  # fmt: skip
    problems.count("line: expected a stamp or node_time_seconds beside it, found none",
                   int((at == 0).sum()))  # fmt: skip
    kept = np.isfinite(values) & (at > 0) & (series[:, 1] >= 0)
    if not kept.any():
        if not problems.rejects():
            problems.at(0, "lines: expected node_cpu_seconds_total, found none")
        return Parsed(CPU_SAMPLES.empty(), problems.rejects())
    counters = from_series(list(hosts), context.source, series[kept], at[kept], values[kept])
    return Parsed(CPU_SAMPLES.empty(), problems.rejects(), counters)


def _pages(data: bytes) -> Iterator[tuple[int, int, float]]:
    """Where each snapshot begins and ends, and its time in seconds; 0 for the rest of the file."""
    clocks = [(match.start(), _number(match[1])) for match in _TIME.finditer(data)]
    first_line = _ANY_LINE.search(data)
    # Families are sorted by name, so the time follows; elsewhere it may stand above.
    if first_line and clocks and clocks[0][0] < first_line.start():
        ends = [start for start, _ in clocks[1:]] + [len(data)]
        for (start, seconds), stop in zip(clocks, ends, strict=True):
            yield start, stop, seconds
        return
    begin = 0
    for stop, seconds in clocks:
        yield begin, stop, seconds
        begin = stop
    yield begin, len(data), 0.0


_Known = tuple[Context, dict[str, int], dict[bytes, tuple[int, int, int] | None]]


def _page(
    page: bytes, seconds: float, known: _Known
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Series, UTC microseconds and value of each line; 0 where nothing tells the time."""
    context, hosts, series_of = known
    lines = _LINE.findall(page)
    for labels, _, _ in lines:
        if labels not in series_of:
            series_of[labels] = _series(labels, context, hosts)
    series = np.array([series_of[line[0]] or _NO_SERIES for line in lines], np.int64)
    try:
        values = np.array([float(line[1]) for line in lines], np.float64)
    except ValueError:
        values = np.array([_number(line[1]) for line in lines], np.float64)
    stamps = np.array([_number(line[2]) if line[2] else seconds for line in lines], np.float64)
    stamps = np.where(stamps < _MOST_S, stamps, stamps / 1000)
    is_known = np.isfinite(stamps) & (stamps > 0) & (stamps < _MOST_S)
    at = np.rint(np.where(is_known, stamps, 0) * 1e6).astype(np.int64)
    return series.reshape(-1, 3), at, values


def _series(labels: bytes, context: Context, hosts: dict[str, int]) -> tuple[int, int, int] | None:
    """Host number, CPU and place of the mode; None if one of them is missing."""
    found = {name: value.decode("utf-8", "replace") for name, value in _LABEL.findall(labels)}
    cpu, mode = found.get(b"cpu", "").removeprefix("cpu"), found.get(b"mode")
    host_id = host_of_instance(found.get(b"instance"), context)
    if not (cpu.isascii() and cpu.isdigit() and len(cpu) < 6) or mode not in MODES or not host_id:
        return None
    return hosts.setdefault(host_id, len(hosts)), int(cpu), MODES.index(mode)


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
