"""The words of the catalogue: messages, drivers, reset reasons and what a matched line says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

ROLES = (
    "detail",  # a row of the message before it, naming no device
    "symptom",  # a queue, an interrupt or the device looks stuck
    "reset_deferred",  # the driver wants to reset and cannot yet
    "reset_begin",  # the reset starts
    "stats_dump",  # counters or registers printed because of the reset
    "reset_progress",  # a step of the reset
    "reset_done",  # the reset is over
    "reset_failed",  # a step of the reset failed
    "reset_cancelled",  # the reset will not take place
    "recovered_without_reset",  # the stall is over and no reset was needed
    "cause",  # the host explains itself: starved CPU, memory pressure, hardware
    "context",  # useful around a reset, says nothing by itself
    "probe",  # the driver takes over a device; part of a reset or of a boot
)

TRIGGERS = (
    # what made a driver reset
    "tx_completion_timeout",
    "netdev_watchdog",
    "poll_starvation",
    "missed_interrupt",
    "missing_keep_alive",
    "unresponsive_device",
    "invalid_descriptor",
    "driver_invalid_state",
    "device_requested",
    "device_requested_refresh",
    "user_requested",
    "suspend_resume",
    "host_servicing",
    "fw_error",
    "hw_error",
    "pci_error",
    "link_loss",
    "pfc_storm",
    "io_timeout",
    # what a cause line speaks of
    "cpu_starvation",
    "cpu_hog",
    "softirq_backlog",
    "blocked_task",
    "paused_vcpu",
    "memory_pressure",
    "pid_exhaustion",
    "conntrack_pressure",
    "neighbour_pressure",
    "unit_crash_loop",
    "warning_trace",
    "panic",
    "boot_boundary",
    "log_loss",
)

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "varies")

SCOPES = (
    "device",  # the line must name this driver, or only an interface
    "any_device",  # printed for every driver by the network core
    "line",  # the kernel or a service speaks, with or without a device
)


@dataclass(frozen=True, slots=True)
class Message:
    """One wording of one kernel message.

    `pattern` matches the whole body, `hyperscan` is a cheap byte expression that hits every line
    which could match. `kinds` maps each field to int, hex or str. `reason` names the value of the
    driver's reset-reason enum that this wording settles; `refines` is the trigger class with which
    it overrules the more general symptom before it.
    """

    index: int
    id: str
    driver: str
    role: str
    trigger: str | None
    reason: str | None
    refines: str | None
    level: str
    is_decisive: bool
    is_once_per_boot: bool
    is_visible_by_default: bool
    needs_driver: bool
    pattern: re.Pattern[str]
    kinds: dict[str, str] = field(hash=False)
    hyperscan: bytes
    versions: str
    kernels: str
    source: str
    sample: str
    note: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of a driver's own reset-reason enum.

    `counter` is the statistic that grows by one with such a reset, from release `counter_since`.
    """

    value: int
    name: str
    trigger: str | None
    since: str
    counter: str | None
    counter_since: str | None


@dataclass(frozen=True, slots=True)
class Driver:
    """Facts about one driver that its messages alone do not tell.

    `kernel_names` are the names its lines carry, all of one driver. `same_wording` are other
    drivers that print the same messages and keep their own name. `programs` are the programs whose
    log lines these are; none means that only the kernel says this. `counters` are the counters of
    a statistics dump that tell why a reset happened.
    """

    name: str
    scope: str
    kernel_names: tuple[str, ...]
    same_wording: tuple[str, ...]
    words_before: tuple[str, ...]
    programs: tuple[str, ...]
    is_network: bool
    has_done_line: bool
    counters: tuple[str, ...]
    reasons: tuple[Reason, ...]
    note: str


class Match(NamedTuple):
    """What one line says: the message, the device and the fields, integers within 64 bits."""

    message: Message
    driver: str
    pci_address: str | None
    interface: str | None
    fields: dict[str, int | str]
    driver_version: str | None
