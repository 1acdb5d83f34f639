"""Which hosts' CPU metrics a day needs once its resets are known.

This is the only place that decides it, and it follows ``sql/windows.sql``: the CPUs of a reset are
compared with its own host at other times, back to the day before, and with a panel of hosts of its
kind, drawn by a hash of host and day. So hosts with resets are read whole for both days, and of the
panel more than it needs, since a file may turn out to hold nothing. A window that begins before
midnight has the panel of the day on which it begins.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

CONTROL: Final = "control"

# windows.sql takes eight of each kind that have samples.
_PANEL: Final = 8
_READ: Final = 2 * _PANEL

Kind = tuple[str, str]


@dataclass(frozen=True)
class Need:
    """Hosts to read and why.

    Attributes:
        roles: By host: ``reset`` on the day, ``before_reset`` for one on the day after, or
            ``control``.
    """

    roles: dict[str, str]

    def __contains__(self, host_id: str) -> bool:
        return host_id in self.roles


def need_of(
    day: date,
    resets: Collection[str],
    resets_after: Mapping[str, bool],
    roster: Collection[str],
    kinds: Mapping[str, Kind],
) -> Need:
    """Hosts that a day needs.

    Args:
        day: The day.
        resets: Hosts with a reset or stall on the day.
        resets_after: Hosts with one on the day after, and whether its window begins on this one.
        roster: Hosts that have metrics.
        kinds: Instance family and image by host; hosts without are no controls.

    Returns:
        All hosts with resets, and of the roster's hosts of their kinds the first of the draw: the
        same at every run, and others the next day.
    """
    early = [host for host, is_early in resets_after.items() if is_early]
    wanted = {kinds[host] for host in {*resets, *early} if host in kinds}
    controls: list[str] = []
    for kind in sorted(wanted):
        alike = sorted(host for host in roster if kinds.get(host) == kind)
        controls += sorted(alike, key=lambda host: _draw(day, host))[:_READ]
    roles = dict.fromkeys(controls, CONTROL)
    roles |= dict.fromkeys(resets_after, "before_reset")
    roles |= dict.fromkeys(resets, "reset")
    return Need(dict(sorted(roles.items())))


def _draw(day: date, host_id: str) -> int:
    """What ``md5_number_lower`` gives in SQL."""
    digest = hashlib.md5(f"{host_id}{day}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")
