"""Target: ``resetradar.prom``, the headline numbers as Prometheus text for a textfile collector.

Only aggregates and the worst hosts and cohorts: a label value per host of a large fleet would cost
the server more than the answer is worth. Label names avoid ``instance``, ``job`` and ``az``, which
scrape targets have already and which Prometheus would rename.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from resetradar.settings import Settings

NAME = "resetradar.prom"
TOP_HOSTS = 20
TOP_COHORTS = 20

# Labels come from logs; a longer one is no name of a host.
_LABEL_LENGTH = 200

_FLEET_GAUGES = {
    "hosts": ("resetradar_hosts", "Hosts in the inventory."),
    "observed_hosts": ("resetradar_observed_hosts", "Hosts whose logs could be read."),
    "silent_hosts": ("resetradar_silent_hosts", "Hosts in the inventory without a log line."),
    "hosts_with_resets": ("resetradar_hosts_with_resets", "Hosts with at least one reset."),
    "exposure_h": ("resetradar_exposure_hours", "Host-hours in which a reset would be seen."),
    "resets": ("resetradar_resets", "Reset episodes of the day."),
    "stalls": ("resetradar_stalls", "Complaints of a driver that no reset followed."),
    "resets_per_1000h": (
        "resetradar_resets_per_1000_host_hours",
        "Resets per 1,000 host-hours observed.",
    ),
    "rejected": ("resetradar_rejected", "Lines or files that could not be read."),
    "lost_messages": ("resetradar_lost_messages", "Messages that hosts say they dropped."),
}
_VERDICTS = ("host_starved", "device_fault", "interrupt_lost", "requested", "ambiguous")
_HOST_LABELS = ("host_id", "instance_family", "availability_zone", "ami_id", "verdict")
_COHORT_LABELS = ("attributes", "cohort_values")


def write(connection: duckdb.DuckDBPyConnection, settings: Settings, folder: Path) -> None:
    """Write the text file into ``folder``.

    Args:
        connection: Session with the views of a run.
        settings: Gives the fleet's name, a label of every series.
        folder: Folder to write into.
    """
    registry = CollectorRegistry()
    fleet = _rows(connection, "fleet_days", "day")
    if fleet:
        _add_fleet(registry, settings.fleet, fleet[-1])
    hosts = [row for row in _rows(connection, "host_scores", "rank") if row["episodes"]]
    score = _gauge(
        registry, "resetradar_host_score", "Score of the worst hosts with resets.", *_HOST_LABELS
    )
    for row in hosts[:TOP_HOSTS]:
        _set(score, settings.fleet, row, _HOST_LABELS, row["score"])
    ratio = _gauge(
        registry,
        "resetradar_cohort_rate_ratio",
        "Reset rate of the worst cohorts against the rest of the fleet.",
        *_COHORT_LABELS,
    )
    cohorts = _rows(connection, "cohort_rates", "cohort_id")
    rated = [row for row in cohorts if row["rate_ratio"] is not None]
    for row in sorted(rated, key=lambda row: -row["rate_ratio"])[:TOP_COHORTS]:
        _set(ratio, settings.fleet, row, _COHORT_LABELS, row["rate_ratio"])
    (folder / NAME).write_bytes(generate_latest(registry))


def _add_fleet(registry: CollectorRegistry, fleet: str, row: Mapping[str, Any]) -> None:
    end = datetime.combine(row["day"] + timedelta(days=1), time(), UTC)
    as_of = _gauge(registry, "resetradar_as_of_timestamp_seconds", "End of the last day read.")
    as_of.labels(fleet=fleet).set(end.timestamp())
    for column, (name, text) in _FLEET_GAUGES.items():
        _set(_gauge(registry, name, text), fleet, row, (), row[column])
    verdicts = _gauge(registry, "resetradar_resets_by_verdict", "Resets by verdict.", "verdict")
    for verdict in _VERDICTS:
        _set(verdicts, fleet, {"verdict": verdict}, ("verdict",), row[f"{verdict}_resets"])


def _gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, ("fleet", *labels), registry=registry)


def _set(
    gauge: Gauge, fleet: str, row: Mapping[str, Any], labels: tuple[str, ...], value: float | None
) -> None:
    # No value is no series: a zero would claim something.
    if value is not None:
        texts = {label: _label(row[label]) for label in labels}
        gauge.labels(fleet=fleet, **texts).set(value)


def _label(value: object) -> str:
    text = "?" if value is None else str(value)
    return re.sub(r"[\x00-\x1f\x7f]", "?", text)[:_LABEL_LENGTH]


def _rows(connection: duckdb.DuckDBPyConnection, name: str, order: str) -> list[dict[str, Any]]:
    rows = connection.table(name).to_arrow_table().sort_by(order)
    return rows.to_pylist()
