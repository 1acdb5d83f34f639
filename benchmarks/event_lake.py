"""An event fleet in a lake, and what the product's own marts make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resetradar.lake import Lake, write_parquet
from resetradar.marts import build_mart, load_marts, mart_path
from resetradar.settings import Parameters
from resetradar.tables import HOSTS

AS_OF = date(2026, 11, 28)
_MARTS = (
    "host_episodes",
    "shared_episodes",
    "host_rates",
    "cohort_members",
    "cohort_verdicts",
    "host_scores",
)


@dataclass(frozen=True)
class Events:
    """Hosts with attributes, hours seen (a row per host, a column per day) and resets.

    ``at`` counts hours from the start of the first day; the last day is `AS_OF`.
    """

    attributes: Mapping[str, np.ndarray[Any, Any]]
    seen: np.ndarray[Any, np.dtype[np.float64]]
    host: np.ndarray[Any, np.dtype[np.int64]]
    at: np.ndarray[Any, np.dtype[np.float64]]


def host_names(count: int) -> list[str]:
    """Names of hosts, in the order of the rows."""
    return [f"h{number:06d}" for number in range(count)]


def fill(lake: Lake, events: Events) -> None:
    """Write the events as the marts and tables that the scoring reads."""
    hosts, days = events.seen.shape
    names = np.array(host_names(hosts))
    first = AS_OF - timedelta(days=days - 1)
    dates = np.array([first + timedelta(days=n) for n in range(days)], dtype="datetime64[D]")
    own = {"instance_family", "availability_zone", "ami_id", "kernel"}
    columns = {"host_id": np.repeat(names, days), "host_date": np.tile(dates, hosts)}
    columns["exposure_h"] = np.round(events.seen.ravel(), 6)
    for name in sorted(own):
        values = events.attributes.get(name, np.full(hosts, None))
        columns[name] = np.repeat(values, days)
    texts = {
        name: pa.array(columns[name].tolist(), pa.string()) for name in (*sorted(own), "host_id")
    }
    _write(lake, "host_days", pa.table({**columns, **texts}))
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1e6
    moments = pa.array((begin + events.at * 3.6e9).astype(np.int64)).cast(pa.timestamp("us"))
    rows = len(events.at)
    nothing = {"hot_cpu": pa.nulls(rows, pa.int16()), "is_cpu_starved": pa.nulls(rows, pa.bool_())}
    resets = {
        "reset_id": pa.array([f"r{number:08d}" for number in range(rows)], pa.string()),
        "host_id": pa.array(names[events.host].tolist(), pa.string()),
        "kind": pa.array(["reset"] * rows, pa.string()),
        "reset_at": moments,
        "started_at": moments,
        "verdict": pa.array(["ambiguous"] * rows, pa.string()),
        **nothing,
    }
    _write(lake, "reset_verdicts", pa.table(resets))
    others = sorted(set(events.attributes) - own - {"driver_version"})
    inventory = {
        "host_id": names.tolist(),
        "attributes": [
            [(name, str(events.attributes[name][row])) for name in others] for row in range(hosts)
        ],
    }
    if "driver_version" in events.attributes:
        inventory["driver_version"] = events.attributes["driver_version"].tolist()
    table = pa.table(
        [
            pa.array(inventory[field.name], field.type)
            if field.name in inventory
            else pa.nulls(hosts, field.type)
            for field in HOSTS.schema
        ],
        schema=HOSTS.schema,
    )
    lake.write(HOSTS, table, day=AS_OF, shard=0, part="hosts")


def score(lake: Lake, parameters: Parameters, *, threads: int = 1) -> None:
    """Build the marts of the score over a filled lake."""
    marts = {mart.name: mart for mart in load_marts()}
    for name in _MARTS:
        build_mart(marts[name], lake, AS_OF, parameters, threads=threads)


def read(lake: Lake, name: str) -> pa.Table:
    """A mart that was built or filled."""
    return pq.ParquetFile(mart_path(lake, name, AS_OF)).read()


def _write(lake: Lake, name: str, rows: pa.Table) -> None:
    path: Path = mart_path(lake, name, AS_OF)
    write_parquet(rows, path)
