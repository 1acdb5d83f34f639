"""Per-CPU samples as sysstat prints them: ``sadf -j -- -u ALL -P ALL`` and ``mpstat -o JSON``.

A CPU keeps its load for a quarter of an hour or more, as a batch worker does; this also keeps the
files small. A pinned CPU shows the pin in proportion to its share of the sampled interval. Shares
are hundredths of a percent, whole numbers that sum to 10,000.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import gmtime

import zstandard

from resetradar.simulate.incidents import Boot, Incident
from resetradar.simulate.plan import DAY, MINUTE, SECOND, Fleet, Host

WHOLE = 10_000
_MODES = {
    "sadf": ("usr", "nice", "sys", "iowait", "steal", "irq", "soft", "guest", "gnice", "idle"),
    "mpstat": ("usr", "nice", "sys", "iowait", "irq", "soft", "steal", "guest", "gnice", "idle"),
}
_USER = (200, 500, 800, 1200, 2000, 3500)
_SYSTEM = (50, 100, 200, 300)
_SOFTIRQ = (0, 25, 50)

# usr, sys, soft, idle: the modes that this fleet spends time in
Shares = tuple[int, int, int, int]
_LOADER: Shares = (WHOLE, 0, 0, 0)


def write_cpu(
    fleet: Fleet, host: Host, boots: Sequence[Boot], incidents: Sequence[Incident], folder: Path
) -> list[Path]:
    """Write one compressed file per day; returns them in day order."""
    if host.cpu_style == "none":
        return []
    dice = fleet.dice(host.host_id, "cpu")
    prefix = "sar" if host.cpu_style == "sadf" else "mpstat"
    offset = 0 if host.cpu_style == "sadf" else dice.randrange(5, 50) * SECOND
    pins = tuple(incident for incident in incidents if incident.pinned)
    recorder = _Recorder(fleet, host, tuple(boots), pins, offset)
    loads = _Loads(host, dice)
    written: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(fleet.days):
        path = folder / f"{prefix}-{fleet.day(number)}.json.zst"
        packer = zstandard.ZstdCompressor(level=10)
        with path.open("wb") as file, packer.stream_writer(file) as writer:
            for piece in _document(recorder, number, loads):
                writer.write(piece.encode())
        written.append(path)
    return written


class _Loads:
    """What the CPUs do when nothing goes wrong: one row per CPU for a while, then another."""

    def __init__(self, host: Host, dice: random.Random) -> None:
        self._host = host
        self._dice = dice
        self._until = 0
        self.rows: list[Shares] = []
        self.block = ""

    def at(self, at_us: int) -> list[Shares]:
        """Rows of all CPUs for the interval that ends at an instant; ask in time order."""
        if at_us >= self._until:
            self._until = at_us + self._dice.randint(15, 60) * MINUTE
            self.rows = [self._row(cpu) for cpu in range(self._host.vcpus)]
            self.block = _load(self._host, self.rows)
        return self.rows

    def _row(self, cpu: int) -> Shares:
        user, system = self._dice.choice(_USER), self._dice.choice(_SYSTEM)
        softirq = self._dice.choice(_SOFTIRQ)
        if cpu == self._host.loader_cpu:
            return _LOADER
        return user, system, softirq, WHOLE - user - system - softirq


@dataclass(frozen=True)
class _Recorder:
    """Who samples and what there is to see; samples end ``offset_us`` after the round minute."""

    fleet: Fleet
    host: Host
    boots: tuple[Boot, ...]
    pins: tuple[Incident, ...]
    offset_us: int

    def is_up(self, start: int, end: int) -> bool:
        """The host lived through the whole interval."""
        return any(boot.started_us <= start and end <= boot.ended_us for boot in self.boots)


def _document(recorder: _Recorder, number: int, loads: _Loads) -> Iterator[str]:
    fleet, host, pins = recorder.fleet, recorder.host, recorder.pins
    day_us = fleet.start_us + number * DAY
    interval = fleet.volume.cpu_interval_s * SECOND
    first_end = day_us + interval + recorder.offset_us
    yield _header(fleet, host, number)
    is_first = True
    for end in range(first_end, first_end + DAY, interval):
        start = end - interval
        rows = loads.at(end)
        if end > fleet.end_us or not recorder.is_up(start, end):
            continue
        hit = [pin for pin in pins if _overlap(pin, start, end)]
        block = _load(host, _with_pins(rows, hit, start, end)) if hit else loads.block
        yield "" if is_first else ",\n"
        yield f"\t\t\t\t{{\n\t\t\t\t\t{_timestamp(fleet, host, end)}\n{block}\t\t\t\t}}"
        is_first = False
    yield "\n\t\t\t]"
    if host.cpu_style == "sadf":
        yield _restarts(recorder, day_us)
    yield "\n\t\t}\n\t]\n}}\n"


def _restarts(recorder: _Recorder, day_us: int) -> str:
    cpus = recorder.host.vcpus
    started = [b.started_us for b in recorder.boots if day_us <= b.started_us < day_us + DAY]
    boots = (f'"boot": {{{_stamp(at)}, "utc": 1, "cpu_count": {cpus}}}' for at in started)
    marks = ",".join(f"\n\t\t\t\t{{\n\t\t\t\t\t{boot}\n\t\t\t\t}}" for boot in boots)
    return f',\n\t\t\t"restarts": [{marks}\n\t\t\t]'


def _header(fleet: Fleet, host: Host, number: int) -> str:
    day = fleet.day(number)
    start = (
        '{"sysstat": {\n\t"hosts": [\n\t\t{\n'
        f'\t\t\t"nodename": "{host.host_id}",\n\t\t\t"sysname": "Linux",\n'
        f'\t\t\t"release": "{host.image.kernel}",\n\t\t\t"machine": "x86_64",\n'
        f'\t\t\t"number-of-cpus": {host.vcpus},\n'
    )
    if host.cpu_style == "sadf":
        when = (
            f'\t\t\t"file-date": "{day}",\n\t\t\t"file-utc-time": "00:00:00",\n'
            '\t\t\t"timezone": "UTC",\n'
        )
    else:
        when = f'\t\t\t"date": "{day:%m/%d/%y}",\n'
    return f'{start}{when}\t\t\t"statistics": [\n'


def _timestamp(fleet: Fleet, host: Host, at_us: int) -> str:
    if host.cpu_style == "sadf":
        detail = f'"utc": 1, "interval": {fleet.volume.cpu_interval_s}'
        return f'"timestamp": {{{_stamp(at_us)}, {detail}}},'
    return f'"timestamp": "{_clock(at_us)}",'


def _stamp(at_us: int) -> str:
    at = gmtime(at_us // SECOND)
    date = f"{at.tm_year}-{at.tm_mon:02d}-{at.tm_mday:02d}"
    return f'"date": "{date}", "time": "{_clock(at_us)}"'


def _clock(at_us: int) -> str:
    at = gmtime(at_us // SECOND)
    return f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"


def _overlap(pin: Incident, start: int, end: int) -> int:
    """Part of a pin that lies in an interval, microseconds."""
    pinned_from = pin.symptom_us - (pin.since_napi_us or 0)
    return max(0, min(end, pin.symptom_us) - max(start, pinned_from))


def _with_pins(rows: list[Shares], pins: Sequence[Incident], start: int, end: int) -> list[Shares]:
    mixed = list(rows)
    for pin in pins:
        if pin.cpu is None:
            continue
        part = WHOLE * _overlap(pin, start, end) // (end - start)
        rest = WHOLE - part
        user, system, softirq = (share * rest // WHOLE for share in mixed[pin.cpu][:3])
        if pin.pinned in {"system", "console"}:
            system += part
        else:
            softirq += part
        mixed[pin.cpu] = user, system, softirq, WHOLE - user - system - softirq
    return mixed


def _load(host: Host, rows: list[Shares]) -> str:
    """Text of one ``cpu-load`` list, with the mean over all CPUs first."""
    user, system, softirq = (round(sum(row[mode] for row in rows) / len(rows)) for mode in range(3))
    mean = user, system, softirq, WHOLE - user - system - softirq
    lines = [_cpu(host, "all", mean), *(_cpu(host, str(n), row) for n, row in enumerate(rows))]
    inner = ",\n".join(f"\t\t\t\t\t\t{line}" for line in lines)
    return f'\t\t\t\t\t"cpu-load": [\n{inner}\n\t\t\t\t\t]\n'


def _cpu(host: Host, name: str, row: Shares) -> str:
    shares = dict(zip(("usr", "sys", "soft", "idle"), row, strict=True))
    values = ", ".join(
        f'"{mode}": {shares.get(mode, 0) / 100:.2f}' for mode in _MODES[host.cpu_style]
    )
    return f'{{"cpu": "{name}", {values}}}'
