"""Planted hosts and cohorts: are they on top, are innocents left alone?

`python -m benchmarks.ranking [--quick] [--json] [--seeds N] [--cells a,b]` makes seeded fleets of
events, builds the product's own marts over them, and compares the score with what people rank by
instead. `--real FOLDER` measures on event data of one's own: `<set>_hosts.parquet` (host, start,
end in hours, attributes) and `<set>_events.parquet` (host, t).
"""

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import event_fleet, event_lake, real_events
from benchmarks.event_fleet import Cell, EventFleet
from benchmarks.rankers import (
    average_precision,
    false_share,
    oracle,
    precision_at,
    recalls,
    usual_rankers,
)
from resetradar.lake import Lake
from resetradar.settings import Parameters

Measures = dict[str, float]

CELLS = (
    Cell("200_mid", hosts=200),
    Cell("2k_low", base=0.005),
    Cell("2k_mid"),
    Cell("2k_high", base=0.3),
    Cell("nofrailty", frailty=0),
    Cell("heavy", frailty=3),
    Cell("guilty", guilty="image", factor=8),
    Cell("short", short=0.8),
    Cell("contam", planted=0.1),
    Cell("20k_mid", hosts=20_000),
)
_RANKING = tuple(cell.name for cell in CELLS)
# What must stay silent, and what must be named.
OTHERS = (
    Cell("null", planted=0),
    Cell("strict_null", planted=0, spread=0),
    Cell("monster", planted=0, spread=0, monster=True),
    Cell("guilty_only", planted=0, guilty="mixed", factor=8),
    Cell("guilty_200", hosts=200, planted=0, guilty="mixed", factor=12),
    Cell("guilty_bad", guilty="mixed", factor=8),
    Cell("pinned", base=0.01, guilty="image", factor=200),
)
_KINDS = ("elevated", "periodic", "onset")
_NAMES = ("score", "count", "resets", "rate_z", "family_z", "poisson", "oracle")


def measure(cell: Cell, seed: int) -> Measures:
    """Figures of one fleet, made by the product's marts."""
    fleet = event_fleet.make(cell, seed)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder), 1)
        events = event_lake.Events(fleet.attributes, fleet.seen, fleet.host, fleet.at)
        event_lake.fill(lake, events)
        event_lake.score(lake, Parameters())
        hosts = event_lake.read(lake, "host_scores").to_pydict()
        named = event_lake.read(lake, "cohort_verdicts").to_pylist()
        episodes = event_lake.read(lake, "host_episodes")
        shared = event_lake.read(lake, "shared_episodes")
    daily = _daily(episodes, cell.hosts) - _daily(shared, cell.hosts)
    return _host_figures(fleet, hosts, daily) | _cohort_figures(fleet, named)


