"""A line of the newer syslog protocol: ``<3>1 TIME host kernel - - - message``.

Written by rsyslog's protocol format, by syslog-ng and by remote collectors, with an octet count
before it or not.
"""

import re

from resetradar.clock import RECEIVED_S
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import ISO, stamp_of
from resetradar.envelopes._syslog import kernel_text, program_of

NAME = "rfc5424"
PRIORITY = 10
# The priority has one to three digits, so places count from behind it.
TIMES = FixedTimes(year=0, month=5, is_month_named=False, day=8, hour=11, is_after_blank=True)
KERNEL_MARK = (b" kernel ",)

_LINE = re.compile(
    r"(?:\d+ )?<\d{1,3}>1 " + ISO + r" (?P<host>\S+) (?P<tag>\S+) (?P<procid>\S+) \S+ "
    r'(?:-|(?:\[(?:[^\]\\"]|\\.|"(?:[^"\\]|\\.)*")*\])+)[ \ufeff]*(?P<text>.*)',
    re.DOTALL | re.ASCII,
)
# rsyslog takes the kernel clock for the process where no blank stands behind the tag.
_UPTIME = re.compile(r"(\d{1,10})\.(\d{6})", re.ASCII)

SAMPLES = (
    (
        "<3>1 2026-11-23T15:52:04.314819+00:00 vm kernel - - -  [ 1234.567890] ena 0000:00:05.0: x",
        {"host": "vm", "monotonic_us": 1234567890, "text": "ena 0000:00:05.0: x"},
    ),
    (
        '<3>1 2026-11-23T15:52:04Z h kernel - - [meta sequenceId="7]"] \ufeffena 0000:00:05.0: x',
        {"text": "ena 0000:00:05.0: x", "floor_s": RECEIVED_S},
    ),
    ("<3>1 2026-11-23T15:52:04Z h kernel 75215.928853 - - x", {"monotonic_us": 75215928853}),
    ("83 <3>1 2026-11-23T15:52:04Z - sshd 12 - - x", {"host": None, "program": "sshd"}),
)
NOT_SAMPLES = ("<3>Feb 25 12:00:01 h kernel: x", "<3>[ 1234.567890] x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    monotonic_us, text = kernel_text(match["text"])
    uptime = _UPTIME.fullmatch(match["procid"])
    if monotonic_us is None and uptime is not None:
        monotonic_us = int(uptime[1] + uptime[2])
    return Record(
        text,
        host=None if match["host"] == "-" else match["host"],
        stamp=stamp_of(match),
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
        floor_s=RECEIVED_S,
    )
