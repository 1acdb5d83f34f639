"""CloudWatch Logs: ``{"timestamp": 1795176001000, "message": "line", "logStreamName": "…"}``.

Events of the API, of a subscription and of Insights. The time is what the agent parsed or when the
event arrived; the stream is most often named after the instance.
"""

from resetradar.clock import FORWARDED_S, Stamp
from resetradar.envelopes._contract import Record
from resetradar.envelopes._json import load, text_at, time_at

NAME = "cloudwatch"
PRIORITY = 6
# What is inside may have a better time.
TIMES = None
KERNEL_MARK = None

_EVENT_FIELDS = ("eventId", "ingestionTime", "logStreamName", "logStream")

SAMPLES = (
    (
        (
            '{"logStreamName":"i-0abc","timestamp":1795176001000,"ingestionTime":1795176006000,'
            '"eventId":"38","message":"Nov 20 12:00:01 ip-10-0-0-1 kernel: ena 0000:00:05.0: x"}'
        ),
        {
            "text": "Nov 20 12:00:01 ip-10-0-0-1 kernel: ena 0000:00:05.0: x",
            "host": "i-0abc",
            "at_us": 1795176001000000,
            "is_nested": True,
            "floor_s": FORWARDED_S,
        },
    ),
    (
        '{"@timestamp":"2026-11-20 12:00:01.000","@message":"ena: x","@logStream":"i-0abc"}',
        {"text": "ena: x", "host": "i-0abc", "stamp": Stamp(2026, 11, 20, 12, 0, 1, 0, None, 1e-3)},
    ),
)
NOT_SAMPLES = ('{"timestamp":1795176001000,"message":"x"}', '{"@timestamp":"x","message":"x"}')


def parse(line: str) -> Record | None:
    """The line inside; None when it has another form."""
    entry = load(line)
    if entry is None:
        return None
    text = text_at(entry, "@message")
    if text is None and any(name in entry for name in _EVENT_FIELDS):
        text = text_at(entry, "message")
    if text is None:
        return None
    at_us, stamp = time_at(entry, "timestamp", "@timestamp")
    return Record(
        text.rstrip("\r\n"),
        host=text_at(entry, "logStreamName", "logStream", "@logStream"),
        at_us=at_us,
        stamp=stamp,
        floor_s=FORWARDED_S,
        is_nested=True,
    )
