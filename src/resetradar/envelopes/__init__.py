"""Log envelopes: what stands around a kernel message. One module here is one envelope.

Each module has ``NAME``, ``PRIORITY`` (lower is asked first; from ``CATCH_ALL`` on a module takes
lines of others, too, and is asked last), ``SAMPLES``, ``NOT_SAMPLES``, ``TIMES`` (where a line
keeps its time, for counting lines that nobody parses; None: each is parsed), ``KERNEL_MARK``
(bytes that only lines of the kernel hold; None: all are) and ``parse(line) -> Record | None``.
None means "not mine"; no line makes a module raise. Modules that begin with ``_`` are shared.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from resetradar.clock import Calendar, day_of, infer_year
from resetradar.envelopes._contract import (
    Envelope,
    EveryLine,
    FixedTimes,
    FoundTimes,
    Record,
    Times,
)
from resetradar.envelopes._decoration import as_printed, split_messages, undecorated
from resetradar.envelopes._rows import Row, document_rows, regroup

__all__ = [
    "CATCH_ALL",
    "Envelope",
    "EveryLine",
    "FixedTimes",
    "FoundTimes",
    "Record",
    "Row",
    "Times",
    "decode",
    "detect",
    "document_rows",
    "load_envelopes",
    "parse_line",
    "regroup",
    "split_record",
]

CATCH_ALL = 900
_LOOK_AT_LINES = 200
# So many first lines of one form need no further look; most files are small.
_AGREE_LINES = 20
_MAX_NESTING = 4
# Near enough to tell the year of an inner stamp from an outer one that has it.
_UTC = Calendar(date(2000, 1, 1))


@cache
def load_envelopes() -> tuple[Envelope, ...]:
    """All envelopes of this folder, in the order in which they are asked; ``bare`` is the last."""
    found = []
    for entry in iter_modules(__path__):
        if entry.name.startswith("_"):
            continue
        module = import_module(f"{__name__}.{entry.name}")
        found.append(
            Envelope(
                module.NAME,
                module.PRIORITY,
                module.parse,
                module.TIMES,
                module.KERNEL_MARK,
                module.SAMPLES,
                module.NOT_SAMPLES,
            )
        )
    return tuple(sorted(found, key=lambda envelope: (envelope.priority, envelope.name)))


def detect(head: bytes) -> Envelope:
    """Envelope that takes most of the first lines; the last one, ``bare``, takes any line."""
    envelopes = load_envelopes()
    bare = usual = envelopes[-1]
    counts: Counter[str] = Counter()
    for raw in head.split(b"\n", _LOOK_AT_LINES)[:_LOOK_AT_LINES]:
        line = decode(raw)
        if not line.strip():
            continue
        if usual.priority >= CATCH_ALL or usual.parse(line) is None:
            usual = _owner(line) or bare
        counts[usual.name] += 1
        if counts[usual.name] == _AGREE_LINES == counts.total() and usual is not bare:
            return usual
    # "bare" takes every line, so it wins only when no other takes a tenth of them.
    best = max(envelopes[:-1], key=lambda envelope: (counts[envelope.name], -envelope.priority))
    return best if counts[best.name] * 10 > counts.total() else bare


def _owner(line: str) -> Envelope | None:
    """First envelope but ``bare`` that takes a line."""
    for envelope in load_envelopes()[:-1]:
        if envelope.parse(line) is not None:
            return envelope
    return None


def parse_line(line: str, likely: Envelope) -> Record:
    """The line without its envelope: the file's usual one first, then any other.

    What people and tools put around a line is taken off when no envelope takes it as it is. A
    line within a line is parsed as one, to a bounded depth.
    """
    record = likely.parse(line) if likely.priority < CATCH_ALL else None
    record = record or _parse_any(line)
    for _ in range(_MAX_NESTING):
        if not record.is_nested:
            break
        record = _merged(record, _parse_any(record.text))
    return record


def _parse_any(line: str) -> Record:
    for form in _forms(line):
        owner = _owner(form)
        record = owner.parse(form) if owner else None
        if record is not None:
            return record
    return load_envelopes()[-1].parse(line) or Record(line)


def _forms(line: str) -> Iterator[str]:
    yield line
    yield from undecorated(line)


def _merged(outer: Record, inner: Record) -> Record:
    """The inner line, with what only the outer one states."""
    timed = inner if inner.stamp or inner.at_us is not None else outer
    tagged = inner if inner.program or inner.host or inner.stamp else outer
    stamp = timed.stamp
    if stamp is not None and stamp.year is None:
        stamp = replace(stamp, year=_year_near(outer, stamp.month, stamp.day))
    return Record(
        inner.text,
        host=inner.host or outer.host,
        stamp=stamp,
        at_us=timed.at_us,
        monotonic_us=outer.monotonic_us if inner.monotonic_us is None else inner.monotonic_us,
        boot_id=inner.boot_id or outer.boot_id,
        program=tagged.program,
        floor_s=timed.floor_s,
        since_last_us=inner.since_last_us,
        is_nested=inner.is_nested,
    )


def _year_near(outer: Record, month: int, day: int) -> int | None:
    """Year of an inner stamp that prints none, from the outer time."""
    instant = outer.at_us
    if instant is None and outer.stamp is not None and outer.stamp.year is not None:
        instant = _UTC.instant(outer.stamp)
    return None if instant is None else infer_year(month, day, day_of(instant), is_latest=False)


def split_record(record: Record) -> list[Record]:
    """The record as the messages that writers to one console ran together, most often one."""
    first, *rest = split_messages(as_printed(record.text), record.host)
    if not rest:
        return [record if first == record.text else record._replace(text=first)]
    parts = [record._replace(text=first)]
    for part in rest:
        inner = _parse_any(part)
        uptime_us = inner.monotonic_us
        parts.append(record._replace(text=inner.text, monotonic_us=uptime_us, at_us=record.at_us))
    return parts


def decode(raw: bytes) -> str:
    """Text of a raw line: any bytes, without the line end."""
    return raw.decode("utf-8", "replace").rstrip("\r\n")
