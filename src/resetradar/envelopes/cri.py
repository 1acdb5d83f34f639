"""A log file of a Kubernetes container: ``2026-11-20T12:00:01.123456789Z stdout F line``.

Around the line of an agent that prints kernel messages. ``P`` marks a line that is cut; the reader
of files joins its parts.
"""

import re

from resetradar.clock import FORWARDED_S
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import ISO, stamp_of

NAME = "cri"
PRIORITY = 14
TIMES = FixedTimes(year=0, month=5, is_month_named=False, day=8, hour=11)
KERNEL_MARK = None

_LINE = re.compile(ISO + r" (?:stdout|stderr) [FP] (?P<text>.*)", re.DOTALL | re.ASCII)

SAMPLES = (
    (
        "2026-11-20T12:00:01.123456789Z stdout F [ 1234.567890] ena 0000:00:05.0 eth0: x",
        {
            "text": "[ 1234.567890] ena 0000:00:05.0 eth0: x",
            "is_nested": True,
            "floor_s": FORWARDED_S,
        },
    ),
)
NOT_SAMPLES = ("2026-11-20T12:00:01Z h kernel: x", "2026-11-20T12:00:01Z stdout x")


def parse(line: str) -> Record | None:
    """The line of the container; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    return Record(match["text"], stamp=stamp_of(match), floor_s=FORWARDED_S, is_nested=True)
