"""Facts of a host as its own loop of ``date`` and ``cat`` collects them, every six hours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from resetradar.simulate.incidents import Boot, Incident, affinity_lost, logs_end_us
from resetradar.simulate.leak import (
    LIVE_CGROUPS,
    dead_cgroups,
    innocent_restarts,
    leaking_restarts,
)
from resetradar.simulate.plan import (
    COMMON_UNIT,
    DAY,
    HOUR,
    LEAKING_UNIT,
    MINUTE,
    RESTARTING_UNIT,
    SECOND,
    Fleet,
    Host,
)

_EVERY = 6 * HOUR
_FIRST_IRQ = 32
_UNITS = "systemctl show *.service -p Id,NRestarts,ActiveState"
# Columns of softnet_stat: processed, dropped, squeezed, nine more, and the CPU.
_SOFTNET_ZEROES = 9


@dataclass(frozen=True)
class _Moment:
    """A host at one instant of one boot."""

    fleet: Fleet
    host: Host
    at_us: int
    booted_us: int
    happened: tuple[Incident, ...]
    is_affinity_lost: bool

    @property
    def uptime_us(self) -> int:
        return self.at_us - self.booted_us

    def queue_cpu(self, queue: int) -> int:
        return 0 if self.is_affinity_lost else self.host.napi_cpu(queue)


def write_facts(
    fleet: Fleet,
    host: Host,
    lives: Sequence[Boot],
    happened: Sequence[Incident],
    folder: Path,
) -> list[Path]:
    """Write one compressed file per day on which the host was up; returns them in day order."""
    if not host.has_facts:
        return []
    written: list[Path] = []
    moments = list(_moments(fleet, host, tuple(lives), tuple(happened)))
    for number in range(fleet.days):
        first = fleet.start_us + number * DAY
        texts = [_snapshot(each) for each in moments if first <= each.at_us < first + DAY]
        if texts:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"facts-{fleet.day(number)}.txt.zst"
            path.write_bytes(zstandard.ZstdCompressor(level=19).compress("".join(texts).encode()))
            written.append(path)
    return written


def _moments(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], happened: tuple[Incident, ...]
) -> Iterator[_Moment]:
    dice = fleet.dice(host.host_id, "facts")
    lost = affinity_lost(host, lives, happened)
    first = fleet.start_us + int(dice.random() * _EVERY) // SECOND * SECOND
    for at in range(first, min(fleet.end_us, logs_end_us(fleet, host)), _EVERY):
        for life in lives:
            if life.started_us + 5 * MINUTE <= at < life.ended_us:
                is_lost = lost is not None and lost[0] <= at < lost[1]
                so_far = tuple(i for i in happened if life.started_us <= i.symptom_us < at)
                yield _Moment(fleet, host, at, life.started_us, so_far, is_lost)


def _snapshot(moment: _Moment) -> str:
    queues = range(moment.host.queues)
    parts = [("/proc/interrupts", _interrupts(moment))]
    for queue in queues:
        cpu = moment.queue_cpu(queue)
        allowed = f"0-{moment.host.vcpus - 1}" if moment.is_affinity_lost else str(cpu)
        irq = f"/proc/irq/{_FIRST_IRQ + queue}"
        parts += [(f"{irq}/smp_affinity_list", allowed)]
        parts += [(f"{irq}/effective_affinity_list", str(cpu))]
    parts += [
        ("/proc/cgroups", _cgroups(moment)),
        ("/sys/fs/cgroup/cgroup.stat", _cgroup_stat(moment)),
        (_UNITS, _units(moment)),
        ("/proc/net/softnet_stat", _softnet(moment)),
    ]
    return "".join(f"# {moment.at_us // SECOND} {name}\n{text}\n" for name, text in parts)


def _interrupts(moment: _Moment) -> str:
    """Counts since boot; those of the queues since the last reset, which makes them anew."""
    host, cpus = moment.host, range(moment.host.vcpus)
    resets = [i.reset_us for i in moment.happened if i.reset_us and i.reset_us < moment.at_us]
    queue_s = (moment.at_us - max([moment.booted_us, *resets])) // SECOND
    uptime_s = moment.uptime_us // SECOND
    dice = moment.fleet.dice(host.host_id, "interrupts")
    rows = [("31", [uptime_s] + [0] * (host.vcpus - 1), f"ena-mgmnt@pci:{host.pci_address}")]
    for queue in range(host.queues):
        per_s, other = dice.randint(20, 200), dice.randrange(host.vcpus)
        counts = [5 if cpu == other else 0 for cpu in cpus]
        counts[moment.queue_cpu(queue)] += per_s * queue_s
        rows.append((str(_FIRST_IRQ + queue), counts, _vector(host, queue)))
    lines = ["".join([" " * 4, *(f"{f'CPU{cpu}':>11}" for cpu in cpus)])]
    for number, (irq, counts, name) in enumerate(rows):
        figures = "".join(f"{count:>11}" for count in counts)
        lines.append(f"{irq:>3}:{figures}  PCI-MSIX-{host.pci_address}  {number}-edge  {name}")
    ticks = "".join(f"{uptime_s * 250:>11}" for _ in cpus)
    return "\n".join([*lines, f"LOC:{ticks}   Local timer interrupts", "ERR:          0"])


def _vector(host: Host, queue: int) -> str:
    if host.driver == "ena":
        return f"{host.interface}-Tx-Rx-{queue}"
    return f"mlx5_comp{queue}@pci:{host.pci_address}"


def _cgroups(moment: _Moment) -> str:
    live = LIVE_CGROUPS + moment.at_us // HOUR % 9
    memory = live + dead_cgroups(moment.fleet, moment.host, moment.uptime_us)
    rows = [("cpuset", 8, live // 3), ("memory", 4, memory), ("pids", 2, live + 11)]
    head = "#subsys_name\thierarchy\tnum_cgroups\tenabled"
    return "\n".join([head, *(f"{name}\t{tree}\t{count}\t1" for name, tree, count in rows)])


def _cgroup_stat(moment: _Moment) -> str:
    live = LIVE_CGROUPS + moment.at_us // HOUR % 9
    dead = dead_cgroups(moment.fleet, moment.host, moment.uptime_us)
    return f"nr_descendants {live}\nnr_dying_descendants {dead}"


def _units(moment: _Moment) -> str:
    host = moment.host
    units = [("chronyd.service", 0, "active"), ("kubelet.service", 0, "active")]
    if host.is_unit_restarting:
        units.append((RESTARTING_UNIT, innocent_restarts(moment.uptime_us), "active"))
    units.append((COMMON_UNIT, 0, "active" if host.is_common_unit_active else "inactive"))
    if host.image.is_guilty:
        count = leaking_restarts(moment.fleet, host, moment.uptime_us)
        units.append((LEAKING_UNIT, count, "activating"))
    return "\n".join(f"Id={u}\nNRestarts={n}\nActiveState={state}\n" for u, n, state in units)


def _softnet(moment: _Moment) -> str:
    """Packets since boot, and polls that were broken off where a CPU had been pinned."""
    pins = [incident.cpu for incident in moment.happened if incident.pinned]
    zeroes = " ".join(["00000000"] * _SOFTNET_ZEROES)
    return "\n".join(
        f"{40 * moment.uptime_us // SECOND:08x} 00000000 {2 * pins.count(cpu):08x} {zeroes} "
        f"{cpu:08x}"
        for cpu in range(moment.host.vcpus)
    )
