"""Core-samples per CPU second of each CPU format, beside sadf's own conversion and pandas.

Run: python -m benchmarks.cpu_parse [--quick] [--json] [--sa FILE]

Readers run in this process, after the imports; sadf runs as the process that it is. Each contender
runs once a round, in rotated order.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks import cpu_archive
from resetradar.cpu import Context, parse_cpu
from resetradar.lake import Lake
from resetradar.sources import CpuColumns
from resetradar.tables import CPU_SAMPLES

_TARGET = 6.0
_DAY = date(2026, 11, 26)
_COLUMNS = CpuColumns(
    host_id="host", sampled_at="at", interval_s=60.0, user="user", nice="nice", system="system",
    irq="irq", softirq="softirq", steal="steal", iowait="iowait",
)  # fmt: skip
_PANDAS = """
import sys, time, pandas
rounds, path = int(sys.argv[1]), sys.argv[2]
for _ in range(rounds):
    started = time.process_time()
    rows = pandas.read_csv(path, sep=";", comment="L", parse_dates=["timestamp"])
    print(time.process_time() - started)
"""


def main() -> int:
    """Measure and print one table; exit 1 if the archive is read at less than the target."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="60 samples, 2 rounds, no pandas")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--sa", type=Path, help="a recorded archive for the sysstat contenders")
    asked = parser.parse_args()
    sadf = shutil.which("sadf")
    if sadf is None:
        print("sadf is not installed: apt-get install sysstat", file=sys.stderr)
        return 2
    samples, rounds = (61, 2) if asked.quick else (601, 5)
    with tempfile.TemporaryDirectory(prefix="cpu-parse-") as name:
        folder = Path(name)
        contenders, bytes_per_sample = _contenders(folder, sadf, samples, asked.sa)
        found = _measure(contenders, rounds)
        if not asked.quick:
            found |= _pandas(folder, rounds)
    base = _rate(found["sadf -d"])
    reached = _rate(found["archive"]) / base
    if asked.json:
        rows = {
            name: {
                "core_samples": count,
                "cpu_s": cpu_s,
                "per_cpu_s": count / cpu_s,
                "times_sadf_d": count / cpu_s / base,
            }
            for name, (count, cpu_s) in found.items()
        }
        summary = {"target": _TARGET, "reached": reached, "bytes_per_sample": bytes_per_sample}
        print(json.dumps({**summary, "contenders": rows}, indent=1))
    else:
        print("| contender | core-samples | cpu ms | million per cpu-s | times sadf -d |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for name, (count, cpu_s) in found.items():
            rate = count / cpu_s
            print(
                f"| {name} | {count} | {1000 * cpu_s:.1f} | {rate / 1e6:.2f} | {rate / base:.2f} |"
            )
        print(
            f"cpu_samples: {bytes_per_sample:.2f} bytes per row. "
            f"archive: {reached:.1f} x sadf -d, target {_TARGET:g}."
        )
    return 0 if asked.quick or reached >= _TARGET else 1


def _rate(measured: tuple[int, float]) -> float:
    return measured[0] / measured[1]


def _contenders(
    folder: Path, sadf: str, samples: int, recorded: Path | None
) -> tuple[dict[str, Callable[[], int]], float]:
    """What to run, by name, each returning its core-samples; and bytes per row of the lake."""
    made = cpu_archive.load(64, samples)
    sa = folder / "sa"
    sa.write_bytes(recorded.read_bytes() if recorded else cpu_archive.archive(made))
    what = ("--", "-u", "ALL", "-P", "ALL")
    lines, document = (
        subprocess.run([sadf, kind, str(sa), *what], check=True, capture_output=True).stdout
        for kind in ("-d", "-j")
    )
    (folder / "sadf.csv").write_bytes(lines)
    mpstat_json, mpstat_text = cpu_archive.mpstat(made)
    csv, parquet = cpu_archive.tables(made, folder)
    files = {
        "archive": sa.read_bytes(),
        "sadf lines": lines,
        "sadf JSON": document,
        "mpstat JSON": mpstat_json,
        "mpstat text": mpstat_text,
        "node_exporter text": cpu_archive.node_exporter(made),
        "/proc/stat snapshots": cpu_archive.proc_stat(made),
        "Prometheus reply": cpu_archive.prometheus(made),
        "CSV by columns": csv.read_bytes(),
        "Parquet by columns": parquet.read_bytes(),
    }

    def read(data: bytes) -> int:
        context = Context(cpu_archive.HOST, "benchmark", columns=_COLUMNS)
        return parse_cpu(data, context).samples.num_rows

    rows = parse_cpu(files["archive"], Context(cpu_archive.HOST, "benchmark")).samples
    counted = rows.num_rows
    written = Lake(folder / "lake", 1).write(CPU_SAMPLES, rows, day=_DAY, shard=0, part="cpu")
    runs: dict[str, Callable[[], int]] = {
        f"sadf {kind}": lambda kind=kind: _sadf(sadf, kind, sa, counted)  # type: ignore[misc]
        for kind in ("-d", "-j")
    }
    runs |= {name: lambda data=data: read(data) for name, data in files.items()}  # type: ignore[misc]
    return runs, written.stat().st_size / counted


def _sadf(sadf: str, kind: str, sa: Path, counted: int) -> int:
    subprocess.run([sadf, kind, str(sa), "--", "-u", "ALL", "-P", "ALL"],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    return counted


def _measure(contenders: dict[str, Callable[[], int]], rounds: int) -> dict[str, tuple[int, float]]:
    """Core-samples and median CPU seconds, children included, by contender."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    counts = {name: run() for name, run in contenders.items()}
    names = list(contenders)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            before = _cpu_s()
            contenders[name]()
            times[name].append(_cpu_s() - before)
    return {name: (counts[name], statistics.median(times[name])) for name in names}


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _pandas(folder: Path, rounds: int) -> dict[str, tuple[int, float]]:
    """Pandas on sadf's lines, in an environment of its own; nothing if it cannot be had."""
    python = folder / "venv/bin/python"
    try:
        venv.create(folder / "venv", with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "pandas"], check=True, capture_output=True, timeout=300)
    except (subprocess.SubprocessError, OSError):
        print("pandas: left out, it could not be installed here", file=sys.stderr)
        return {}
    csv = folder / "sadf.csv"
    done = subprocess.run([str(python), "-c", _PANDAS, str(rounds), str(csv)],
                          check=True, capture_output=True, text=True)  # fmt: skip
    lines = csv.read_text().splitlines()
    cores = sum(";-1;" not in line and not line.startswith("#") for line in lines)
    return {"pandas on sadf lines": (cores, statistics.median(map(float, done.stdout.split())))}


if __name__ == "__main__":
    sys.exit(main())
