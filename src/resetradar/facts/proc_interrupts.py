"""``/proc/interrupts``: the CPU that served each network interrupt since the snapshot before.

Facts: ``irq_cpu{eth0-Tx-Rx-5}``, the CPU with the most interrupts of that name between two
snapshots. The counters run since boot, so one snapshot alone says where a queue was, not where it
is; after a reboot the first snapshot only starts anew.
"""

import re
from collections.abc import Sequence
from typing import Final

from resetradar.facts._contract import Fact, ParsedFacts, Problem, Section, rejects

NAME: Final = "/proc/interrupts"

# Queues and management vectors of network devices; timers, disks and the like are not asked for.
_NETWORK = re.compile(r"tx|rx|mgmnt|@pci:|input|output", re.IGNORECASE)
_CPU = re.compile(r"CPU(\d+)")

Counts = dict[str, dict[int, int]]


def recognise(name: str) -> bool:
    """Whether a section is the file."""
    return name == NAME


def read(sections: Sequence[Section]) -> ParsedFacts:
    """Where each interrupt was served between consecutive snapshots, at the later one."""
    parsed = ParsedFacts()
    before: Counts = {}
    for section in sections:
        if not recognise(section.name):
            continue
        counts, _, problems = vectors(section)
        parsed.rejects.extend(rejects(section, problems))
        for name, of_cpu in counts.items():
            grown = {cpu: n - before.get(name, {}).get(cpu, 0) for cpu, n in of_cpu.items()}
            # A counter that fell was set back: by a reboot, or the vector was freed and made anew.
            if name in before and min(grown.values()) >= 0 and max(grown.values()) > 0:
                cpu = max(grown, key=lambda each: (grown[each], -each))
                parsed.facts.append(Fact(section.at_us, "irq_cpu", name, cpu))
        before = counts or before
    return parsed


def vectors(section: Section) -> tuple[Counts, dict[int, str], list[Problem]]:
    """Counts by interrupt name and CPU, names by interrupt number, and lines that make no sense.

    The header names the CPUs that are online: their numbers may have gaps.
    """
    lines = section.lines()
    cpus = [int(number) for number in _CPU.findall(lines[0])] if lines else []
    if not cpus:
        found = lines[0] if lines else ""
        return {}, {}, [Problem(1, "header: expected CPU0 CPU1 …, found none; left out", found)]
    counts: Counts = {}
    names: dict[int, str] = {}
    problems = []
    for offset, line in enumerate(lines[1:], 2):
        label, _, rest = line.strip().partition(":")
        cells = rest.split()
        if not label.isdecimal() or not cells or not _NETWORK.search(cells[-1]):
            continue
        numbers = cells[: len(cpus)]
        if len(cells) <= len(cpus) or not all(cell.isdecimal() for cell in numbers):
            reason = f"interrupt: expected {len(cpus)} counts and a name, found fewer; left out"
            problems.append(Problem(offset, reason, line))
            continue
        names[int(label)] = cells[-1]
        counts[cells[-1]] = dict(zip(cpus, map(int, numbers), strict=True))
    return counts, names, problems
