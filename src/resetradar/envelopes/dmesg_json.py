"""A record of ``dmesg -J``: ``{"pri": 3, "time": 1234.567890, "msg": "message"}``.

The tool writes one document over many lines; the reader of files makes one line of each record.
"""

import re

from resetradar.envelopes._contract import FoundTimes, Record
from resetradar.envelopes._json import load

NAME = "dmesg_json"
PRIORITY = 2
TIMES = FoundTimes(
    re.compile(rb'(?m)^[^\n]*?"time"\s*:\s*(\d{1,10}(?:\.\d{1,9})?)'), is_uptime=True, per_second=1
)
KERNEL_MARK = None

SAMPLES = (
    (
        '{"pri": 3, "time": 1234.56789, "msg": "ena 0000:00:05.0 eth0: Trigger reset is on"}',
        {"monotonic_us": 1234567890, "text": "ena 0000:00:05.0 eth0: Trigger reset is on"},
    ),
    (
        '{"fac":"kern","pri":"err","time":0.000001,"caller":"T123","msg":"x"}',
        {"monotonic_us": 1, "text": "x"},
    ),
)
NOT_SAMPLES = ('{"msg":"x","time":"2026-11-20T12:00:01Z"}', '{"time":1.5}', "{", "[1]")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    entry = load(line)
    if entry is None or "pri" not in entry:
        return None
    text, time_s = entry.get("msg"), entry.get("time")
    if not isinstance(text, str) or not isinstance(time_s, int | float) or not 0 <= time_s < 1e10:
        return None
    return Record(text, monotonic_us=round(time_s * 1_000_000))
