"""The kernel ring of ``dmesg -H`` and ``-e``: ``[Nov23 15:27] message``, ``[  +0.005106] message``.

Only the first line of a minute says which minute; the others say how long after the line before,
so the time is the sum over all lines of the file. The second in the minute is not printed.
Lines before the first minute have no time.
"""

import re

from resetradar.clock import MINUTE_S, Stamp
from resetradar.envelopes._contract import EveryLine, Record
from resetradar.envelopes._stamps import month_number

NAME = "dmesg_human"
PRIORITY = 32
TIMES = EveryLine()
KERNEL_MARK = None

_LINE = re.compile(
    r"\s*\[(?:(?P<month>[^\W\d_]{2,9}\.?|\d{1,2}[月월]) ?(?P<day>\d{1,2}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d)"
    r"|\s*\+(?P<whole>\d{1,9})\.(?P<part>\d{6})"
    r"|<\s*(?P<delta>\d{1,9}\.\d{6})>)\](?: ?\[\s*[TC]\d+\])? ?(?P<text>.*)",
    re.DOTALL,
)

SAMPLES = (
    (
        "[Nov23 15:27] ena 0000:00:05.0 eth0: Trigger reset is on",
        {
            "stamp": Stamp(None, 11, 23, 15, 27, 0, resolution_s=60.0),
            "text": "ena 0000:00:05.0 eth0: Trigger reset is on",
        },
    ),
    ("[Nov 9 20:11] x", {"stamp": Stamp(None, 11, 9, 20, 11, 0, resolution_s=60.0)}),
    ("[  +0.005106] ena 0000:00:03.0 eth0: x", {"since_last_us": 5106, "stamp": None}),
    ("[ +12.000000] x", {"since_last_us": 12_000_000}),
    ("[<    0.000012>] x", {"text": "x", "since_last_us": 12}),
)
NOT_SAMPLES = ("[ 1234.567890] x", "[Mon Nov 23 15:27:30 2026] x", "[  OK  ] Started x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    month = month_number(match["month"]) if match["month"] else None
    if month is None:
        delta = match["delta"] or (f"{match['whole']}.{match['part']}" if match["whole"] else None)
        since_us = None if delta is None else int(delta.replace(".", ""))
        return Record(match["text"], since_last_us=since_us)
    stamp = Stamp(
        None, month, int(match["day"]), int(match["hour"]), int(match["minute"]), 0,
        resolution_s=MINUTE_S,
    )  # fmt: skip
    return Record(match["text"], stamp=stamp)
