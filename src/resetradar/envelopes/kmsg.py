r"""A record of /dev/kmsg: ``3,1814,1234567890,-;message``, microseconds since boot.

Lines that begin with a blank continue a record and name its device. Bytes that do not print are
written as ``\x0a``. The extended netconsole sends the same, behind the kernel release if asked to.
"""

import re

from resetradar.envelopes._contract import FoundTimes, Record

NAME = "kmsg"
PRIORITY = 12
TIMES = FoundTimes(
    re.compile(rb"(?m)^(?:[\w.+-]+,)?\d{1,4},\d+,(\d{1,17}),[^;\n]*;"),
    is_uptime=True,
    per_second=1_000_000,
)
KERNEL_MARK = None

_LINE = re.compile(
    r"(?:[\w.+-]+,)?\d{1,4},\d{1,20},(?P<uptime>\d{1,17}),[-c+](?:,[^;]*)?;(?P<text>.*)",
    re.DOTALL | re.ASCII,
)
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")

SAMPLES = (
    (
        "3,1814,1234567890,-;ena 0000:00:05.0 eth0: Trigger reset is on",
        {"monotonic_us": 1234567890, "text": "ena 0000:00:05.0 eth0: Trigger reset is on"},
    ),
    ("3,1814,1234567890,-,caller=T123;x", {"text": "x"}),
    ("6.1.0-13,6,9,52,-;x", {"monotonic_us": 52}),
    (r"3,7,9,-;rcu: \x0957-....: x \xc3\xa9", {"text": "rcu: \t57-....: x é"}),
)
NOT_SAMPLES = (" SUBSYSTEM=pci", "1,2,3;x", "3,1814,-;x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None:
        return None
    text = _ESCAPED.sub(_unescaped, match["text"]) if "\\x" in match["text"] else match["text"]
    return Record(text, monotonic_us=int(match["uptime"]))


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("\\x", "")).decode("utf-8", "replace")
