"""Lines in which a syslog daemon says only how often the message before came again.

The classic daemon writes ``last message repeated 3 times``, rsyslog ``message repeated 3 times:
[ message]``. Both stand directly behind the message, which counts for as many lines more.
"""

import re
from dataclasses import dataclass

from resetradar.blocks import Block
from resetradar.envelopes import decode

_REPEATED = re.compile(r"(?:last )?message repeated (\d{1,9}) times(?P<rest>: \[|\s*$)")
_MARK = b"message repeated "
# A daemon reports at least every minute, and no driver prints more in one.
_MAX_TIMES = 1_000_000


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often a message came again, and the last line of the block that says so."""

    times: int
    last_line: int


def repeats_behind(block: Block, line: int, text: str, host_id: str | None) -> Repeats:
    """Sum of what the lines behind a message say of it.

    Args:
        block: Lines.
        line: Line of the message, counted from 0; -1 if it was the last of the block before.
        text: The message.
        host_id: Host that such a line must name; None in a file of one host.
    """
    times, newlines = 0, block.newlines
    while line < len(newlines):
        start = int(newlines[line]) + 1 if line >= 0 else 0
        # A message is at most some hundred bytes; what is longer is none of these.
        end = block.data.find(b"\n", start)
        raw = block.data[start : end if end >= 0 else len(block.data)]
        if _MARK not in raw:
            break
        said = decode(raw)
        match = _REPEATED.search(said)
        is_of_text = match is not None and (match["rest"] != ": [" or text in said)
        if match is None or not is_of_text or (host_id is not None and host_id not in said):
            break
        times += min(int(match[1]), _MAX_TIMES)
        line += 1
    return Repeats(times, line)


def repeated_times(text: str) -> int:
    """Lines that a line of rsyslog stands for when the message before it is not known; else 1."""
    match = _REPEATED.search(text) if "message repeated " in text else None
    return 1 if match is None else max(1, min(int(match[1]), _MAX_TIMES))
