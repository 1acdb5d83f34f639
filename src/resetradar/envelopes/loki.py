"""A stream of Loki: ``{"stream": {"host": "h"}, "values": [["1795176001000000000", "line"]]}``.

Labels are whatever the shipper set. The reader of files makes one object of each value.
"""

from typing import Any

from resetradar.clock import FORWARDED_S, RECEIVED_S
from resetradar.envelopes._contract import Record
from resetradar.envelopes._json import epoch_us, load, text_at

NAME = "loki"
PRIORITY = 8
TIMES = None
KERNEL_MARK = None

_HOST_LABELS = ("hostname", "host", "nodename", "node_name", "node", "instance")

SAMPLES = (
    (
        (
            '{"stream":{"job":"systemd-journal","hostname":"ip-10-0-0-1","transport":"kernel"},'
            '"values":[["1795176001123456000","ena 0000:00:05.0 eth0: x"]]}'
        ),
        {
            "host": "ip-10-0-0-1",
            "at_us": 1795176001123456,
            "text": "ena 0000:00:05.0 eth0: x",
            "program": None,
            "floor_s": RECEIVED_S,
        },
    ),
    (
        '{"stream":{"transport":"syslog"},"values":[["1795176001123456000","x"]]}',
        {"program": "?"},
    ),
    (
        '{"stream":{"filename":"/var/log/kern.log"},"values":[["1795176001123456000","x"]]}',
        {"floor_s": FORWARDED_S, "program": None},
    ),
)
NOT_SAMPLES = ('{"stream":"stdout","log":"x"}', '{"stream":{},"values":[]}')


def parse(line: str) -> Record | None:
    """The line inside; None when it has another form."""
    entry = load(line)
    labels, values = (entry.get("stream"), entry.get("values")) if entry else (None, None)
    if not isinstance(labels, dict) or not isinstance(values, list) or not values:
        return None
    value = values[0]
    if not isinstance(value, list) or len(value) < 2 or not isinstance(value[1], str):
        return None
    transport = _transport(labels)
    return Record(
        value[1],
        host=text_at(labels, *_HOST_LABELS),
        at_us=epoch_us(int(value[0])) if str(value[0]).isdecimal() else None,
        program="?" if transport not in (None, "kernel") else None,
        # The journal's shipper passes on when the journal received the line.
        floor_s=RECEIVED_S if transport else FORWARDED_S,
        is_nested=True,
    )


def _transport(labels: dict[str, Any]) -> str | None:
    return text_at(labels, "transport", "__journal__transport")
