"""What mpstat prints on a terminal or into a file: ``mpstat -P ALL INTERVAL``; sar's alike.

The banner has the host, the date and the number of CPUs. The header names the columns; it is not
translated, but times, dates, decimal commas and the word for the average follow the locale.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from resetradar.clock import zone_named
from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._hosts import host_named
from resetradar.cpu._mpstat_times import instants_of, intervals_of
from resetradar.cpu._problems import Problems
from resetradar.cpu._rows import Run
from resetradar.cpu._sysstat import finish

NAME: Final = "mpstat text (mpstat -P ALL INTERVAL)"

_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*m")
_BANNER: Final = re.compile(rb"\w+ \S+ \(([^)\s]*)\)\s+(\S+)\s+_\S+_\s+\((\d+) CPU\)\s*")
_CLOCK: Final = re.compile(r"\d{1,2}[:.\u6642\u65f6]\d\d[:.\u5206]\d\d\u79d2?")
_KEYS: Final = {"%user": "usr", "%system": "sys"}
_NONE: Final = dict.fromkeys(
    ("usr", "nice", "sys", "iowait", "irq", "soft", "steal", "guest", "gnice", "idle"), 0.0
)
# A line of mpstat has 110 characters and colours; a longer one is not its own.
_MAX_LINE: Final = 2048


def recognise(head: bytes) -> bool:
    """Whether the file begins with the banner of sysstat's tools."""
    first = head.lstrip(b"\r\n").partition(b"\n")[0]
    return _BANNER.fullmatch(_COLOUR.sub(b"", first)) is not None


def parse(data: bytes, context: Context) -> Parsed:
    """All samples of all runs in the file, in key order, each once.

    The average at the end of a run is no sample. Intervals are as for mpstat's JSON.
    """
    problems = Problems(context, data)
    zone = zone_named(context.timezone)
    found = list(_runs(data, problems))
    has_several = len({run.header["nodename"] for run in found}) > 1
    tables = []
    for run in found:
        run.flush(problems)
        host_id = host_named(run.header["nodename"], context, has_several=has_several)
        if host_id is None:
            problems.at(run.offset, "host: expected a name in the path or the banner, found none")
            continue
        at = instants_of(run, zone, problems)
        tables.append(run.table(host_id, at, intervals_of(run, at, problems), problems))
    return finish(tables, problems)


def _runs(data: bytes, problems: Problems) -> Iterator[Run]:
    run: Run | None = None
    keys: list[str] = []
    rows: list[dict[str, Any]] = []
    stamp, begin, offset = "", 0, 0
    for raw in data.splitlines(keepends=True):
        at, offset = offset, offset + len(raw)
        line = _COLOUR.sub(b"", raw[:_MAX_LINE]).strip(b" \t\r\n\0")
        banner = _BANNER.fullmatch(line)
        words = line.decode("utf-8", "replace").split()
        is_header = "CPU" in words
        row = None if banner or is_header or run is None else _row(words, keys)
        if run is not None and rows and (banner or is_header or (row and row[0] != stamp)):
            run.add(begin, {"timestamp": stamp, "cpu-load": rows}, problems)
            rows = []
        if banner:
            if run is not None:
                yield run
            name, day, cpus = (part.decode("utf-8", "replace") for part in banner.groups())
            run = Run({"nodename": name, "date": day, "number-of-cpus": _count(cpus)}, at)
        elif is_header:
            keys = _columns(words)
        elif row:
            begin = begin if rows else at
            stamp = row[0]
            rows.append(row[1])
        elif run is not None and keys and words and _CLOCK.fullmatch(words[0]):
            problems.count("line: expected a CPU and its percentages, found others")
    if run is not None:
        if rows:
            run.add(begin, {"timestamp": stamp, "cpu-load": rows}, problems)
        yield run


def _columns(words: list[str]) -> list[str]:
    """Keys of the columns after ``CPU``; none for statistics that are not about CPU time."""
    names = words[words.index("CPU") + 1 :]
    if "%idle" not in names:
        return []
    return [_KEYS.get(name, name.lstrip("%")) for name in names]


def _row(words: list[str], keys: list[str]) -> tuple[str, dict[str, Any]] | None:
    """Time as printed and one CPU's shares; None for a line of another kind, or a torn one."""
    if not keys or not words or not _CLOCK.fullmatch(words[0]):
        return None
    has_half = len(words) > 1 and words[1].upper() in {"AM", "PM"}
    stamp = f"{words[0]} {words[1].upper()}" if has_half else words[0]
    name, *numbers = words[1 + has_half :] or [""]
    if len(numbers) != len(keys):
        return None
    try:
        values = [float(number.replace(",", ".")) for number in numbers]
    except ValueError:
        return None
    return stamp, {"cpu": name, **_NONE, **dict(zip(keys, values, strict=True))}


def _count(digits: str) -> int:
    return int(digits) if len(digits) < 6 else 0
