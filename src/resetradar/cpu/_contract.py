"""What a CPU format gets and gives. Every module of this package without a leading ``_`` is one."""

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from resetradar.files import Reject


@dataclass(frozen=True)
class Context:
    """What is known of a file beside its content.

    Attributes:
        host_id: Host that the path names; None takes the host that the file names.
        source: Name of the file, for ``source_path`` columns.
        timezone: IANA zone of formats that print local time.
    """

    host_id: str | None
    source: str
    timezone: str = "UTC"


@dataclass(frozen=True)
class Parsed:
    """Rows of ``cpu_samples`` in key order, each once, and what could not be read."""

    samples: pa.Table
    rejects: list[Reject]


class Format(Protocol):
    """A module that reads one format."""

    NAME: str

    def recognise(self, head: bytes) -> bool:
        """Whether a file that begins like this is of the format."""

    def parse(self, data: bytes, context: Context) -> Parsed:
        """All samples of a file; never raises for what the file holds."""
