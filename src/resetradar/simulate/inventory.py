"""The inventory: EC2's own description and a table that a fleet keeps beside it."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resetradar.simulate.plan import DAY, REGION, SECOND, ZONES, Fleet, Host


def write_inventory(fleet: Fleet, folder: Path) -> None:
    """Write ``describe-instances.json`` and ``hosts.csv``; one host is in neither."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = [host for host in fleet.hosts if "not_inventoried" not in host.features]
    document = {
        "Reservations": [
            {"ReservationId": f"r-0{host.instance_id[3:]}", "Instances": [_instance(fleet, host)]}
            for host in listed
        ]
    }
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    (folder / "describe-instances.json").write_text(text, encoding="utf-8")
    with (folder / "hosts.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["host_id", "kernel", "driver_version", "team"])
        for host in listed:
            table.writerow([host.host_id, host.image.kernel, host.driver_version, host.team])


def _instance(fleet: Fleet, host: Host) -> dict[str, Any]:
    dice = fleet.dice(host.host_id, "launch")
    launched = (
        fleet.start_us // SECOND - dice.randint(15, 90) * (DAY // SECOND) + dice.randrange(7200)
    )
    stamp = datetime.fromtimestamp(launched, tz=UTC).isoformat()
    zone = ZONES.index(host.zone)
    return {
        "InstanceId": host.instance_id,
        "ImageId": host.image.ami_id,
        "InstanceType": host.instance_type,
        "LaunchTime": stamp,
        "Placement": {
            "AvailabilityZone": host.zone,
            "AvailabilityZoneId": f"use1-az{(zone + 3) % 6 + 1}",
        },
        "PrivateDnsName": f"{host.host_id}.ec2.internal",
        "PrivateIpAddress": host.host_id.removeprefix("ip-").replace("-", "."),
        "State": {"Code": 16, "Name": "running"},
        "Tags": [{"Key": "team", "Value": host.team}, {"Key": "region", "Value": REGION}],
    }
