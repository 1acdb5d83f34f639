"""A seeded fleet of boots and episodes in continuous time, with what is planted in it.

All figures are invented; what they are is stated in `Cell`. Times are hours of the window.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]

DAYS = 28
HOURS = 24.0 * DAYS
BEFORE_H = 24.0 * 60
GUILTY = "ami-0"
_EDGES = 24.0 * np.array([
    *(0, 1 / 24, 3 / 24, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5),
    *range(3, 28),
    *range(28, 91, 7),
])  # fmt: skip
_IMAGES = 10


@dataclass(frozen=True)
class Cell:
    """One kind of fleet.

    ``base`` is episodes per host-day, ``frailty`` the variance of the hosts' own factors, ``burst``
    the chance that one more episode follows within hours, ``reboot_days`` the mean time between
    boots, ``short`` the share of short-lived hosts. Hosts of the guilty image, ``share`` of the
    fleet, have ``leak`` episodes a day from ``onset_h`` after boot on, or ``early`` ones before
    that; ``jitter`` is the deviation of a boot's onset, as a ratio. ``bad_old`` is the share of
    hosts that are bad and never rebooted, ``fresh`` that of hosts that turn bad on some day,
    ``surge`` the factor of everybody's last four days. ``monster`` plants one host that resets
    every 40 minutes from a day on. ``together`` boots all hosts on the seventh day at once,
    ``unknown`` logs no kernel clock.
    """

    name: str
    hosts: int = 500
    base: float = 0.03
    frailty: float = 1.0
    burst: float = 0.4
    reboot_days: float = 8.0
    short: float = 0.35
    share: float = 0.1
    leak: float = 0.0
    early: float = 0.0
    onset_h: float = 120.0
    jitter: float = 0.0
    bad_old: float = 0.0
    fresh: float = 0.0
    surge: float = 1.0
    monster: bool = False
    together: bool = False
    unknown: bool = False


def make(cell: Cell, seed: int) -> pa.Table:
    """Rows as the query of ``uptime_patterns`` gives them."""
    dice = np.random.default_rng([seed, sum(map(ord, cell.name))])
    is_guilty = dice.random(cell.hosts) < cell.share
    is_old, is_fresh = (dice.random(cell.hosts) < p for p in (cell.bad_old, cell.fresh))
    frailty = dice.gamma(1 / cell.frailty, cell.frailty, cell.hosts) if cell.frailty else 1.0
    rate = cell.base * frailty * np.where(is_old, 30.0, 1.0) * np.ones(cell.hosts)
    records = []
    for host in range(cell.hosts):
        start, end = 0.0, HOURS
        if dice.random() < cell.short and not is_old[host]:
            start = dice.uniform(0, HOURS - 24)
            end = min(HOURS, start + dice.exponential(120.0) + 12)
        boots = _boots(cell, dice, start, end, is_rebooted=not is_old[host])
        turns_bad = dice.uniform(0, HOURS) if is_fresh[host] else HOURS
        at = _episodes(cell, dice, (start, end), (rate[host], turns_bad))
        if is_guilty[host] and (cell.leak or cell.early):
            at = np.sort(np.concatenate([at, _planted(cell, dice, start, end, boots)]))
        if cell.monster and host == 0:
            at = np.sort(np.concatenate([at, np.arange((start + end) / 2, end, 2 / 3)]))
        image = GUILTY if is_guilty[host] else f"ami-{dice.integers(1, _IMAGES)}"
        labels = {
            "ami_id": image,
            "availability_zone": f"us-east-1{'abcdef'[dice.integers(6)]}",
            "instance_family": ("p5", "g6", "m5", "c5")[dice.integers(4)],
        }
        records.append({"host_id": f"h{host:05d}", "attributes": list(labels.items())}
                       | _pieces(cell, start, end, boots, at))  # fmt: skip
    return _table(records)


def _boots(
    cell: Cell, dice: np.random.Generator, start: float, end: float, *, is_rebooted: bool
) -> Floats:
    """Boots of a host in order; the first one is not after its start."""
    if cell.together:
        return np.array([-BEFORE_H, 144.0]) if start < 144 < end else np.array([start])
    first = start if start > 0 else -dice.exponential(24 * cell.reboot_days)
    if not is_rebooted:
        return np.array([-dice.uniform(0, BEFORE_H) if start == 0 else start])
    gaps = dice.exponential(24 * cell.reboot_days, 200)
    later = first + np.cumsum(gaps)
    return np.concatenate([[first], later[(later > start) & (later < end)]])


def _episodes(
    cell: Cell, dice: np.random.Generator, life: tuple[float, float], rates: tuple[float, float]
) -> Floats:
    """Episodes that have nothing to do with the time since boot, in bursts.

    ``rates`` are the episodes per day, and the hour from which on there is one a day more.
    """
    (start, end), (rate, turns_bad) = life, rates
    spans = [(start, end, rate), (max(start, turns_bad), end, 1.0)]
    spans.append((max(start, HOURS - 96), end, rate * (cell.surge - 1)))
    found: list[float] = []
    for low, high, per_day in spans:
        number = dice.poisson(max(high - low, 0) * per_day / 24 * (1 - cell.burst))
        found += dice.uniform(low, max(low, high), number).tolist()
    for moment in list(found):
        while dice.random() < cell.burst:
            moment += 0.3 + dice.exponential(3.0)  # noqa: PLW2901 - the burst goes on from there
            if moment < end:
                found.append(moment)
    return np.sort(np.array(found))


def _planted(
    cell: Cell, dice: np.random.Generator, start: float, end: float, boots: Floats
) -> Floats:
    found = []
    for boot, until in zip(boots, [*boots[1:], end], strict=True):
        off = max(dice.normal(1, cell.jitter), 0.1) if cell.jitter else 1.0
        onset = boot + cell.onset_h * off
        for low, high, per_day in ((onset, until, cell.leak), (boot, onset, cell.early)):
            low, high = max(low, start), min(high, until)  # noqa: PLW2901
            if high > low and per_day:
                found.append(dice.uniform(low, high, dice.poisson((high - low) * per_day / 24)))
    return np.concatenate(found) if found else np.zeros(0)


def _pieces(
    cell: Cell, start: float, end: float, boots: Floats, at: Floats
) -> dict[str, list[float]]:
    cuts = [np.array([start, end]), boots, 24.0 * np.arange(DAYS + 1)]
    cuts += [boot + _EDGES for boot in boots]
    places = np.unique(np.clip(np.concatenate(cuts), start, end))
    low, high = places[:-1], places[1:]
    boot = np.searchsorted(boots, (low + high) / 2, side="right") - 1
    uptime = (low + high) / 2 - boots[boot]
    counts = np.bincount(np.searchsorted(places, at, side="right") - 1, minlength=len(low))
    floor = _EDGES[np.searchsorted(_EDGES, uptime, side="right") - 1]
    return {
        "days": list(np.floor((low + high) / 48)),
        "boots": list(boots[boot]),
        "uptime_from_h": [-1.0] * len(low) if cell.unknown else list(floor),
        "exposure_h": list(high - low),
        "episodes": list(counts[: len(low)]),
        "host_starved_episodes": list(counts[: len(low)]),
        "device_fault_episodes": [0] * len(low),
    }


def _table(records: list[dict[str, object]]) -> pa.Table:
    kinds = {"host_id": pa.string(), "attributes": pa.map_(pa.string(), pa.string())}
    named = pa.list_(pa.map_(pa.string(), pa.string()))
    columns = {
        name: pa.array([r[name] for r in records], kinds.get(name, pa.list_(pa.float64())))
        for name in records[0]
    }
    return pa.table(columns | {"named": pa.array([[]] * len(records), named)})
