"""What syslog daemons do to a kernel message, undone."""

import re

# A host is no device: drivers print a bus address where a tag would stand. A name ends no tag.
HOST = r"(?!NETDEV )(?P<host>[^\s\[<>({'\x22]\S*)(?<!:)"
TAG = r"(?P<tag>(?![0-9a-f]{4}:)[\w./@()+-]+?)(?:\[[\d.\s]+\])?: ?"
KERNEL_TAG = r"kernel(?:\[\d+\])?: ?"
# Busybox and some appliances print facility and level between host and tag.
LEVEL = r"(?:<?(?:kern|user|daemon|syslog|auth|authpriv|cron|local\d)\.\w{3,7}>? )?"

_ESCAPED_CONTROL = re.compile(r"#(0[0-3][0-7]|177)")
_UPTIME = re.compile(r"\[\s*(\d{1,10})\.(\d{6})\](?: ?\[\s*[TC]\d+\])? ?", re.ASCII)
_REPEATED = re.compile(r"\s*message repeated \d{1,9} times: \[ ?(.*?)\]?\s*$", re.DOTALL)


def program_of(tag: str) -> str | None:
    """Program that a syslog tag names; None for the kernel's tag."""
    return None if tag == "kernel" else tag


def unescape_rsyslog(text: str) -> str:
    """Control characters that rsyslog wrote as ``#`` and three octal digits."""
    if "#" not in text:
        return text
    return _ESCAPED_CONTROL.sub(lambda match: chr(int(match[1], 8)), text)


def split_uptime(text: str) -> tuple[int | None, str]:
    """Kernel clock at the start of a message, in microseconds, and the rest."""
    match = _UPTIME.match(text) if text.startswith("[") else None
    if match is None:
        return None, text
    return int(match[1] + match[2]), text[match.end() :]


def kernel_text(text: str) -> tuple[int | None, str]:
    """Kernel clock and message of what stands behind a syslog tag.

    A record that rsyslog reports as repeated is the record; `repeats.py` counts how often.
    """
    repeated = _REPEATED.match(text) if "message repeated" in text else None
    if repeated is not None:
        text = repeated[1]
    monotonic_us, text = split_uptime(text.lstrip(" ") if text.startswith(" [") else text)
    return monotonic_us, unescape_rsyslog(text)
