"""Any line behind a time that something else put there: ``2026-11-20T12:00:01.000Z line``.

Exports of log stores to plain text or CSV, ``kubectl logs --timestamps``, ``ts``, terminal
recorders, and syslog lines whose host somebody cut out.
"""

import re

from resetradar.clock import FORWARDED_S, Stamp
from resetradar.envelopes._contract import Record
from resetradar.envelopes._stamps import BSD, ISO, stamp_of

NAME = "stamped"
PRIORITY = 900
# What is inside may have a better time.
TIMES = None
KERNEL_MARK = None

_BEHIND = r'[\])"]*(?:[ \t]*[,;|][ \t]*|[ \t]+)"?(?:\{[^{}]{0,500}\} )?(?P<text>\S.*?)"?$'
_LINES = [re.compile(r'["(\[]?' + stamp + _BEHIND, re.DOTALL | re.ASCII) for stamp in (ISO, BSD)]

SAMPLES = (
    (
        "2026-11-20T12:00:01.000Z ena 0000:00:05.0 eth0: x",
        {
            "text": "ena 0000:00:05.0 eth0: x",
            "stamp": Stamp(2026, 11, 20, 12, 0, 1, 0, 0, 0.001),
            "is_nested": True,
            "floor_s": FORWARDED_S,
        },
    ),
    ('2026-11-20 12:00:01.000,"[ 1234.567890] ena: x"', {"text": "[ 1234.567890] ena: x"}),
    ("[2026-11-20 12:00:01] [ 1234.567890] x", {"text": "[ 1234.567890] x"}),
    ('2026-11-20T12:00:01Z {host="h"} ena: x', {"text": "ena: x"}),
    ("Nov 20 12:00:01 ena 0000:00:05.0 eth0: x", {"text": "ena 0000:00:05.0 eth0: x"}),
)
NOT_SAMPLES = ("ena 0000:00:05.0 eth0: x", "2026-11-20T12:00:01Z", "2026-11-20T12:00:01Zx")


def parse(line: str) -> Record | None:
    """The line behind the time; None when there is none."""
    for pattern in _LINES:
        match = pattern.match(line)
        stamp = stamp_of(match) if match else None
        if match is not None and stamp is not None:
            return Record(match["text"], stamp=stamp, floor_s=FORWARDED_S, is_nested=True)
    return None
