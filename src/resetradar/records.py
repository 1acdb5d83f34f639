"""Episodes and events as rows of the base tables ``resets`` and ``kernel_events``."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from resetradar.clock import SECOND_US
from resetradar.device import Episode, gap_us
from resetradar.reasons import classify
from resetradar.scan import Event, duration_us, number
from resetradar.tables import KERNEL_EVENTS, RESETS

_DEFAULT_WINDOW_US = 5 * SECOND_US
# Half of what fills a slow console; most hosts print less in an hour.
_FLOOD_LINES = 100
# Lines of one message further apart than this are rows of their own.
_RUN_GAP_US = 10 * SECOND_US


def reset_record(episode: Episode, host_id: str | None) -> dict[str, Any]:
    """One row of ``resets``; times are UTC microseconds, null where the log does not say."""
    lines = episode.events
    first, begin = lines[0], _begin(episode)
    symptoms = episode.symptoms
    told = classify(episode.driver, symptoms, episode.counters, episode.earlier_counters)
    window = _window(episode, begin)
    started_us = min((at for event in symptoms if (at := _started(event)) is not None),
                     default=first.at_us)  # fmt: skip
    monotonic = begin.monotonic_us if begin else first.monotonic_us
    errors = [event.clock_error_s for event in lines if event.clock_error_s is not None]
    watchdog = next((e for e in symptoms if e.match.message.driver == "netdev_watchdog"), None)
    late = _longest(symptoms, "since_napi")
    device = episode.pci_address or episode.interface or ""
    moment = (begin or first).at_us or (begin or first).monotonic_us or first.line_number
    name = f"{host_id}|{episode.driver}|{device}|{moment}"
    return {
        "host_id": host_id,
        "reset_id": hashlib.blake2b(name.encode(), digest_size=8).hexdigest(),
        "kind": "stall" if begin is None else "reset",
        "boot_id": next((event.boot_id for event in lines if event.boot_id), None),
        "driver": episode.driver,
        "driver_version": episode.driver_version,
        "pci_address": episode.pci_address,
        "interface": episode.interface,
        "started_at": started_us,
        "reset_at": begin.at_us if begin else None,
        "ended_at": _end(episode),
        "outcome": episode.outcome,
        "trigger": told.trigger,
        "reset_reason": told.reset_reason,
        "reason_basis": told.basis,
        "queues": sorted({q for e in symptoms if (q := number(e, "queue")) is not None}),
        "napi_cpu": next((c for e in symptoms if (c := number(e, "napi_cpu")) is not None), None),
        "watchdog_cpu": number(watchdog, "cpu") if watchdog else None,
        "since_napi_us": late and duration_us(late, "since_napi"),
        "since_interrupt_us": _since_interrupt(symptoms),
        "threshold_us": _first(symptoms, "threshold") or _first(symptoms, "tx_timeout"),
        "napi_scheduled": _scheduled(symptoms),
        "window_start_at": window[0],
        "window_end_at": window[1],
        "window_basis": window[2],
        "uptime_s": None if monotonic is None else monotonic / SECOND_US,
        "lines": sum(event.lines for event in lines),
        "clock_error_s": max(errors, default=None),
        "first_line": first.first_line,
        "first_line_at": first.at_us,
        "source_path": first.source_path,
        "line_number": first.line_number,
    }


def _begin(episode: Episode) -> Event | None:
    """Line that stands for the moment of the reset; None for a stall."""
    if episode.begin is not None:
        return episode.begin
    if episode.is_begin_missing:
        return (episode.after or [episode.done or episode.symptoms[-1]])[0]
    if episode.outcome == "reset_unconfirmed":
        return next(event for event in episode.symptoms if event.match.message.is_decisive)
    return None


def _end(episode: Episode) -> int | None:
    if episode.done is not None:
        return episode.done.at_us
    ends = ("recovered_without_reset", "reset_cancelled", "reset_failed")
    closing = [e for e in episode.events if e.match.message.role in ends]
    return closing[-1].at_us if closing else None


def _started(event: Event) -> int | None:
    """Time of a symptom, computed back from the duration that its line states."""
    if event.at_us is None:
        return None
    stated = duration_us(event, "stall") or duration_us(event, "since_last_trans")
    if stated is None and event.match.fields.get("napi_scheduled") == 1:
        stated = duration_us(event, "since_napi")
    return event.at_us - (stated or 0)


def _longest(events: Sequence[Event], name: str) -> Event | None:
    stated = [(d, e) for e in events if (d := duration_us(e, name)) is not None]
    return max(stated, key=lambda pair: pair[0])[1] if stated else None


def _first(events: Iterable[Event], name: str) -> int | None:
    return next((d for event in events if (d := duration_us(event, name)) is not None), None)


def _since_interrupt(events: Iterable[Event]) -> int | None:
    """Time since the last interrupt; a queue that never had one states the time since boot."""
    for event in events:
        stated = duration_us(event, "since_interrupt")
        if stated is not None:
            uptime = event.monotonic_us
            return None if uptime is not None and stated > uptime - SECOND_US else stated
    return None


def _scheduled(events: Iterable[Event]) -> bool | None:
    values = [v for event in events if (v := number(event, "napi_scheduled")) is not None]
    return None if not values else any(values)


def _window(episode: Episode, begin: Event | None) -> tuple[int | None, int | None, str]:
    """Interval in which the driver says that it was not served, and what that rests on."""
    late = _longest(episode.symptoms, "since_napi")
    if late is not None:
        length, end, basis = duration_us(late, "since_napi"), late, "since_napi"
    else:
        decisive = [e for e in episode.symptoms if e.match.message.is_decisive]
        end = (decisive or episode.symptoms[-1:] or [begin or episode.events[0]])[0]
        stall = _longest(episode.symptoms, "stall")
        length = _first(episode.symptoms, "threshold") or _first(episode.symptoms, "tx_timeout")
        basis = "threshold" if length else "default"
        if stall is not None:
            length, end, basis = duration_us(stall, "stall"), stall, "stall"
    if end.at_us is None:
        return None, None, basis
    return end.at_us - (length or _DEFAULT_WINDOW_US), end.at_us, basis


@dataclass(slots=True)
class Run:
    """Lines of one message that follow each other: one row of ``kernel_events``."""

    host_id: str
    event: Event
    last: Event
    last_at: int | None
    lines: int
    counters: dict[str, int] = field(default_factory=dict)


def event_runs(events: Iterable[Event], host_id: str) -> list[Run]:
    """The ordered events of one boot as runs."""
    runs: list[Run] = []
    open_runs: dict[tuple[Any, ...], Run] = {}
    for event in events:
        match = event.match
        fields = match.fields
        key = (match.message.id, match.driver, match.pci_address, match.interface,
               number(event, "queue") if fields else None)  # fmt: skip
        run = open_runs.get(key)
        if run is not None and gap_us(run.last, event) <= _RUN_GAP_US:
            run.last = event
            run.lines += event.lines
            run.last_at = max(run.last_at or 0, event.at_us or 0) or None
        else:
            run = open_runs[key] = Run(host_id, event, event, event.at_us, event.lines)
            runs.append(run)
        counter, value = fields.get("counter"), fields.get("value")
        if isinstance(counter, str) and isinstance(value, int):
            run.counters[counter] = value
    return runs


def _columns(runs: list[Run]) -> dict[str, list[Any]]:
    """Columns of ``kernel_events``: column by column, since most hosts print thousands of lines."""
    events = [run.event for run in runs]
    matches = [event.match for event in events]
    messages = [match.message for match in matches]
    # Most lines that are no resets state nothing.
    stated = [event if event.match.fields else None for event in events]

    def numbers(*names: str) -> list[int | None]:
        return [None if event is None else number(event, *names) for event in stated]

    def durations(name: str) -> list[int | None]:
        return [None if event is None else duration_us(event, name) for event in stated]

    return {
        "host_id": [run.host_id for run in runs],
        "event_at": [event.at_us for event in events],
        "last_event_at": [run.last_at for run in runs],
        "monotonic_us": [event.monotonic_us for event in events],
        "clock_error_s": [event.clock_error_s for event in events],
        "boot_id": [event.boot_id for event in events],
        "driver": [match.driver for match in matches],
        "driver_version": [match.driver_version for match in matches],
        "pci_address": [match.pci_address for match in matches],
        "interface": [match.interface for match in matches],
        "message_id": [message.id for message in messages],
        "role": [message.role for message in messages],
        "trigger": [message.trigger for message in messages],
        "is_decisive": [message.is_decisive for message in messages],
        "queue": numbers("queue"),
        "cpu": numbers("napi_cpu", "cpu"),
        "since_napi_us": durations("since_napi"),
        "since_interrupt_us": durations("since_interrupt"),
        "threshold_us": durations("threshold"),
        "stalled_us": durations("stall"),
        "napi_scheduled": [None if e is None else _scheduled([e]) for e in stated],
        "status": numbers("status"),
        # A map keeps its order in the file.
        "counters": [sorted(run.counters.items()) if run.counters else None for run in runs],
        "lines": [run.lines for run in runs],
        "text": [event.text for event in events],
        "source_path": [event.source_path for event in events],
        "line_number": [event.line_number for event in events],
    }


def flood_rows(bursts: dict[tuple[str, int], int]) -> list[dict[str, Any]]:
    """Rows of ``kernel_events`` for seconds in which the kernel printed more than a console takes.

    Args:
        bursts: Kernel lines by host and start of a second in UTC microseconds.

    Returns:
        One row for each run of such seconds, role ``cause``, trigger ``console_flood``. A serial
        console takes 3 to 5 ms a line, so that 200 lines fill a second of one CPU.
    """
    rows: list[dict[str, Any]] = []
    for (host_id, second), lines in sorted(bursts.items()):
        if lines < _FLOOD_LINES:
            continue
        last = rows[-1] if rows else None
        if last and last["host_id"] == host_id and second - last["last_event_at"] <= SECOND_US:
            last["last_event_at"] = second
            last["lines"] += lines
            continue
        row: dict[str, Any] = dict.fromkeys(KERNEL_EVENTS.schema.names)
        rows.append(
            row
            | {
                "host_id": host_id,
                "event_at": second,
                "last_event_at": second,
                "clock_error_s": 1.0,
                "driver": "kernel",
                "message_id": "kernel.console_flood",
                "role": "cause",
                "trigger": "console_flood",
                "is_decisive": False,
                "lines": lines,
                "text": f"{lines} kernel lines in one second",
            }
        )
    return rows


def resets_table(rows: list[dict[str, Any]]) -> pa.Table:
    """``resets`` from records."""
    return pa.Table.from_pylist(rows, schema=RESETS.schema)


def events_table(runs: list[Run], floods: list[dict[str, Any]]) -> pa.Table:
    """``kernel_events`` from runs and from what ``flood_rows`` gives."""
    columns = _columns(runs)
    return pa.concat_tables(
        [
            pa.table(columns, schema=KERNEL_EVENTS.schema),
            pa.Table.from_pylist(floods, schema=KERNEL_EVENTS.schema),
        ]
    )
