"""What happens to a host and when: boots, resets and stalls."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from resetradar.simulate.leak import armed_after_us
from resetradar.simulate.plan import DAY, HOUR, MINUTE, SECOND, Fleet, Host

MEAN_LIFE = 5 * DAY
JIFFY = 4_000  # 250 ticks per second: durations that the driver prints are multiples of it


@dataclass(frozen=True)
class Boot:
    """One life of a host between two boots, microseconds since the epoch."""

    started_us: int
    ended_us: int
    boot_id: str


@dataclass(frozen=True)
class Incident:
    """One reset, or one stall that ends without a reset.

    ``symptom_us`` is the line that states the trigger, ``reset_us`` the line that begins the
    reset. Where NAPI was starved, ``cpu`` was pinned for ``since_napi_us`` before the symptom.
    """

    path: str
    trigger: str
    reset_reason: str | None
    symptom_us: int
    reset_us: int | None
    queue: int | None = None
    cpu: int | None = None
    since_napi_us: int | None = None
    pinned: str | None = None


def boots(fleet: Fleet, host: Host) -> tuple[Boot, ...]:
    """Boots that touch the simulated days; the first may lie before them."""
    dice = fleet.dice(host.host_id, "boots")
    longest_h = {"guilty_ami": 90.0}.get(host.role, 280.0)
    if host.log_style == "dmesg":
        longest_h = 20.0  # the file then holds the boot and little from before the first day
    started = fleet.start_us - int(dice.uniform(2, longest_h) * HOUR)
    # dmesg and a running mpstat do not survive a reboot.
    is_rebooting = host.log_style != "dmesg" and host.cpu_style != "mpstat"
    lives: list[Boot] = []
    earliest = fleet.start_us
    while True:
        lifetime = max(6 * HOUR, int(dice.expovariate(1 / MEAN_LIFE)))
        ended = earliest + lifetime if is_rebooting else fleet.end_us
        boot_id = f"{dice.getrandbits(128):032x}"
        lives.append(Boot(started, min(ended, fleet.end_us), boot_id))
        if ended >= fleet.end_us - HOUR:
            lives[-1] = Boot(started, fleet.end_us, boot_id)
            return tuple(lives)
        started = earliest = ended + int(dice.uniform(70, 150) * SECOND)


def incidents(fleet: Fleet, host: Host, lives: tuple[Boot, ...]) -> tuple[Incident, ...]:
    """Everything that goes wrong on a host, in time order."""
    if host.log_style == "none":
        return ()  # what nobody logged is in no file and not part of the truth
    dice = fleet.dice(host.host_id, "incidents")
    found = {
        "guilty_ami": _leaking,
        "steady_starved": _every_four_hours,
        "device_fault": _bursts,
        "interrupt_lost": _scattered,
        "console_flood": _flooded,
    }.get(host.role, _background)(fleet, host, lives, dice)
    return tuple(sorted(found, key=lambda incident: incident.symptom_us))


def affinity_lost(
    host: Host, lives: tuple[Boot, ...], happened: tuple[Incident, ...]
) -> tuple[int, int] | None:
    """Instants between which all queues are on CPU 0: from a reset to the end of its boot.

    It is the last reset of a boot with six hours left, in which facts are collected once: nothing
    else happens to the host, so the queues of its incidents are where ``Host.napi_cpu`` says.
    """
    if "affinity_lost" not in host.features:
        return None
    for life in reversed(lives):
        resets = [
            incident.reset_us
            for incident in happened
            if incident.reset_us and life.started_us <= incident.reset_us < life.ended_us
        ]
        if resets and life.ended_us - resets[-1] > 6 * HOUR:
            return resets[-1], life.ended_us
    return None


def logs_end_us(fleet: Fleet, host: Host) -> int:
    """Instant after which a host delivers no more log lines."""
    if "logs_stop" in host.features:
        return fleet.start_us + int(fleet.days * DAY * 0.4)
    return fleet.end_us


def _is_up(fleet: Fleet, lives: tuple[Boot, ...], at_us: int) -> bool:
    """The host is up, with room for the lines before and after."""
    if not fleet.start_us + 5 * MINUTE <= at_us <= fleet.end_us - 10 * MINUTE:
        return False
    return any(
        life.started_us + 30 * MINUTE <= at_us <= life.ended_us - 10 * MINUTE for life in lives
    )


def _leaking(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], dice: random.Random
) -> Iterator[Incident]:
    for life in lives:
        at = life.started_us + armed_after_us(fleet, host) + int(dice.uniform(0, 6) * HOUR)
        if at < fleet.start_us:
            at = fleet.start_us + int(dice.uniform(0.5, 12) * HOUR)
        while at < life.ended_us:
            if _is_up(fleet, lives, at):
                yield _starved(host, at, dice, pinned="system")
            at += int(dice.uniform(8, 22) * HOUR)


def _every_four_hours(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], dice: random.Random
) -> Iterator[Incident]:
    at = fleet.start_us + int(dice.uniform(0.3, 4) * HOUR)
    while at < fleet.end_us:
        if _is_up(fleet, lives, at):
            yield _starved(host, at, dice, pinned="softirq", queue=1)
        at += int(4 * HOUR * dice.uniform(0.95, 1.05))


def _bursts(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], dice: random.Random
) -> Iterator[Incident]:
    count = max(1, round(fleet.days * 5 / 7))
    for number in range(count):
        share = (number + dice.uniform(0.15, 0.85)) / count
        at = fleet.start_us + int(share * fleet.days * DAY)
        for _ in range(dice.randint(5, 8)):
            if _is_up(fleet, lives, at):
                yield _reset(host, "keep_alive", at, dice)
            at += int(dice.uniform(16, 50) * MINUTE)


def _scattered(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], dice: random.Random
) -> Iterator[Incident]:
    count = max(2, round(fleet.days * 26 / 7))
    latest = 0
    for at in sorted(fleet.start_us + int(dice.random() * fleet.days * DAY) for _ in range(count)):
        latest = max(at, latest + 20 * MINUTE)
        if _is_up(fleet, lives, latest):
            path = "first_interrupt" if dice.random() < 0.4 else "lost_interrupt"
            yield _reset(host, path, latest, dice)


def _flooded(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], dice: random.Random
) -> Iterator[Incident]:
    at = fleet.start_us + int(dice.uniform(4, 20) * HOUR)
    while at < fleet.end_us - DAY:  # the last day's log is not packed yet, and this is much of it
        if _is_up(fleet, lives, at):
            yield _starved(host, at, dice, pinned="console")
        at += int(dice.uniform(20, 44) * HOUR)


def _background(
    fleet: Fleet, host: Host, lives: tuple[Boot, ...], dice: random.Random
) -> Iterator[Incident]:
    at = fleet.start_us + int(dice.uniform(0.05, 0.35) * fleet.days * DAY)
    if "stall" in host.features or host.driver != "ena":
        for _ in range(3):
            if _is_up(fleet, lives, at):
                path = "stall" if host.driver == "ena" else "other_driver"
                yield _stall(host, path, at, dice)
            at += int(dice.uniform(0.1, 0.2) * fleet.days * DAY)
    elif certain := [_CERTAIN[name] for name in host.features if name in _CERTAIN]:
        while at < fleet.end_us and not _is_up(fleet, lives, at):
            at += 15 * MINUTE
        yield _reset(host, certain[0], at, dice)
    elif dice.random() < fleet.days / 60:
        at = fleet.start_us + int(dice.random() * fleet.days * DAY)
        paths = ["keep_alive", "stopped_queue", "late_completion"]
        paths += ["refresh"] if host.version >= (2, 6, 0) else []
        paths += ["device_request"] if host.version >= (2, 12, 0) else []
        path = dice.choice(paths)
        if _is_up(fleet, lives, at) and at < logs_end_us(fleet, host) - 10 * MINUTE:
            yield _reset(host, path, at, dice)


# path -> trigger, reset reason, whether the 1 Hz timer must come round before the reset begins
_PATHS = {
    "starved_queue": ("poll_starvation", "SUSPECTED_POLL_STARVATION", True),
    "starved_completion": ("tx_completion_timeout", "SUSPECTED_POLL_STARVATION", False),
    "stopped_queue": ("netdev_watchdog", "OS_NETDEV_WD", True),
    "late_completion": ("tx_completion_timeout", "MISS_TX_CMPL", False),
    "lost_interrupt": ("missed_interrupt", "MISS_INTERRUPT", False),
    "first_interrupt": ("missed_interrupt", "MISS_INTERRUPT", False),
    "keep_alive": ("missing_keep_alive", "KEEP_ALIVE_TO", False),
    "device_request": ("device_requested", "DEVICE_REQUEST", True),
    "refresh": ("device_requested_refresh", "NORMAL", True),
}
# Features that stand for one reset of a certain kind, so that every fleet of some size has it.
_CERTAIN = {
    "long_dump": "late_completion",
    "old_driver": "late_completion",
    "requested": "device_request",
}
_WITHOUT_QUEUE = {"keep_alive", "device_request", "refresh"}


def _begins_after_us(host: Host, path: str, dice: random.Random) -> int:
    if _PATHS[path][2]:
        return int(dice.uniform(50, 950) * 1000)
    # From 2.16.0 a work queue prints the begin line, once it has the network lock.
    return int(dice.uniform(2, 700) * 1000) if host.version >= (2, 16, 0) else dice.randint(60, 400)


def _reset(host: Host, path: str, at: int, dice: random.Random) -> Incident:
    trigger, reason, _ = _PATHS[path]
    queue = None if path in _WITHOUT_QUEUE else dice.randrange(host.queues)
    since_napi = None
    if path == "stopped_queue" and host.version >= (2, 7, 2):
        since_napi = dice.randrange(20, 900) * JIFFY
    if path in {"late_completion", "lost_interrupt"} and host.version >= (2, 5, 0):
        since_napi = dice.randrange(1300, 1700) * JIFFY
    begin = at + _begins_after_us(host, path, dice)
    return Incident(path, trigger, reason, at, begin, queue, None, since_napi)


def _starved(
    host: Host, at: int, dice: random.Random, *, pinned: str, queue: int | None = None
) -> Incident:
    if queue is None or host.napi_cpu(queue) == host.loader_cpu:
        free = [q for q in range(host.queues) if host.napi_cpu(q) != host.loader_cpu]
        queue = dice.choice(free) if queue is None else free[0]
    path = "starved_queue"
    since_napi = dice.randrange(1255, 1725) * JIFFY  # 5.0 to 6.9 s
    if host.version >= (2, 17, 0) and dice.random() < 1 / 3:
        # A driver that sees NAPI scheduled waits twice the timeout in the completion path.
        path, since_napi = "starved_completion", dice.randrange(2525, 2800) * JIFFY
    trigger, reason, _ = _PATHS[path]
    begin = at + _begins_after_us(host, path, dice)
    return Incident(
        path, trigger, reason, at, begin, queue, host.napi_cpu(queue), since_napi, pinned
    )


def _stall(host: Host, path: str, at: int, dice: random.Random) -> Incident:
    is_ena = host.driver == "ena"
    trigger = "tx_completion_timeout" if is_ena else "netdev_watchdog"
    since_napi = dice.randrange(3, 900) * JIFFY if is_ena else None
    return Incident(path, trigger, None, at, None, dice.randrange(host.queues), None, since_napi)
