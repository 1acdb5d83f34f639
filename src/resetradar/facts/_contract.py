"""What a fact format gets and gives. Every module of this package without ``_`` is one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from resetradar.files import Reject

_SAMPLE = 80
# A section that is not what it claims to be must not flood the rejects.
_MOST_PROBLEMS = 5


@dataclass(frozen=True)
class Section:
    """One file or one command's output of a host, at one moment.

    Attributes:
        host_id: Host that it is of.
        name: Path of the file or the command line, as its header says.
        at_us: Moment of the observation, UTC microseconds.
        text: Its content.
        source: Name of the file that it came in.
        line_number: Line of its header in that file, from 1.
    """

    host_id: str
    name: str
    at_us: int
    text: str
    source: str
    line_number: int

    def lines(self) -> list[str]:
        """Lines of the content; line n of the list is line ``line_number + n + 1`` of the file."""
        return self.text.splitlines()

    def reject(self, offset: int, reason: str, sample: str = "") -> Reject:
        """What could not be read, ``offset`` lines below the header."""
        return Reject(
            self.source,
            self.line_number + offset,
            f"{self.name[:_SAMPLE]}: {reason}",
            sample[:_SAMPLE],
            self.host_id,
            self.at_us,
        )


@dataclass(frozen=True, order=True)
class Fact:
    """One row of ``host_facts``: what was observed of a subject of a host."""

    at_us: int
    fact: str
    subject: str
    value: float


@dataclass(frozen=True)
class Problem:
    """A line of a section that could not be read; ``offset`` counts from 1 below the header."""

    offset: int
    reason: str
    sample: str


@dataclass(frozen=True)
class ParsedFacts:
    """Facts of one host, and what could not be read."""

    facts: list[Fact] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Format(Protocol):
    """A module that reads one kind of section."""

    NAME: str

    def recognise(self, name: str) -> bool:
        """Whether a section of this name is of the format."""

    def read(self, sections: Sequence[Section]) -> ParsedFacts:
        """Facts of all sections of one host, in order of time; never raises for what they hold.

        Sections of other formats are among them: some need each other.
        """


def rejects(section: Section, problems: Sequence[Problem]) -> list[Reject]:
    """The first problems of a section as rejects, and the number of the others."""
    listed = [section.reject(p.offset, p.reason, p.sample) for p in problems[:_MOST_PROBLEMS]]
    if rest := len(problems) - len(listed):
        listed.append(section.reject(0, f"{rest} more lines could not be read"))
    return listed
