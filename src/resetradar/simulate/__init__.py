"""A seeded fleet in the files that real hosts write, with its truth.

One machine image leaks memory cgroups and starves a CPU after a day and a half of uptime; three
hosts on other images reset far more often than everybody, each for another reason; the rest is
background.
Hosts are written one after another and line by line, so the size of a fleet is bounded by the disk.
"""

import os
from datetime import date
from pathlib import Path

from resetradar.errors import InputError
from resetradar.simulate.cpu import write_cpu
from resetradar.simulate.facts import write_facts
from resetradar.simulate.incidents import boots, incidents
from resetradar.simulate.inventory import write_inventory
from resetradar.simulate.logs import write_logs
from resetradar.simulate.plan import SECOND, Fleet, Host, Volume, plan_fleet
from resetradar.simulate.timeline import timeline
from resetradar.simulate.truth import History, Truth, tell, write_truth

__all__ = ["Truth", "simulate"]

LAST_DAY = date(2026, 11, 21)
_DAMAGES = {"cut_file": "cut", "invalid_bytes": "invalid_utf8_and_nul", "crlf": "crlf"}
_CONFIG = """\
# A simulated fleet; truth.json beside this file says what is in it.
fleet = "simulated"
shards = 2

[inputs]
logs = [
  "logs/{host_id}/kern.log*",
  "logs/{host_id}/journal*.json*",
  "logs/{host_id}/dmesg*",
]
cpu = ["cpu/{host_id}/*-{day}.json*"]
facts = ["facts/{host_id}/*-{day}.txt*"]
inventory = ["inventory/describe-instances.json", "inventory/hosts.csv"]
timezone = "UTC"
"""


def simulate(  # noqa: PLR0913 - two sizes and what only changes the volume
    hosts: int,
    days: int,
    seed: int,
    out: Path,
    *,
    last_day: date = LAST_DAY,
    cpu_interval_s: int = 60,
    lines_per_hour: float = 3.0,
    sampled_share: float = 0.15,
) -> Truth:
    """Write a fleet below ``out`` and return its truth, which is also in ``out/truth.json``.

    The same arguments write the same bytes. Small fleets have only the first of the special hosts;
    the planted hosts reach 20 resets from seven days on.

    Args:
        hosts: Number of hosts.
        days: Number of UTC days, ending with ``last_day``.
        seed: Any number; another seed is another fleet.
        out: New or empty folder.
        last_day: Last simulated day.
        cpu_interval_s: Seconds between two CPU samples, a divisor of a day.
        lines_per_hour: Ordinary log lines of a host.
        sampled_share: Part of the healthy hosts that records its CPUs, 0 to 1.

    Raises:
        InputError: A number is out of range or the folder holds files.
    """
    volume = Volume(cpu_interval_s, lines_per_hour, sampled_share)
    _check(hosts, days, volume, out)
    fleet = plan_fleet(hosts, days, seed, last_day, volume)
    out.mkdir(parents=True, exist_ok=True)
    (out / "resetradar.toml").write_text(_CONFIG, encoding="utf-8")
    write_inventory(fleet, out / "inventory")
    damaged: dict[str, str] = {}
    happened = [_write_host(fleet, host, out, damaged) for host in fleet.hosts]
    truth = tell(fleet, happened, damaged)
    write_truth(truth, out / "truth.json")
    return truth


def _write_host(fleet: Fleet, host: Host, out: Path, damaged: dict[str, str]) -> History:
    lives = boots(fleet, host)
    happened = incidents(fleet, host, lives)
    lines = timeline(fleet, host, lives, happened)
    logs = write_logs(fleet, host, lines, out / "logs" / host.host_id)
    cpu = write_cpu(fleet, host, lives, happened, out / "cpu" / host.host_id)
    # A file's own time is the only hint at the year of a traditional time stamp.
    facts = write_facts(fleet, host, lives, happened, out / "facts" / host.host_id)
    for path in [*logs, *cpu, *facts]:
        os.utime(path, (fleet.end_us // SECOND, fleet.end_us // SECOND))
    for feature in host.features:
        if feature in _DAMAGES:
            damaged[logs[-1].relative_to(out).as_posix()] = _DAMAGES[feature]
    return History(host, lives, happened)


def _check(hosts: int, days: int, volume: Volume, out: Path) -> None:
    for name, value, most in (("hosts", hosts, 50_000), ("days", days, 366)):
        if not 1 <= value <= most:
            raise InputError(f"simulate: expected {name} from 1 to {most}, found {value}")
    interval_s = volume.cpu_interval_s
    if interval_s < 1 or 86_400 % interval_s:
        raise InputError(
            f"simulate: expected a CPU interval that divides a day, found {interval_s} s"
        )
    if not 0 < volume.lines_per_hour <= 1_000_000:
        raise InputError(
            "simulate: expected more than 0 and at most 1,000,000 lines per hour, "
            f"found {volume.lines_per_hour}"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: expected a new or empty folder, found files; name another one")
