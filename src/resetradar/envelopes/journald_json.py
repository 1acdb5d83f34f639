"""One JSON object per line, as ``journalctl -o json`` writes the journal's fields.

All values are strings in any order; MESSAGE is an array of byte values when it is not printable
and null when it is long. The kernel's moment is the receipt minus the delay that the two monotonic
clocks show. Fluent Bit, Vector and journalbeat forward the same fields, some renamed.
"""

import re
from typing import Any

from resetradar.clock import RECEIVED_S, SAME_HOST_S
from resetradar.envelopes._contract import FoundTimes, Record
from resetradar.envelopes._json import load, number_at, text_at, time_at

NAME = "journald_json"
PRIORITY = 5
TIMES = FoundTimes(
    re.compile(rb'"__REALTIME_TIMESTAMP"\s*:\s*"(\d{14,17})"'),
    is_uptime=False,
    per_second=1_000_000,
    behind=b'"__REALTIME_TIMESTAMP"',
)
KERNEL_MARK = (b'"_TRANSPORT":"kernel"', b'"_TRANSPORT" : "kernel"', b'"_TRANSPORT": "kernel"')

# A forwarder that renames MESSAGE keeps at least one of these.
_JOURNAL_FIELDS = ("_TRANSPORT", "_SOURCE_MONOTONIC_TIMESTAMP", "__REALTIME_TIMESTAMP", "journald")

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
            "floor_s": SAME_HOST_S,
        },
    ),
    (
        '{"__REALTIME_TIMESTAMP":"1795176001123456","MESSAGE":[101,110,97]}',
        {"text": "ena", "program": "?", "floor_s": RECEIVED_S},
    ),
    ('{"__REALTIME_TIMESTAMP":"1795176001123456","MESSAGE":null}', {"text": ""}),
    (
        '{"__REALTIME_TIMESTAMP":"1795176001123456","MESSAGE":["a","b"],"_TRANSPORT":"kernel"}',
        {"text": "b"},
    ),
    (
        (
            '[1795176001.5, {"MESSAGE":"ena: x","__REALTIME_TIMESTAMP":"1795176001123456",'
            '"_TRANSPORT":"kernel","_HOSTNAME":"h"}]'
        ),
        {"at_us": 1795176001123456, "text": "ena: x", "host": "h", "program": None},
    ),
    (
        (
            '{"message":"ena: x","_TRANSPORT":"kernel","host":"h","source_type":"journald",'
            '"_SOURCE_MONOTONIC_TIMESTAMP":"1234567890","__REALTIME_TIMESTAMP":"1795176001123456",'
            '"timestamp":"2026-11-20T12:00:01.123456Z"}'
        ),
        {"text": "ena: x", "host": "h", "monotonic_us": 1234567890, "program": None},
    ),
)
NOT_SAMPLES = ('{"dmesg":[{"pri":3,"time":1.5,"msg":"x"}]}', '{"MESSAGE": 1', "[1, 2]", "{}")


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    entry = load(line)
    if entry is None:
        return None
    if "MESSAGE" in entry:
        message = entry["MESSAGE"]
    elif "message" in entry and any(name in entry for name in _JOURNAL_FIELDS):
        message = entry["message"]
    else:
        return None
    monotonic = number_at(entry, "__MONOTONIC_TIMESTAMP")
    source = number_at(entry, "_SOURCE_MONOTONIC_TIMESTAMP")
    is_known = monotonic is not None and source is not None
    received, stamp = _received(entry)
    if received is not None and monotonic is not None and source is not None:
        received -= max(0, monotonic - source)
    return Record(
        _text(message),
        host=text_at(entry, "_HOSTNAME", "host.hostname", "host.name", "host", "hostname"),
        at_us=received,
        stamp=stamp,
        monotonic_us=source,
        boot_id=text_at(entry, "_BOOT_ID", "journald.host.boot_id"),
        program=_program(entry),
        floor_s=SAME_HOST_S if is_known and received is not None else RECEIVED_S,
    )


def _received(entry: dict[str, Any]) -> tuple[int | None, Any]:
    received = number_at(entry, "__REALTIME_TIMESTAMP")
    if received is not None:
        return received, None
    return time_at(entry, "timestamp", "@timestamp", "date")


def _program(entry: dict[str, Any]) -> str | None:
    name = text_at(entry, "SYSLOG_IDENTIFIER", "syslog.identifier", "_COMM", "process.name") or "?"
    transport = text_at(entry, "_TRANSPORT", "systemd.transport")
    is_kernel = transport == "kernel" if transport else name == "kernel"
    return None if is_kernel else name


def _text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return str(value[-1])
    if isinstance(value, list):
        return bytes(b for b in value if isinstance(b, int) and 0 <= b < 256).decode(
            "utf-8", "replace"
        )
    return value if isinstance(value, str) else ""
