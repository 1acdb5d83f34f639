"""EC2 inventory: the JSON of ``aws ec2 describe-instances``, one or more pages in one file.

The list that ``--query 'Reservations[].Instances[]'`` prints is read as well. The host is the first
label of the private DNS name, which is what the kernel log calls it; else the instance id.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from resetradar.files import Reject
from resetradar.hosts._contract import Context, ParsedHosts, instant, is_host_id, table

NAME: Final = "EC2 JSON (aws ec2 describe-instances)"


_GAP: Final = re.compile(r"[\s\0,]*")


def recognise(head: bytes) -> bool:
    """Whether the file begins as the JSON of describe-instances does."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return text[:1] in {b"{", b"["} and (b'"Reservations"' in text or b'"InstanceId"' in text)


def parse(data: bytes, context: Context) -> ParsedHosts:
    """All instances of all pages.

    Returns:
        ``hosts`` in file order. Tags are attributes named ``tag:KEY``, the state is the attribute
        ``state``. An instance without an id, or a page that is cut, gives a reject.
    """
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    text = data.decode("utf-8-sig", "replace")
    for line, document in _documents(text):
        if document is None:
            reason = "page: expected complete JSON, found it cut or damaged; rest not read"
            rejects.append(Reject(context.source, line, reason))
            continue
        for found in _instances(document):
            row = _row(found) if isinstance(found, dict) else None
            if row is None:
                reason = "instance: expected an InstanceId, found none; left out"
                sample = json.dumps(found)[:80]
                rejects.append(Reject(context.source, line, reason, sample))
                continue
            launched = found.get("LaunchTime")
            if launched is not None and row["launched_at"] is None:
                reason = "LaunchTime: expected an ISO 8601 time, found another value; left null"
                place = _line_of(text, row["instance_id"])
                rejects.append(
                    Reject(context.source, place, reason, repr(launched)[:80], row["host_id"])
                )
            rows.append(row)
    return ParsedHosts(table(rows), rejects, context.source)


def _documents(text: str) -> Iterator[tuple[int, Any]]:
    """JSON documents one after another, each with its line; None where one cannot be read."""
    decoder = json.JSONDecoder()
    place, line = 0, 1
    while place < len(text):
        gap = _GAP.match(text, place)
        start = gap.end() if gap else place
        if start == len(text):
            return
        line += text.count("\n", place, start)
        try:
            document, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            yield line, None
            return
        yield line, document
        line += text.count("\n", start, end)
        place = end


def _instances(document: Any) -> Iterator[Any]:
    if isinstance(document, dict) and "Reservations" in document:
        for reservation in _list(document["Reservations"]):
            yield from _list(reservation.get("Instances") if isinstance(reservation, dict) else 0)
    elif isinstance(document, list):
        for item in document:
            # --query 'Reservations[].Instances' nests one list per reservation.
            yield from item if isinstance(item, list) else [item]
    else:
        yield document


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _row(found: dict[str, Any]) -> dict[str, Any] | None:
    placement = found.get("Placement")
    placement = placement if isinstance(placement, dict) else {}
    instance_id = _text(found.get("InstanceId"))
    host_id = (_text(found.get("PrivateDnsName")) or "").partition(".")[0] or instance_id
    if instance_id is None or host_id is None or not is_host_id(host_id):
        return None
    state = found.get("State")
    attributes = {"state": _text(state.get("Name")) if isinstance(state, dict) else None}
    tags = found.get("Tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and isinstance(tag.get("Key"), str):
            attributes[f"tag:{_text(tag['Key'])}"] = _text(tag.get("Value"))
    return {
        "host_id": host_id,
        "instance_id": instance_id,
        "instance_type": _text(found.get("InstanceType")),
        "availability_zone": _text(placement.get("AvailabilityZone")),
        "availability_zone_id": _text(placement.get("AvailabilityZoneId")),
        "ami_id": _text(found.get("ImageId")),
        "launched_at": instant(_text(found.get("LaunchTime")) or ""),
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }


def _text(value: Any) -> str | None:
    """A JSON string that Arrow can hold; None for an empty one and for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else None


def _line_of(text: str, instance_id: str) -> int | None:
    place = text.find(f'"{instance_id}"')
    return text.count("\n", 0, place) + 1 if place >= 0 else None
