"""The ordinary lines of a host, with a few that resemble resets and are none."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from resetradar.simulate.incidents import Boot
from resetradar.simulate.kernel_lines import (
    ERROR,
    INFO,
    NOTICE,
    WARNING,
    DriverState,
    Line,
    kernel,
)
from resetradar.simulate.leak import innocent_restarts, leaking_restarts
from resetradar.simulate.plan import (
    CRON_UNIT,
    HOUR,
    LEAKING_UNIT,
    MINUTE,
    RESTARTING_UNIT,
    SECOND,
    Fleet,
    Host,
)

LONGEST_SILENCE = 45 * MINUTE  # a host that logs less often than hourly counts as unobserved

_KERNEL: tuple[tuple[int, str], ...] = (
    (INFO, "docker0: port {n}(veth{h:07x}) entered blocking state"),
    (INFO, "docker0: port {n}(veth{h:07x}) entered forwarding state"),
    (INFO, "docker0: port {n}(veth{h:07x}) entered disabled state"),
    (INFO, "device veth{h:07x} entered promiscuous mode"),
    (INFO, "IPv6: ADDRCONF(NETDEV_CHANGE): veth{h:07x}: link becomes ready"),
    (INFO, "TCP: request_sock_TCP: Possible SYN flooding on port 80{n:02}. Sending cookies."),
    (
        NOTICE,
        'audit: type=1400 audit({s}.{n:03}:{k}): apparmor="STATUS" operation="profile_replace"',
    ),
    (
        NOTICE,
        "audit: type=1131 audit({s}.{n:03}:{k}): pid=1 uid=0 msg='unit=logrotate res=success'",
    ),
    (INFO, "EXT4-fs (nvme1n1): mounted filesystem with ordered data mode. Quota mode: none."),
    (INFO, "nf_conntrack version 0.5.0 (65536 buckets, 262144 max)"),
    (INFO, "usb 1-1: new low-speed USB device number {n} using uhci_hcd"),
    (INFO, "overlayfs: idmapped layers are currently not supported"),
    (INFO, "nvme nvme1: {n}/0/0 default/read/poll queues"),
    (
        WARNING,
        "TCP: eth0: Driver has suspect GRO implementation, TCP performance may be compromised.",
    ),
)
_SYSTEMD: tuple[str, ...] = (
    "Starting Daily man-db regeneration...",
    "logrotate.service: Deactivated successfully.",
    "Finished Rotate log files.",
    "Started Session {k} of user deploy.",
    "Finished Resetting the device inventory cache.",
)
_ENA_NEAR_MISSES: tuple[tuple[int, str], ...] = (
    (ERROR, "ena {bus} {nic}: Trigger refill for ring {q}"),
    (WARNING, "ena {bus} {nic}: Refilled rx qid {q} with only 12 buffers (from 1023)"),
    (WARNING, "ena {bus}: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)"),
    (ERROR, "infiniband rdmap0s6: Device isn't ready, can't reset device"),
    (INFO, "IPv6: ADDRCONF(NETDEV_CHANGE): {nic}: link becomes ready"),
)


# Part of the lines that are the driver's, but say nothing of a reset.
_NEAR_MISSES = 0.008
# Jobs outgrow their limit so often, however much else a host prints.
_KILLS_PER_HOUR = 0.024


def chatter(
    host: Host, per_hour: float, start_us: int, end_us: int, dice: random.Random
) -> Iterator[Line]:
    """Ordinary lines between two instants, never silent for an hour."""
    mean = HOUR / per_hour
    kills = min(0.008, _KILLS_PER_HOUR / per_hour)
    at = start_us + dice.randint(1, 300) * SECOND + dice.randrange(SECOND)
    while at < end_us:
        yield _one(host, at, dice, kills)
        gap = int(dice.expovariate(1 / mean))
        at += min(max(gap, 1_000), LONGEST_SILENCE)


def _one(host: Host, at: int, dice: random.Random, kills: float) -> Line:
    draw = dice.random()
    number, wide, serial = dice.randrange(1, 16), dice.randrange(1 << 28), dice.randrange(100, 1000)
    is_ena = host.driver == "ena"
    near = _NEAR_MISSES if is_ena else kills
    if draw < near and is_ena:
        level, text = dice.choice(_ENA_NEAR_MISSES)
        text = text.format(bus=host.pci_address, nic=host.interface, q=number % host.queues)
        return kernel(at, level, text)
    if draw < near + kills:
        # As often before a reset as at any other time.
        victim = f"Memory cgroup out of memory: Killed process {serial} (java) total-vm:812044kB"
        sizes = "anon-rss:524288kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1204kB"
        return kernel(at, ERROR, f"{victim}, {sizes} oom_score_adj:985")
    if draw < 0.2 and host.log_style != "dmesg":
        return Line(at, INFO, "systemd", dice.choice(_SYSTEMD).format(k=serial))
    level, text = dice.choice(_KERNEL)
    text = text.format(n=number, h=wide, k=serial, s=at // SECOND)
    return kernel(at, level, text)


def crash_loops(fleet: Fleet, host: Host, life: Boot, end_us: int) -> list[Iterator[Line]]:
    """What systemd prints of units that end and are started again.

    Of the unit that restarts every two seconds only a line in twenty minutes is kept, as if its
    messages were limited; its counter says how often it was restarted.
    """
    if host.log_style == "dmesg":
        return []
    loops = []
    if host.image.is_guilty:
        loops.append(_Loop(LEAKING_UNIT, 20 * MINUTE, partial(leaking_restarts, fleet, host)))
    if host.is_unit_restarting:
        loops.append(_Loop(RESTARTING_UNIT, 2 * HOUR, innocent_restarts))
    dice = [fleet.dice(host.host_id, f"{loop.unit}/{life.boot_id}") for loop in loops]
    return [loop.lines(life, end_us, own) for loop, own in zip(loops, dice, strict=True)]


@dataclass(frozen=True)
class _Loop:
    """A unit that ends and is started again; ``restarts`` counts them by uptime."""

    unit: str
    gap_us: int
    restarts: Callable[[int], int]

    def lines(self, life: Boot, end_us: int, dice: random.Random) -> Iterator[Line]:
        at = life.started_us + self.gap_us
        while at < end_us:
            exited = f"{self.unit}: Main process exited, code=exited, status=1/FAILURE"
            count = max(1, self.restarts(at - life.started_us))
            again = f"{self.unit}: Scheduled restart job, restart counter is at {count}."
            yield Line(at, NOTICE, "systemd", exited)
            yield Line(at + 10 * SECOND, INFO, "systemd", again)
            at += int(self.gap_us * dice.uniform(0.97, 1.03))


def cron_line(host: Host, at_us: int) -> Iterator[Line]:
    """The job that pins a CPU, started just before."""
    if host.log_style != "dmesg":
        yield Line(at_us, INFO, "systemd", f"Starting {CRON_UNIT} - Compact the search index...")


def workqueue_line(host: Host, at_us: int, state: DriverState) -> Iterator[Line]:
    """What a new kernel says of the walk over dead cgroups: cumulative counts, ever rarer."""
    if not host.image.kernel.startswith("6.8"):
        return
    state.counters["workqueue_lines"] += 1
    times = 2 ** (1 + state.counters["workqueue_lines"]) + 3
    text = (
        f"workqueue: flush_memcg_stats_dwork hogged CPU for >10000us {times} times, "
        "consider switching to WQ_UNBOUND"
    )
    yield kernel(at_us, WARNING, text)
