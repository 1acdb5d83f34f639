"""What the kernel prints for one incident, in the words and order of the driver's release.

Sources: the message wording by release of the out-of-tree ENA driver, the upstream netdev watchdog
and mlx5_core; the wording is checked against the catalogue by the tests of the whole program.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from resetradar.simulate.incidents import Incident
from resetradar.simulate.plan import Host
from resetradar.simulate.statistics_dump import dump

CRITICAL, ERROR, WARNING, NOTICE, INFO = 2, 3, 4, 5, 6
SERIAL_CONSOLE_US = 5_000  # per line; a line that only goes to the ring takes microseconds
RING_US = 4


class Line(NamedTuple):
    """One record: time (microseconds since the epoch), syslog level, writer and text."""

    at_us: int
    level: int
    writer: str
    text: str


@dataclass
class DriverState:
    """What the driver and the kernel remember within one boot."""

    counters: Counter[str] = field(default_factory=Counter)
    has_warned: bool = False


def kernel(at_us: int, level: int, text: str) -> Line:
    """A line of the kernel."""
    return Line(at_us, level, "kernel", text)


def net_prefix(host: Host) -> str:
    """Start of a line about the interface."""
    return f"{host.driver} {host.pci_address} {host.interface}: "


def device_prefix(host: Host) -> str:
    """Start of a line about the device before or without its interface."""
    return f"{host.driver} {host.pci_address}: "


def incident_lines(host: Host, incident: Incident, state: DriverState) -> Iterator[Line]:
    """All lines of one incident in time order; counts the incident in ``state``."""
    if incident.path == "other_driver":
        yield from _mlx5_stall(host, incident)
        return
    yield from _symptoms(host, incident, state)
    if incident.reset_us is not None:
        yield from _reset(host, incident, incident.reset_us, state)


def _symptoms(host: Host, incident: Incident, state: DriverState) -> Iterator[Line]:
    at, net = incident.symptom_us, net_prefix(host)
    match incident.path:
        case "starved_queue" | "stopped_queue":
            yield from _netdev_watchdog(host, incident, state)
        case "keep_alive":
            text = "Keep alive watchdog timeout"
            since_ms = 6000 + at // 1000 % 700 // 4 * 4
            detail = f", {since_ms} msecs since last keep alive." if _from(host, 2, 12) else "."
            yield kernel(at, ERROR, f"{net}{text}{detail}")
        case "device_request":
            text = "The device has detected an unhealthy state, reset is requested"
            yield kernel(at, WARNING, net + text)
        case "refresh":
            yield kernel(at, INFO, f"{net}Received requet to refresh capabilities")
        case "first_interrupt":
            end = "." if _from(host, 2, 16) else ". Reset the device"
            text = f"Potential MSIX issue on Tx side Queue = {incident.queue}{end}"
            yield kernel(at, ERROR, net + text)
        case "stall":
            yield from _late_completions(host, incident, 5)
        case _:
            yield from _threshold(host, incident)


def _from(host: Host, *version: int) -> bool:
    return host.version >= version


def _netdev_watchdog(host: Host, incident: Incident, state: DriverState) -> Iterator[Line]:
    at, net, queue = incident.symptom_us, net_prefix(host), incident.queue
    since_us = incident.since_napi_us or 0
    since_ms = since_us // 1000
    stalled_ms = max(5000 + at // 1000 % 220 // 4 * 4, since_ms - 8)
    is_starved = incident.path == "starved_queue"
    timer_cpu = ((incident.cpu or 0) + 1) % host.vcpus  # a starved CPU runs no timer
    if not host.image.kernel.startswith("5."):
        text = (
            f"NETDEV WATCHDOG: CPU: {timer_cpu}: transmit queue {queue} timed out {stalled_ms} ms"
        )
        yield kernel(at - 12, CRITICAL, net + text)
    elif not state.has_warned:
        yield from _warning_once(host, at - 60, timer_cpu, queue)
        state.has_warned = True
    if not _from(host, 2, 7, 2):
        yield kernel(at, ERROR, f"{net}Transmit time out")
        return
    scheduled = int(is_starved)
    start = f"{net}TX q {queue} is paused for too long (threshold 5000000). "
    interrupt_ms = since_ms + (1 if is_starved else 0)
    if _from(host, 2, 17):
        cpu = host.napi_cpu(queue or 0)
        detail = (
            f"usecs since napi {since_us}. napi scheduled: {scheduled}. napi CPU: {cpu}. "
            f"msecs since interrupt: {interrupt_ms}"
        )
    else:
        detail = f"Time since last napi {since_us} usec. napi scheduled: {scheduled}"
        if _from(host, 2, 12):
            detail += f". msecs since last interrupt: {interrupt_ms}"
    yield kernel(at, ERROR, start + detail)
    if is_starved:
        text = "napi handler hasn't been called for a long time but is scheduled"
        yield kernel(at + 5, ERROR, net + text)


def _warning_once(host: Host, at: int, cpu: int, queue: int | None) -> Iterator[Line]:
    texts = (
        "------------[ cut here ]------------",
        f"NETDEV WATCHDOG: {host.interface} ({host.driver}): transmit queue {queue} timed out",
        f"WARNING: CPU: {cpu} PID: 0 at net/sched/sch_generic.c:467 dev_watchdog+0x1f9/0x200",
        "Modules linked in: veth xt_conntrack nf_conntrack br_netfilter bridge overlay ena",
        f"CPU: {cpu} PID: 0 Comm: swapper/{cpu} Not tainted {host.image.kernel} #1",
        "---[ end trace 5d1f0c2ab7e94c31 ]---",
    )
    for number, text in enumerate(texts):
        yield kernel(at + 6 * number, WARNING, text)


def _late_completions(host: Host, incident: Incident, count: int) -> Iterator[Line]:
    """One line per late packet, the last at the symptom; newer drivers print one pair for all."""
    net, queue, at = net_prefix(host), incident.queue, incident.symptom_us
    since_us = incident.since_napi_us or 0
    since_ms = since_us // 1000
    scheduled = int(incident.pinned is not None)
    interrupt_ms = since_ms + (1 if scheduled else 9000)
    if _from(host, 2, 17):
        cpu = host.napi_cpu(queue or 0)
        first = (
            f"[1/2] {count} new missed TX completions, qid: {queue}, {interrupt_ms} msecs since "
            f"interrupt, {since_ms} msecs since napi, napi scheduled: {scheduled}"
        )
        second = (
            f"[2/2] qid: {queue}, highest TX completion pending time (msec): "
            f"{5000 + since_ms % 900}, napi sched changes: 0, napi CPU: {cpu}"
        )
        yield kernel(at - 8, NOTICE, net + first)
        yield kernel(at - 4, NOTICE, net + second)
        return
    for number in range(count):
        index = (at // 1000 + number) % 1024
        if _from(host, 2, 9):
            text = (
                f"TX hasn't completed, qid {queue}, index {index}. {interrupt_ms} msecs since last "
                f"interrupt, {since_ms} msecs since last napi execution, "
                f"napi scheduled: {scheduled}"
            )
        elif _from(host, 2, 7, 2):
            text = (
                f"TX hasn't completed, qid {queue}, index {index}. {since_us} usecs from last napi "
                f"execution, napi scheduled: {scheduled}"
            )
        else:
            text = f"Found a Tx that wasn't completed on time, qid {queue}, index {index}."
            if _from(host, 2, 5):
                text += (
                    f" {since_us} usecs have passed since last napi execution. "
                    "Missing Tx timeout value 5000 msecs"
                )
        yield kernel(at - RING_US * (count - number), NOTICE, net + text)


def _threshold(host: Host, incident: Incident) -> Iterator[Line]:
    at, net, queue = incident.symptom_us, net_prefix(host), incident.queue
    since_ms = (incident.since_napi_us or 0) // 1000
    interrupt_ms = since_ms + (1 if incident.pinned else 9000)
    # A device may lower the threshold by a hint; here it does on the host that loses interrupts.
    limit = 16 if incident.path == "lost_interrupt" else 128
    missed = limit + 1 + at // 1000 % 12
    yield from _late_completions(host, incident, missed)
    if incident.path != "starved_completion" and _from(host, 2, 9):
        if incident.path == "late_completion":
            yield kernel(at, ERROR, f"{net}No completion descriptors found in CQ {queue}")
        elif not _from(host, 2, 16):
            yield kernel(at, ERROR, f"{net}Completion descriptors found in CQ {queue}")
    if _from(host, 2, 17):
        first = (
            f"[1/2] Lost TX completions are above threshold ({missed} > {limit}), completion "
            f"timeout: 5000 (msec), {interrupt_ms} msecs since interrupt, {since_ms} msecs since "
            f"napi, qid: {queue}"
        )
        yield kernel(at, ERROR, net + first)
        # The release prints the two numbers in each other's place.
        swapped = f"[2/2] qid: {host.napi_cpu(queue or 0)}, napi CPU: {queue}"
        yield kernel(at + 3, ERROR, net + swapped)
    elif _from(host, 2, 7, 2):
        text = (
            f"Lost TX completions are above the threshold ({missed} > {limit}). "
            "Completion transmission timeout: 5000"
        )
        if _from(host, 2, 9):
            text += (
                f" (msec). {interrupt_ms} msecs since last interrupt, {since_ms} msecs since last "
                "napi execution"
            )
        text += f". qid {queue}." if _from(host, 2, 16) else "."
        yield kernel(at, ERROR, net + text)
    else:
        text = (
            f"The number of lost tx completions is above the threshold ({missed} > {limit}). "
            "Reset the device"
        )
        yield kernel(at, ERROR, net + text)
    if _from(host, 2, 7, 2):
        yield kernel(at + 5, ERROR, f"{net}Resetting the device")


def _reset(host: Host, incident: Incident, at: int, state: DriverState) -> Iterator[Line]:
    net, device = net_prefix(host), device_prefix(host)
    if _from(host, 2, 6):  # the driver first asks whether the device still answers
        yield from version_lines(host, at - 14)
    yield kernel(at, ERROR, f"{net}Trigger reset is on")
    spacing = SERIAL_CONSOLE_US if "long_dump" in host.features else RING_US
    end = at
    for text in dump(host, incident, state.counters):
        end += spacing
        yield kernel(end, ERROR, net + text)
    end += 10_000
    queue = incident.queue
    if queue is not None and _from(host, 2, 8):
        age_ms = 5200 + at // 1000 % 900
        if _from(host, 2, 15):
            what = "pkts" if _from(host, 2, 17) else "skbs"
            text = f"Freed 12 uncompleted tx {what}, qid {queue}, longest msecs since submission"
            yield kernel(end, INFO, f"{net}{text} {age_ms}")
        elif _from(host, 2, 10):
            text = f"Free uncompleted tx skb qid {queue}, idx 0x1a, {age_ms} msecs since submission"
            yield kernel(end, NOTICE, net + text)
        elif not _from(host, 2, 9, 2):
            yield kernel(end, NOTICE, f"{net}Free uncompleted tx skb qid {queue} idx 0x1a")
    end += 10_000
    yield from version_lines(host, end)
    end += 100_000 + at % 5_000
    driver_info = f"Driver info: Elastic Network Adapter (ENA) v{host.driver_version}g\n"
    how = "completed, status: 0" if _from(host, 2, 13, 1) else "completed successfully"
    yield kernel(end, ERROR, f"{device}Device reset {how}, {driver_info}")


def version_lines(host: Host, at: int) -> Iterator[Line]:
    """What the driver prints whenever it has talked to the device's registers."""
    device = device_prefix(host)
    yield kernel(at, INFO, f"{device}ENA device version: 0.10")
    text = "ENA controller version: 0.0.1 implementation version 1"
    yield kernel(at + 2, INFO, device + text)


def _mlx5_stall(host: Host, incident: Incident) -> Iterator[Line]:
    at, net, queue = incident.symptom_us, net_prefix(host), incident.queue
    watchdog = f"NETDEV WATCHDOG: CPU: 3: transmit queue {queue} timed out 5340 ms"
    yield kernel(at, CRITICAL, net + watchdog)
    yield kernel(at + 8, ERROR, f"{net}TX timeout detected")
    detail = (
        f"TX timeout on queue: {queue}, SQ: 0x11b, CQ: 0x8d, SQ Cons: 0x4 SQ Prod: 0x6, "
        "usecs since last trans: 5340000"
    )
    yield kernel(at + 90, ERROR, net + detail)
    yield kernel(at + 95, ERROR, f"{net}EQ 0x7: Cons = 0x3ba, irqn = 0x5a")
    yield kernel(at + 110, ERROR, f"{net}Recovered 1 eqes on EQ 0x7")
