"""The truth of a simulated fleet: what a perfect reader would find in its files."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from resetradar.simulate.floods import floods
from resetradar.simulate.incidents import Boot, Incident, affinity_lost, logs_end_us
from resetradar.simulate.leak import armed_after_us
from resetradar.simulate.plan import (
    COMMON_UNIT,
    LEAKING_UNIT,
    PLANTED,
    RESTARTING_UNIT,
    SECOND,
    Fleet,
    Host,
    Volume,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TrueIncident:
    """One reset, or one stall (``reset_at`` is null). Times are UTC, ISO 8601, microseconds."""

    host_id: str
    symptom_at: str
    reset_at: str | None
    trigger: str
    reset_reason: str | None
    queue: int | None
    cpu: int | None
    since_napi_us: int | None
    pinned: str | None


@dataclass(frozen=True)
class History:
    """What happened to one host: its boots, and what went wrong in them."""

    host: Host
    lives: tuple[Boot, ...]
    incidents: tuple[Incident, ...]


@dataclass(frozen=True)
class TrueHost:
    """One host with its attributes, its role and what is special about it.

    ``booted_at`` are the boots that touch the simulated days; the leak of the guilty image causes
    resets from ``armed_after_s`` of uptime on. From ``affinity_lost_at`` to the end of that boot
    all queues are on CPU 0.
    """

    host_id: str
    instance_family: str
    availability_zone: str
    ami_id: str
    kernel: str
    driver: str
    driver_version: str
    vcpus: int
    role: str
    features: tuple[str, ...]
    log_style: str
    cpu_style: str
    loader_cpu: int | None
    has_facts: bool
    restarting_units: tuple[str, ...]
    is_common_unit_active: bool
    booted_at: tuple[str, ...]
    armed_after_s: float | None
    affinity_lost_at: str | None
    console_floods_at: tuple[str, ...]
    resets: int
    stalls: int


@dataclass(frozen=True)
class PlantedHost:
    """A host that must head the ranking, with the reason and cadence to be found."""

    host_id: str
    role: str
    verdict: str
    cadence: str
    resets: int


@dataclass(frozen=True)
class Truth:
    """Parameters of the simulation and everything that it put into the files."""

    seed: int
    first_day: str
    last_day: str
    days: int
    volume: Volume
    guilty_ami: str
    leaking_unit: str
    common_unit: str
    restarting_unit: str
    planted_hosts: tuple[PlantedHost, ...]
    hosts: tuple[TrueHost, ...]
    resets: tuple[TrueIncident, ...]
    stalls: tuple[TrueIncident, ...]
    hosts_without_logs: tuple[str, ...]
    logs_stop_at: dict[str, str]
    hosts_not_inventoried: tuple[str, ...]
    damaged_files: dict[str, str]


def iso(at_us: int) -> str:
    """Instant as ISO 8601 text in UTC with microseconds."""
    moment = _EPOCH + timedelta(microseconds=at_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def tell(
    fleet: Fleet,
    happened: Sequence[History],
    damaged_files: dict[str, str],
) -> Truth:
    """The truth of a plan and of what happened to its hosts."""
    told = [
        (incident.reset_us is not None, _incident(history.host, incident))
        for history in happened
        for incident in history.incidents
    ]
    hosts = tuple(_host(fleet, history) for history in happened)
    planted = tuple(
        PlantedHost(host.host_id, host.role, *PLANTED[host.role], host.resets)
        for host in hosts
        if host.role in PLANTED
    )
    return Truth(
        seed=fleet.seed,
        first_day=fleet.first_day.isoformat(),
        last_day=fleet.day(fleet.days - 1).isoformat(),
        days=fleet.days,
        volume=fleet.volume,
        guilty_ami=next(image.ami_id for image in fleet.images if image.is_guilty),
        leaking_unit=LEAKING_UNIT,
        common_unit=COMMON_UNIT,
        restarting_unit=RESTARTING_UNIT,
        planted_hosts=planted,
        hosts=hosts,
        resets=tuple(incident for is_reset, incident in told if is_reset),
        stalls=tuple(incident for is_reset, incident in told if not is_reset),
        hosts_without_logs=tuple(h.host_id for h in hosts if h.log_style == "none"),
        logs_stop_at={
            host.host_id: iso(logs_end_us(fleet, host))
            for host in fleet.hosts
            if "logs_stop" in host.features
        },
        hosts_not_inventoried=tuple(h.host_id for h in hosts if "not_inventoried" in h.features),
        damaged_files=damaged_files,
    )


def write_truth(truth: Truth, path: Path) -> None:
    """Write the truth as JSON, keys sorted."""
    text = json.dumps(asdict(truth), indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")


def _incident(host: Host, incident: Incident) -> TrueIncident:
    return TrueIncident(
        host_id=host.host_id,
        symptom_at=iso(incident.symptom_us),
        reset_at=None if incident.reset_us is None else iso(incident.reset_us),
        trigger=incident.trigger,
        reset_reason=incident.reset_reason,
        queue=incident.queue,
        cpu=incident.cpu,
        since_napi_us=incident.since_napi_us,
        pinned=incident.pinned,
    )


def _host(fleet: Fleet, history: History) -> TrueHost:
    host, incidents = history.host, history.incidents
    lost = affinity_lost(host, history.lives, incidents)
    units = [LEAKING_UNIT] * host.image.is_guilty + [RESTARTING_UNIT] * host.is_unit_restarting
    resets = sum(incident.reset_us is not None for incident in incidents)
    return TrueHost(
        host_id=host.host_id,
        instance_family=host.family,
        availability_zone=host.zone,
        ami_id=host.image.ami_id,
        kernel=host.image.kernel,
        driver=host.driver,
        driver_version=host.driver_version,
        vcpus=host.vcpus,
        role=host.role,
        features=host.features,
        log_style=host.log_style,
        cpu_style=host.cpu_style,
        loader_cpu=host.loader_cpu,
        has_facts=host.has_facts,
        restarting_units=tuple(units),
        is_common_unit_active=host.is_common_unit_active,
        booted_at=tuple(iso(life.started_us) for life in history.lives),
        armed_after_s=armed_after_us(fleet, host) / SECOND if host.image.is_guilty else None,
        affinity_lost_at=iso(lost[0]) if lost else None,
        console_floods_at=tuple(iso(f.started_us) for f in floods(fleet, host, incidents)),
        resets=resets,
        stalls=len(incidents) - resets,
    )
