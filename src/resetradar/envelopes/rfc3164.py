"""The traditional syslog line: ``Feb 25 12:00:01 host kernel: [ 1234.567890] message``.

Written by rsyslog's traditional format (imklog with the kernel clock, imjournal without), by
``journalctl -o short`` and by most appliances. Local time of receipt, one second, no year. The
kernel of ESX 3 and 4 writes its uptime as days, hours, minutes and seconds.
"""

import re

from resetradar.clock import RECEIVED_S, Stamp
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import BSD, MONTHS, stamp_of
from resetradar.envelopes._syslog import HOST, LEVEL, TAG, kernel_text, program_of
from resetradar.envelopes.vmkernel import WORLD

NAME = "rfc3164"
PRIORITY = 20
TIMES = FixedTimes(year=None, month=0, is_month_named=True, day=4, hour=7)
KERNEL_MARK = (b" kernel:", b" kernel[")

# Without a host, as of journalctl --no-hostname, only the kernel or a program with its number.
_LINE = re.compile(
    r"(?:<\d{1,3}>)?" + BSD + " " + LEVEL + r"(?:(?=kernel: |[\w.@-]+\[\d+\]: )|" + HOST + " )"
    + LEVEL + TAG + r"(?P<text>.*)",
    re.DOTALL | re.ASCII,
)  # fmt: skip
_ESX = re.compile(
    r"(?P<days>\d{1,5}):(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)\.(?P<ms>\d{3}) " + WORLD, re.ASCII
)

SAMPLES = (
    (
        "Feb 25 12:00:01 ip-10-0-0-1 kernel: [ 1234.567890] ena 0000:00:05.0 eth0: x",
        {"host": "ip-10-0-0-1", "monotonic_us": 1234567890, "text": "ena 0000:00:05.0 eth0: x"},
    ),
    (
        "Feb  5 02:00:01 node-7.example kernel: ena: Elastic Network Adapter (ENA) v1.1.2",
        {"host": "node-7.example", "monotonic_us": None},
    ),
    (
        "<3>Feb 25 12:00:01.250 h kernel:[75215.928881] NETDEV WATCHDOG: eth1 (r8152): x",
        {
            "monotonic_us": 75215928881,
            "stamp": Stamp(None, 2, 25, 12, 0, 1, 250000, None, 0.001),
            "floor_s": RECEIVED_S,
        },
    ),
    (
        "Feb 25 12:00:03 h systemd[1]: agent.service: Scheduled restart job.",
        {"program": "systemd", "text": "agent.service: Scheduled restart job."},
    ),
    ("Feb 25 12:00:03 h kernel: rcu: #01157-....: x", {"text": "rcu: \t57-....: x"}),
    ("Feb 25 12:00:03 h kernel[951]: [ 9845.730000] x", {"monotonic_us": 9845730000}),
    ("Feb 25 12:00:03 kernel: ena: x", {"host": None, "text": "ena: x", "program": None}),
    ("Feb 25 12:00:03 router kern.warn kernel: [    5.000000] x", {"host": "router", "text": "x"}),
    ("Feb 25 12:00:03 <kern.crit> h kernel: x", {"host": "h", "text": "x"}),
    ("Feb 25 2026 12:00:03 h kernel: x", {"stamp": Stamp(2026, 2, 25, 12, 0, 3)}),
    (
        "Feb 25 12:00:03 h kernel: message repeated 3 times: [ [ 1234.567890] ena: x]",
        {"text": "ena: x", "monotonic_us": 1234567890},
    ),
    (
        "Nov 20 12:00:01 esx-7 vmkernel: 15:07:33:10.284 cpu2:4245)x",
        {"text": "x", "monotonic_us": 1323190284000, "program": None},
    ),
)
NOT_SAMPLES = (
    "2026-11-20T12:00:01+00:00 h kernel: x",
    "[ 1234.567890] ena 0000:00:05.0 eth0: x",
    "Sep 27 06:28:58 [ 1715.463514][   C28] x",
    "Tue Aug 12 16:40:43 2025 kern.crit kernel: x",
    "Xyz 25 12:00:01 h kernel: x",
    "Feb 25 12:00:01 ena 0000:00:05.0 eth0: x",
    "Feb 25 12:00:01 NETDEV WATCHDOG: eth0 (i40e): x",
    "Feb 25 12:00:01 h last message repeated 2 times",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None or match["month"] not in MONTHS:
        return None
    monotonic_us, text = kernel_text(match["text"])
    program = program_of(match["tag"])
    if program == "vmkernel":
        monotonic_us, text, program = *_of_esx(text), None
    return Record(
        text,
        host=match["host"],
        stamp=stamp_of(match),
        monotonic_us=monotonic_us,
        program=program,
        floor_s=RECEIVED_S,
    )


def _of_esx(text: str) -> tuple[int | None, str]:
    """Uptime in microseconds and message of what the kernel of ESX writes."""
    match = _ESX.match(text)
    if match is None:
        return None, text
    hours = int(match["days"]) * 24 + int(match["h"])
    seconds = (hours * 60 + int(match["m"])) * 60 + int(match["s"])
    return (seconds * 1000 + int(match["ms"])) * 1000, text[match.end() :]
