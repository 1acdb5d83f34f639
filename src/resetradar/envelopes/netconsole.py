"""Netconsole as a collector stores it: ``Nov 20 12:00:01 host [ 1234.567890] message``.

The kernel sends no tag and no host; the collector may add the address it came from.
"""

import re

from resetradar.clock import RECEIVED_S, Stamp
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import BSD, ISO, stamp_of
from resetradar.envelopes._syslog import HOST, kernel_text

NAME = "netconsole"
PRIORITY = 26
TIMES = FixedTimes(year=None, month=0, is_month_named=True, day=4, hour=7)
KERNEL_MARK = None

_BEHIND = r" (?:<\d{1,3}>)?(?=\[\s*\d{1,10}\.\d{6}\])(?P<text>.*)"
# An ISO time without a host is most often a forwarder's: ``stamped`` takes it.
_LINES = [
    re.compile(BSD + "(?: " + HOST + ")?" + _BEHIND, re.DOTALL | re.ASCII),
    re.compile(ISO + " " + HOST + _BEHIND, re.DOTALL | re.ASCII),
]

SAMPLES = (
    (
        "Nov 20 12:00:01 [ 1715.463514][   C28] i40e 0000:03:00.0 eth0: x",
        {
            "stamp": Stamp(None, 11, 20, 12, 0, 1),
            "monotonic_us": 1715463514,
            "text": "i40e 0000:03:00.0 eth0: x",
            "host": None,
            "floor_s": RECEIVED_S,
        },
    ),
    ("Nov 20 12:00:01 10.20.1.17 [ 1715.463514] x", {"host": "10.20.1.17", "text": "x"}),
    ("Nov 20 12:00:01 ip-10-20-1-17 <4>[ 1715.463514] x", {"host": "ip-10-20-1-17", "text": "x"}),
)
NOT_SAMPLES = ("Nov 20 12:00:01 h kernel: [ 1715.463514] x", "Nov 20 12:00:01 x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    for pattern in _LINES:
        match = pattern.match(line)
        stamp = stamp_of(match) if match else None
        if match is not None and stamp is not None:
            monotonic_us, text = kernel_text(match["text"])
            return Record(
                text,
                host=match["host"],
                stamp=stamp,
                monotonic_us=monotonic_us,
                floor_s=RECEIVED_S,
            )
    return None
