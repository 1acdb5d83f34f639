"""OpenWrt's ``logread``: ``Fri Nov 20 12:00:01 2026 kern.crit kernel: [ 1234.567890] message``."""

import re

from resetradar.clock import RECEIVED_S, Stamp
from resetradar.envelopes._contract import FixedTimes, Record
from resetradar.envelopes._stamps import MONTHS, stamp_of
from resetradar.envelopes._syslog import TAG, kernel_text, program_of

NAME = "logread"
PRIORITY = 25
TIMES = FixedTimes(year=20, month=4, is_month_named=True, day=8, hour=11)
KERNEL_MARK = (b" kernel:",)

_LINE = re.compile(
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<year>\d{4}) "
    r"(?:\[(?P<epoch>\d{9,11}\.\d{3})\] )?"
    r"[a-z]\w+\.[a-z]+ " + TAG + "(?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "Fri Nov 20 12:00:01 2026 kern.crit kernel: [ 1234.567890] mtk_soc_eth 1.ethernet eth0: x",
        {
            "stamp": Stamp(2026, 11, 20, 12, 0, 1),
            "monotonic_us": 1234567890,
            "text": "mtk_soc_eth 1.ethernet eth0: x",
            "host": None,
        },
    ),
    ("Fri Nov 20 12:00:01 2026 daemon.notice netifd: x", {"program": "netifd"}),
    (
        "Fri Nov 20 12:00:01 2026 [1795176001.250] kern.info kernel: [    5.000000] x",
        {"at_us": 1795176001250000, "monotonic_us": 5_000_000},
    ),
)
NOT_SAMPLES = ("Nov 20 12:00:01 h kernel: x", "[Fri Nov 20 12:00:01 2026] x")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    if match is None or match["month"] not in MONTHS:
        return None
    monotonic_us, text = kernel_text(match["text"])
    epoch = match["epoch"]
    return Record(
        text,
        stamp=stamp_of(match),
        at_us=int(epoch.replace(".", "")) * 1000 if epoch else None,
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
        floor_s=RECEIVED_S,
    )
