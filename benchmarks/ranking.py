"""Planted hosts and cohorts: are they on top, are innocents left alone?

`python -m benchmarks.ranking [--quick] [--json] [--seeds N] [--cells a,b]` makes seeded fleets of
events, builds the product's own marts over them, and compares the score with what people rank by
instead. `--real FOLDER` measures on event data of one's own: `<set>_hosts.parquet` (host, start,
end in hours, attributes) and `<set>_events.parquet` (host, t). Nothing in the method was chosen
by looking at seeds of `REPORTING_SEED` or more.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import event_fleet, event_lake, real_events
from benchmarks.cohort_truth import EXCESSES, cohort_figures, excess_label
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
    Cell("guilty", guilty="image_zone", factor=8),
    Cell("short", short=0.8),
    Cell("contam", planted=0.1),
    Cell("20k_mid", hosts=20_000),
)
# What must stay silent.
SILENT = (
    Cell("null", planted=0),
    Cell("strict_null", planted=0, spread=0),
    Cell("monster", planted=0, spread=0, monster=True),
)
# One cohort is guilty and must be named: attributes and pairs, mild and plain, small and large.
GUILTY = (
    Cell("image_200", hosts=200, guilty="image", factor=8),
    Cell("image_zone_200", hosts=200, guilty="image_zone", factor=20),
    Cell("mixed_200", hosts=200, guilty="mixed", factor=8),
    Cell("strong_200", hosts=200, guilty="mixed", factor=20),
    Cell("image_mild", guilty="image", factor=3),
    Cell("image", guilty="image", factor=8),
    Cell("zone_mild", guilty="zone", factor=3),
    Cell("family_mild", guilty="family", factor=3),
    Cell("driver_mild", guilty="driver", factor=3),
    Cell("image_zone", guilty="image_zone", factor=8),
    Cell("family_zone", guilty="family_zone", factor=8),
    # As one public report tells: an image that never works in one zone of a quiet fleet.
    Cell("pinned", base=0.01, guilty="image_zone", factor=200),
)
OTHERS = (*SILENT, *GUILTY, Cell("guilty_20k", hosts=20_000, guilty="mixed", factor=4))
TUNING_SEED = 0
REPORTING_SEED = 10_000
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
    return _host_figures(fleet, hosts, daily) | cohort_figures(fleet, named)


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
    seen = fleet.seen.sum(axis=1)
    ranked = np.isin(fleet.kind, ["storm", "repaired"], invert=True) & (seen > 0)
    # Planted hosts are to be found; a member of a guilty cohort is no false alarm either.
    is_bad = np.isin(fleet.kind, _KINDS)[ranked]
    is_blamable = is_bad | fleet.is_guilty[ranked]
    resets = np.bincount(fleet.host, minlength=len(seen)).astype(float)
    families = fleet.attributes["instance_family"]
    scores = usual_rankers(daily.sum(axis=1), resets, seen, families)
    scores["score"] = np.array([np.nan if s is None else s for s in hosts["score"]])
    level = fleet.level * np.where(fleet.is_guilty, fleet.factor, 1)
    scores["oracle"] = oracle(level, fleet.seen, daily)
    figures = {f"ap_{name}": average_precision(scores[name][ranked], is_bad) for name in _NAMES}
    figures |= {f"p10_{name}": precision_at(scores[name][ranked], is_bad) for name in _NAMES}
    flagged = np.array([standing == "abnormal" for standing in hosts["standing"]])
    kinds = {kind: fleet.kind == kind for kind in _KINDS} | {
        "guilty": fleet.is_guilty & (fleet.seen[:, -1] > 0)
    }
    figures |= {f"recall_{kind}": found for kind, found in recalls(flagged, kinds).items()}
    figures["lingering"] = recalls(flagged, {"repaired": fleet.kind == "repaired"})["repaired"]
    figures["fdp"] = false_share(flagged[ranked], is_blamable)
    figures["any_false"] = float((flagged[ranked] & ~is_blamable).any())
    figures["dispersion"] = hosts["dispersion"][0] or np.nan
    return figures


def simulate(
    cells: Iterable[Cell], seeds: range, workers: int
) -> tuple[dict[str, Measures], dict[str, Measures]]:
    """Mean figures of each cell over its seeds, and power by excess episodes over all cells.

    Figures that no fleet had are left out.
    """
    jobs = [(cell, seed) for cell in cells for seed in seeds]
    with ProcessPoolExecutor(workers) as pool:
        done = list(pool.map(measure, *zip(*jobs, strict=True)))
    owners = [cell.name for cell, _ in jobs]
    labels = [excess_label(run["excess"]) if run["excess"] > 0 else "" for run in done]
    excesses = [excess_label(edge - 1) for edge in EXCESSES] + [excess_label(EXCESSES[-1])]
    return _means(owners, done, [cell.name for cell in cells]), _means(labels, done, excesses)


def _means(groups: list[str], done: list[Measures], names: list[str]) -> dict[str, Measures]:
    found: dict[str, Measures] = {}
    for name in names:
        runs = [run for group, run in zip(groups, done, strict=True) if group == name]
        for key in runs[0] if runs else ():
            values = [run[key] for run in runs if not np.isnan(run[key])]
            if values:
                found.setdefault(name, {"fleets": len(runs)})[key] = fmean(values)
    return found


_COLUMNS = (
    ("AP", "ap_score"), ("count", "ap_count"), ("resets", "ap_resets"), ("rate z", "ap_rate_z"),
    ("family z", "ap_family_z"), ("Poisson", "ap_poisson"), ("oracle", "ap_oracle"),
    ("P@10", "p10_score"), ("count", "p10_count"), ("FDP", "fdp"), ("any false", "any_false"),
    ("elevated", "recall_elevated"), ("periodic", "recall_periodic"), ("onset", "recall_onset"),
    ("repaired", "lingering"), ("dispersion", "dispersion"),
)  # fmt: skip
_COHORT_COLUMNS = (
    ("named", "named_guilty"), ("first", "named_first"), ("innocents", "named_innocents"),
    ("in fleets", "any_innocent"), ("convicted", "convicted_guilty"),
    ("innocents", "convicted_innocents"), ("hosts flagged", "recall_guilty"),
    ("covered", "covered"), ("ratio/true", "ratio_bias"), ("high/low", "width"),
    ("fleets", "fleets"),
)  # fmt: skip


def tables(hosts: dict[str, Measures], cohorts: dict[str, Measures], title: str) -> list[Table]:
    """What is printed: hosts, then cohorts."""
    made = []
    for columns, part, found in (
        (_COLUMNS, "hosts", hosts),
        (_COHORT_COLUMNS, "cohorts", cohorts),
    ):
        table = Table(title=f"{title}: {part}", title_justify="left")
        table.add_column("fleet")
        for name, _ in columns:
            table.add_column(name, justify="right")
        for name, figures in found.items():
            cells = [_text(key, figures.get(key)) for _, key in columns]
            table.add_row(name, *cells)
        made.append(table)
    return made


def _text(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if key == "fleets" else f"{value:.3f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few seeds and no large fleet")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument("--seeds", type=int, help="fleets per cell; 30, or 3 if quick")
    parser.add_argument("--seed-base", type=int, help="first seed: 10000, or 0 if quick")
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
    base = TUNING_SEED if options.quick else REPORTING_SEED
    base = base if options.seed_base is None else options.seed_base
    found, excesses = simulate(cells, range(base, base + seeds), options.workers)
    cohorts = {name: found[name] for name in (cell.name for cell in cells) if name in found}
    for label, group in (("mean of ranking", CELLS), ("mean of guilty", GUILTY)):
        chosen = [found[cell.name] for cell in group if cell.name in found]
        if chosen:
            keys = [key for key in chosen[0] if all(key in figures for figures in chosen)]
            mean = {key: fmean(figures[key] for figures in chosen) for key in keys}
            (found if group is CELLS else cohorts)[label] = mean
    cohorts |= excesses
    if options.json:
        print(json.dumps({"hosts": found, "cohorts": cohorts}))
        return
    title = f"{seeds} fleets per row, seeds from {base}, means"
    for table in tables(found, cohorts, title):
        console.print(table)


if __name__ == "__main__":
    main()
