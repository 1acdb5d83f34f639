"""One day of one shard: from input files to base tables. Every stage writes its own partitions.

A day is read with its neighbours' edges, so that an episode across midnight is whole on the day in
which its reset lies. A stage is one module here; each replaces its partitions and nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from resetradar.ingest.partition import Ingested, lake_of

if TYPE_CHECKING:
    from resetradar.ingest.cpu import ingest_cpu
    from resetradar.ingest.facts import ingest_facts
    from resetradar.ingest.hosts import ingest_hosts
    from resetradar.ingest.logs import ingest_logs

__all__ = ["Ingested", "ingest_cpu", "ingest_facts", "ingest_hosts", "ingest_logs", "lake_of"]


def __getattr__(name: str) -> Any:
    """A stage, imported when it is asked for: a worker that reads logs needs nothing of CPUs."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{name.removeprefix('ingest_')}"), name)
