"""Rates that follow the time since boot: are they found, are fleets without them left alone?

`python -m benchmarks.uptime [--quick] [--json] [--seeds N] [--cells a,b]` makes seeded fleets of
boots and episodes and runs the step of `uptime_patterns` over them.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from math import isnan, nan
from statistics import fmean

from rich.console import Console
from rich.table import Table

from benchmarks.uptime_fleet import GUILTY, Cell, make
from resetradar.scoring.uptime import patterns

FOUND = (
    Cell("leak", leak=3.0),
    Cell("leak_50", hosts=50, share=0.3, leak=3.0),
    Cell("leak_2k", hosts=2000, share=0.05, leak=3.0),
    Cell("leak_rare", leak=0.3),
    Cell("leak_faint", leak=0.1),
    Cell("leak_loud_fleet", base=0.3, leak=1.0),
    Cell("leak_fresh", leak=1.0, fresh=0.02),
    Cell("leak_jitter", leak=3.0, jitter=0.15),
    Cell("leak_fast", leak=3.0, onset_h=6.0),
    Cell("leak_monster", leak=0.5, monster=True),
    Cell("leak_slow", leak=3.0, onset_h=240.0),
    Cell("early", early=3.0, onset_h=12.0),
)
SILENT = (
    Cell("null"),
    Cell("null_50", hosts=50),
    Cell("null_2k", hosts=2000),
    Cell("null_loud", base=0.3),
    Cell("null_heavy", base=0.1, frailty=3.0, burst=0.7),
    Cell("null_short", short=0.9),
    Cell("bad_old", bad_old=0.05),
    Cell("fresh", fresh=0.02),
    Cell("monster", monster=True),
    Cell("surge", base=0.3, surge=4.0),
    Cell("together", base=0.1, surge=6.0, together=True),
)
_KEYS = ("found", "right_time", "covered", "ratio", "marginal", "innocents", "returned")


def measure(cell: Cell, seed: int) -> dict[str, float]:
    """Figures of one fleet."""
    rows = make(cell, seed)
    found = patterns(rows, min_cohort_hosts=5, max_attribute_levels=50).to_pylist()
    told = [row for row in found if row["pattern"] != "none"]
    if not (cell.leak or cell.early):
        return {"any_false": float(bool(told))}
    wanted = "rises_from_day" if cell.leak else "early"
    others = [
        row
        for row in told
        if row["cohort_id"].startswith("ami_id=") and GUILTY not in row["cohort_id"]
    ]
    (guilty,) = (
        row for row in found if row["cohort_id"] == f"ami_id={GUILTY}" and row["resets_of"] == "any"
    )
    figures = {"found": float(guilty["pattern"] == wanted), "innocents": float(bool(others))}
    figures["right_time"] = 0.0
    if figures["found"]:
        off = abs(guilty["change_h"] - cell.onset_h)
        figures |= {
            "right_time": float(off <= (24.0 if cell.onset_h >= 24 else 3.0)),
            "covered": float(guilty["change_low_h"] <= cell.onset_h <= guilty["change_high_h"]),
            "ratio": guilty["within_host_ratio"],
            "marginal": guilty["rate_ratio"],
            "returned": float(guilty["returned_hosts"]),
        }
    return figures


def simulate(cells: tuple[Cell, ...], seeds: int, workers: int) -> dict[str, dict[str, float]]:
    """Mean figures of each cell over its seeds."""
    jobs = [(cell, seed) for cell in cells for seed in range(seeds)]
    with ProcessPoolExecutor(workers) as pool:
        done = list(pool.map(measure, *zip(*jobs, strict=True), chunksize=4))
    found: dict[str, dict[str, float]] = {}
    for cell in cells:
        runs = [figures for (owner, _), figures in zip(jobs, done, strict=True) if owner == cell]
        keys = sorted({key for run in runs for key in run})
        found[cell.name] = {key: fmean(run[key] for run in runs if key in run) for key in keys}
    return found


def show(found: dict[str, dict[str, float]]) -> None:
    """Print one table."""
    table = Table("fleet", "any false", *(key.replace("_", " ") for key in _KEYS))
    for name, figures in found.items():
        cells = [figures.get(key, nan) for key in ("any_false", *_KEYS)]
        table.add_row(name, *("" if isnan(value) else f"{value:.2f}" for value in cells))
    Console(width=120).print(table)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--cells", default="")
    chosen = parser.parse_args()
    names = [name for name in chosen.cells.split(",") if name]
    quick = ("leak", "null")
    cells = tuple(
        cell
        for cell in (*FOUND, *SILENT)
        if (cell.name in names if names else not chosen.quick or cell.name in quick)
    )
    seeds = chosen.seeds or (10 if chosen.quick else 40)
    found = simulate(cells, seeds, len(os.sched_getaffinity(0)))
    if chosen.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
