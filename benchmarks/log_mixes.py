"""Kernel logs in the mixes that fleets have, for measuring: lines, formats and hits as told."""

import gzip
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import zstandard

from resetradar.simulate import simulate
from resetradar.simulate.chatter import chatter
from resetradar.simulate.incidents import Boot, boots, incidents
from resetradar.simulate.kernel_lines import DriverState, Line, incident_lines
from resetradar.simulate.logs import write_logs
from resetradar.simulate.plan import Fleet, Host, Volume, plan_fleet

DAY = date(2026, 11, 21)
_CONFIG = """\
shards = 1
workers = 1
[inputs]
logs = ["logs/{host_id}/kern.log*", "logs/{host_id}/journal*.json*", "logs/{host_id}/dmesg*"]
"""


@dataclass(frozen=True)
class Mix:
    """One kind of logs.

    Every ``near_miss_every``-th host prints lines of its driver that are no resets (0.8 % of its
    lines), every ``reset_every``-th one resets once in the day; 0 is none. No ``styles``: the
    simulated fleet with all its hosts' styles, damages and hits, of which many are storms.
    """

    name: str
    hosts: int
    mb: float
    styles: tuple[str, ...] = ()
    near_miss_every: int = 0
    reset_every: int = 0


MIXES = (
    Mix("one host, kern.log, rare hits", 1, 100, ("traditional",), reset_every=1),
    Mix("50 hosts, kern.log and ISO", 50, 100, ("traditional", "iso"), 4, 25),
    Mix("simulated fleet, 60 hosts", 60, 200),
    Mix("10 hosts, journald JSON", 10, 100, ("journal",), 4, 10),
    Mix("10 hosts, dmesg", 10, 100, ("dmesg",), 4, 10),
)
_LINE_BYTES = {"journal": 450, "dmesg": 85, "": 170}


def write_mix(mix: Mix, out: Path, *, share: float = 1.0) -> None:
    """Write the logs of one day below ``out/logs`` and ``out/resetradar.toml`` beside them.

    Args:
        mix: What to write.
        out: New folder.
        share: Part of the bytes that the mix names.
    """
    style = mix.styles[0] if len(mix.styles) == 1 else ""
    lines = share * mix.mb * 1e6 / _LINE_BYTES.get(style, 115) / mix.hosts
    if mix.styles:
        _write(mix, out, lines / 24)
    else:
        simulate(mix.hosts, 1, 1, out, last_day=DAY, lines_per_hour=lines / 24, sampled_share=0)
    for path in sorted((out / "logs").rglob("*")):
        if path.is_file():
            _unpack(path)
    (out / "resetradar.toml").write_text(_CONFIG, encoding="utf-8")


def write_one_line(out: Path) -> None:
    """Write a log of one line: what is left to measure is the start."""
    folder = out / "logs" / "ip-10-20-1-10"
    folder.mkdir(parents=True)
    (folder / "kern.log").write_text("Nov 21 12:00:00 ip-10-20-1-10 kernel: [    1.000000] x\n")
    (out / "resetradar.toml").write_text(_CONFIG, encoding="utf-8")


def _unpack(path: Path) -> None:
    """Replace a packed file by a plain one, so that searchers read the same bytes."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    else:
        return
    path.unlink()
    path.with_suffix("").write_bytes(data)


def _write(mix: Mix, out: Path, per_hour: float) -> None:
    fleet = plan_fleet(max(mix.hosts, 6), 1, 1, DAY, Volume(60, per_hour, 0))
    for number, host in enumerate(fleet.hosts[: mix.hosts]):
        is_resetting = mix.reset_every and number % mix.reset_every == 0
        of_mix = replace(
            host,
            role="steady_starved" if is_resetting else "healthy",
            features=(),
            driver="ena",
            pci_address="0000:00:05.0",
            log_style=mix.styles[number % len(mix.styles)],
        )
        is_near = mix.near_miss_every and number % mix.near_miss_every == 0
        lines = _lines(fleet, of_mix, "ena" if is_near else "none", is_resetting=bool(is_resetting))
        write_logs(fleet, of_mix, lines, out / "logs" / host.host_id)


def _lines(
    fleet: Fleet, host: Host, chatting: str, *, is_resetting: bool
) -> Iterator[tuple[Boot, Line]]:
    """Chatter, and the lines of resets, of the day; ``chatting`` is the driver that chats."""
    life = replace(boots(fleet, host)[-1], ended_us=fleet.end_us)
    ordinary = chatter(
        replace(host, driver=chatting),
        fleet.volume.lines_per_hour,
        max(fleet.start_us, life.started_us),
        fleet.end_us,
        fleet.dice(host.host_id, "mix"),
    )
    happened = incidents(fleet, host, (life,))[:1] if is_resetting else ()
    state = DriverState()
    resets = (line for incident in happened for line in incident_lines(host, incident, state))
    for line in heapq.merge(ordinary, resets, key=lambda line: line.at_us):
        if line.at_us < fleet.end_us:
            yield life, line
