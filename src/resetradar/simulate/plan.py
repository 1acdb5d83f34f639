"""Who is in the fleet: hosts, their attributes, roles, and how each of them logs and samples.

Images, zones and families are dealt like cards, so that they are nearly balanced against each
other and only the guilty image explains its resets. Times are microseconds since the epoch.
"""

import random
from calendar import timegm
from dataclasses import dataclass, replace
from datetime import date, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

REGION = "us-east-1"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
FAMILIES = ("c5", "m5", "g5", "m5", "p5")
KERNELS = (
    "5.10.230-223.885.amzn2.x86_64",
    "6.1.127-135.201.amzn2023.x86_64",
    "6.8.0-1021-aws",
)
DRIVERS = (
    *("2.4.0", "2.6.1", "2.7.1", "2.8.9", "2.9.1", "2.11.0"),
    *("2.12.3", "2.13.2", "2.14.1", "2.15.0", "2.16.1", "2.17.0"),
)
# Drivers that print whether NAPI was scheduled; mostly those with a short statistics dump.
GUILTY_DRIVERS = (*DRIVERS[5:7], *DRIVERS[8:], *DRIVERS[8:])
TEAMS = ("batch", "ranking", "search")
LOG_STYLES = ("traditional", "iso", "journal", "traditional", "iso", "journal", "dmesg")
LEAKING_UNIT = "telemetry-agent.service"
# Innocent units: one is active nearly everywhere, one restarts on some hosts of any image.
COMMON_UNIT = "metrics-relay.service"
RESTARTING_UNIT = "log-shipper.service"
CRON_UNIT = "index-compaction.service"


@dataclass(frozen=True)
class Image:
    """One machine image; the guilty one carries a crash-looping unit that leaks memory cgroups."""

    ami_id: str
    kernel: str
    is_guilty: bool


@dataclass(frozen=True)
class Host:
    """One host; everything about it that does not change during the simulated days."""

    host_id: str
    instance_id: str
    instance_type: str
    vcpus: int
    queues: int
    zone: str
    image: Image
    driver: str
    driver_version: str
    pci_address: str
    interface: str
    team: str
    role: str = "healthy"
    features: tuple[str, ...] = ()
    log_style: str = "iso"
    cpu_style: str = "none"
    older_logs: str = "gz"
    first_irq_cpu: int = 0
    loader_cpu: int | None = None
    has_facts: bool = True
    is_common_unit_active: bool = True
    is_unit_restarting: bool = False

    @property
    def family(self) -> str:
        """Part of the instance type before the dot."""
        return self.instance_type.split(".")[0]

    @property
    def version(self) -> tuple[int, ...]:
        """Driver version for comparisons."""
        return tuple(int(part) for part in self.driver_version.split("."))

    def napi_cpu(self, queue: int) -> int:
        """CPU that serves a queue."""
        return (self.first_irq_cpu + queue) % self.vcpus


@dataclass(frozen=True)
class Volume:
    """How much a fleet writes; none of it changes what happens.

    ``sampled_share`` is the part of the healthy hosts that records its CPUs.
    """

    cpu_interval_s: int
    lines_per_hour: float
    sampled_share: float


@dataclass(frozen=True)
class Fleet:
    """The plan: parameters, images and hosts."""

    seed: int
    first_day: date
    days: int
    volume: Volume
    images: tuple[Image, ...]
    hosts: tuple[Host, ...]

    @property
    def start_us(self) -> int:
        """First instant of the simulated days."""
        return timegm(self.first_day.timetuple()) * SECOND

    @property
    def end_us(self) -> int:
        """First instant after the simulated days."""
        return self.start_us + self.days * DAY

    def day(self, number: int) -> date:
        """Date of a simulated day, counted from 0."""
        return self.first_day + timedelta(days=number)

    def dice(self, host_id: str, purpose: str) -> random.Random:
        """Generator of one host and purpose: no host's draws depend on another's."""
        return random.Random(f"{self.seed}/{host_id}/{purpose}")


@dataclass(frozen=True)
class _Special:
    role: str = "healthy"
    feature: str = ""
    driver_version: str = ""
    log_style: str = ""
    cpu_style: str = ""


