"""A seeded fleet as events: hosts, hours seen, resets, and who is guilty. No log line is written.

All figures are invented; what they are is stated in `Cell`, so that a ranking can be judged.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DAYS = 28
HOURS = 24.0 * DAYS
_FAMILIES = ("m5", "c5", "r5", "m6i", "c6i", "r6i", "i3en", "t3", "p4d", "g5", "p5", "g6")
_GPU = frozenset({"p4d", "g5", "p5", "g6"})
_ZONES = tuple(f"us-east-1{letter}" for letter in "abcdef")
_IMAGES = tuple(f"ami-{number}" for number in range(10))
_GPU_IMAGES = 3
_DRIVERS = 5
_KERNELS = 6
_KINDS = ("elevated", "periodic", "onset")
# A bad host was seen for a week at least.
_BAD_H = 168.0
_COHORT_HOSTS = 6
# Attributes that a guilty cohort shares; of several shapes one is drawn.
_SHAPES = {
    "image": (("ami_id",),),
    "zone": (("availability_zone",),),
    "family": (("instance_family",),),
    "driver": (("driver_version",),),
    "image_zone": (("ami_id", "availability_zone"),),
    "family_zone": (("availability_zone", "instance_family"),),
    "mixed": (
        ("ami_id",),
        ("instance_family",),
        ("ami_id", "availability_zone"),
        ("availability_zone", "instance_family"),
    ),
}


@dataclass(frozen=True)
class Cell:
    """One kind of fleet.

    ``base`` is episodes per host-day, ``frailty`` the variance of the hosts' own factors around 1,
    ``planted`` the share of bad hosts, ``short`` that of short-lived ones. ``guilty`` is a key of
    `_SHAPES` or empty: which cohort has ``factor`` times the rate. ``monster`` plants one host that
    resets every 40 minutes. ``spread`` scales how much families and zones differ.
    """

    name: str
    hosts: int = 2000
    base: float = 0.03
    frailty: float = 1.0
    planted: float = 0.02
    short: float = 0.35
    spread: float = 1.0
    guilty: str = ""
    factor: float = 1.0
    monster: bool = False
    shared: bool = True


@dataclass(frozen=True)
class EventFleet:
    """Hosts with attributes (arrays of equal length), hours seen per day, resets and the truth.

    ``seen`` has a row per host and a column per day. ``host`` and ``at`` are the resets, in hours
    of the window. ``kind`` is normal, elevated, periodic, onset, storm or repaired; ``rate`` each
    host's episodes per hour, ``level`` what its family and zone have. ``is_guilty`` marks the
    members of ``guilty``, the cohort's conditions.
    """

    attributes: dict[str, npt.NDArray[np.str_]]
    seen: Floats
    host: npt.NDArray[np.int64]
    at: Floats
    kind: npt.NDArray[np.str_]
    rate: Floats
    level: Floats
    is_guilty: npt.NDArray[np.bool_]
    guilty: dict[str, str]
    factor: float


def make(cell: Cell, seed: int) -> EventFleet:
    """The fleet of a cell and seed; the same for the same arguments."""
    rng = np.random.default_rng([seed, sum(map(ord, cell.name))])
    attributes = _attributes(rng, cell.hosts)
    start, end, gap = _lives(rng, cell)
    rate = cell.base / 24 * np.ones(cell.hosts)
    for name, levels, sd in (
        ("instance_family", _FAMILIES, 0.4 * cell.spread),
        ("availability_zone", _ZONES, 0.15 * cell.spread),
    ):
        factors = dict(zip(levels, np.exp(rng.normal(0, sd, len(levels))), strict=True))
        rate = rate * np.array([factors[value] for value in attributes[name]])
    level = rate
    if cell.frailty:
        rate = rate * rng.gamma(1 / cell.frailty, cell.frailty, cell.hosts)
    guilty, is_guilty, factor = _guilty(rng, cell, attributes)
    rate = np.where(is_guilty, rate * factor, rate)
    kind = _kinds(rng, cell)
    # Who is gone needs no ranking: the lives of bad hosts are moved to the end.
    is_bad = np.isin(kind, _KINDS)
    start = np.where(is_bad, np.minimum(start + HOURS - end, HOURS - _BAD_H), start)
    end = np.where(is_bad, HOURS, end)
    incidents = [
        (host, moment)
        for host in range(cell.hosts)
        for moment in _incidents(rng, str(kind[host]), rate[host], cell.base / 24)
    ]
    if cell.monster:
        monster = int(rng.integers(cell.hosts))
        start[monster], end[monster] = 0, HOURS
        kind[monster] = "periodic"
        incidents += [(monster, moment) for moment in np.arange(0.3, HOURS, 2 / 3)]
    if cell.shared:
        zone = _ZONES[int(rng.integers(len(_ZONES)))]
        hit = (attributes["availability_zone"] == zone) & (rng.random(cell.hosts) < 0.5)
        moment = rng.uniform(24, HOURS - 24)
        incidents += [(int(h), moment + rng.uniform(0, 0.1)) for h in np.flatnonzero(hit)]
    host, at = _resets(rng, incidents, kind)
    alive = (at >= start[host]) & (at < end[host]) & ~((at >= gap[host, 0]) & (at < gap[host, 1]))
    order = np.lexsort((at[alive], host[alive]))
    return EventFleet(
        attributes,
        _seen(start, end, gap),
        host[alive][order],
        at[alive][order],
        kind,
        rate,
        level,
        is_guilty,
        guilty,
        factor,
    )


def _attributes(rng: np.random.Generator, hosts: int) -> dict[str, npt.NDArray[np.str_]]:
    weights = 1 / np.arange(1, len(_FAMILIES) + 1)
    # GPU families are among the large ones too: the order of sizes is drawn anew.
    families = rng.permutation(_FAMILIES)
    family = rng.choice(families, hosts, p=weights / weights.sum())
    zone = rng.choice(_ZONES, hosts)
    is_gpu = np.isin(family, sorted(_GPU))
    plain = rng.choice(_IMAGES[_GPU_IMAGES:], hosts, p=_zipf(len(_IMAGES) - _GPU_IMAGES))
    deep = rng.choice(_IMAGES[:_GPU_IMAGES], hosts, p=_zipf(_GPU_IMAGES))
    image = np.where(is_gpu & (rng.random(hosts) < 0.95), deep, plain)
    number = np.array([_IMAGES.index(value) for value in image])
    drivers = np.where(
        rng.random(hosts) < 0.95, number % _DRIVERS, rng.integers(0, _DRIVERS, hosts)
    )
    kernels = np.where(
        rng.random(hosts) < 0.95, number % _KERNELS, rng.integers(0, _KERNELS, hosts)
    )
    return {
        "instance_family": family,
        "availability_zone": zone,
        "ami_id": image,
        "driver_version": np.char.add("2.", drivers.astype(str)),
        "kernel": np.char.add("6.", kernels.astype(str)),
    }


def _zipf(count: int) -> Floats:
    weights = 1 / np.arange(1, count + 1)
    return weights / weights.sum()


def _lives(rng: np.random.Generator, cell: Cell) -> tuple[Floats, Floats, Floats]:
    start, end = np.zeros(cell.hosts), np.full(cell.hosts, HOURS)
    short = rng.random(cell.hosts) < cell.short
    length = np.minimum(rng.exponential(96, cell.hosts) + 1, HOURS)
    begin = rng.uniform(-0.5 * length, HOURS - 0.5 * length)
    start = np.where(short, np.maximum(begin, 0), start)
    end = np.where(short, np.minimum(begin + length, HOURS), end)
    has_gap = rng.random(cell.hosts) < 0.08
    at = rng.uniform(0, HOURS, cell.hosts)
    gap = np.stack([at, at + np.where(has_gap, rng.uniform(6, 168, cell.hosts), 0)], axis=1)
    return start, end, gap


def _seen(start: Floats, end: Floats, gap: Floats) -> Floats:
    days = np.arange(DAYS) * 24.0

    def overlap(low: Floats, high: Floats) -> Floats:
        found = np.minimum(high[:, None], days + 24) - np.maximum(low[:, None], days)
        return np.maximum(found, 0)

    missed = overlap(np.maximum(gap[:, 0], start), np.minimum(gap[:, 1], end))
    return np.maximum(overlap(start, end) - missed, 0)


def _guilty(
    rng: np.random.Generator, cell: Cell, attributes: dict[str, npt.NDArray[np.str_]]
) -> tuple[dict[str, str], npt.NDArray[np.bool_], float]:
    nobody = np.zeros(cell.hosts, dtype=bool)
    if not cell.guilty:
        return {}, nobody, 1.0
    shapes = _SHAPES[cell.guilty]
    while True:
        shape = shapes[int(rng.integers(len(shapes)))]
        example = int(rng.integers(cell.hosts))
        guilty = {name: str(attributes[name][example]) for name in shape}
        rows = np.all([attributes[name] == value for name, value in guilty.items()], axis=0)
        # Fewer hosts are no cohort, and more than a quarter are the usual.
        if max(_COHORT_HOSTS, 0.01 * cell.hosts) <= rows.sum() <= 0.25 * cell.hosts:
            break
    return guilty, rows, cell.factor


def _kinds(rng: np.random.Generator, cell: Cell) -> npt.NDArray[np.str_]:
    kind = np.full(cell.hosts, "normal", dtype="<U8")
    planted = max(round(cell.planted * cell.hosts), 3) if cell.planted else 0
    others = round(0.004 * cell.hosts) if cell.planted else 0
    chosen = rng.permutation(cell.hosts)[: planted + 2 * others]
    kind[chosen[:planted]] = [_KINDS[n % len(_KINDS)] for n in range(planted)]
    kind[chosen[planted : planted + others]] = "storm"
    kind[chosen[planted + others :]] = "repaired"
    return kind


def _incidents(rng: np.random.Generator, kind: str, rate: float, base: float) -> Floats:
    moments = rng.uniform(0, HOURS, rng.poisson(rate * HOURS))
    if kind == "elevated":
        extra = base * np.exp(rng.uniform(np.log(3), np.log(30)))
        more = rng.uniform(0, HOURS, rng.poisson(extra * HOURS))
    elif kind == "periodic":
        period = np.exp(rng.uniform(np.log(2), np.log(24)))
        jitter = rng.uniform(0.03, 0.25)
        gaps = period * np.maximum(1 + jitter * rng.normal(size=int(HOURS / period) + 2), 0.1)
        more = np.cumsum(gaps) - period * rng.random()
    elif kind == "onset":
        since = HOURS - 24 * rng.uniform(1, 5)
        extra = base * np.exp(rng.uniform(np.log(10), np.log(60)))
        more = rng.uniform(since, HOURS, rng.poisson(extra * (HOURS - since)))
    elif kind == "repaired":
        until = HOURS - 240
        extra = base * np.exp(rng.uniform(np.log(10), np.log(30)))
        more = rng.uniform(0, until, rng.poisson(extra * until))
    else:
        more = np.empty(0)
    found = np.concatenate([moments, more])
    return found[(found >= 0) & (found < HOURS)]


def _resets(
    rng: np.random.Generator, incidents: list[tuple[int, float]], kind: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[np.int64], Floats]:
    hosts, moments = [], []
    for host, moment in incidents:
        size = 1 + (rng.geometric(0.4) if rng.random() < 0.4 else 0)
        hosts += [host] * size
        moments += list(moment + np.concatenate([[0], np.cumsum(rng.exponential(0.03, size - 1))]))
    for host in np.flatnonzero(kind == "storm"):
        size = int(rng.integers(10, 60))
        hosts += [int(host)] * size
        moments += list(rng.uniform(0, HOURS) + np.cumsum(rng.exponential(0.08, size)))
    return np.array(hosts, dtype=np.int64), np.array(moments, dtype=np.float64)
