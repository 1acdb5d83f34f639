"""``journalctl -o short-monotonic``: ``[ 1234.567890] host kernel: message``, the kernel's clock.

Only the tag tells it from dmesg, whose messages begin with two words as well: it must be
``kernel`` or carry a process number.
"""

import re

from resetradar.envelopes._contract import FoundTimes, Record
from resetradar.envelopes._syslog import kernel_text, program_of

NAME = "journal_monotonic"
PRIORITY = 35
TIMES = FoundTimes(
    re.compile(rb"(?m)^\[\s*(\d+\.\d{6})"), is_uptime=True, per_second=1, behind=b"["
)
KERNEL_MARK = (b" kernel:",)

_LINE = re.compile(
    r"\[\s*(?P<whole>\d{1,10})\.(?P<part>\d{6})(?: <[^>]*>)?\] "
    r"(?:(?P<host>[^\s:]+) (?=kernel: |[\w.@-]+\[\d+\]: )|(?=kernel: ))"
    r"(?P<tag>[\w.@-]+)(?:\[\d+\])?: (?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "[ 1234.567890] ip-10-0-0-1 kernel: ena 0000:00:05.0 eth0: Trigger reset is on",
        {
            "host": "ip-10-0-0-1",
            "monotonic_us": 1234567890,
            "text": "ena 0000:00:05.0 eth0: Trigger reset is on",
            "program": None,
        },
    ),
    ("[  705.152491] kernel: r8169 0000:02:00.0 enp2s0: x", {"host": None}),
    ("[ 1234.567890 <    0.000012 >] h kernel: x", {"text": "x"}),
    ("[ 1234.567890] h systemd[1]: x", {"program": "systemd", "host": "h"}),
)
NOT_SAMPLES = (
    "[ 1234.567890] infiniband rdmap0s6: x",
    "[ 1234.567890] rcu: INFO: x",
    "[ 1234.567890] systemd[1]: Started x.",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    return Record(
        kernel_text(match["text"])[1],
        host=match["host"],
        monotonic_us=int(match["whole"]) * 1_000_000 + int(match["part"]),
        program=program_of(match["tag"]),
    )
