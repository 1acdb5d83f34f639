"""Android's log: ``11-20 12:00:01.123     0     0 W         : message``.

``logcat`` prints the kernel's buffer without a tag, and programs with theirs. Local time, no year.
"""

import re

from resetradar.clock import RECEIVED_S, Stamp
from resetradar.envelopes._contract import Record
from resetradar.envelopes._stamps import stamp_of
from resetradar.envelopes._syslog import kernel_text

NAME = "logcat"
PRIORITY = 25
TIMES = None
KERNEL_MARK = None

_LINE = re.compile(
    r"(?P<month>\d\d)-(?P<day>\d\d) (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"\.(?P<fraction>\d{3,6}) +\d+ +\d+ [VDIWEFS] (?P<tag>[^:]{0,60}?) *: (?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "11-20 12:00:01.123     0     0 W         : r8152 2-1:1.0 eth0: x",
        {
            "stamp": Stamp(None, 11, 20, 12, 0, 1, 123000, None, 0.001),
            "text": "r8152 2-1:1.0 eth0: x",
            "program": None,
            "floor_s": RECEIVED_S,
        },
    ),
    ("11-20 12:00:01.123  1200  1321 I Wifi    : x", {"program": "Wifi", "text": "x"}),
)
NOT_SAMPLES = ("2026-11-20 12:00:01.123 h kernel: x", "11-20 12:00:01.123 h kernel: x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    stamp = stamp_of(match) if match else None
    if match is None or stamp is None:
        return None
    monotonic_us, text = kernel_text(match["text"])
    return Record(
        text,
        stamp=stamp,
        monotonic_us=monotonic_us,
        program=match["tag"] or None,
        floor_s=RECEIVED_S,
    )
