"""Changes and roll-outs: is what was planted told, and nothing else?

`python -m benchmarks.changes [--quick] [--json] [--seeds N]` makes seeded fleets of events over 56
days, builds the product's own marts over them, and counts what they say. A fleet has 1,000 hosts,
0.1 episodes per host and day, and hosts that go bad on their own.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import changed_fleet as made
from benchmarks.changed_fleet import Fleet, Floats
from resetradar.lake import Lake

Scenario = Callable[[int], tuple[Fleet, Floats | None]]
Measures = dict[str, float]

_MOVED = frozenset({"worse", "better", "first_resets"})
_NEW = "new-value"


def _plain(seed: int) -> tuple[Fleet, Floats | None]:
    return made.base(seed), None


def _surge(seed: int, days: int) -> tuple[Fleet, Floats | None]:
    return made.surge(made.base(seed), days, 4.0), None


def _worse(seed: int, days: int, factor: float) -> tuple[Fleet, Floats | None]:
    return made.worsened(made.base(seed), "ami_id", "ami-3", days, factor), None


def _joined(seed: int) -> tuple[Fleet, Floats | None]:
    return made.joined(made.base(seed), "p5", 60, 8.0), None


def _silent(seed: int) -> tuple[Fleet, Floats | None]:
    return made.silenced(made.base(seed), "ami-2", 7), None


def _in_place(seed: int, change: float, surge: float = 1.0) -> tuple[Fleet, Floats | None]:
    fleet = made.base(seed)
    half = (fleet.values["ami_id"][:, 0] == "ami-1") & (fleet.rng.random(fleet.size) < 0.5)
    fleet = made.treated(fleet, half, "driver", _NEW, change)
    return made.surge(fleet, 14, surge), None


def _replaced(seed: int, change: float) -> tuple[Fleet, Floats | None]:
    fleet = made.base(seed)
    old = fleet.values["ami_id"][:, 0] == "ami-1"
    old &= fleet.values["availability_zone"][:, 0] == "us-east-1a"
    return made.replaced(fleet, old, _NEW, change), None


def _reimaged(seed: int, least: int) -> tuple[Fleet, Floats | None]:
    return made.reimaged_when_bad(made.base(seed), "driver", _NEW, least)


CHANGES: dict[str, tuple[Scenario, str]] = {
    "nothing happens": (_plain, ""),
    "fleet x4, 2 days": (partial(_surge, days=2), ""),
    "fleet x4, 7 days": (partial(_surge, days=7), ""),
    "bad hosts join a family": (_joined, ""),
    "bad hosts of an image fall silent": (_silent, ""),
    "image x4 since 5 days": (partial(_worse, days=5, factor=4.0), "worse"),
    "image x2 since 7 days": (partial(_worse, days=7, factor=2.0), "worse"),
    "image x0.2 since 10 days": (partial(_worse, days=10, factor=0.2), "better"),
}
ROLLOUTS: dict[str, Scenario] = {
    "fix in place, x0.25": partial(_in_place, change=0.25),
    "fix in place, x0.5": partial(_in_place, change=0.5),
    "placebo in place": partial(_in_place, change=1.0),
    "placebo in place, then fleet x3": partial(_in_place, change=1.0, surge=3.0),
    "bug in place, x4": partial(_in_place, change=4.0),
    "new image, x0.25": partial(_replaced, change=0.25),
    "new image, placebo": partial(_replaced, change=1.0),
    "new image, x4": partial(_replaced, change=4.0),
    "3 in 7 days: re-imaged, no cure": partial(_reimaged, least=3),
    "5 in 7 days: re-imaged, no cure": partial(_reimaged, least=5),
}


def measure_changes(name: str, seed: int) -> Measures:
    """What `changes` says of one fleet, in the period of 7 days."""
    scenario, truth = CHANGES[name]
    rows = [row for row in _rows("changes", scenario, seed) if row["attributes"]]
    guilty = [row for row in rows if truth and row["cohort_id"] == "ami_id=ami-3"]
    others = [row for row in rows if row not in guilty and row["change"] in _MOVED]
    own = [row for row in others if row["explained_by"] is None]
    found: Measures = {
        "wrong": len(others) / max(len(rows), 1),
        "any wrong": float(bool(others)),
        "unexplained": float(bool(own)),
    }
    if guilty:
        week = next(row for row in guilty if row["period_days"] == 7)
        since = {"image x4 since 5 days": 4, "image x2 since 7 days": 6}.get(name, 9)
        found["told"] = float(week["change"] == truth)
        if week["since_date"]:
            off = abs((made.AS_OF - week["since_date"]).days - since)
            found["day +-1"] = float(off <= 1)
    return found


def measure_rollouts(name: str, seed: int) -> Measures:
    """What `rollouts` says of one fleet; a mean over its rows, one per old value."""
    how = "replaced" if name.startswith("new image") else "in_place"
    rows = [
        row
        for row in _rows("rollouts", ROLLOUTS[name], seed)
        if (row["to_value"], row["treatment"]) == (_NEW, how)
    ]
    compared = [row for row in rows if row["rate_ratio"] is not None]
    found = {
        verdict: fmean([row["verdict"] == verdict for row in rows] or [np.nan])
        for verdict in ("improved", "worsened", "no_difference_seen", "no_controls")
    }
    if compared:
        found["ratio"] = float(np.median([row["rate_ratio"] for row in compared]))
        found["detectable"] = float(np.median([row["detectable_ratio"] for row in compared]))
    return found


def _rows(mart: str, scenario: Scenario, seed: int) -> list[dict[str, Any]]:
    fleet, counts = scenario(seed)
    with tempfile.TemporaryDirectory() as folder:
        built = made.marts(fleet, Lake(Path(folder), 1), ("host_history", mart), counts)
    rows: list[dict[str, Any]] = built[mart].to_pylist()
    return rows


def simulate(
    measure: Callable[[str, int], Measures], names: list[str], seeds: int, workers: int
) -> dict[str, Measures]:
    """Mean figures of each scenario over its seeds; figures that no fleet had are left out."""
    jobs = [(name, seed) for name in names for seed in range(seeds)]
    with ProcessPoolExecutor(workers) as pool:
        done = list(pool.map(measure, *zip(*jobs, strict=True)))
    found: dict[str, Measures] = {}
    for name in names:
        runs = [figures for (owner, _), figures in zip(jobs, done, strict=True) if owner == name]
        keys = dict.fromkeys(key for run in runs for key in run)
        values = {
            key: [run[key] for run in runs if not np.isnan(run.get(key, np.nan))] for key in keys
        }
        found[name] = {key: fmean(each) for key, each in values.items() if each}
    return found


def _table(title: str, found: dict[str, Measures]) -> Table:
    table = Table(title=title, title_justify="left")
    keys = list(dict.fromkeys(key for figures in found.values() for key in figures))
    for key in ("fleet", *keys):
        table.add_column(key, justify="left" if key == "fleet" else "right")
    for name, figures in found.items():
        table.add_row(name, *(f"{figures[k]:.3f}" if k in figures else "-" for k in keys))
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few seeds")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument("--seeds", type=int, help="fleets per row; 30, or 2 if quick")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    seeds = options.seeds or (2 if options.quick else 30)
    found = {
        "changes": simulate(measure_changes, list(CHANGES), seeds, options.workers),
        "rollouts": simulate(measure_rollouts, list(ROLLOUTS), seeds, options.workers),
    }
    if options.json:
        print(json.dumps(found))
        return
    for title, figures in found.items():
        Console(width=160).print(_table(f"{title}: means over {seeds} fleets", figures))


if __name__ == "__main__":
    main()
