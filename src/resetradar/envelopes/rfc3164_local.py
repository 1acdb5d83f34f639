"""The traditional syslog line with a month in another language: ``févr. 25 12:00:01 h kernel: x``.

``journalctl -o short`` prints month names in the language of who asks.
"""

import re

from resetradar.clock import RECEIVED_S, Stamp
from resetradar.envelopes._contract import Record
from resetradar.envelopes._stamps import MONTHS, stamp_of
from resetradar.envelopes._syslog import HOST, TAG, kernel_text, program_of

NAME = "rfc3164_local"
PRIORITY = 22
# Names of months differ in length, in characters and in bytes.
TIMES = None
KERNEL_MARK = (b" kernel:",)

_LINE = re.compile(
    r"(?P<month>[^\W\d_]{2,9}\.?|\d{1,2}[月월]) {1,2}(?P<day>\d{1,2}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))? "
    + HOST + " " + TAG + "(?P<text>.*)",
    re.DOTALL,
)  # fmt: skip

SAMPLES = (
    (
        "févr. 25 12:00:01 h kernel: ena 0000:00:05.0: x",
        {"stamp": Stamp(None, 2, 25, 12, 0, 1), "host": "h", "text": "ena 0000:00:05.0: x"},
    ),
    ("11月 20 12:00:01 h systemd[1]: x", {"stamp": Stamp(None, 11, 20, 12, 0, 1)}),
    ("März 05 12:00:01 h kernel: x", {"stamp": Stamp(None, 3, 5, 12, 0, 1)}),
    ("M\ufffdr 05 12:00:01 h kernel: x", {"stamp": Stamp(None, 3, 5, 12, 0, 1)}),
)
NOT_SAMPLES = ("Feb 25 12:00:01 h kernel: x", "Xyz 25 12:00:01 h kernel: x")


# A file that is not in UTF-8 has its letters beyond ASCII replaced.
_REPLACED = {"m": "\u00e4", "f": "\u00e9", "d": "\u00e9", "a": "\u00fb"}


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    match = _LINE.match(_mended(line) if "\ufffd" in line[:5] else line)
    if match is None or match["month"] in MONTHS:
        return None
    stamp = stamp_of(match)
    if stamp is None:
        return None
    monotonic_us, text = kernel_text(match["text"])
    return Record(
        text,
        host=match["host"],
        stamp=stamp,
        monotonic_us=monotonic_us,
        program=program_of(match["tag"]),
        floor_s=RECEIVED_S,
    )


def _mended(line: str) -> str:
    """The line with the letter that its month, of German or French, lacks."""
    return line.replace("\ufffd", _REPLACED.get(line[:1].lower(), ""), 1)
