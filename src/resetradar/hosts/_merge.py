"""Several inventories to one row per host, as of a day."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from resetradar.files import Reject
from resetradar.hosts._contract import INSTANTS, TEXTS, ParsedHosts, table

# us-east-1a; us-west-2-lax-1a is a local zone of us-west-2.
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+?-\d+")
_GONE: Final = ("terminated", "shutting-down")


def merge_hosts(inventories: Iterable[ParsedHosts], day: date) -> ParsedHosts:
    """One row per host that was launched by the end of a day, sorted by host.

    The first inventory that states a value wins, later ones fill what it left null, and a later
    value that differs gives a reject. Of several instances that bear one host's name, the one that
    still runs counts, then the one launched last; the others give nothing and a reject each.

    Args:
        inventories: Parsed files, the most trusted first. Their own rejects are not repeated.
        day: UTC day; hosts launched after it are left out.

    Returns:
        Rows with ``instance_family`` and ``region`` derived where no inventory states them.
    """
    end = datetime.combine(day + timedelta(days=1), time())
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for inventory in inventories:
        for row in inventory.rows.to_pylist():
            if row["launched_at"] is None or row["launched_at"] < end:
                row["attributes"] = dict(row["attributes"] or ())
                found.setdefault(row["host_id"], []).append((inventory.source, row))
    rejects: list[Reject] = []
    rows = [_derive(_merge(host_id, found[host_id], rejects)) for host_id in sorted(found)]
    return ParsedHosts(table(rows), rejects)


def _merge(
    host_id: str, claims: list[tuple[str, dict[str, Any]]], rejects: list[Reject]
) -> dict[str, Any]:
    instance_id = _instance(claims)
    merged: dict[str, Any] = {"host_id": host_id, "attributes": {}}
    for source, row in claims:
        if row["instance_id"] not in {None, instance_id}:
            reason = f"host: expected instance {instance_id}, found also {row['instance_id']}; "
            rejects.append(Reject(source, None, reason + "its row is left out", host_id, host_id))
            continue
        stated = [(merged, name, row[name]) for name in (*TEXTS, *INSTANTS)]
        stated += [(merged["attributes"], name, value) for name, value in row["attributes"].items()]
        for target, name, value in stated:
            if target.get(name) is None:
                target[name] = value
            elif value is not None and value != target[name]:
                reason = f"{name}: expected {target[name]} as stated before, found {value}; ignored"
                rejects.append(Reject(source, None, reason, host_id, host_id))
    return merged


def _instance(claims: list[tuple[str, dict[str, Any]]]) -> str | None:
    """Instance that bears the host's name on the day."""
    rows = [row for _, row in claims if row["instance_id"] is not None]
    # Private addresses, and names made of them, are given to new instances when old ones end.
    best = max(
        rows,
        key=lambda row: (
            row["attributes"].get("state") not in _GONE,
            str(row["launched_at"] or ""),
        ),
        default=None,
    )
    return best["instance_id"] if best else None


def _derive(row: dict[str, Any]) -> dict[str, Any]:
    kind, zone = row.get("instance_type"), row.get("availability_zone")
    if kind and "." in kind and row.get("instance_family") is None:
        row["instance_family"] = kind.partition(".")[0]
    if zone and row.get("region") is None:
        match = _REGION.match(zone)
        row["region"] = match[0] if match else None
    if row.get("valid_from_at") is None:
        row["valid_from_at"] = row.get("launched_at")
    return row
