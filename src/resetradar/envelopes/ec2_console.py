r"""``aws ec2 get-console-output``: ``{"InstanceId": "i-…", "Output": "line\r\nline"}``.

The last 64 KiB of the serial console: time since boot only, colours, and other writers in between.
The reader of files makes one object of each line.
"""

from resetradar.envelopes._contract import EveryLine, Record
from resetradar.envelopes._json import load

NAME = "ec2_console"
PRIORITY = 7
TIMES = EveryLine()
KERNEL_MARK = None

SAMPLES = (
    (
        '{"InstanceId":"i-0abc","Output":"[ 1234.567890] ena 0000:00:05.0 eth0: x"}',
        {
            "host": "i-0abc",
            "text": "[ 1234.567890] ena 0000:00:05.0 eth0: x",
            "is_nested": True,
        },
    ),
)
NOT_SAMPLES = ('{"InstanceId":"i-0abc"}', '{"Output":"x"}')


def parse(line: str) -> Record | None:
    """The console line; None when it has another form."""
    entry = load(line)
    if entry is None:
        return None
    host, text = entry.get("InstanceId"), entry.get("Output")
    if not isinstance(host, str) or not isinstance(text, str):
        return None
    return Record(text, host=host, is_nested=True)