def _daily(episodes: Any, hosts: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    host = np.array([int(name[1:]) for name in episodes["host_id"].to_pylist()], dtype=np.int64)
    day = np.array(
        [(at.date() - event_lake.AS_OF).days for at in episodes["episode_at"].to_pylist()]
    )
    found = np.zeros((hosts, event_fleet.DAYS))
    np.add.at(found, (host, day.astype(np.int64) - 1 + event_fleet.DAYS), 1)
    return found


def _host_figures(
    fleet: EventFleet, hosts: dict[str, list[Any]], daily: np.ndarray[Any, Any]
) -> Measures:
    ranked = np.isin(fleet.kind, ["storm", "repaired"], invert=True)
    is_bad = (np.isin(fleet.kind, _KINDS) | fleet.is_guilty)[ranked]
    seen = fleet.seen.sum(axis=1)
    resets = np.bincount(fleet.host, minlength=len(seen)).astype(float)
    families = fleet.attributes["instance_family"]
    scores = usual_rankers(daily.sum(axis=1), resets, seen, families)
    scores["score"] = np.array([np.nan if s is None else s for s in hosts["score"]])
    usual_rate = fleet.rate / np.where(fleet.is_guilty, fleet.factor, 1)
    scores["oracle"] = oracle(usual_rate, fleet.seen, daily)
    figures = {f"ap_{name}": average_precision(scores[name][ranked], is_bad) for name in _NAMES}
    figures |= {f"p10_{name}": precision_at(scores[name][ranked], is_bad) for name in _NAMES}
    flagged = np.array([standing == "abnormal" for standing in hosts["standing"]])
    kinds = {kind: fleet.kind == kind for kind in _KINDS} | {
        "guilty": fleet.is_guilty & (fleet.seen[:, -1] > 0)
    }
    figures |= {f"recall_{kind}": found for kind, found in recalls(flagged, kinds).items()}
    figures["fdp"] = false_share(flagged[ranked], is_bad)
    figures["any_false"] = float((flagged[ranked] & ~is_bad).any())
    figures["dispersion"] = hosts["dispersion"][0] or np.nan
    return figures


def _cohort_figures(fleet: EventFleet, named: list[dict[str, Any]]) -> Measures:
    usual_rate = fleet.rate / np.where(fleet.is_guilty, fleet.factor, 1)
    seen = fleet.seen.sum(axis=1)
    figures: Measures = defaultdict(float)
    for verdict in named:
        if verdict["resets_of"] != "any":
            continue
        rows = _members(fleet, dict(verdict["conditions"]))
        common = (rows & fleet.is_guilty).sum() / max((rows | fleet.is_guilty).sum(), 1)
        tiers = ["named"] + (["convicted"] if verdict["tier"] == "convicted" else [])
        usual = (usual_rate * seen)[rows].sum() / seen[rows].sum()
        others = (usual_rate * seen)[~rows].sum() / seen[~rows].sum()
        is_innocent = fleet.is_guilty[rows].mean() < 0.5 and usual / others < 1.3
        for tier in tiers:
            figures[f"{tier}_innocents"] += float(is_innocent)
            figures[f"{tier}_guilty"] = max(figures[f"{tier}_guilty"], float(common >= 0.9))
        if verdict["place"] == 1:
            figures["named_first"] = float(common >= 0.9)
        if common >= 0.9:
            low, high = verdict["rate_ratio_low"], verdict["rate_ratio_high"]
            true = _true_ratio(fleet)
            figures["covered"] = float(low <= true <= high)
            figures["ratio_bias"] = verdict["rate_ratio"] / true
            figures["width"] = high / low
    keys = (
        "named_innocents",
        "convicted_innocents",
        "named_guilty",
        "convicted_guilty",
        "named_first",
    )
    result = {key: figures.get(key, 0.0) for key in keys}
    if not fleet.is_guilty.any():
        result |= dict.fromkeys(("named_guilty", "convicted_guilty", "named_first"), float("nan"))
    nothing = float("nan")
    return result | {key: figures.get(key, nothing) for key in ("covered", "ratio_bias", "width")}


def _true_ratio(fleet: EventFleet) -> float:
    """The planted factor, times what the guilty family has anyway if a family is guilty."""
    if "instance_family" not in fleet.guilty:
        return fleet.factor
    hours, rows = fleet.seen.sum(axis=1), fleet.is_guilty
    own, others = (np.average(fleet.level[r], weights=hours[r]) for r in (rows, ~rows))
    return float(fleet.factor * own / others)


def _members(fleet: EventFleet, conditions: dict[str, str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    rows = [fleet.attributes[name] == value for name, value in conditions.items()]
    return np.asarray(np.all(rows, axis=0))


def simulate(cells: Iterable[Cell], seeds: int, workers: int) -> dict[str, dict[str, float]]:
    """Mean figures of each cell over its seeds; figures that no fleet had are left out."""
    jobs = [(cell, seed) for cell in cells for seed in range(seeds)]
    with ProcessPoolExecutor(workers) as pool:
        done = list(pool.map(measure, *zip(*jobs, strict=True)))
    found: dict[str, dict[str, float]] = {}
    for cell in cells:
        runs = [figures for (owner, _), figures in zip(jobs, done, strict=True) if owner == cell]
        found[cell.name] = {}
        for key in runs[0]:
            values = [run[key] for run in runs if not np.isnan(run[key])]
            middle = median if key.startswith("ap_") else fmean
            if values:
                found[cell.name][key] = float(middle(values))
    return found


_COLUMNS = (
    ("AP", "ap_score"), ("count", "ap_count"), ("resets", "ap_resets"), ("rate z", "ap_rate_z"),
    ("family z", "ap_family_z"), ("Poisson", "ap_poisson"), ("oracle", "ap_oracle"),
    ("P@10", "p10_score"), ("count", "p10_count"), ("FDP", "fdp"), ("any false", "any_false"),
    ("elevated", "recall_elevated"), ("periodic", "recall_periodic"), ("onset", "recall_onset"),
    ("dispersion", "dispersion"),
)  # fmt: skip
_COHORT_COLUMNS = (
    ("named", "named_guilty"), ("first", "named_first"), ("innocents", "named_innocents"),
    ("convicted", "convicted_guilty"), ("innocents", "convicted_innocents"),
    ("hosts flagged", "recall_guilty"), ("covered", "covered"), ("ratio/true", "ratio_bias"),
    ("high/low", "width"),
)  # fmt: skip


def tables(found: dict[str, dict[str, float]], title: str) -> list[Table]:
    """What is printed: hosts, then cohorts."""
    made = []
    for columns, part in ((_COLUMNS, "hosts"), (_COHORT_COLUMNS, "cohorts")):
        table = Table(title=f"{title}: {part}", title_justify="left")
        table.add_column("fleet")
        for name, _ in columns:
            table.add_column(name, justify="right")
        for name, figures in found.items():
            cells = [f"{figures[key]:.3f}" if key in figures else "-" for _, key in columns]
            table.add_row(name, *cells)
        made.append(table)
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few seeds and no large fleet")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument("--seeds", type=int, help="fleets per cell; 30, or 3 if quick")
    parser.add_argument("--cells", help="names of cells, comma separated")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--real", type=Path, help="folder with event data")
    options = parser.parse_args()
    console = Console(width=200)
    if options.real:
        rows = real_events.measure(options.real)
        if options.json:
            print(json.dumps(rows))
        else:
            console.print(real_events.table(rows))
        return
    cells = [cell for cell in (*CELLS, *OTHERS) if not options.quick or cell.hosts <= 2000]
    if options.cells:
        cells = [cell for cell in (*CELLS, *OTHERS) if cell.name in options.cells.split(",")]
    seeds = options.seeds or (3 if options.quick else 30)
    found = simulate(cells, seeds, options.workers)
    ranking = [figures for name, figures in found.items() if name in _RANKING]
    if ranking:
        keys = [key for _, key in _COLUMNS if all(key in figures for figures in ranking)]
        found["mean"] = {key: fmean(figures[key] for figures in ranking) for key in keys}
    if options.json:
        print(json.dumps(found))
        return
    for table in tables(found, f"{seeds} fleets per row, AP is a median, the rest are means"):
        console.print(table)


if __name__ == "__main__":
    main()
