"""Event data of others: does the score of one period find the hosts that fail in the next?"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.table import Table

from benchmarks import event_lake
from benchmarks.event_lake import Events
from benchmarks.rankers import average_precision, usual_rankers
from resetradar.lake import Lake
from resetradar.settings import Parameters

_CUTS = 5
_NEXT_H = 28 * 24.0
_HISTORY_DAYS = 366
_PAUSE_H = 0.25
# Hot hosts are the worst twentieth of the next period, with at least this many episodes.
_HOT_SHARE = 0.05
_HOT_EVENTS = 2
# What plays the family; every other text column is a label.
_FAMILIES = ("cluster", "rack", "fleet")
_NO_LABELS = {"host", "start", "end", "up_hours", "down_hours"}
_FORGETFUL = ("score", "recent", "shared_out")
_OTHERS = ("count", "rate_z", "family_z", "poisson")


def measure(folder: Path) -> list[dict[str, Any]]:
    """One row per data set of a folder: mean average precision over cuts, and cohorts named."""
    names = sorted(p.name.removesuffix("_hosts.parquet") for p in folder.glob("*_hosts.parquet"))
    return [
        _measure(
            name,
            pq.ParquetFile(folder / f"{name}_hosts.parquet").read(),
            pq.ParquetFile(folder / f"{name}_events.parquet").read(),
        )
        for name in names
    ]


def table(rows: list[dict[str, Any]]) -> Table:
    """What is printed."""
    made = Table(title="hot hosts of the next 28 days: mean AP; cohorts named in the whole record")
    for name in rows[0] if rows else ():
        made.add_column(name, justify="left" if name in {"set", "cohorts"} else "right")
    for row in rows:
        made.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    return made


def _measure(name: str, hosts: pa.Table, events: pa.Table) -> dict[str, Any]:
    places = {host: row for row, host in enumerate(hosts["host"].to_pylist())}
    pairs = zip(events["host"].to_pylist(), events["t"].to_pylist(), strict=True)
    known = [(places[h], t) for h, t in pairs if h in places]
    host = np.array([row for row, _ in known], dtype=np.int64)
    at = np.array([t for _, t in known], dtype=np.float64)
    end = float(at.max())
    found: dict[str, list[float]] = {key: [] for key in (*_FORGETFUL, *_OTHERS)}
    hot_hosts = 0
    for cut in np.linspace(end / 2, end - _NEXT_H, _CUTS):
        is_next = (at >= cut) & (at < cut + _NEXT_H)
        later = _episodes(host[is_next], at[is_next], len(places))
        limit = max(np.quantile(later, 1 - _HOT_SHARE), _HOT_EVENTS - 1)
        is_hot = later > limit
        hot_hosts += int(is_hot.sum())
        for key, values in _scores(hosts, host, at, cut).items():
            found[key].append(average_precision(values, is_hot))
    return {
        "set": name,
        "hosts": len(places),
        "events": len(at),
        "hot": hot_hosts / _CUTS,
        **{key: float(np.mean(values)) for key, values in found.items()},
        "cohorts": "; ".join(_cohorts(hosts, host, at, end)) or "none",
    }


def _episodes(host: Any, at: Any, hosts: int) -> Any:
    """Episodes of each host: events that follow each other closely count once."""
    order = np.lexsort((at, host))
    host, at = host[order], at[order]
    is_first = (np.diff(host, prepend=-1) != 0) | (np.diff(at, prepend=0) > _PAUSE_H)
    return np.bincount(host[is_first], minlength=hosts)


def _scores(hosts: pa.Table, host: Any, at: Any, cut: float) -> dict[str, Any]:
    days = min(int(cut // 24), _HISTORY_DAYS)
    begin = cut - 24 * days
    rows = (at >= begin) & (at < cut)
    # What strikes many at once is to be foretold here, so it counts; shared_out shows the
    # score with such incidents taken out, as for a fleet.
    built = _build(hosts, host[rows], at[rows] - begin, days, begin=begin, shared_min_hosts=10**9)
    default = _build(hosts, host[rows], at[rows] - begin, days, begin=begin)
    scored = built["host_scores"].to_pydict()
    episodes, hours = (np.array(scored[c], dtype=float) for c in ("episodes", "exposure_h"))
    families = np.array(scored["instance_family"])
    usual = usual_rankers(episodes, np.array(scored["resets"], dtype=float), hours, families)
    mine = {
        "score": _numbers(scored["score"]),
        "shared_out": _numbers(default["host_scores"]["score"].to_pylist()),
        "recent": np.array(scored["recent_episodes"], dtype=float),
    }
    return mine | {key: usual[key] for key in _OTHERS}


def _numbers(values: list[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values])


def _cohorts(hosts: pa.Table, host: Any, at: Any, end: float) -> list[str]:
    # Naming does not care for the pace of time: a longer record is squeezed into the window.
    pace = max(1.0, end / 24 / _HISTORY_DAYS)
    days = min(int(end / 24 / pace) + 1, _HISTORY_DAYS)
    named = _build(hosts, host, at / pace, days, pace=pace)["cohort_verdicts"].to_pylist()
    return [f"{r['cohort_id']} ({r['tier']}, {r['rate_ratio']:.1f})" for r in named
            if r["resets_of"] == "any"]  # fmt: skip


def _build(  # noqa: PLR0913 - a data set is that many columns
    hosts: pa.Table,
    host: Any,
    at: Any,
    days: int,
    *,
    begin: float = 0.0,
    pace: float = 1.0,
    **parameters: int,
) -> dict[str, pa.Table]:
    start, end = (np.array(hosts[c].to_pylist()) / pace - begin for c in ("start", "end"))
    edges = np.arange(days) * 24.0
    seen = np.minimum(end[:, None], edges + 24) - np.maximum(start[:, None], edges)
    labels = {c: hosts[c].to_pylist() for c in hosts.column_names if c not in _NO_LABELS}
    family = next(c for c in _FAMILIES if c in labels)
    attributes = {c: np.array(values) for c, values in labels.items()}
    attributes["instance_family"] = attributes.pop(family)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder), 1)
        inside = at < days * 24.0
        event_lake.fill(lake, Events(attributes, np.maximum(seen, 0), host[inside], at[inside]))
        event_lake.score(lake, Parameters(history_days=_HISTORY_DAYS, **parameters))
        return {n: event_lake.read(lake, n) for n in ("host_scores", "cohort_verdicts")}
