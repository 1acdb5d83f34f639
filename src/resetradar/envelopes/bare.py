"""A line with no envelope that is known: the message itself, or behind ``kernel:`` or a host.

This is the last resort. It takes every line and says nothing of host or time that is not there.
"""

import re

from resetradar.envelopes import Record, split_uptime, unescape_rsyslog

NAME = "bare"
PRIORITY = 1000
TIMES = None
KERNEL_MARK = None

_QUOTE = re.compile(r"(?:>\s?)+")
_SYSLOG = re.compile(r"(?:(?P<host>[A-Za-z0-9][\w.-]*) )?kernel(?:\[\d+\])?: ?")

SAMPLES = (
    ("ena 0000:00:05.0 eth0: x", {"text": "ena 0000:00:05.0 eth0: x", "host": None}),
    ("kernel: [108533.415100] ena 0000:00:05.0: x", {"monotonic_us": 108533415100}),
    ("gateway kernel: eth1: transmit timed out", {"host": "gateway"}),
    ("> > > ixgbe 0000:01:00.1 eth2: tx hang", {"text": "ixgbe 0000:01:00.1 eth2: tx hang"}),
)
NOT_SAMPLES: tuple[str, ...] = ()


def parse(line: str) -> Record | None:
    """The line without quote marks and syslog tag; any line is taken."""
    text = line[match.end() :] if (match := _QUOTE.match(line.lstrip())) else line
    text = text.strip()
    if (match := _QUOTE.match(text)) is not None:
        text = text[match.end() :].lstrip()
    tag = _SYSLOG.match(text)
    monotonic_us, body = split_uptime(text[tag.end() :] if tag else text)
    return Record(
        unescape_rsyslog(body.strip()),
        host=tag["host"] if tag else None,
        monotonic_us=monotonic_us,
    )
