"""A syslog line with an ISO time: ``2026-11-20T12:00:01.123456+00:00 host kernel: message``.

Written by rsyslog's file format and by ``journalctl -o short-iso`` and ``short-iso-precise``. Time
of receipt, however many digits it has.
"""

import re

from resetradar.clock import RECEIVED_S, Stamp
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import ISO, stamp_of
from resetradar.envelopes._syslog import HOST, LEVEL, TAG, kernel_text, program_of

NAME = "rfc3339"
PRIORITY = 21
TIMES = FixedTimes(year=0, month=5, is_month_named=False, day=8, hour=11)
KERNEL_MARK = (b" kernel:", b" kernel[")

_LINE = re.compile(
    r"(?:<\d{1,3}>)?" + ISO + r" (?:(?=kernel: )|" + HOST + " )" + LEVEL + TAG + "(?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "2026-11-20T12:00:01.123456+00:00 ip-10-0-0-1 kernel: [ 1234.567890] ena 0000:00:05.0: x",
        {
            "host": "ip-10-0-0-1",
            "monotonic_us": 1234567890,
            "stamp": Stamp(2026, 11, 20, 12, 0, 1, 123456, 0, 1e-6),
            "floor_s": RECEIVED_S,
        },
    ),
    (
        "2026-11-20T12:00:01+0530 h kernel: x",
        {"stamp": Stamp(2026, 11, 20, 12, 0, 1, 0, 19800, 1.0), "text": "x"},
    ),
    (
        "2022-11-04T14:09:31 server kernel:[75215.928881] NETDEV WATCHDOG: eth1 (r8152): x",
        {"monotonic_us": 75215928881, "text": "NETDEV WATCHDOG: eth1 (r8152): x"},
    ),
    ("2026-11-20 12:00:01 h kernel: x", {"host": "h", "text": "x"}),
    ("2026-11-20T12:00:01.5Z kernel: ena: x", {"host": None, "text": "ena: x"}),
    ("2026-11-20T12:00:01Z h sshd[12]: x", {"program": "sshd"}),
)
NOT_SAMPLES = (
    "2026-11-20T12:00:01,567890+00:00 ena 0000:00:05.0 eth0: Trigger reset is on",
    "2026-11-20T12:00:01.123456789Z stdout F x",
    "2026-11-20T12:00:01.000Z ena 0000:00:05.0 eth0: x",
    "Feb 25 12:00:01 h kernel: x",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    # `dmesg --time-format iso` has a comma and no host: its driver would be read as one.
    if match is None or line[19:20] == ",":
        return None
    monotonic_us, text = kernel_text(match["text"])
    return Record(
        text,
        host=match["host"],
        stamp=stamp_of(match),
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
        floor_s=RECEIVED_S,
    )
