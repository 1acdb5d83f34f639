"""``journalctl -o short-unix``: ``1795176001.123456 host kernel: message``, seconds since 1970."""

import re

from resetradar.clock import RECEIVED_S
from resetradar.envelopes._contract import FoundTimes, Record
from resetradar.envelopes._syslog import TAG, kernel_text, program_of

NAME = "journal_unix"
PRIORITY = 23
TIMES = FoundTimes(re.compile(rb"(?m)^(\d{9,11}\.\d{6}) "), is_uptime=False, per_second=1)
KERNEL_MARK = (b" kernel:",)

_LINE = re.compile(
    r"(?P<whole>\d{9,11})\.(?P<part>\d{6}) (?:(?=kernel: )|(?P<host>\S+) )" + TAG + "(?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "1795176001.123456 ip-10-0-0-1 kernel: ena 0000:00:05.0 eth0: Trigger reset is on",
        {
            "host": "ip-10-0-0-1",
            "at_us": 1795176001123456,
            "floor_s": RECEIVED_S,
            "text": "ena 0000:00:05.0 eth0: Trigger reset is on",
        },
    ),
    ("1795176001.123456 h systemd[1]: x", {"program": "systemd"}),
)
NOT_SAMPLES = ("1795176001 h kernel: x", "[1795176001.123456] x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    monotonic_us, text = kernel_text(match["text"])
    return Record(
        text,
        host=match["host"],
        at_us=int(match["whole"]) * 1_000_000 + int(match["part"]),
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
        floor_s=RECEIVED_S,
    )
