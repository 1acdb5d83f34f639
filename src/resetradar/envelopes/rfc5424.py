"""A line of the newer syslog protocol: ``<3>1 TIME host kernel - - - message``.

Written by rsyslog's protocol format, by syslog-ng and by remote collectors, with an octet count
before it or not.
"""

import re

from resetradar.envelopes import (
    ISO,
    Record,
    iso_stamp,
    program_of,
    split_uptime,
    unescape_rsyslog,
)

NAME = "rfc5424"
PRIORITY = 10
# The priority has one to three digits, so the stamp has no fixed place.
TIMES = None
KERNEL_MARK = (b" kernel ",)

_LINE = re.compile(
    r"(?:\d+ )?<\d{1,3}>1 " + ISO + r" (?P<host>\S+) (?P<tag>\S+) \S+ \S+ "
    r'(?:-|(?:\[(?:[^\]\\"]|\\.|"(?:[^"\\]|\\.)*")*\])+)[ \ufeff]*(?P<text>.*)',
    re.DOTALL,
)

SAMPLES = (
    (
        "<3>1 2026-11-23T15:52:04.314819+00:00 vm kernel - - -  [ 1234.567890] ena 0000:00:05.0: x",
        {"host": "vm", "monotonic_us": 1234567890, "text": "ena 0000:00:05.0: x"},
    ),
    (
        '<3>1 2026-11-23T15:52:04Z h kernel - - [meta sequenceId="7]"] \ufeffena 0000:00:05.0: x',
        {"text": "ena 0000:00:05.0: x"},
    ),
)
NOT_SAMPLES = ("<3>Feb 25 12:00:01 h kernel: x", "<3>[ 1234.567890] x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    monotonic_us, text = split_uptime(match["text"])
    return Record(
        unescape_rsyslog(text),
        host=None if match["host"] == "-" else match["host"],
        stamp=iso_stamp(match),
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
    )
