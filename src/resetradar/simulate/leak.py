"""How the guilty image leaks: its unit restarts every two seconds, and each start leaks a cgroup.

A boot clears them all. Once a walk over the dead groups takes 5 s the host is armed; from there on
the kernel frees nearly as many as are lost.
"""

from resetradar.simulate.plan import HOUR, SECOND, Fleet, Host

LIVE_CGROUPS = 240
_ARMED_CGROUPS = 62_500
_FIRST_START = 90 * SECOND  # after boot
_RESTARTING_EVERY = 2 * HOUR


def armed_after_us(fleet: Fleet, host: Host) -> int:
    """Uptime from which a walk takes long enough for a reset, about a day and a half."""
    return _FIRST_START + _ARMED_CGROUPS * _period_us(fleet, host)


def leaking_restarts(fleet: Fleet, host: Host, uptime_us: int) -> int:
    """Restarts of the unit of the guilty image since boot."""
    return max(0, uptime_us - _FIRST_START) // _period_us(fleet, host)


def dead_cgroups(fleet: Fleet, host: Host, uptime_us: int) -> int:
    """Deleted memory cgroups that the kernel still holds; a few on any host."""
    few = 5 + (uptime_us // HOUR * 7 + host.first_irq_cpu) % 23
    if not host.image.is_guilty:
        return few
    leaked = leaking_restarts(fleet, host, uptime_us)
    return few + min(leaked, _ARMED_CGROUPS) + max(0, leaked - _ARMED_CGROUPS) // 20


def innocent_restarts(uptime_us: int) -> int:
    """Restarts since boot of the unit that restarts on hosts of any image."""
    return max(0, uptime_us - _FIRST_START) // _RESTARTING_EVERY


def _period_us(fleet: Fleet, host: Host) -> int:
    return int(fleet.dice(host.host_id, "leak").uniform(1.95, 2.2) * SECOND)
