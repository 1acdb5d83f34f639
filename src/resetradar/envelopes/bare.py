"""A line with no envelope that is known: the message itself, or behind ``kernel:`` or a host.

This is the last resort. It takes every line and says nothing of host or time that is not there.
"""

import re

from resetradar.envelopes._contract import Record
from resetradar.envelopes._decoration import clean, without_number
from resetradar.envelopes._syslog import KERNEL_TAG, kernel_text

NAME = "bare"
PRIORITY = 1000
TIMES = None
KERNEL_MARK = None

_SYSLOG = re.compile(r"(?:(?P<host>[A-Za-z0-9][\w.-]*) )?" + KERNEL_TAG)
# journalctl -o verbose prints the fields of the journal by name.
_FIELD = "MESSAGE="
# Web archives and forums mark up; serial consoles ask for a login; some logs keep the time alone.
_MARKUP = r"(?:</?[A-Za-z][\w-]{0,15}(?: [^<>]{0,200})?/?>|\[/?(?i:code|quote)[^\]]{0,60}\])\s*"
_BEFORE = re.compile(
    rf"(?:{_MARKUP})+|[\w.-]{{1,64}} login: (?=\S)|"
    r"\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?(?: [AP]M)?:?\s+",
    re.ASCII,
)
_BEHIND = re.compile(rf"(?:\s*{_MARKUP})+$", re.ASCII)

SAMPLES = (
    ("ena 0000:00:05.0 eth0: x", {"text": "ena 0000:00:05.0 eth0: x", "host": None}),
    ("kernel: [108533.415100] ena 0000:00:05.0: x", {"monotonic_us": 108533415100}),
    ("gateway kernel: eth1: transmit timed out", {"host": "gateway"}),
    ("> > > ixgbe 0000:01:00.1 eth2: tx hang", {"text": "ixgbe 0000:01:00.1 eth2: tx hang"}),
    ("* `ena 0000:00:05.0 eth0: x`", {"text": "ena 0000:00:05.0 eth0: x"}),
    ("**ena 0000:00:05.0 eth0: x**", {"text": "ena 0000:00:05.0 eth0: x"}),
    ("  17: ena 0000:00:05.0 eth0: x", {"text": "ena 0000:00:05.0 eth0: x"}),
    ("\x1b[33mena 0000:00:05.0 eth0: \x1b[0mx", {"text": "ena 0000:00:05.0 eth0: x"}),
    ("ena 0000:00:05.0 eth0: isn&#39;t", {"text": "ena 0000:00:05.0 eth0: isn't"}),
    ("ena 0000:00:05.0 eth0: isn\u2019t", {"text": "ena 0000:00:05.0 eth0: isn't"}),
    ("    MESSAGE=ena 0000:00:05.0 eth0: x", {"text": "ena 0000:00:05.0 eth0: x"}),
    (
        '<span class="quoted">&gt; ena 0000:00:05.0 eth0: x</span><br>',
        {"text": "&gt; ena 0000:00:05.0 eth0: x", "is_nested": True},
    ),
    ("[CODE]ena: x", {"text": "ena: x", "is_nested": True}),
    ("node-7.example login: ena: x", {"text": "ena: x", "is_nested": True}),
    ("12:00:01: ena: x", {"text": "ena: x", "is_nested": True}),
    ("ena: x SUBSYSTEM=pci DEVICE=+pci:0000:00:05.0", {"text": "ena: x"}),
)
NOT_SAMPLES: tuple[str, ...] = ()


def parse(line: str) -> Record | None:
    """The line without what people put around it and without syslog tag; any line is taken."""
    before = _BEFORE.match(line)
    if before is not None and before.end() < len(line):
        return Record(_BEHIND.sub("", line[before.end() :]), is_nested=True)
    text = without_number(clean(line)).removeprefix(_FIELD)
    tag = _SYSLOG.match(text)
    monotonic_us, body = kernel_text(text[tag.end() :] if tag else text)
    return Record(
        body.strip(),
        host=tag["host"] if tag else None,
        monotonic_us=monotonic_us,
    )
