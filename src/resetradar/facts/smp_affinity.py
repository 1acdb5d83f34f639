"""``/proc/irq/<n>/smp_affinity_list`` and ``effective_affinity_list``: where interrupts may go.

Facts: ``irq_affinity_cpus{eth0-Tx-Rx-5}``, the number of CPUs that are allowed, and
``irq_affinity_cpu{eth0-Tx-Rx-5}``, the CPU if it is one. The number of an interrupt becomes its
name by the ``/proc/interrupts`` of the same or an earlier moment: numbers are used anew.
"""

import re
from collections.abc import Sequence
from typing import Final

from resetradar.facts import proc_interrupts
from resetradar.facts._contract import Fact, ParsedFacts, Problem, Section, rejects

NAME: Final = "/proc/irq/<n>/smp_affinity_list"

_PATH = re.compile(r"/proc/irq/(\d+)/(smp|effective)_affinity_list")
# The kernel's own limit of CPU numbers; a list that goes beyond it is no list of CPUs.
_MOST_CPUS = 8192


def recognise(name: str) -> bool:
    """Whether a section is one of the files."""
    return _PATH.fullmatch(name) is not None


def read(sections: Sequence[Section]) -> ParsedFacts:
    """Allowed CPUs of every named network interrupt."""
    parsed = ParsedFacts()
    names: dict[int, str] = {}
    for section in _names_first(sections):
        if proc_interrupts.recognise(section.name):
            _, found, _ = proc_interrupts.vectors(section)
            names = found or names
        elif path := _PATH.fullmatch(section.name):
            # An interrupt that was never asked for has no effective CPU: the file is empty.
            if int(path[1]) not in names or not section.text.strip():
                continue
            cpus = cpu_list(section.text)
            if cpus is None:
                reason = "CPUs: expected a list such as 0-3,8, found another text; left out"
                parsed.rejects.extend(rejects(section, [Problem(1, reason, section.text)]))
                continue
            name = names[int(path[1])]
            if path[2] == "smp":
                parsed.facts.append(Fact(section.at_us, "irq_affinity_cpus", name, len(cpus)))
            if len(cpus) == 1:
                parsed.facts.append(Fact(section.at_us, "irq_affinity_cpu", name, cpus[0]))
    return parsed


def cpu_list(text: str) -> list[int] | None:
    """CPUs of a list as the kernel prints it, ascending; None if the text is none.

    >>> cpu_list("0-2,8")
    [0, 1, 2, 8]
    """
    cpus: set[int] = set()
    for part in text.strip().split(","):
        bounds = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part)
        if bounds is None:
            return None
        first, last = int(bounds[1]), int(bounds[2] or bounds[1])
        if not first <= last < _MOST_CPUS:
            return None
        cpus.update(range(first, last + 1))
    return sorted(cpus)


def _names_first(sections: Sequence[Section]) -> list[Section]:
    """By time; one round of a collector gives its files within a second, in any order."""
    return sorted(
        sections,
        key=lambda s: (s.at_us // 1_000_000, not proc_interrupts.recognise(s.name), s.at_us),
    )
