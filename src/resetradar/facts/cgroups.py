"""``/proc/cgroups`` and ``/sys/fs/cgroup/cgroup.stat``: how many memory cgroups the kernel holds.

Facts: ``memory_cgroups``, all that the kernel counts, the deleted ones that memory still refers to
included, and ``dying_memory_cgroups``, only these. A walk over them takes time in proportion.
"""

from collections.abc import Sequence
from typing import Final

from resetradar.facts._contract import Fact, ParsedFacts, Problem, Section, rejects

NAME: Final = "/proc/cgroups"

_STAT: Final = "/sys/fs/cgroup/cgroup.stat"
# The count of this controller alone, where the kernel has it, says more than that of all.
_DYING = ("nr_dying_subsys_memory", "nr_dying_descendants")


def recognise(name: str) -> bool:
    """Whether a section is one of the files."""
    return name in {NAME, _STAT}


def read(sections: Sequence[Section]) -> ParsedFacts:
    """Counts of every snapshot."""
    parsed = ParsedFacts()
    for section in sections:
        if not recognise(section.name):
            continue
        is_list = section.name == NAME
        fact = "memory_cgroups" if is_list else "dying_memory_cgroups"
        count = _of_list(section) if is_list else _of_stat(section)
        if count is None:
            reason = f"{fact}: expected a number, found none; left out"
            sample = section.text.partition("\n")[0]
            parsed.rejects.extend(rejects(section, [Problem(0, reason, sample)]))
        else:
            parsed.facts.append(Fact(section.at_us, fact, "", count))
    return parsed


def _of_list(section: Section) -> int | None:
    """Third column of the line ``memory``: hierarchy, number of cgroups, enabled."""
    for line in section.lines():
        cells = line.split()
        if len(cells) == 4 and cells[0] == "memory" and cells[2].isdecimal():
            return int(cells[2])
    return None


def _of_stat(section: Section) -> int | None:
    pairs = [line.split() for line in section.lines()]
    values = {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdecimal()}
    return next((values[name] for name in _DYING if name in values), None)
