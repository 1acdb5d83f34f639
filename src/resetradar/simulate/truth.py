"""The truth of a simulated fleet: what a perfect reader would find in its files."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from resetradar.simulate.incidents import Incident, logs_end_us
from resetradar.simulate.plan import PLANTED, Fleet, Host, Volume

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
class TrueHost:
    """One host with its attributes, its role and what is special about it."""

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
    happened: Sequence[tuple[Host, Sequence[Incident]]],
    damaged_files: dict[str, str],
) -> Truth:
    """The truth of a plan and of what happened to its hosts."""
    told = [
        (incident.reset_us is not None, _incident(host, incident))
        for host, incidents in happened
        for incident in incidents
    ]
    hosts = tuple(_host(host, incidents) for host, incidents in happened)
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


def _host(host: Host, incidents: Sequence[Incident]) -> TrueHost:
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
        resets=resets,
        stalls=len(incidents) - resets,
    )
