"""Host facts: one module of this folder is one file or command of a host, found by scanning it.

To add one, add a module with ``NAME``, ``recognise`` and ``read`` (``_contract.Format``).
"""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from resetradar.facts._container import split_sections
from resetradar.facts._contract import Fact, Format, ParsedFacts, Problem, Section
from resetradar.facts._rows import facts_table, thinned
from resetradar.files import Reject

__all__ = [
    "FORMATS",
    "Fact",
    "Format",
    "ParsedFacts",
    "Problem",
    "Section",
    "facts_table",
    "parse_facts",
    "split_sections",
    "thinned",
]

FORMATS: tuple[Format, ...] = tuple(
    cast("Format", import_module(f"{__name__}.{name}"))
    for name in sorted(module.name for module in iter_modules(__path__))
    if not name.startswith("_")
)


def parse_facts(sections: Sequence[Section]) -> ParsedFacts:
    """Facts of one host, and what could not be read.

    Args:
        sections: All sections of the host, of any number of files, in any order. A section that was
            delivered twice counts once.

    Returns:
        Facts in order of time, fact and subject. An unknown section gives one reject per name and
        file.
    """
    ordered = _once(sections)
    facts: list[Fact] = []
    rejects: list[Reject] = []
    for form in FORMATS:
        parsed = form.read(ordered)
        facts += parsed.facts
        rejects += parsed.rejects
    known = ", ".join(form.NAME for form in FORMATS)
    unknown: dict[tuple[str, str], Section] = {}
    for section in ordered:
        if not any(form.recognise(section.name) for form in FORMATS):
            unknown.setdefault((section.source, section.name), section)
    rejects += [
        section.reject(0, f"section: expected one of {known}, found another; left out")
        for section in unknown.values()
    ]
    return ParsedFacts(sorted(facts), rejects)


def _once(sections: Sequence[Section]) -> list[Section]:
    """Sections by time, each text of a name and a moment once, whatever file it came from."""
    kept: dict[tuple[int, str, str], Section] = {}
    for section in sorted(sections, key=lambda s: (s.at_us, s.name, s.source, s.line_number)):
        kept.setdefault((section.at_us, section.name, section.text), section)
    return list(kept.values())
