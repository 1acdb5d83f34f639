"""Any other JSON object with a line in it, as forwarders and log stores write them.

Docker's json-file, Vector, Filebeat, Fluentd, Cloud Logging, Splunk, Elasticsearch, GELF, Datadog
and more. Their time is when the line was read, unless the line states its own.
"""

from resetradar.clock import FORWARDED_S, Stamp
from resetradar.envelopes._contract import Record
from resetradar.envelopes._json import load, text_at, time_at

NAME = "forwarded_json"
PRIORITY = 910
# What is inside may have a better time.
TIMES = None
KERNEL_MARK = None

_TEXT = (
    "message", "msg", "log", "_raw", "line", "textPayload", "jsonPayload.MESSAGE",
    "jsonPayload.message", "short_message", "SyslogMessage", "attributes.message",
    "event.original", "content", "body", "text",
)  # fmt: skip
_HOST = (
    "host.hostname", "host.name", "host", "hostname", "Computer", "HostName", "_hostname",
    "jsonPayload._HOSTNAME", "labels.hostname", "labels.host", "labels.instance",
    "resource.labels.instance_id", "agent.hostname", "kubernetes.host",
)  # fmt: skip
_TIME = (
    "time", "timestamp", "@timestamp", "ts", "TimeGenerated", "EventTime", "_time", "date",
)  # fmt: skip
_PROGRAM = (
    "appname", "ProcessName", "program", "syslog.identifier", "SYSLOG_IDENTIFIER", "ident",
    "jsonPayload.SYSLOG_IDENTIFIER", "process.name",
)  # fmt: skip

SAMPLES = (
    (
        '{"log":"[ 1234.567890] ena: x\\n","stream":"stdout","time":"2026-11-20T12:00:01.5Z"}',
        {
            "text": "[ 1234.567890] ena: x",
            "stamp": Stamp(2026, 11, 20, 12, 0, 1, 500000, 0, 0.1),
            "floor_s": FORWARDED_S,
            "is_nested": True,
        },
    ),
    (
        (
            '{"file":"/var/log/kern.log","host":"ip-10-0-0-1","source_type":"file",'
            '"message":"Nov 20 12:00:01 h kernel: x","timestamp":"2026-11-20T12:00:05Z"}'
        ),
        {"host": "ip-10-0-0-1", "text": "Nov 20 12:00:01 h kernel: x"},
    ),
    (
        '{"appname":"kernel","hostname":"h","message":"ena: x","timestamp":1795176001}',
        {"program": None, "host": "h", "at_us": 1795176001000000},
    ),
    (
        '{"@timestamp":"2026-11-20T12:00:01.000Z","host":{"name":"h"},"message":"x"}',
        {"host": "h"},
    ),
    (
        '{"textPayload":"x","resource":{"labels":{"instance_id":"42"}},"timestamp":"…"}',
        {"host": "42", "text": "x", "at_us": None, "stamp": None},
    ),
    ('{"message":"x","appname":"sshd"}', {"program": "sshd"}),
)
NOT_SAMPLES = ('{"level":"info"}', '{"message":1}', "[]", '"message"')


def parse(line: str) -> Record | None:
    """The line inside; None when there is none."""
    entry = load(line)
    text = text_at(entry, *_TEXT) if entry else None
    if entry is None or text is None:
        return None
    at_us, stamp = time_at(entry, *_TIME)
    program = text_at(entry, *_PROGRAM)
    return Record(
        text.rstrip("\r\n"),
        host=text_at(entry, *_HOST),
        at_us=at_us,
        stamp=stamp,
        program=None if program == "kernel" else program,
        floor_s=FORWARDED_S,
        is_nested=True,
    )
