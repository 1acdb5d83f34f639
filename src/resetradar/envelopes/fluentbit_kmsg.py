"""Fluent Bit's kernel input: ``{"priority": 3, "sec": 11706, "usec": 732233, "msg": "message"}``.

``sec`` and ``usec`` are time since boot; the time of the record is the boot time plus that.
"""

from resetradar.clock import DERIVED_S
from resetradar.envelopes._contract import EveryLine, Record
from resetradar.envelopes._json import load, number_at, text_at, time_at

NAME = "fluentbit_kmsg"
PRIORITY = 3
# The time of the record may be missing, and the uptime is in two numbers.
TIMES = EveryLine()
KERNEL_MARK = None

SAMPLES = (
    (
        '{"priority":3,"sequence":1814,"sec":11706,"usec":732233,"msg":"ena 0000:00:05.0: x"}',
        {"monotonic_us": 11706732233, "text": "ena 0000:00:05.0: x", "at_us": None},
    ),
    (
        '{"date":1795176001.25,"priority":3,"sequence":1,"sec":1,"usec":2,"msg":"x"}',
        {"monotonic_us": 1_000_002, "at_us": 1795176001250000, "floor_s": DERIVED_S},
    ),
    (
        '[[1795176001.25, {}], {"priority":3,"sequence":1,"sec":1,"usec":2,"msg":"x"}]',
        {"at_us": 1795176001250000},
    ),
)
NOT_SAMPLES = ('{"msg":"x","sec":1}', '{"pri":3,"time":1.5,"msg":"x"}')


def parse(line: str) -> Record | None:
    """The line without its envelope; None when it has another form."""
    entry = load(line)
    if entry is None or not isinstance(entry.get("msg"), str):
        return None
    seconds, micros = number_at(entry, "sec"), number_at(entry, "usec")
    if seconds is None or micros is None or seconds >= 10**10:
        return None
    at_us, stamp = time_at(entry, "date", "@timestamp", "timestamp")
    return Record(
        entry["msg"],
        host=text_at(entry, "hostname", "host", "node"),
        at_us=at_us,
        stamp=stamp,
        monotonic_us=seconds * 1_000_000 + micros,
        floor_s=DERIVED_S,
    )
