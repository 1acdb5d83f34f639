"""What an inventory format gets and gives. Every module of this package without ``_`` is one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import pyarrow as pa

from resetradar.files import Reject
from resetradar.tables import HOSTS

INSTANTS: Final = ("valid_from_at", "valid_to_at", "launched_at")
TEXTS: Final = tuple(
    name for name in HOSTS.schema.names if name not in {"host_id", "attributes", *INSTANTS}
)
_MAX_NAME: Final = 255


@dataclass(frozen=True)
class Context:
    """Name of the file, for ``source_path`` columns."""

    source: str


@dataclass(frozen=True)
class ParsedHosts:
    """Rows of ``hosts``, and what could not be read. ``source`` names where the rows are from."""

    rows: pa.Table
    rejects: list[Reject]
    source: str = ""


class Format(Protocol):
    """A module that reads one format."""

    NAME: str

    def recognise(self, head: bytes) -> bool:
        """Whether a file that begins like this is of the format."""

    def parse(self, data: bytes, context: Context) -> ParsedHosts:
        """All hosts of a file; never raises for what the file holds."""


def table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows of ``hosts`` as Arrow; absent columns are null, attributes are sorted by name."""
    columns: dict[str, list[Any]] = {name: [] for name in HOSTS.schema.names}
    for row in rows:
        for name, values in columns.items():
            values.append(row.get(name))
        columns["attributes"][-1] = sorted((row.get("attributes") or {}).items())
    return pa.table(columns, schema=HOSTS.schema)


def is_host_id(text: str) -> bool:
    """Whether a text can name a host: short, printable, not blank."""
    return bool(text.strip()) and len(text) <= _MAX_NAME and text.isprintable()


def instant(text: str) -> datetime | None:
    """UTC time without zone of an ISO 8601 text, UTC if it has none; None if it is no time."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
