"""The events of one host in the kernel's order: files merged, duplicates dropped, boots told apart.

docs/method.md#order states the rules. Within a boot the kernel clock orders; wall time only places.
"""

from collections.abc import Iterable

from resetradar.clock import SECOND_US
from resetradar.scan import Event

# Collectors deliver one record at times that differ by delays and by whole-second stamps.
_SAME_RECORD_US = 120 * SECOND_US
# Records of several collectors overlap by their delays; a reboot puts the kernel clock back to 0.
_REBOOT_US = 120 * SECOND_US
# Stamps of one record by two collectors, one of them in whole seconds.
_SAME_STAMP_US = 2 * SECOND_US
_CLOCK_STRETCH_US = 1800 * SECOND_US
# Whole-second stamps and a loaded collector explain this much.
_LATE_US = 3 * SECOND_US
_BOOT_MESSAGE = "kernel.boot"


def boots(events: Iterable[Event]) -> list[list[Event]]:
    """Events of one host as one list per boot, each in the kernel's order, without duplicates.

    The order in which files are given does not matter. Events without any clock keep the order of
    their lines. Wall times of lines that a collector received late are set right by the kernel
    clock of their boot.
    """
    merged = _drop_second_hand(_drop_duplicates(_by_wall_clock(list(events))))
    found = [_by_kernel_clock(boot) for boot in _split(merged)]
    for boot in found:
        _undelay(boot)
    return found


def _by_wall_clock(events: list[Event]) -> list[Event]:
    spans: dict[str, tuple[int, int]] = {}
    for event in events:
        at_us = event.at_us or 0
        first, last = spans.get(event.source_path, (at_us, at_us))
        spans[event.source_path] = (min(first, at_us), max(last, at_us))
    # Of two files that meet within one second the one that began earlier goes first.
    rank = {path: n for n, path in enumerate(sorted(spans, key=lambda p: (spans[p], p)))}
    return sorted(
        _carry_clock(events, rank), key=lambda e: (e.at_us or 0, rank[e.source_path], e.line_number)
    )


def _carry_clock(events: list[Event], rank: dict[str, int]) -> list[Event]:
    """Events without wall time among events that have one take the time of the one before."""
    ordered = sorted(events, key=lambda e: (rank[e.source_path], e.line_number))
    last: dict[str, int] = {}
    for event in ordered:
        if event.at_us is None and event.monotonic_us is None and event.source_path in last:
            event.at_us = last[event.source_path]
        elif event.at_us is not None:
            last[event.source_path] = event.at_us
    return ordered


def _drop_duplicates(events: list[Event]) -> list[Event]:
    """Each kernel record once, however many files and collectors delivered it."""
    kept: list[Event] = []
    latest: dict[tuple[object, ...], int] = {}
    for event in events:
        if event.monotonic_us is not None:
            boot = event.boot if event.at_us is None else None
            key: tuple[object, ...] = (event.monotonic_us, event.text, boot)
            slack = _SAME_RECORD_US
        elif event.at_us is not None:
            key, slack = (event.at_us, event.text), 0
        else:
            kept.append(event)
            continue
        at_us = event.at_us or 0
        if key in latest and at_us - latest[key] <= slack:
            continue
        latest[key] = at_us
        kept.append(event)
    return kept


def _drop_second_hand(events: list[Event]) -> list[Event]:
    """Leave out copies without kernel clock of records that another collector kept with it."""
    first_hand: dict[str, list[tuple[int, str]]] = {}
    for event in events:
        if event.monotonic_us is not None and event.at_us is not None:
            first_hand.setdefault(event.text, []).append((event.at_us, event.source_path))
    return [
        event
        for event in events
        if event.monotonic_us is not None
        or event.at_us is None
        or not any(
            path != event.source_path and abs(event.at_us - at_us) <= _SAME_STAMP_US
            for at_us, path in first_hand.get(event.text, ())
        )
    ]


def _undelay(boot: list[Event]) -> None:
    """Set wall times right that lie too far behind the kernel clock.

    Delivery only ever delays: within a boot the smallest distance between the two clocks is the
    true one, up to the resolution of the stamp. Clocks drift apart slowly, so the smallest distance
    of the half hours around counts.
    """
    least: dict[int, int] = {}
    for event in boot:
        if event.monotonic_us is not None and event.at_us is not None:
            place = event.monotonic_us // _CLOCK_STRETCH_US
            distance = event.at_us - event.monotonic_us
            least[place] = min(least.get(place, distance), distance)
    for event in boot:
        if event.monotonic_us is None or event.at_us is None:
            continue
        place = event.monotonic_us // _CLOCK_STRETCH_US
        anchor = min(least[near] for near in (place - 1, place, place + 1) if near in least)
        if event.at_us - event.monotonic_us - anchor > _LATE_US:
            event.at_us = event.monotonic_us + anchor
            event.clock_error_s = max(event.clock_error_s or 0.0, 1.0)


def _split(events: list[Event]) -> list[list[Event]]:
    """Boots: a new boot id, the kernel's first line, or a kernel clock that falls back."""
    found: list[list[Event]] = [[]]
    boot_id: str | None = None
    uptime = -1
    # Files that print only uptimes have told their boots apart already.
    place: dict[str, int] = {}
    for event in events:
        monotonic = event.monotonic_us
        is_new = (
            (event.boot_id is not None and boot_id is not None and event.boot_id != boot_id)
            or (event.boot is not None and event.boot != place.get(event.source_path, event.boot))
            or (event.match.message.id == _BOOT_MESSAGE and bool(found[-1]))
            or (monotonic is not None and monotonic < uptime - _REBOOT_US)
        )
        if is_new:
            found.append([])
            boot_id, uptime = None, -1
        boot_id = event.boot_id or boot_id
        if event.boot is not None:
            place[event.source_path] = event.boot
        if monotonic is not None:
            uptime = max(uptime, monotonic)
        found[-1].append(event)
    return found


def _by_kernel_clock(events: list[Event]) -> list[Event]:
    """Stable order by the kernel clock; an event without one stays behind the one before it."""
    keys: list[int] = []
    last = 0
    for event in events:
        last = event.monotonic_us if event.monotonic_us is not None else last
        keys.append(last)
    return [event for _, event in sorted(zip(keys, events, strict=True), key=lambda pair: pair[0])]
