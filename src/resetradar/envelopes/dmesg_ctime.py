"""The kernel ring with the wall clock of ``dmesg -T``: ``[Mon Nov 23 15:27:30 2026] message``.

The kernel clock added to the boot time, in local time: right to seconds at best, and wrong by the
length of every suspend.
"""

import re

from resetradar.clock import Stamp
from resetradar.envelopes import MONTHS, FixedTimes, Record

NAME = "dmesg_ctime"
PRIORITY = 30
TIMES = FixedTimes(year=21, month=5, is_month_named=True, day=9, hour=12)
KERNEL_MARK = None

_LINE = re.compile(
    r"\[(?:\S+ +)?(?P<month>\S+) +(?P<day>\d{1,2}) (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r" (?P<year>\d{4})(?: <\s*\d+\.\d{6}>)?\](?: ?\[\s*[TC]\d+\])? ?(?P<text>.*)",
    re.DOTALL,
)
# First letters tell the months apart in the languages whose servers are common.
_MONTH_STARTS = (
    ("jan", 1), ("gen", 1), ("ene", 1), ("fe", 2), ("fé", 2), ("mars", 3), ("mar", 3), ("mär", 3),
    ("ap", 4), ("av", 4), ("abr", 4), ("mai", 5), ("may", 5), ("mag", 5), ("juin", 6), ("jun", 6),
    ("giu", 6), ("juil", 7), ("jul", 7), ("lug", 7), ("aug", 8), ("ao", 8), ("ago", 8), ("se", 9),
    ("set", 9), ("o", 10), ("no", 11), ("de", 12), ("dé", 12), ("di", 12),
)  # fmt: skip

SAMPLES = (
    (
        "[Mon Nov 23 15:27:30 2026] ena 0000:00:05.0 eth0: Trigger reset is on",
        {
            "stamp": Stamp(2026, 11, 23, 15, 27, 30),
            "text": "ena 0000:00:05.0 eth0: Trigger reset is on",
        },
    ),
    ("[Mon Nov  3 15:27:30 2026 <    0.000012>] x", {"stamp": Stamp(2026, 11, 3, 15, 27, 30)}),
    ("[mar. févr.  8 12:57:41 2022] x", {"stamp": Stamp(2022, 2, 8, 12, 57, 41), "text": "x"}),
)
NOT_SAMPLES = ("[ 1234.567890] x", "[Nov23 15:27] x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    month = MONTHS.get(match["month"]) or _month(match["month"])
    stamp = month and Stamp(
        int(match["year"]),
        month,
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        int(match["second"]),
    )
    return Record(match["text"], stamp=stamp or None)


def _month(name: str) -> int | None:
    """Month by the beginning of its name, or by its number where months are numbered."""
    digits = re.match(r"\d{1,2}", name)
    if digits:
        return int(digits[0]) if 1 <= int(digits[0]) <= 12 else None
    lower = name.lower()
    return next((number for start, number in _MONTH_STARTS if lower.startswith(start)), None)
