"""The traditional syslog line: ``Feb 25 12:00:01 host kernel: [ 1234.567890] message``.

Written by rsyslog's traditional format (imklog with the kernel clock, imjournal without), by
``journalctl -o short`` and by most appliances. Local time of receipt, one second, no year.
"""

import re

from resetradar.clock import Stamp
from resetradar.envelopes import (
    MONTHS,
    FixedTimes,
    Record,
    program_of,
    split_uptime,
    unescape_rsyslog,
)

NAME = "rfc3164"
PRIORITY = 20
TIMES = FixedTimes(year=None, month=0, is_month_named=True, day=4, hour=7)
KERNEL_MARK = (b" kernel:",)

_LINE = re.compile(
    r"(?:<\d{1,3}>)?(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))? "
    r"(?P<host>[^\s\[]\S*) (?P<tag>[\w./@-]+?)(?:\[\d+\])?: ?(?P<text>.*)",
    re.DOTALL,
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
        {"monotonic_us": 75215928881, "stamp": Stamp(None, 2, 25, 12, 0, 1, 250000, None, 0.001)},
    ),
    (
        "Feb 25 12:00:03 h systemd[1]: agent.service: Scheduled restart job.",
        {"program": "systemd", "text": "agent.service: Scheduled restart job."},
    ),
    ("Feb 25 12:00:03 h kernel: rcu: #01157-....: x", {"text": "rcu: \t57-....: x"}),
)
NOT_SAMPLES = (
    "2026-11-20T12:00:01+00:00 h kernel: x",
    "[ 1234.567890] ena 0000:00:05.0 eth0: x",
    "Sep 27 06:28:58 [ 1715.463514][   C28] x",
    "Tue Aug 12 16:40:43 2025 kern.crit kernel: x",
    "Xyz 25 12:00:01 h kernel: x",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None or match["month"] not in MONTHS:
        return None
    fraction = match["fraction"] or ""
    stamp = Stamp(
        None,
        MONTHS[match["month"]],
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        int(match["second"]),
        int(fraction[:6].ljust(6, "0")),
        None,
        10.0 ** -len(fraction),
    )
    monotonic_us, text = split_uptime(match["text"])
    return Record(
        unescape_rsyslog(text),
        host=match["host"],
        stamp=stamp,
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
    )
