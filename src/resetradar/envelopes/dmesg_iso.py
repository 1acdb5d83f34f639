"""The kernel ring of ``dmesg --time-format iso``: ``2026-11-23T15:27:30,567890+00:00 message``.

The comma tells it from syslog. There is no host: the first word is the driver. The kernel clock
added to the boot time, as in ``dmesg -T``.
"""

import re

from resetradar.clock import DERIVED_S, Stamp
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import ISO, stamp_of

NAME = "dmesg_iso"
PRIORITY = 31
TIMES = FixedTimes(year=0, month=5, is_month_named=False, day=8, hour=11)
KERNEL_MARK = None

_LINE = re.compile(
    r"(?=[\d-]{10}T[\d:]{8},\d{6}[+-])" + ISO + r" ?(?:\[\s*[TC]\d+\])? ?(?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "2026-11-23T15:27:30,567890+00:00 ena 0000:00:05.0 eth0: Trigger reset is on",
        {
            "stamp": Stamp(2026, 11, 23, 15, 27, 30, 567890, 0, 1e-6),
            "text": "ena 0000:00:05.0 eth0: Trigger reset is on",
            "host": None,
            "floor_s": DERIVED_S,
        },
    ),
    ("2026-11-23T15:27:30,567890+05:30 [      C6] rcu: INFO: x", {"text": "rcu: INFO: x"}),
)
NOT_SAMPLES = (
    "2026-11-23T15:27:30.567890+00:00 h kernel: x",
    "2026-11-23T15:27:30+00:00 h kernel: x",
    "2026-11-23 15:27:30,567 INFO agent: x",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    return Record(match["text"], stamp=stamp_of(match), floor_s=DERIVED_S)
