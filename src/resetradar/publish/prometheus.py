"""Target: ``resetradar.prom``, the headline numbers as Prometheus text for a textfile collector.

Only aggregates and the worst hosts and cohorts: a label value per host of a large fleet would cost
the server more than the answer is worth. Label names avoid ``instance``, ``job`` and ``az``, which
scrape targets have already and which Prometheus would rename.
"""

import re
from collections import Counter
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
# Of each named cohort the first causes; only the names of units are without bound.
TOP_CAUSES = 5

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
_NAMED_LABELS = ("resets_of", "cohort_id", "tier")
_UPTIME_LABELS = ("resets_of", "cohort_id")
_CAUSE_LABELS = ("resets_of", "cohort_id", "cause", "cause_of")


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
    named = _rows(connection, "cohort_verdicts", "cohort_id")
    _add_named(registry, settings.fleet, named)
    _add_causes(registry, settings.fleet, _rows(connection, "suspected_causes", "place"))
    told = {"fleet", *(row["cohort_id"] for row in named)}
    patterns = _rows(connection, "uptime_patterns", "cohort_id")
    rising = [row for row in patterns if row["pattern"] == "rises_from_day"]
    _add_uptimes(registry, settings.fleet, [row for row in rising if row["cohort_id"] in told])
    _add_changes(registry, settings.fleet, _rows(connection, "changes", "period_days"))
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


def _add_named(registry: CollectorRegistry, fleet: str, rows: list[dict[str, Any]]) -> None:
    ratio = _gauge(
        registry,
        "resetradar_named_cohort_rate_ratio",
        "Reset rate of the cohorts that explain the resets against all others.",
        *_NAMED_LABELS,
    )
    for row in rows:
        _set(ratio, fleet, row, _NAMED_LABELS, row["rate_ratio"])


def _add_causes(registry: CollectorRegistry, fleet: str, rows: list[dict[str, Any]]) -> None:
    found = [row for row in rows if row["finding"] == "goes_with"]
    excess = _gauge(
        registry,
        "resetradar_suspected_cause_excess_ratio",
        "Share with a sign that goes with the resets of a named cohort, above that of controls.",
        *_CAUSE_LABELS,
    )
    for row in found:
        if row["subject_kind"] == "cohort" and row["place"] <= TOP_CAUSES:
            labels = row | {"cohort_id": row["subject_id"]}
            _set(excess, fleet, labels, _CAUSE_LABELS, row["excess_ratio"])
    hosts = _gauge(
        registry,
        "resetradar_hosts_by_suspected_cause",
        "Hosts that stand out and whose resets a sign goes with.",
        "cause",
    )
    of_hosts = Counter(row["cause"] for row in rows if row["subject_kind"] == "host")
    with_it = Counter(row["cause"] for row in found if row["subject_kind"] == "host")
    for cause in sorted(of_hosts):
        _set(hosts, fleet, {"cause": cause}, ("cause",), with_it[cause])


def _add_uptimes(registry: CollectorRegistry, fleet: str, rows: list[dict[str, Any]]) -> None:
    hours = _gauge(
        registry,
        "resetradar_resets_rise_at_uptime_hours",
        "Time since boot from which the fleet or a named cohort resets more often.",
        *_UPTIME_LABELS,
    )
    for row in rows:
        _set(hours, fleet, row, _UPTIME_LABELS, row["change_h"])


def _add_changes(registry: CollectorRegistry, fleet: str, rows: list[dict[str, Any]]) -> None:
    cohorts = _gauge(
        registry,
        "resetradar_cohorts_by_change",
        "Cohorts by what changed against as many days before.",
        "period_days",
        "change",
    )
    counts = Counter((row["period_days"], row["change"]) for row in rows)
    for (days, change), number in sorted(counts.items()):
        labels = {"period_days": days, "change": change}
        _set(cohorts, fleet, labels, ("period_days", "change"), number)


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
