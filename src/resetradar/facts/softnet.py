"""``/proc/net/softnet_stat``: packets that a CPU dropped, and polls that it had to break off.

Facts: ``softnet_dropped{cpu}`` and ``softnet_squeezed{cpu}`` since boot, of CPUs that have any. The
file is a line per CPU of hexadecimal columns; newer kernels write the CPU in the thirteenth.
"""

from collections.abc import Sequence
from typing import Final

from resetradar.facts._contract import Fact, ParsedFacts, Problem, Section, rejects

NAME: Final = "/proc/net/softnet_stat"

_COLUMNS = {"softnet_dropped": 1, "softnet_squeezed": 2}
_CPU_COLUMN = 12


def recognise(name: str) -> bool:
    """Whether a section is the file."""
    return name == NAME


def read(sections: Sequence[Section]) -> ParsedFacts:
    """Counters of every CPU and snapshot that are not zero."""
    parsed = ParsedFacts()
    for section in sections:
        if not recognise(section.name):
            continue
        problems = []
        for offset, line in enumerate(section.lines(), 1):
            try:
                cells = [int(cell, 16) for cell in line.split()]
            except ValueError:
                cells = []
            if len(cells) < max(_COLUMNS.values()) + 1:
                reason = "CPU: expected columns of hexadecimal numbers, found others; left out"
                problems.append(Problem(offset, reason, line))
                continue
            # Without the column, lines are CPUs in order; with CPUs offline the order has gaps.
            cpu = cells[_CPU_COLUMN] if len(cells) > _CPU_COLUMN else offset - 1
            parsed.facts.extend(
                Fact(section.at_us, fact, str(cpu), cells[column])
                for fact, column in _COLUMNS.items()
                if cells[column]
            )
        parsed.rejects.extend(rejects(section, problems))
    return parsed
