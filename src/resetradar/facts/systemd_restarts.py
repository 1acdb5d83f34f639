"""``systemctl show '*' -p Id,NRestarts,ActiveState``: units, and how often each was restarted.

Facts: ``unit_restarts{ecs.service}`` since the unit was loaded, if any, and ``unit_active{…}``, 1
if it is active and 0 if not. A unit that crash-loops is ``activating`` between two tries.
"""

from collections.abc import Sequence
from typing import Final

from resetradar.facts._contract import Fact, ParsedFacts, Problem, Section, rejects

NAME: Final = "systemctl show"


def recognise(name: str) -> bool:
    """Whether a section is the output of the command, whatever units and properties it names."""
    return name == NAME or name.startswith(f"{NAME} ")


def read(sections: Sequence[Section]) -> ParsedFacts:
    """Restarts and state of every unit that names itself."""
    parsed = ParsedFacts()
    for section in sections:
        if not recognise(section.name):
            continue
        problems = []
        for offset, unit in _units(section):
            name, restarts = unit.get("Id", ""), unit.get("NRestarts", "0")
            if not name or not restarts.isdecimal():
                reason = "unit: expected Id and a number of NRestarts, found neither; left out"
                problems.append(Problem(offset, reason, " ".join(unit.values())))
                continue
            if int(restarts):
                parsed.facts.append(Fact(section.at_us, "unit_restarts", name, int(restarts)))
            if state := unit.get("ActiveState"):
                is_active = float(state == "active")
                parsed.facts.append(Fact(section.at_us, "unit_active", name, is_active))
        parsed.rejects.extend(rejects(section, problems))
    return parsed


def _units(section: Section) -> list[tuple[int, dict[str, str]]]:
    """Properties of each unit, and the offset of its first line; empty lines part units."""
    units: list[tuple[int, dict[str, str]]] = []
    is_new = True
    for offset, line in enumerate(section.lines(), 1):
        key, sign, value = line.partition("=")
        if not line.strip():
            is_new = True
        elif sign:
            if is_new:
                units.append((offset, {}))
                is_new = False
            units[-1][1][key] = value.strip()
    return units
