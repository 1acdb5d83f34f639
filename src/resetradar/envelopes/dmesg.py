"""The kernel ring as ``dmesg``, a console or /proc/kmsg prints it: ``[ 1234.567890] message``.

Optional parts: ``<3>`` before it, a delta inside (``dmesg -d``), the caller behind it
(``CONFIG_PRINTK_CALLER``). Time since boot only: no host, no wall clock.
"""

import re

from resetradar.envelopes._contract import FoundTimes, Record

NAME = "dmesg"
PRIORITY = 40
TIMES = FoundTimes(
    re.compile(rb"(?m)^[ \t]*(?:<\d+>)?\[\s*(\d+\.\d{6})"),
    is_uptime=True,
    per_second=1,
    behind=b"[",
)
KERNEL_MARK = None

_LINE = re.compile(
    r"\s*(?:<\d{1,3}>)?\[\s*(?P<whole>\d{1,10})\.(?P<part>\d{6})(?: <\s*\d+\.\d{6}>)?\]"
    r"(?: ?\[\s*[TC]\d+\])? ?(?P<text>.*)",
    re.DOTALL | re.ASCII,
)
# journalctl -o short-monotonic puts host and tag there.
_JOURNAL = re.compile(r"(?:[^\s:]+ )?kernel: |[^\s:]+ [\w.@-]+\[\d+\]: ")

SAMPLES = (
    (
        "[ 1234.567890] ena 0000:00:05.0 eth0: Trigger reset is on",
        {"monotonic_us": 1234567890, "text": "ena 0000:00:05.0 eth0: Trigger reset is on"},
    ),
    ("<3>[    0.000001] x", {"monotonic_us": 1, "text": "x"}),
    (" <6>[ 246.953581] init D 0", {"monotonic_us": 246953581, "text": "init D 0"}),
    ("[  461.629039] [      C6] workqueue: x", {"text": "workqueue: x"}),
    ("[ 1234.567890][   T123] x", {"text": "x"}),
    ("[ 1234.567902 <    0.000012>] ena 0000:00:05.0 eth0: tx_timeout: 1", {"host": None}),
    (
        "[  100.000000] ena 0000:00:05.0 eth0: [1/2] Lost TX completions",
        {"text": "ena 0000:00:05.0 eth0: [1/2] Lost TX completions"},
    ),
    ("[   12.500000] systemd[1]: Started x.", {"text": "systemd[1]: Started x."}),
    ("[   12.500000] infiniband rdmap0s6: x", {"text": "infiniband rdmap0s6: x"}),
    ("[   12.500000] rcu: INFO: x", {"text": "rcu: INFO: x"}),
)
NOT_SAMPLES = (
    "[Mon Nov 23 15:27:30 2026] x",
    "[  +0.005106] x",
    "[Nov23 15:27] x",
    "Feb 25 12:00:01 h kernel: [ 1234.567890] x",
    "[ 1234.567890] ip-10-0-0-1 kernel: x",
    "[  OK  ] Started x.",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None or _JOURNAL.match(match["text"]):
        return None
    monotonic_us = int(match["whole"]) * 1_000_000 + int(match["part"])
    return Record(match["text"], monotonic_us=monotonic_us)
