"""The layout that a sysstat archive states of itself, and whether it is the one known here.

``sadc`` writes its structures as they lie in memory: magic numbers, a header, a list of activities
with their own magic numbers and sizes, then records. Of each structure the file says how many
numbers of 8 bytes, of a ``long`` and of 4 bytes it has; all of that is compared, nothing assumed.
Source: what sysstat 12.6.1 writes, checked against ``sadf -H`` and ``sadf -d``.
"""

import struct
from dataclasses import dataclass
from typing import Final

FILE_MAGIC: Final = 0xD596
_FORMAT_MAGIC: Final = 0x2175
_MAGIC_BYTES: Final = 76
_CPU_ID: Final = 1
_CPU_MAGIC: Final = 0x8B
CPU_COUNTERS: Final = 10
# Of 4,096 CPUs with all activities a record has some megabytes.
_MAX_RECORD: Final = 64 << 20


@dataclass(frozen=True)
class Activity:
    """One kind of statistics in every record: ``count * width * size`` bytes.

    Attributes:
        number: sysstat's number of the activity.
        has_count: The record states its own count, in four bytes before the data.
        count: Items, if the record states none.
        width: Rows per item.
        size: Bytes per row.
    """

    number: int
    has_count: bool
    count: int
    width: int
    size: int


@dataclass(frozen=True)
class Layout:
    """Where things stand in one archive.

    Attributes:
        order: Byte order as in ``struct``: ``<`` or ``>``.
        host: Node name in the header.
        start: Byte of the first record.
        activities: Statistics of a record, in file order.
    """

    order: str
    host: str
    start: int
    activities: tuple[Activity, ...]


def layout(data: bytes) -> Layout | str:
    """The layout of an archive; for one that is not known here, in words what is different."""
    try:
        order = "<" if data[:2] == FILE_MAGIC.to_bytes(2, "little") else ">"
        return _layout(data, order)
    except struct.error:
        return f"expected a header and a list of activities, found {len(data)} bytes"


def _layout(data: bytes, order: str) -> Layout | str:
    _, version = struct.unpack_from(f"{order}2H", data)
    header_size, _, *kinds = struct.unpack_from(f"{order}5I", data, 8)
    if version != _FORMAT_MAGIC:
        return f"expected file format {_FORMAT_MAGIC:#x}, found {version:#x}"
    at = _MAGIC_BYTES
    activities, *rest = struct.unpack_from(f"{order}I4x3I3IIII", data, at + 20)
    activity_kinds, record_kinds, (activity_size, record_size, extra) = (
        rest[:3], rest[3:6], rest[6:],
    )  # fmt: skip
    long_size = data[at + 66] if len(data) > at + 66 else 0
    stated = (kinds, activity_kinds, record_kinds, activity_size, record_size, extra, long_size)
    known = ([1, 1, 12], [0, 0, 9], [2, 0, 1], 36, 24, 0, 8)
    if stated != known or header_size < 327 or activities > 256:
        return f"expected structures {known}, found {stated}"
    host = data[at + 132 : at + 197].split(b"\0")[0].decode("utf-8", "replace")
    found = []
    at += header_size
    for _ in range(activities):
        number, magic, count, width, has_count, size, *kinds = struct.unpack_from(
            f"{order}2I4i3I", data, at
        )
        if min(count, width, size) < 0 or size == 0:
            return "expected sizes of activities, found negative ones"
        if number == _CPU_ID and (magic, width, kinds) != (_CPU_MAGIC, 1, [CPU_COUNTERS, 0, 0]):
            return f"expected CPU statistics {_CPU_MAGIC:#x}, found {magic:#x} of {kinds}"
        if number == _CPU_ID and size != 8 * CPU_COUNTERS:
            return f"expected CPU statistics of {8 * CPU_COUNTERS} bytes, found {size}"
        found.append(Activity(number, bool(has_count), count, width, size))
        at += activity_size
    return Layout(order, host, at, tuple(found))


@dataclass(frozen=True)
class Shape:
    """One record of statistics, as offsets from its beginning.

    Attributes:
        length: Bytes of the record.
        signature: Bytes that are equal in records of the same shape.
        cpu_at: Where the CPU statistics begin.
        cpus: Items of them; the first is the sum of all CPUs. 0 if the record has none.
    """

    length: int
    signature: tuple[int, ...]
    cpu_at: int
    cpus: int


def shape(data: bytes, begin: int, known: Layout) -> Shape | None:
    """Shape of the record of statistics that begins at a byte; None if the file ends within it."""
    at = begin + 24
    # Extra structures (4 bytes) and the kind of record (1 byte).
    signature = list(range(16, 21))
    cpu_at = cpus = 0
    for activity in known.activities:
        count = activity.count
        if activity.has_count:
            if at + 4 > len(data):
                return None
            [count] = struct.unpack_from(f"{known.order}i", data, at)
            signature += range(at - begin, at - begin + 4)
            at += 4
        if activity.number == _CPU_ID:
            cpu_at, cpus = at - begin, count
        at += max(count, 0) * activity.width * activity.size
        if count < 0 or at - begin > _MAX_RECORD:
            return None
    return Shape(at - begin, tuple(signature), cpu_at, cpus) if at <= len(data) else None
