"""``ethtool -S <interface>``: the driver's counters of the device, without those of its queues.

Facts: ``ethtool{eth0 total_resets}`` and so on, as the driver names them.
"""

import re
from collections.abc import Sequence
from typing import Final

from resetradar.facts._contract import Fact, ParsedFacts, Problem, Section, rejects

NAME: Final = "ethtool -S <interface>"

_COMMAND = re.compile(r"(?:\S*/)?ethtool (?:-S|--statistics) ([A-Za-z0-9_.@-]{1,15})")
_COUNTER = re.compile(r"\s*([A-Za-z][\w .:\[\]-]{0,79}?):\s*(\d{1,20})\s*")
# "queue_5_tx_cnt", "rx5_packets", "tx_queue_5_bytes": thousands of rows that nobody asks for.
_OF_A_QUEUE = re.compile(r"queue_?\d|(?:^|_)(?:rx|tx|ch|ring)[-_]?\d|\[\d+\]")


def recognise(name: str) -> bool:
    """Whether a section is the output of the command."""
    return _COMMAND.fullmatch(name) is not None


def read(sections: Sequence[Section]) -> ParsedFacts:
    """Device counters of every snapshot."""
    parsed = ParsedFacts()
    for section in sections:
        command = _COMMAND.fullmatch(section.name)
        if command is None:
            continue
        found = 0
        for line in section.lines():
            counter = _COUNTER.fullmatch(line)
            if counter is None:
                continue
            found += 1
            if not _OF_A_QUEUE.search(counter[1]):
                subject = f"{command[1]} {counter[1]}"
                parsed.facts.append(Fact(section.at_us, "ethtool", subject, int(counter[2])))
        if not found:
            reason = "counters: expected lines 'name: number', found none; left out"
            sample = section.text.partition("\n")[0]
            parsed.rejects.extend(rejects(section, [Problem(0, reason, sample)]))
    return parsed
