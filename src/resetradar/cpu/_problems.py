"""Rejects of one CPU file: some with their line, the rest counted, so that none can flood."""

from dataclasses import dataclass, field

from resetradar.cpu._contract import Context
from resetradar.files import Reject

_LIMIT = 20
# A host that crashed tears a few samples; a file with this many is not what it claims to be.
_HOPELESS = 1000


@dataclass
class Problems:
    """Collects what could not be read of one file."""

    context: Context
    data: bytes
    placed: list[Reject] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    seen: int = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether so much was damaged that reading on is a waste."""
        return self.seen >= _HOPELESS

    def at(self, offset: int, reason: str) -> None:
        """One problem at a byte of the file; beyond the first 20 they are only counted."""
        self.seen += 1
        if len(self.placed) >= _LIMIT:
            self.count("further problems of this file: not listed")
            return
        line = self.data.count(b"\n", 0, offset) + 1
        sample = repr(self.data[offset : offset + 80])[2:-1]
        context = self.context
        self.placed.append(Reject(context.source, line, reason, sample, context.host_id))

    def count(self, reason: str, times: int = 1) -> None:
        """A problem of many rows or samples, reported once with its count."""
        if times:
            self.counts[reason] = self.counts.get(reason, 0) + int(times)

    def rejects(self) -> list[Reject]:
        """Everything collected: by place, then the counted ones in order of appearance."""
        context = self.context
        counted = [
            Reject(context.source, None, f"{reason} ({times} times)", host_id=context.host_id)
            for reason, times in self.counts.items()
        ]
        return [*self.placed, *counted]
