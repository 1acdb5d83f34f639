"""One JSON object per line, as ``journalctl -o json`` writes the journal's fields.

All values are strings in any order; MESSAGE is an array of byte values when it is not printable
and null when it is long. The kernel's moment is the receipt minus the delay that the two monotonic
clocks show. Fluent Bit, Vector and journalbeat forward the same fields, some renamed.
"""

import re
from typing import Any

import orjson

from resetradar.envelopes import FoundTimes, Record

NAME = "journald_json"
PRIORITY = 5
TIMES = FoundTimes(
    re.compile(rb'(?m)^[^\n]*?"__REALTIME_TIMESTAMP"\s*:\s*"(\d{14,17})"'),
    is_uptime=False,
    per_second=1_000_000,
)
KERNEL_MARK = (b'"_TRANSPORT":"kernel"', b'"_TRANSPORT" : "kernel"', b'"_TRANSPORT": "kernel"')

_KERNEL_LINE = (
    '{"__REALTIME_TIMESTAMP":"1795176001123456","__MONOTONIC_TIMESTAMP":"1234600000",'
    '"_SOURCE_MONOTONIC_TIMESTAMP":"1234567890","_BOOT_ID":"0123456789abcdef0123456789abcdef",'
    '"_HOSTNAME":"ip-10-0-0-1","_TRANSPORT":"kernel","MESSAGE":"ena 0000:00:05.0 eth0: x"}'
)
SAMPLES = (
    (
        _KERNEL_LINE,
        {
            "host": "ip-10-0-0-1",
            "at_us": 1795176001123456 - 32110,
            "monotonic_us": 1234567890,
            "boot_id": "0123456789abcdef0123456789abcdef",
            "text": "ena 0000:00:05.0 eth0: x",
            "program": None,
        },
    ),
    ('{"__REALTIME_TIMESTAMP":"1","MESSAGE":[101,110,97]}', {"text": "ena", "program": "?"}),
    ('{"__REALTIME_TIMESTAMP":"1","MESSAGE":null}', {"text": ""}),
)
NOT_SAMPLES = ('{"dmesg":[{"pri":3,"time":1.5,"msg":"x"}]}', '{"MESSAGE": 1', "[1, 2]", "{}")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(entry, dict) or "MESSAGE" not in entry:
        return None
    received = _number(entry.get("__REALTIME_TIMESTAMP"))
    monotonic = _number(entry.get("__MONOTONIC_TIMESTAMP"))
    source = _number(entry.get("_SOURCE_MONOTONIC_TIMESTAMP"))
    delay = max(0, monotonic - source) if monotonic is not None and source is not None else 0
    return Record(
        _text(entry["MESSAGE"]),
        host=_string(entry.get("_HOSTNAME")),
        at_us=None if received is None else received - delay,
        monotonic_us=source,
        boot_id=_string(entry.get("_BOOT_ID")),
        program=_program(entry),
    )


def _program(entry: dict[str, Any]) -> str | None:
    if entry.get("_TRANSPORT") == "kernel":
        return None
    return _string(entry.get("SYSLOG_IDENTIFIER")) or _string(entry.get("_COMM")) or "?"


def _text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return str(value[-1])
    if isinstance(value, list):
        return bytes(b for b in value if isinstance(b, int) and 0 <= b < 256).decode(
            "utf-8", "replace"
        )
    return value if isinstance(value, str) else ""


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    digits = str(value) if isinstance(value, str | int) else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