# In this order on hosts of innocent images; a small fleet has only the first of them.
_SPECIALS = (
    _Special("steady_starved", "", "2.14.1", "iso", "sadf"),
    _Special("device_fault", "", "2.15.0", "journal", "sadf"),
    _Special("interrupt_lost", "", "2.15.0", "traditional", "sadf"),
    _Special("silent", "no_logs", log_style="none", cpu_style="none"),
    _Special(feature="logs_stop", log_style="iso"),
    _Special(feature="not_inventoried", log_style="journal"),
    _Special(feature="cut_file", log_style="traditional"),
    _Special(feature="invalid_bytes", log_style="iso"),
    _Special(feature="crlf", log_style="traditional"),
    _Special(feature="other_driver", log_style="iso"),
    _Special(feature="long_dump affinity_lost", driver_version="2.11.0", log_style="journal"),
    _Special(feature="stall", driver_version="2.12.3", log_style="iso"),
    _Special(feature="stall", driver_version="2.17.0", log_style="traditional"),
    _Special(feature="old_driver affinity_lost", driver_version="2.4.0", log_style="journal"),
    _Special(feature="requested affinity_lost", driver_version="2.12.3", log_style="iso"),
    _Special(feature="reconfigured", driver_version="2.13.2", log_style="iso"),
    _Special(log_style="dmesg"),
    _Special(log_style="traditional", cpu_style="mpstat"),
    _Special("console_flood", "", "2.13.2", "iso", "sadf"),
)
# What nobody collected on a host is unknown, whatever its log says.
_WITHOUT_FACTS = frozenset({"invalid_bytes", "logs_stop"})
PLANTED = {
    "steady_starved": ("host_starved", "regular, every 4 hours within 5 percent"),
    "device_fault": ("device_fault", "bursts of 5 to 8 within hours"),
    "interrupt_lost": ("interrupt_lost", "at random"),
}


def plan_fleet(hosts: int, days: int, seed: int, last_day: date, volume: Volume) -> Fleet:
    """The whole plan, from its parameters alone."""
    dice = random.Random(f"{seed}/fleet")
    guilty = dice.randrange(len(KERNELS))
    images = tuple(
        Image(f"ami-0{dice.getrandbits(64):016x}", kernel, index == guilty)
        for index, kernel in enumerate(KERNELS)
    )
    first_day = last_day - timedelta(days=days - 1)
    fleet = Fleet(seed, first_day, days, volume, images, ())
    dealt = [_deal(fleet, index) for index in range(hosts)]
    innocent = [index for index, host in enumerate(dealt) if not host.image.is_guilty]
    dice.shuffle(innocent)
    # The planted hosts stand in zones of their own, so that no zone looks guilty for all of them.
    first = {dealt[index].zone: index for index in reversed(innocent)}
    innocent = [*first.values(), *(i for i in innocent if i not in first.values())]
    for index, special in zip(innocent, _SPECIALS, strict=False):
        dealt[index] = _specialise(dealt[index], special)
    return replace(fleet, hosts=tuple(sorted(dealt, key=lambda host: host.host_id)))


def _deal(fleet: Fleet, index: int) -> Host:
    image = fleet.images[index % 3]
    zone = index // 3 % 3
    family = FAMILIES[index // 9 % len(FAMILIES)]
    number = index // 9 * 3 + index % 3
    host_id = f"ip-10-20-{1 + zone * 80 + number // 240}-{10 + number % 240}"
    dice = fleet.dice(host_id, "attributes")
    size, vcpus = dice.choice((("xlarge", 4), ("2xlarge", 8)))
    if family == "p5":
        size, vcpus = "4xlarge", 16
    version = dice.choice(GUILTY_DRIVERS if image.is_guilty else DRIVERS)
    style = dice.choice(LOG_STYLES)
    share = fleet.volume.sampled_share
    is_sampled = dice.random() < (max(0.85, share) if image.is_guilty else share)
    return Host(
        host_id=host_id,
        instance_id=f"i-0{dice.getrandbits(64):016x}",
        instance_type=f"{family}.{size}",
        vcpus=vcpus,
        queues=min(vcpus, 8),
        zone=ZONES[zone],
        image=image,
        driver="ena",
        driver_version=version,
        pci_address="0000:00:05.0",
        interface=dice.choice(("eth0", "ens5")),
        team=dice.choice(TEAMS),
        role="guilty_ami" if image.is_guilty else "healthy",
        log_style=style,
        cpu_style="sadf" if is_sampled else "none",
        older_logs=dice.choice(("gz", "zst")),
        first_irq_cpu=dice.randrange(vcpus),
        loader_cpu=dice.randrange(vcpus) if dice.random() < 1 / 3 else None,
        is_common_unit_active=dice.random() < 0.9,
        is_unit_restarting=dice.random() < 0.3,
    )


def _specialise(host: Host, special: _Special) -> Host:
    changed = replace(
        host,
        role=special.role,
        features=tuple(special.feature.split()),
        driver_version=special.driver_version or host.driver_version,
        log_style=special.log_style or host.log_style,
        cpu_style=special.cpu_style or host.cpu_style,
        has_facts=special.role != "silent" and special.feature not in _WITHOUT_FACTS,
    )
    if special.role == "console_flood":
        return replace(changed, older_logs="zst")
    if special.feature == "other_driver":
        return replace(
            changed,
            driver="mlx5_core",
            driver_version="5.15-0.9.8",
            pci_address="0000:00:06.0",
            interface="ens6",
            cpu_style="none",
        )
    if "long_dump" in special.feature:
        return replace(
            changed, instance_type=f"{host.family}.4xlarge", vcpus=16, queues=16, cpu_style="none"
        )
    return changed
