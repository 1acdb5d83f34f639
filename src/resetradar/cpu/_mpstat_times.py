"""Times of an mpstat run, which prints its date once and the local time of each sample."""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from statistics import median_low
from typing import Any, Final

from resetradar.cpu._problems import Problems
from resetradar.cpu._rows import Run
from resetradar.cpu._times import DAY_S, count_steps_back, instant

# A clock that falls by more than half a day has passed midnight; by less, it was set back.
_MIDNIGHT: Final = timedelta(hours=12)
# Times are cut to the second, so distances of equal intervals differ by up to one.
_JITTER_S: Final = 1.0
# Locales part hours and minutes by colons, full stops or the words for them.
_TIME: Final = re.compile(
    r"(\d{1,2})[:.\u6642\u65f6](\d\d)[:.\u5206](\d\d)\u79d2?(?: ([AP])M)?", re.ASCII
)
_ISO: Final = re.compile(r"(\d{4})[-./\u5e74](\d\d?)[-./\u6708](\d\d?)[\u65e5.]?", re.ASCII)
_LOCALE: Final = re.compile(r"(\d\d?)([/.-])(\d\d?)\2(\d{4}|\d\d)\.?", re.ASCII)


def instants_of(run: Run, zone: tzinfo, problems: Problems) -> list[int | None]:
    """UTC microseconds of each sample, days counted from one midnight to the next."""
    day = _date(run.header.get("date"))
    if day is None:
        problems.at(
            run.offset,
            "date: expected 2026-11-25, 11/25/26 or 25.11.26, found another form; "
            "run mpstat with S_TIME_FORMAT=ISO",
        )
        return [None] * len(run.stamps)
    instants: list[int | None] = []
    previous: datetime | None = None
    last: int | None = None
    for stamp in run.stamps:
        clock = _time(stamp)
        if clock is None:
            if stamp is not None:
                problems.count("sample: expected a time of day, found none; left out")
            instants.append(None)
            continue
        moment = datetime.combine(day, clock)
        if previous is not None and previous - moment > _MIDNIGHT:
            day += timedelta(days=1)
            moment += timedelta(days=1)
        found = instant(moment, zone, last)
        previous, last = moment, last if found is None else found
        instants.append(found)
    count_steps_back(instants, problems)
    return instants


def intervals_of(run: Run, instants: list[int | None], problems: Problems) -> list[float | None]:
    """Seconds of each sample: the usual distance of the run, unless its own is clearly longer."""
    before = [None, *instants[:-1]] if instants else []
    distances = [
        (at - earlier) / 1e6 if at is not None and earlier is not None else None
        for at, earlier in zip(instants, before, strict=True)
    ]
    steps = [step for step in distances if step is not None and 0 < step <= DAY_S]
    if not steps:
        if any(at is not None for at in instants):
            problems.at(
                run.offset,
                "interval: expected two samples or more, found one; without an interval argument "
                "mpstat prints the average since boot",
            )
        return [None] * len(instants)
    usual = median_low(steps)
    return [
        step if step is not None and usual + _JITTER_S < step <= DAY_S else usual
        for step in distances
    ]


def _date(printed: Any) -> date | None:
    """The run's date. Slashes are month first, as in the C locale, unless that is impossible."""
    text = printed if isinstance(printed, str) else ""
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if not (match := _LOCALE.fullmatch(text)):
            return None
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        year += 2000 if year < 100 else 0
        is_day_first = match[2] == "." or first > 12
        return date(year, second, first) if is_day_first else date(year, first, second)
    except ValueError:
        return None


def _time(printed: Any) -> time | None:
    match = _TIME.fullmatch(printed) if isinstance(printed, str) else None
    if match is None:
        return None
    hour = int(match[1])
    if match[4]:
        hour = hour % 12 + (12 if match[4] == "P" else 0)
    try:
        return time(hour, int(match[2]), int(match[3]))
    except ValueError:
        return None
