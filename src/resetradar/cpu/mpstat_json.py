"""mpstat's JSON: ``mpstat -P ALL -o JSON INTERVAL``.

The date is printed once per run and the time of each sample is local; the interval is not printed.
So days are counted from one midnight to the next, and the interval is the distance of the samples.
"""

from typing import Final

from resetradar.clock import zone_named
from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._mpstat_times import instants_of, intervals_of
from resetradar.cpu._problems import Problems
from resetradar.cpu._sysstat import finish, runs

NAME: Final = "mpstat JSON (mpstat -P ALL -o JSON INTERVAL)"


def recognise(head: bytes) -> bool:
    """Whether the file begins as mpstat's JSON does."""
    return b'"sysstat"' in head and b'"date"' in head and b'"file-date"' not in head


def parse(data: bytes, context: Context) -> Parsed:
    """All samples of all runs in the file.

    Returns:
        ``cpu_samples`` in key order, each sample once. The first sample of a run gets the run's
        usual interval; a run of one sample has none and is left out, with a reject.
    """
    problems = Problems(context, data)
    zone = zone_named(context.timezone)
    tables = []
    for host_id, run in runs(data, problems):
        at = instants_of(run, zone, problems)
        tables.append(run.table(host_id, at, intervals_of(run, at, problems), problems))
    return finish(tables, problems)
