"""Kernel logs to kernel events and episodes in Parquet, against searchers that only find lines.

`python -m benchmarks.scan [--quick] [--json]`. The logs are a simulated fleet with ordinary
chatter, plain, gzip and zstd. A second table compares the whole stage with a searcher that only
finds, on each mix of `log_mixes.py`, with and without what a process spends before its first line.
"""

import argparse
import gzip
import importlib.metadata
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import zstandard
from rich.console import Console
from rich.table import Table

from benchmarks.log_mixes import DAY, MIXES, write_mix, write_one_line
from benchmarks.measure import Median, measure
from resetradar.catalogue import load_catalogue
from resetradar.simulate import simulate

_START = "start"

_PRODUCT = """
import sys
from datetime import date
from pathlib import Path
from resetradar.ingest import ingest_logs
from resetradar.settings import load_settings
settings = load_settings(Path(sys.argv[1]))
for shard in range(settings.shards):
    ingest_logs(settings, date(2026, 11, 21), shard)
"""
_SCAN_ONLY = """
import sys
from pathlib import Path
from resetradar.blocks import blocks
from resetradar.files import Source, Stream
from resetradar.hits import database as compiled
database, hits = compiled(), []
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        for block in blocks(Stream(Source(path, path.name))):
            database.scan(block.data, match_event_handler=lambda *hit: hits.append(hit[0]))
"""
_NAIVE = """
import re, sys
from pathlib import Path
from resetradar.catalogue import load_catalogue
patterns = [re.compile(e.decode("latin-1")) for e in load_catalogue().expressions()]
hits = 0
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        for line in path.open(encoding="utf-8", errors="replace"):
            hits += any(pattern.search(line) for pattern in patterns)
"""
_POLARS = """
import sys
import polars as pl
pattern = open(sys.argv[2]).read()
frame = pl.scan_csv(sys.argv[1] + "/*/*", has_header=False, separator="\\x01", quote_char=None,
                    encoding="utf8-lossy", new_columns=["line"], truncate_ragged_lines=True)
frame.filter(pl.col("line").str.contains(pattern)).select(pl.len()).collect()
"""
_DUCKDB = """
import sys
import duckdb
duckdb.sql("set threads = 1")
pattern = open(sys.argv[2]).read()
duckdb.sql('''select count(*) from read_csv($files, columns = {'line': 'varchar'}, delim = chr(1),
    header = false, quote = '', escape = '', ignore_errors = true, auto_detect = false,
    strict_mode = false) where regexp_matches(line, $pattern)''',
    params={"files": sys.argv[1] + "/*/*", "pattern": pattern}).fetchall()
"""


def main() -> None:
    """Make the logs, run the contenders, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the data, three rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object of the ratios")
    parser.add_argument("--mixes-only", action="store_true", help="the second table alone")
    arguments = parser.parse_args()
    rounds = 3 if arguments.quick else 5
    console, ratios, size_mb = Console(width=100), {}, 0.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if not arguments.mixes_only:
            size_mb = _make_logs(root, lines_per_hour=120 if arguments.quick else 600)
            found = measure(_contenders(root, quick=arguments.quick), rounds)
            ours = found["this project"].cpu_s
            ratios = {name: ours / other.cpu_s for name, other in found.items()}
            if not arguments.json:
                console.print(_table(found, size_mb))
        shares = _measure_mixes(root / "mixes", 0.25 if arguments.quick else 1.0, rounds)
    ratios |= {f"find only against stage, {share.mix}": share.gross for share in shares}
    if arguments.json:
        print(json.dumps({"benchmark": "scan", "mb": round(size_mb, 1), "ratios": ratios}))
    else:
        console.print(_mixes_table(shares, rounds))


@dataclass(frozen=True)
class _Share:
    """Find only against the whole stage on one mix; CPU seconds less those of a start."""

    mix: str
    mb: float
    find_s: float
    stage_s: float
    start_find_s: float
    start_stage_s: float

    @property
    def gross(self) -> float:
        """Part of the searcher's throughput that the stage reaches, starts included."""
        return (self.find_s + self.start_find_s) / (self.stage_s + self.start_stage_s)

    @property
    def net(self) -> float:
        """The same without the starts."""
        return self.find_s / self.stage_s


def _measure_mixes(root: Path, share: float, rounds: int) -> list[_Share]:
    folders = {mix.name: root / str(number) for number, mix in enumerate(MIXES)}
    for mix in MIXES:
        write_mix(mix, folders[mix.name], share=share)
    write_one_line(root / _START)
    python = [sys.executable, "-c"]
    contenders: dict[str, list[str]] = {}
    for name, folder in {**folders, _START: root / _START}.items():
        contenders[f"find {name}"] = [*python, _SCAN_ONLY, str(folder / "logs")]
        contenders[f"stage {name}"] = [*python, _PRODUCT, str(folder / "resetradar.toml")]
    found = {name: median.cpu_s for name, median in measure(contenders, rounds).items()}
    start_find_s, start_stage_s = found[f"find {_START}"], found[f"stage {_START}"]
    return [
        _Share(
            name,
            sum(path.stat().st_size for path in (folder / "logs").glob("*/*")) / 1e6,
            found[f"find {name}"] - start_find_s,
            found[f"stage {name}"] - start_stage_s,
            start_find_s,
            start_stage_s,
        )
        for name, folder in folders.items()
    ]


