"""The ordinary lines of a host, with a few that resemble resets and are none."""

import random
from collections.abc import Iterator

from resetradar.simulate.kernel_lines import (
    ERROR,
    INFO,
    NOTICE,
    WARNING,
    DriverState,
    Line,
    kernel,
)
from resetradar.simulate.plan import CRON_UNIT, HOUR, LEAKING_UNIT, MINUTE, SECOND, Host

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


def chatter(
    host: Host, per_hour: float, start_us: int, end_us: int, dice: random.Random
) -> Iterator[Line]:
    """Ordinary lines between two instants, never silent for an hour."""
    mean = HOUR / per_hour
    at = start_us + dice.randint(1, 300) * SECOND + dice.randrange(SECOND)
    while at < end_us:
        yield _one(host, at, dice)
        gap = int(dice.expovariate(1 / mean))
        at += min(max(gap, 1_000), LONGEST_SILENCE)


def _one(host: Host, at: int, dice: random.Random) -> Line:
    draw = dice.random()
    number, wide, serial = dice.randrange(1, 16), dice.randrange(1 << 28), dice.randrange(100, 1000)
    if draw < 0.008 and host.driver == "ena":
        level, text = dice.choice(_ENA_NEAR_MISSES)
        text = text.format(bus=host.pci_address, nic=host.interface, q=number % host.queues)
        return kernel(at, level, text)
    if draw < 0.2 and host.log_style != "dmesg":
        return Line(at, INFO, "systemd", dice.choice(_SYSTEMD).format(k=serial))
    level, text = dice.choice(_KERNEL)
    text = text.format(n=number, h=wide, k=serial, s=at // SECOND)
    return kernel(at, level, text)


def crash_loop(host: Host, start_us: int, end_us: int, dice: random.Random) -> Iterator[Line]:
    """The unit of the guilty image that ends and is started again: each start leaks a cgroup."""
    if host.log_style == "dmesg":
        return
    at, restarts = start_us + 90 * SECOND, 0
    while at < end_us:
        restarts += 1
        exited = f"{LEAKING_UNIT}: Main process exited, code=exited, status=1/FAILURE"
        again = f"{LEAKING_UNIT}: Scheduled restart job, restart counter is at {restarts}."
        yield Line(at, NOTICE, "systemd", exited)
        yield Line(at + 10 * SECOND, INFO, "systemd", again)
        at += int(20 * MINUTE * dice.uniform(0.97, 1.03))


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
