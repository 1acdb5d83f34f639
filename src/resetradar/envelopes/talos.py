"""``talosctl dmesg``: ``kern:     err: [2026-06-29T10:52:39.030745602Z]: message``.

The kernel clock added to the boot time; the node stands before it when several were asked.
"""

import re

from resetradar.clock import DERIVED_S, Stamp
from resetradar.envelopes._contract import Record
from resetradar.envelopes._stamps import ISO, stamp_of

NAME = "talos"
PRIORITY = 13
# Facility and level differ in length.
TIMES = None
KERNEL_MARK = (b"kern:",)

_LINE = re.compile(
    r"(?:(?P<host>\S+): )?(?P<facility>[a-z]\w+):\s+[a-z]+: \[" + ISO + r"\]: (?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "kern:     err: [2026-06-29T10:52:39.030745602Z]: e1000e 0000:00:1f.6 eno1: x",
        {
            "stamp": Stamp(2026, 6, 29, 10, 52, 39, 30745, 0, 1e-6),
            "text": "e1000e 0000:00:1f.6 eno1: x",
            "host": None,
            "floor_s": DERIVED_S,
        },
    ),
    ("10.20.1.17: kern:    info: [2026-06-29T10:52:39Z]: x", {"host": "10.20.1.17"}),
    ("user: warning: [2026-06-29T10:52:39Z]: [talos] x", {"program": "user"}),
)
NOT_SAMPLES = ("kern  :err   : [ 1234.567890] x", "kern: err: x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    return Record(
        match["text"],
        host=match["host"],
        stamp=stamp_of(match),
        program=None if match["facility"] == "kern" else match["facility"],
        floor_s=DERIVED_S,
    )