def _mixes_table(shares: list[_Share], rounds: int) -> Table:
    start = shares[0]
    table = Table(
        title=f"Logs to Parquet against finding only, medians of {rounds}; a start takes "
        f"{start.start_stage_s:.2f} and {start.start_find_s:.2f} CPU s"
    )
    columns = ("mix", "MB", "find CPU s", "stage CPU s", "share with start", "share without")
    for column in columns:
        table.add_column(column, justify="left" if column == "mix" else "right")
    for share in shares:
        table.add_row(
            share.mix,
            f"{share.mb:.0f}",
            f"{share.find_s:.3f}",
            f"{share.stage_s:.3f}",
            f"{share.gross:.2f}",
            f"{share.net:.2f}",
        )
    return table


def _make_logs(root: Path, lines_per_hour: float) -> float:
    fleet = root / "fleet"
    simulate(60, 1, 1, fleet, last_day=DAY, lines_per_hour=lines_per_hour, sampled_share=0)
    # Plain text for the searchers; the same bytes packed for the packed contenders.
    total = 0
    for path in sorted((fleet / "logs").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            elif data[:4] == b"\x28\xb5\x2f\xfd":
                data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
            name = path.relative_to(fleet / "logs")
            name = name.with_name(name.name.removesuffix(".gz").removesuffix(".zst"))
            total += len(data)
            for kind, packed in (
                ("plain", data),
                ("gz", gzip.compress(data, 6, mtime=0)),
                ("zst", zstandard.compress(data, 3)),
            ):
                target = root / kind / "logs" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed)
    for kind in ("plain", "gz", "zst"):
        (root / kind / "resetradar.toml").write_text(
            'shards = 1\nworkers = 1\n[inputs]\nlogs = ["logs/{host_id}/*"]\n'
        )
    return total / 1e6


def _contenders(root: Path, *, quick: bool) -> dict[str, list[str]]:
    python = [sys.executable, "-c"]
    logs = str(root / "plain" / "logs")
    expressions = root / "expressions"
    alternation = root / "alternation"
    # Some engines refuse an escaped blank, or find bounded repeats too large to compile.
    patterns = [
        expression.decode("latin-1").replace("\\ ", " ").replace(".{0,160}", ".*")
        for expression in load_catalogue().expressions()
    ]
    expressions.write_text("\n".join(patterns) + "\n", encoding="latin-1")
    alternation.write_text("|".join(f"(?:{p})" for p in patterns), encoding="latin-1")
    found = {
        "this project": [*python, _PRODUCT, str(root / "plain" / "resetradar.toml")],
        "this project, gz": [*python, _PRODUCT, str(root / "gz" / "resetradar.toml")],
        "this project, zst": [*python, _PRODUCT, str(root / "zst" / "resetradar.toml")],
        "hyperscan, find only": [*python, _SCAN_ONLY, logs],
        "polars, regex": [*python, _POLARS, logs, str(alternation)],
        "cat": ["sh", "-c", f"cat {logs}/*/*"],
        "cat | wc -l": ["sh", "-c", f"cat {logs}/*/* | wc -l"],
        "zstd -dc": ["sh", "-c", f"zstd -dcq {root}/zst/logs/*/*"],
    }
    if not quick:
        # Both take minutes.
        found["duckdb, regex"] = [*python, _DUCKDB, logs, str(alternation)]
        found["python, one re a pattern"] = [*python, _NAIVE, logs]
    if shutil.which("rg"):
        found["ripgrep, same patterns"] = ["rg", "-j1", "-ca", "-f", str(expressions), logs]
    return found


def _table(found: dict[str, Median], size_mb: float) -> Table:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("hyperscan", "polars", "duckdb")
    )
    table = Table(title=f"{size_mb:.0f} MB of kernel logs, medians of 5 ({versions})")
    for column in ("contender", "CPU s", "MB per CPU s", "wall s", "RSS MB", "CPU against ours"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    ours = found["this project"].cpu_s
    for name, median in sorted(found.items(), key=lambda item: item[1].cpu_s):
        table.add_row(
            name,
            f"{median.cpu_s:.2f}",
            f"{size_mb / median.cpu_s:.0f}",
            f"{median.wall_s:.2f}",
            f"{median.rss_mb:.0f}",
            f"{median.cpu_s / ours:.2f}",
        )
    return table


if __name__ == "__main__":
    main()
