"""The kernel ring of ``dmesg -x``: ``kern  :err   : `` before any other form of dmesg."""

import re

from resetradar.envelopes._contract import EveryLine, Record

NAME = "dmesg_level"
PRIORITY = 33
# The stamp behind it may be of any kind, also one that only the lines before complete.
TIMES = EveryLine()
KERNEL_MARK = None

_LINE = re.compile(
    r"(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local\d)\s*:"
    r"(?:emerg|alert|crit|err|warn|notice|info|debug)\s*: (?P<text>.*)",
    re.DOTALL,
)

SAMPLES = (
    (
        "kern  :err   : [ 1234.567890] ena 0000:00:05.0 eth0: Trigger reset is on",
        {"text": "[ 1234.567890] ena 0000:00:05.0 eth0: Trigger reset is on", "is_nested": True},
    ),
    ("kern  :info  : [Mon Nov 23 15:28:35 2026] ena 0000:00:05.0: x", {"is_nested": True}),
)
NOT_SAMPLES = ("kern:     err: [2026-06-29T10:52:39.030745602Z]: x", "kern.err kernel: x")


def parse(line: str) -> Record | None:
    """The line behind its facility and level; None when it has another form."""
    match = _LINE.match(line)
    return None if match is None else Record(match["text"], is_nested=True)
