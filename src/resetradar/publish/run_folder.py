"""Target: an immutable folder per run, which holds every file that the run's readers can see.

Files are hard links into the lake (copies where links cannot be made): the lake replaces its files
and never writes into one, so a link keeps the content of the moment. The folder's name is the day
and a hash of the content, hence the same data has the same folder.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from resetradar.lake import Lake, write_parquet
from resetradar.marts import load_marts, mart_path
from resetradar.tables import BASE_TABLES

MANIFEST = "MANIFEST.json"
TABLES = "tables"

# Readers keep the run open that they began with. A run goes when it is neither among the newest
# nor of the last day before the newest.
KEEP_RUNS = 14
KEEP_S = 86400.0


def stage_tables(lake: Lake, day: date, history_days: int, folder: Path) -> None:
    """Link the base tables and marts of ``[day - history_days + 1, day]`` into ``folder/tables``.

    A table without any file gets one without rows, so that readers always find its columns.
    """
    first = day - timedelta(days=history_days - 1)
    for table in BASE_TABLES.values():
        files = lake.files(table, first, day)
        _link_all(files, lake.root, folder / TABLES)
        # `hosts` and window marts are read as of the day alone, see catalog.py.
        if not (lake.files(table, day, day) if table.name == "hosts" else files):
            empty = Lake(folder / TABLES, lake.shards).path(table, day, 0, "empty")
            write_parquet(table.empty(), empty)
    for mart in load_marts():
        days = (first + timedelta(days=n) for n in range(history_days))
        paths = (mart_path(lake, mart.name, each) for each in days)
        _link_all([path for path in paths if path.is_file()], lake.root, folder / TABLES)


def seal(staged: Path, runs: Path, day: date) -> Path:
    """Write the manifest and rename the staged folder to its final name in one step.

    Args:
        staged: Folder on the same file system as ``runs``; gone afterwards.
        runs: Folder of all runs.
        day: The day that the run is as of.

    Returns:
        ``runs/<day>-<hash>``; the one that exists if the same content was sealed before.
    """
    known = dict(_known_hashes(runs))
    files = {
        path.relative_to(staged).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": known.get(_identity(path)) or _sha256(path),
        }
        for path in sorted(staged.rglob("*"))
        if path.is_file()
    }
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    run_id = f"{day}-{digest[:12]}"
    manifest = {"run_id": run_id, "as_of": day.isoformat(), "files": files}
    (staged / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    sealed = runs / run_id
    if sealed.is_dir():
        shutil.rmtree(staged)
    else:
        staged.rename(sealed)
    os.utime(sealed)  # age counts from the last publication
    return sealed


def prune(runs: Path, current: Path, *, keep: int = KEEP_RUNS, keep_s: float = KEEP_S) -> None:
    """Remove runs that no reader can be expected to use any more; never ``current``."""
    aged = sorted(((_age(path), path) for path in _run_folders(runs)), reverse=True)
    newest = _age(current)
    for age, path in aged[keep:]:
        if path != current and newest - age >= keep_s:
            # Renamed first: a removal that is cut short must not leave half a run under its name.
            path.rename(doomed := runs / f".{path.name}.removed")
            shutil.rmtree(doomed)


def clear_leftovers(runs: Path) -> None:
    """Remove what a crashed publication left: staged folders and half-removed runs."""
    for path in runs.glob(".*"):
        shutil.rmtree(path)


def _link_all(files: list[Path], root: Path, folder: Path) -> None:
    for file in files:
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file, target)


def _run_folders(runs: Path) -> list[Path]:
    return sorted(path.parent for path in runs.glob(f"[!.]*/{MANIFEST}"))


def _age(path: Path) -> float:
    return path.stat().st_mtime


def _identity(path: Path) -> tuple[int, int, int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _known_hashes(runs: Path) -> Iterator[tuple[tuple[int, int, int, int], str]]:
    """Hashes of files that the newest run shares with the lake: a night hashes only its news."""
    newest = max(_run_folders(runs), key=lambda path: (_age(path), path), default=None)
    if newest is None:
        return
    manifest = json.loads((newest / MANIFEST).read_text(encoding="utf-8"))
    for name, entry in manifest["files"].items():
        if (newest / name).is_file():
            yield _identity(newest / name), entry["sha256"]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
