"""``journalctl -o short-full``: ``Tue 2026-11-24 12:00:01 UTC host kernel: message``.

The zone is an abbreviation. One that names no single offset, such as CST, is taken for the zone of
the settings, and its time is claimed to a day if that zone does not use the name then.
"""

import re
from dataclasses import replace

from resetradar.clock import RECEIVED_S, Stamp, zone_offset_s
from resetradar.envelopes._contract import Record
from resetradar.envelopes._stamps import stamp_of
from resetradar.envelopes._syslog import TAG, kernel_text, program_of

NAME = "journal_full"
PRIORITY = 24
# Days of the week differ in length between languages.
TIMES = None
KERNEL_MARK = (b" kernel:",)

_LINE = re.compile(
    r"\S{1,12} (?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))? "
    r"(?P<name>[A-Z]{1,5}|[+-][\d:]{2,5}) (?:(?=kernel: )|(?P<host>\S+) )" + TAG + "(?P<text>.*)",
    re.DOTALL | re.ASCII,
)

SAMPLES = (
    (
        "Tue 2026-11-24 12:00:01 UTC ip-10-0-0-1 kernel: ena 0000:00:05.0 eth0: x",
        {
            "host": "ip-10-0-0-1",
            "stamp": Stamp(2026, 11, 24, 12, 0, 1, 0, 0),
            "text": "ena 0000:00:05.0 eth0: x",
        },
    ),
    (
        "Tue 2026-11-24 12:00:01.250000 EST h kernel: x",
        {"stamp": Stamp(2026, 11, 24, 12, 0, 1, 250000, -18000, 1e-6), "floor_s": RECEIVED_S},
    ),
    (
        "Tue 2026-11-24 12:00:01 CST h systemd[1]: x",
        {"stamp": Stamp(2026, 11, 24, 12, 0, 1, zone="CST"), "program": "systemd"},
    ),
    ("mar. 2026-11-24 12:00:01 +03 h kernel: x", {"host": "h"}),
)
NOT_SAMPLES = (
    "2026-11-24 12:00:01 h kernel: x",
    "Tue Aug 12 16:40:43 2025 kern.crit kernel: x",
    "Tue 2026-11-24 12:00:01.123456 UTC [s=1;i=2;b=3]",
)


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(line)
    stamp = stamp_of(match) if match else None
    if match is None or stamp is None:
        return None
    offset_s = zone_offset_s(match["name"])
    monotonic_us, text = kernel_text(match["text"])
    return Record(
        text,
        host=match["host"],
        stamp=replace(stamp, offset_s=offset_s, zone=match["name"] if offset_s is None else None),
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
        floor_s=RECEIVED_S,
    )
