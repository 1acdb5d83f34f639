"""Snapshots of ``/proc/stat``, each below a line with the time: what two lines of shell record.

``while sleep 10; do date +%s; cat /proc/stat; done >> stat.log``. The time is in seconds of the
epoch, with a fraction if you like (``date +%s.%N``). Values are in hundredths of a second, on every
platform that this runs on; user and nice include guests.
"""

import re
from typing import Final

import numpy as np

from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._counters import counters_table
from resetradar.cpu._hosts import host_named
from resetradar.cpu._problems import Problems
from resetradar.tables import CPU_SAMPLES

NAME: Final = "snapshots of /proc/stat (date +%s; cat /proc/stat)"

_TICKS_PER_S: Final = 100.0
_TIME: Final = re.compile(rb"^(\d{9,10}(?:\.\d{1,9})?)\s*$", re.MULTILINE)
_CPU: Final = re.compile(rb"^cpu(\d{1,5})((?: \d{1,18}){7,10})\r?$", re.MULTILINE)
_START: Final = re.compile(rb"\s*\d{9,10}(\.\d{1,9})?\s*\n\s*cpu ")
# The order of /proc/stat, user nice system idle iowait irq softirq steal, to that of MODES.
_ORDER: Final = (0, 1, 2, 5, 6, 7, 4, 3)


def recognise(head: bytes) -> bool:
    """Whether the file begins with a time and the first line of ``/proc/stat``."""
    return _START.match(head) is not None


def parse(data: bytes, context: Context) -> Parsed:
    """The totals of all snapshots, as counters. The path has to name the host.

    A CPU line that is torn is left out; so are the lines above the first time.
    """
    problems = Problems(context, data)
    empty = CPU_SAMPLES.empty()
    host_id = host_named(None, context)
    if host_id is None:
        problems.at(0, "host: expected {host_id} in the path template, found none")
        return Parsed(empty, problems.rejects())
    times = [(match.start(), float(match[1])) for match in _TIME.finditer(data)]
    lines = list(_CPU.finditer(data))
    torn = len(re.findall(rb"^cpu\d", data, re.MULTILINE)) - len(lines)
    problems.count("CPU line: expected a number and 7 totals or more, found others", torn)
    starts = np.array([start for start, _ in times], np.int64)
    stamps = np.array([seconds for _, seconds in times])
    at = np.searchsorted(starts, [match.start() for match in lines]) - 1
    problems.count("CPU line: expected a time above it, found none", int((at < 0).sum()))
    timed = [match for match, number in zip(lines, at, strict=True) if number >= 0]
    if not timed:
        problems.at(0, "snapshots: expected at least one, found none")
        return Parsed(empty, problems.rejects())
    # Kernels before 2.6.11 have no steal, the eighth.
    totals = np.array([[*match[2].split(), b"0"][:8] for match in timed], np.float64)
    counters = counters_table(
        host_id,
        context.source,
        np.rint(stamps[at[at >= 0]] * 1e6).astype(np.int64),
        np.array([int(match[1]) for match in timed], np.int64),
        totals[:, list(_ORDER)] / _TICKS_PER_S,
    )
    return Parsed(empty, problems.rejects(), counters)
