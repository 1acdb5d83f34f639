"""A seeded fleet whose hosts, images and rates change with time, as events, and its marts.

All figures are invented. Every host has a rate of its own (gamma, variance 1), families and zones
differ, some hosts are short-lived, some logs have gaps, a few hosts are bad from some day on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from resetradar.lake import Lake, write_parquet
from resetradar.marts import build_mart, load_marts, mart_path
from resetradar.settings import Parameters

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]

AS_OF = date(2026, 11, 28)
DAYS = 56
_FAMILIES = ("p5", "p4d", "g6", "c6i")
_ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
_IMAGES = ("ami-1", "ami-2", "ami-3", "ami-4")
_KERNELS = ("6.1", "6.2", "6.3")
_LABELS = tuple(f"team-{number}" for number in range(8))
_OWN = ("instance_family", "availability_zone", "ami_id", "kernel")


@dataclass(frozen=True)
class Fleet:
    """Hosts by day: ``values`` of each attribute, ``hours`` seen, and ``rate``, episodes per hour.

    All arrays have a row per host and a column per day; ``hours`` is negative on days on which the
    inventory does not know the host either.
    """

    values: dict[str, Texts]
    hours: Floats
    rate: Floats
    rng: np.random.Generator = field(repr=False)

    @property
    def size(self) -> int:
        """Hosts."""
        return len(self.hours)


def base(seed: int, *, hosts: int = 1000, daily: float = 0.1, bad: float = 0.02) -> Fleet:
    """A fleet in which nothing happens but single hosts that go bad.

    Args:
        seed: Same seed, same fleet.
        hosts: Its size.
        daily: Episodes per host and day.
        bad: Share of hosts that are 10 to 40 times as bad from some day on.
    """
    rng = np.random.default_rng([seed, 20_261_128])
    single = {
        "instance_family": rng.choice(_FAMILIES, hosts, p=[0.4, 0.3, 0.2, 0.1]),
        "availability_zone": rng.choice(_ZONES, hosts),
        "ami_id": rng.choice(_IMAGES, hosts, p=[0.4, 0.3, 0.2, 0.1]),
        "kernel": rng.choice(_KERNELS, hosts),
        "team": rng.choice(_LABELS, hosts),
        "driver": np.full(hosts, "2.8"),
    }
    values = {
        name: np.repeat(each[:, None], DAYS, axis=1).astype("<U24") for name, each in single.items()
    }
    rate = np.full(hosts, daily / 24) * rng.gamma(1, 1, hosts)
    for name, levels, spread in (
        ("instance_family", _FAMILIES, 0.4),
        ("availability_zone", _ZONES, 0.15),
    ):
        factors = dict(zip(levels, np.exp(rng.normal(0, spread, len(levels))), strict=True))
        rate = rate * np.array([factors[str(value)] for value in single[name]])
    rates = np.repeat(rate[:, None], DAYS, axis=1)
    for host in np.flatnonzero(rng.random(hosts) < bad):
        rates[host, int(rng.integers(0, DAYS)) :] += daily / 24 * rng.uniform(10, 40)
    hours = np.full((hosts, DAYS), 24.0)
    for host in np.flatnonzero(rng.random(hosts) < 0.2):
        first, length = int(rng.integers(-10, DAYS)), int(rng.integers(2, 20))
        hours[host, : max(first, 0)] = -1
        hours[host, max(first + length, 1) :] = -1
    for host in np.flatnonzero(rng.random(hosts) < 0.1):
        first, length = int(rng.integers(0, DAYS)), int(rng.integers(1, 8))
        gap = slice(first, first + length)
        hours[host, gap] = np.minimum(hours[host, gap], 0)
    return Fleet(values, hours, rates, rng)


def surge(fleet: Fleet, days: int, factor: float) -> Fleet:
    """The whole fleet resets so many times as often on its last days."""
    rate = fleet.rate.copy()
    rate[:, -days:] *= factor
    return replace(fleet, rate=rate)


def worsened(fleet: Fleet, attribute: str, value: str, days: int, factor: float) -> Fleet:
    """A cohort resets so many times as often on its last days."""
    rate = fleet.rate.copy()
    rate[:, -days:] *= np.where(fleet.values[attribute][:, -days:] == value, factor, 1)
    return replace(fleet, rate=rate)


def treated(
    fleet: Fleet, hosts: npt.NDArray[np.bool_], attribute: str, value: str, change: float
) -> Fleet:
    """Some hosts get a value within four days in the middle, and their rate changes with it."""
    rate, values = fleet.rate.copy(), dict(fleet.values)
    values[attribute] = values[attribute].copy()
    for host in np.flatnonzero(hosts):
        day = DAYS - 24 + int(fleet.rng.integers(4))
        values[attribute][host, day:] = value
        rate[host, day:] *= change
    return replace(fleet, values=values, rate=rate)


def replaced(fleet: Fleet, hosts: npt.NDArray[np.bool_], value: str, change: float) -> Fleet:
    """Some hosts are replaced, within four days in the middle, by new ones with another image."""
    old = np.flatnonzero(hosts)
    days = DAYS - 24 + fleet.rng.integers(0, 4, len(old))
    values = {name: np.concatenate([each, each[old]]) for name, each in fleet.values.items()}
    values["ami_id"][fleet.size :] = value
    # A new host has a rate of its own: as a draw of another one of the old ones.
    rate = np.concatenate([fleet.rate, fleet.rate[fleet.rng.permutation(old)] * change])
    hours = np.concatenate([fleet.hours, np.full((len(old), DAYS), 24.0)])
    for number, (host, day) in enumerate(zip(old, days, strict=True)):
        hours[host, day:] = -1
        hours[fleet.size + number, :day] = -1
    return replace(fleet, values=values, rate=rate, hours=hours)


def joined(fleet: Fleet, family: str, hosts: int, factor: float) -> Fleet:
    """So many new hosts join a family on the last five days, each so many times as bad."""
    old = np.flatnonzero(fleet.values["instance_family"][:, 0] == family)[:hosts]
    values = {name: np.concatenate([each, each[old]]) for name, each in fleet.values.items()}
    rate = np.concatenate([fleet.rate, fleet.rate[old] * factor])
    hours = np.concatenate([fleet.hours, np.full((len(old), DAYS), -1.0)])
    hours[fleet.size :, -5:] = 24
    return replace(fleet, values=values, rate=rate, hours=hours)


def silenced(fleet: Fleet, image: str, days: int) -> Fleet:
    """The worst third of the hosts of an image are not heard of on the last days."""
    members = np.flatnonzero(fleet.values["ami_id"][:, 0] == image)
    worst = members[np.argsort(-fleet.rate[members, -days - 1])][: len(members) // 3]
    hours = fleet.hours.copy()
    hours[worst, -days:] = np.minimum(hours[worst, -days:], 0)
    return replace(fleet, hours=hours)


def reimaged_when_bad(fleet: Fleet, attribute: str, value: str, least: int) -> tuple[Fleet, Floats]:
    """Hosts get a value in place once they had so many episodes in seven days; it is no cure.

    Returns:
        The fleet, and the episodes that made it so, by host and day.
    """
    counts = fleet.rng.poisson(fleet.rate * np.maximum(fleet.hours, 0)).astype(np.float64)
    values = dict(fleet.values)
    values[attribute] = values[attribute].copy()
    for host in range(fleet.size):
        for day in range(7, DAYS - 5):
            if counts[host, day - 7 : day].sum() >= least:
                values[attribute][host, day:] = value
                break
    return replace(fleet, values=values), counts


def marts(
    fleet: Fleet, lake: Lake, names: Sequence[str], counts: Floats | None = None
) -> dict[str, pa.Table]:
    """Marts as of the last day, made by the product from the fleet's events.

    Args:
        fleet: The fleet.
        lake: An empty lake.
        names: Marts to build, in their order.
        counts: Episodes by host and day; drawn if none are given.
    """
    if counts is None:
        counts = fleet.rng.poisson(fleet.rate * np.maximum(fleet.hours, 0)).astype(np.float64)
    _fill(fleet, np.where(fleet.hours > 0, counts, 0), lake)
    known = {mart.name: mart for mart in load_marts()}
    made = {}
    for name in names:
        path = build_mart(known[name], lake, AS_OF, Parameters())
        made[name] = pq.ParquetFile(path).read()
    return made


def _fill(fleet: Fleet, counts: Floats, lake: Lake) -> None:
    host, day = np.nonzero(fleet.hours >= 0)
    first = AS_OF - timedelta(days=DAYS - 1)
    names = np.array([f"h{number:06d}" for number in range(fleet.size)])
    dates = np.array([first + timedelta(days=n) for n in range(DAYS)], dtype="datetime64[D]")
    keys: dict[str, Any] = {
        "host_id": pa.array(names[host].tolist(), pa.string()),
        "host_date": pa.array(dates[day]),
    }
    texts = {name: pa.array(fleet.values[name][host, day].tolist(), pa.string()) for name in _OWN}
    seen = {
        "exposure_h": pa.array(fleet.hours[host, day]),
        "is_inventoried": pa.array(np.ones(len(host), bool)),
        "boot_at": pa.nulls(len(host), pa.timestamp("us")),
        "boots": pa.array(np.zeros(len(host), np.int64)),
    }
    _write(lake, "host_days", pa.table({**keys, **seen, **texts}))
    columns = [each[host, day] for each in fleet.values.values()]
    items = pa.array(np.stack(columns, axis=1).ravel().tolist(), pa.string())
    keys_of_all = pa.array([*fleet.values] * len(host), pa.string())
    offsets: Any = pa.array(np.arange(len(host) + 1, dtype=np.int32) * len(columns))
    kind = pa.map_(pa.string(), pa.string())
    maps = {
        "inventory": pa.MapArray.from_arrays(offsets, keys_of_all, items),
        "units": pa.nulls(len(host), kind),
    }
    _write(lake, "host_attributes", pa.table({**keys, **maps}))
    reset_host = np.repeat(np.repeat(np.arange(fleet.size), DAYS), counts.ravel().astype(int))
    reset_day = np.repeat(np.tile(np.arange(DAYS), fleet.size), counts.ravel().astype(int))
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1e6
    moment = begin + (reset_day + fleet.rng.random(len(reset_day))) * 86_400e6
    moments = pa.array(moment.astype(np.int64)).cast(pa.timestamp("us"))
    resets = len(moment)
    _write(
        lake,
        "reset_verdicts",
        pa.table(
            {
                "reset_id": pa.array([f"r{number:08d}" for number in range(resets)]),
                "host_id": pa.array(names[reset_host].tolist(), pa.string()),
                "kind": pa.array(["reset"] * resets, pa.string()),
                "reset_at": moments,
                "started_at": moments,
                "verdict": pa.array(["ambiguous"] * resets, pa.string()),
            }
        ),
    )


def _write(lake: Lake, name: str, rows: pa.Table) -> None:
    write_parquet(rows, mart_path(lake, name, AS_OF))
