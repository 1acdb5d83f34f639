"""The kernel log of ESXi: ``2026-11-20T12:00:01.881Z cpu1:65936)<3>message``.

Drivers of Linux run in it up to ESXi 6.7 and print what they print in Linux. Time in UTC, no host.
"""

import re

from resetradar.clock import DERIVED_S
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import ISO, stamp_of

NAME = "vmkernel"
PRIORITY = 16
TIMES = FixedTimes(year=0, month=5, is_month_named=False, day=8, hour=11)
KERNEL_MARK = None

# The CPU and its world; behind them, of what its Linux layer says, the function that says it.
WORLD = r"cpu\d+:\d+(?: opID=\w+)?\)(?:<\d{1,3}>)?(?:WARNING: LinNet: netdev_watchdog:(?:\d+:)? )?"
_LINE = re.compile(ISO + " " + WORLD + r"(?P<text>.*)", re.DOTALL | re.ASCII)

SAMPLES = (
    (
        "2026-11-20T12:00:01.881Z cpu1:65936)<3>e1000e 0000:00:1f.6: vmnic0: x",
        {"text": "e1000e 0000:00:1f.6: vmnic0: x", "host": None, "floor_s": DERIVED_S},
    ),
    ("2026-11-20T12:00:01.881Z cpu12:2097651 opID=4f2a)x", {"text": "x"}),
    (
        "2026-11-20T12:00:01.881Z cpu1:6593)WARNING: LinNet: netdev_watchdog:3678: x",
        {"text": "x"},
    ),
)
NOT_SAMPLES = ("2026-11-20T12:00:01.881Z h kernel: x", "2026-11-20T12:00:01Z cpu1: x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    return Record(match["text"], stamp=stamp_of(match), floor_s=DERIVED_S)
