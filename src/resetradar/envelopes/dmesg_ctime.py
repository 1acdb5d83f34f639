"""The kernel ring with the wall clock of ``dmesg -T``: ``[Mon Nov 23 15:27:30 2026] message``.

The kernel clock added to the boot time, in local time: right to seconds at best, and wrong by the
length of every suspend.
"""

import re

from resetradar.clock import DERIVED_S, Stamp
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import stamp_of

NAME = "dmesg_ctime"
PRIORITY = 30
TIMES = FixedTimes(year=21, month=5, is_month_named=True, day=9, hour=12)
KERNEL_MARK = None

_LINE = re.compile(
    r"\s*(?:<\d{1,3}>)?\[(?:[^\s\[\]]+ +)?(?P<month>[^\s\[\]]+) +(?P<day>\d{1,2}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r" (?P<year>\d{4})(?: <\s*\d+\.\d{6}>)?\](?: ?\[\s*[TC]\d+\])? ?(?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "[Mon Nov 23 15:27:30 2026] ena 0000:00:05.0 eth0: Trigger reset is on",
        {
            "stamp": Stamp(2026, 11, 23, 15, 27, 30),
            "text": "ena 0000:00:05.0 eth0: Trigger reset is on",
            "floor_s": DERIVED_S,
        },
    ),
    ("[Mon Nov  3 15:27:30 2026 <    0.000012>] x", {"stamp": Stamp(2026, 11, 3, 15, 27, 30)}),
    ("[mar. févr.  8 12:57:41 2022] x", {"stamp": Stamp(2022, 2, 8, 12, 57, 41), "text": "x"}),
    ("[금 11월 20 12:00:01 2026] x", {"stamp": Stamp(2026, 11, 20, 12, 0, 1), "text": "x"}),
)
NOT_SAMPLES = ("[ 1234.567890] x", "[Nov23 15:27] x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    return Record(match["text"], stamp=stamp_of(match), floor_s=DERIVED_S)
