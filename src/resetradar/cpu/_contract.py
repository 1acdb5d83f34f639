"""What a CPU format gets and gives. Every module of this package without a leading ``_`` is one."""

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from resetradar.files import Reject
from resetradar.sources import CpuColumns


@dataclass(frozen=True)
class Context:
    """What is known of a file beside its content.

    Attributes:
        host_id: Host that the path names; None takes the host that the file names.
        source: Name of the file, for ``source_path`` columns.
        timezone: IANA zone of formats that print local time.
        columns: What the columns of a table without a known layout mean; None if nobody said.
    """

    host_id: str | None
    source: str
    timezone: str = "UTC"
    columns: CpuColumns | None = None


@dataclass(frozen=True)
class Parsed:
    """What a file holds, and what could not be read of it.

    Attributes:
        samples: Rows of ``cpu_samples`` in key order, each once.
        rejects: What could not be read.
        counters: Totals since boot, as ``_counters.COUNTERS``. Two of them make a sample, and they
            may stand in two files, so they are joined by whoever has all files.
    """

    samples: pa.Table
    rejects: list[Reject]
    counters: pa.Table | None = None


class Format(Protocol):
    """A module that reads one format."""

    NAME: str

    def recognise(self, head: bytes) -> bool:
        """Whether a file that begins like this is of the format."""

    def parse(self, data: bytes, context: Context) -> Parsed:
        """All samples or counters of a file; never raises for what the file holds."""
