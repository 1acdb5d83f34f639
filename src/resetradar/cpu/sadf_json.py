"""sysstat's archive as JSON: ``sadf -j FILE -- -P ALL``, better with ``-u ALL`` before it.

Every sample has its date, time and interval. Time is UTC, or local with ``sadf -T`` and ``-t``.
``-u ALL`` tells hardware and software interrupts from system time; without it they are in it.
"""

from datetime import datetime, tzinfo
from typing import Any, Final

from resetradar.clock import zone_named
from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._problems import Problems
from resetradar.cpu._rows import Run
from resetradar.cpu._sysstat import finish, runs
from resetradar.cpu._times import DAY_S, count_steps_back, instant

NAME: Final = "sadf JSON (sadf -j FILE -- -u ALL -P ALL)"


def recognise(head: bytes) -> bool:
    """Whether the file begins as sadf's JSON does."""
    return b'"sysstat"' in head and b'"file-date"' in head


def parse(data: bytes, context: Context) -> Parsed:
    """All samples of all hosts in the file.

    Returns:
        ``cpu_samples`` in key order, each sample once. A sample without a usable time or interval
        is left out and counted in the rejects.
    """
    problems = Problems(context, data)
    zone = zone_named(context.timezone)
    tables = []
    for host_id, run in runs(data, problems):
        instants = _instants(run, zone, problems)
        intervals = [_interval(stamp, problems) for stamp in run.stamps]
        tables.append(run.table(host_id, instants, intervals, problems))
    return finish(tables, problems)


def _instants(run: Run, zone: tzinfo, problems: Problems) -> list[int | None]:
    instants: list[int | None] = []
    last: int | None = None
    for stamp in run.stamps:
        found = _instant(stamp, zone, last)
        if found is None and stamp is not None:
            problems.count("sample: expected a date and a time, found none; left out")
        last = last if found is None else found
        instants.append(found)
    count_steps_back(instants, problems)
    return instants


def _instant(stamp: Any, zone: tzinfo, last: int | None) -> int | None:
    if not isinstance(stamp, dict):
        return None
    try:
        moment = datetime.fromisoformat(f"{stamp['date']}T{stamp['time']}")
    except (KeyError, ValueError):
        return None
    return instant(moment, None if stamp.get("utc") == 1 else zone, last)


def _interval(stamp: Any, problems: Problems) -> float | None:
    if stamp is None:
        return None
    interval = stamp.get("interval") if isinstance(stamp, dict) else None
    # Old versions print a wrapped-around number for the first sample after a restart.
    if not isinstance(interval, int | float) or not 0 < interval <= DAY_S:
        problems.count("sample: expected an interval of up to a day, found none; left out")
        return None
    return float(interval)
