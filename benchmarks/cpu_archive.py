"""A day of a busy host as sysstat's archive, and the same numbers in the other CPU formats."""

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

HOST = "ip-10-20-1-19"
# user nice system idle iowait steal irq softirq guest guest_nice, as sysstat orders them.
_ORDER = ("user", "nice", "system", "idle", "iowait", "steal", "irq", "softirq")
_START_S = 1_795_651_200


@dataclass(frozen=True)
class Load:
    """Totals since boot of every CPU.

    Attributes:
        ticks: Samples by CPUs by ten counters, hundredths of a second.
        seconds: When each sample was taken, seconds of the epoch.
    """

    ticks: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.int64]


def load(cpus: int, samples: int, step_s: int = 60, seed: int = 7) -> Load:
    """A seeded load: user-bound CPUs, quiet ones, and one that the kernel pins now and then."""
    draw = np.random.default_rng(seed)
    ticks = step_s * 100
    shares = draw.dirichlet((4, 0.2, 2, 12, 0.3, 0.1, 0.05, 0.6), (samples, cpus))
    shares[::40, cpus // 2] = (0, 0, 0.97, 0.01, 0, 0, 0, 0.02)
    grown = np.zeros((samples, cpus, 10), np.int64)
    grown[:, :, :8] = np.floor(shares * ticks)
    grown[:, :, 3] += ticks - grown.sum(axis=2)
    return Load(
        grown.cumsum(axis=0) + 500_000, _START_S + step_s * np.arange(samples, dtype=np.int64)
    )


def archive(made: Load, *, order: str = "<") -> bytes:
    """The load as ``sadc`` of sysstat 12.6 writes it, with CPU statistics only."""
    cpus = made.ticks.shape[1]
    magic = struct.pack(f"{order}HH4BIIIII48x", 0xD596, 0x2175, 12, 6, 1, 0, 336, 0, 1, 1, 12)
    started = datetime.fromtimestamp(int(made.seconds[0]), UTC)
    header = struct.pack(
        f"{order}QQIIi3I3I3I3B65s65s65s65s8s", int(made.seconds[0]), 100, cpus + 1, 1,
        started.year - 1900, 0, 0, 9, 2, 0, 1, 36, 24, 0, started.day, started.month - 1, 8,
        b"Linux", HOST.encode(), b"6.1.0-28-cloud-amd64", b"x86_64", b"UTC",
    )  # fmt: skip
    activity = struct.pack(f"{order}IIiiiiIII", 1, 0x8B, cpus + 1, 1, 1, 80, 10, 0, 0)
    counters = np.concatenate([made.ticks.sum(axis=1, keepdims=True), made.ticks], axis=1)
    parts = [magic, header.ljust(336, b"\0"), activity]
    for at, values in zip(made.seconds, counters.astype(f"{order}u8"), strict=True):
        moment = datetime.fromtimestamp(int(at), UTC)
        uptime_cs = int(at - made.seconds[0] + 9000) * 100
        clock = (moment.hour, moment.minute, moment.second)
        parts.append(struct.pack(f"{order}QQI4B", uptime_cs, int(at), 0, 1, *clock))
        parts.append(struct.pack(f"{order}i", cpus + 1) + values.tobytes())
    return b"".join(parts)


def proc_stat(made: Load) -> bytes:
    """Snapshots of /proc/stat below their time."""
    order = [_ORDER.index(mode) for mode in
             ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")]  # fmt: skip
    lines = []
    for at, values in zip(made.seconds, made.ticks[:, :, order].tolist(), strict=True):
        lines += [str(at), "cpu  0 0 0 0 0 0 0 0 0 0"]
        lines += [f"cpu{n} {' '.join(map(str, row))} 0 0" for n, row in enumerate(values)]
        lines.append("ctxt 1")
    return ("\n".join(lines) + "\n").encode()


def node_exporter(made: Load) -> bytes:
    """Pages of node_exporter, one below the other."""
    modes = sorted(_ORDER)
    places = [_ORDER.index(mode) for mode in modes]
    head = "# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.\n"
    head += "# TYPE node_cpu_seconds_total counter"
    lines = []
    for at, values in zip(made.seconds, (made.ticks[:, :, places] / 100).tolist(), strict=True):
        lines.append(head)
        lines += [
            f'node_cpu_seconds_total{{cpu="{n}",mode="{mode}"}} {value:g}'
            for n, row in enumerate(values)
            for mode, value in zip(modes, row, strict=True)
        ]
        lines.append(f"node_time_seconds {at / 1e9:.9f}e+09")
    return ("\n".join(lines) + "\n").encode()


def prometheus(made: Load) -> bytes:
    """One reply of query_range."""
    result = [
        {
            "metric": {"__name__": "node_cpu_seconds_total", "cpu": str(cpu), "mode": mode,
                       "instance": f"{HOST}:9100"},
            "values": [
                [int(at), f"{value / 100:.2f}"]
                for at, value in zip(made.seconds, made.ticks[:, cpu, number], strict=True)
            ],
        }
        for cpu in range(made.ticks.shape[1])
        for number, mode in enumerate(_ORDER)
    ]  # fmt: skip
    reply = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(reply, separators=(",", ":")).encode()


def mpstat(made: Load) -> tuple[bytes, bytes]:
    """What mpstat prints: JSON and text."""
    keys = ("usr", "nice", "sys", "iowait", "irq", "soft", "steal", "guest", "gnice", "idle")
    places = [0, 1, 2, 4, 6, 7, 5, 8, 9, 3]
    grown = np.diff(made.ticks, axis=0)[:, :, places]
    shares = (100 * grown / grown.sum(axis=2, keepdims=True)).round(2).tolist()
    cpus = made.ticks.shape[1]
    day = f"{datetime.fromtimestamp(int(made.seconds[0]), UTC):%m/%d/%y}"
    statistics, text = [], [f"Linux 6.1.0 ({HOST}) \t{day} \t_x86_64_\t({cpus} CPU)\n"]
    for at, rows in zip(made.seconds[1:], shares, strict=True):
        clock = f"{datetime.fromtimestamp(int(at), UTC):%H:%M:%S}"
        loads = [{"cpu": str(n), **dict(zip(keys, row, strict=True))} for n, row in enumerate(rows)]
        statistics.append({"timestamp": clock, "cpu-load": loads})
        text.append(f"{clock}     CPU " + " ".join(f"%{key}" for key in keys))
        text += [f"{clock} {n:7d} " + " ".join(f"{v:7.2f}" for v in row)
                 for n, row in enumerate(rows)]  # fmt: skip
        text.append("")
    host = {"nodename": HOST, "number-of-cpus": cpus, "date": day, "statistics": statistics}
    document = json.dumps({"sysstat": {"hosts": [host]}}, indent=1)
    return document.encode(), "\n".join(text).encode()


def tables(made: Load, folder: Path) -> tuple[Path, Path]:
    """One line per CPU and sample with shares, as CSV and as Parquet."""
    grown = np.diff(made.ticks, axis=0)
    shares = 100 * grown / grown.sum(axis=2, keepdims=True)
    cpus = made.ticks.shape[1]
    flat = shares.reshape(-1, 10).round(2)
    rows = pl.DataFrame(
        {
            "host": pl.Series([HOST] * len(flat)),
            "at": np.repeat(made.seconds[1:], cpus),
            "cpu": np.tile(np.arange(cpus), len(made.seconds) - 1),
            **{mode: flat[:, number] for number, mode in enumerate(_ORDER)},
        }
    )
    csv, parquet = folder / "shares.csv", folder / "shares.parquet"
    rows.write_csv(csv)
    rows.write_parquet(parquet)
    return csv, parquet
