"""What stands between a day's tables and its publication: unread input and failed checks."""

from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from resetradar.lake import Lake
from resetradar.marts import check_mart, load_marts
from resetradar.publish.days import stale_days
from resetradar.tables import CPU_SAMPLES, HOST_FACTS, HOSTS, LOG_COVERAGE, REJECTS, Table

# Some broken lines are normal; one in five unread means that a format or a path has changed.
WARN_REJECT_RATIO = 0.01
MAX_REJECT_RATIO = 0.20

# Stage that wrote the rejects (the part of the partition) and the table that its good rows are in.
_STAGES: dict[str, Table] = {
    "logs": LOG_COVERAGE,
    "cpu": CPU_SAMPLES,
    "hosts": HOSTS,
    "facts": HOST_FACTS,
}


def refusals(lake: Lake, day: date, history_days: int) -> list[str]:
    """Reasons not to publish a day: what an orchestrator's blocking checks say, asked once more.

    Raises:
        ContractError: A mart was not built for ``day``.
    """
    unread = [
        f"{stage}: {ratio:.0%} of the input could not be read"
        for stage, ratio in reject_ratios(lake, day).items()
        if ratio > MAX_REJECT_RATIO
    ]
    failed = [
        f"{mart.name}.{result.name}: {result.failed_rows} rows fail ({result.description})"
        for mart in load_marts()
        for result in check_mart(mart, lake, day)
        if result.is_blocking and not result.passed
    ]
    stale = [
        f"{mart.name}: older than the base tables of {', '.join(str(each) for each in days)}"
        for mart in load_marts()
        if mart.span == "day" and (days := stale_days(mart, lake, day, history_days))
    ]
    return unread + failed + stale


def reject_ratios(lake: Lake, day: date) -> dict[str, float]:
    """Share of a day's input that could not be read, by stage.

    Returns:
        For ``logs``, ``cpu`` and ``hosts``: rejects divided by rejects and good rows (for logs,
        lines), 0 to 1. A stage that met nothing has 0.
    """
    ratios = {}
    for stage, table in _STAGES.items():
        rejects = sum(
            _row_count(path) for path in lake.files(REJECTS, day, day) if path.stem == stage
        )
        good = line_count(lake, day) if table is LOG_COVERAGE else row_count(lake, table, day)
        ratios[stage] = rejects / (rejects + good) if rejects else 0.0
    return ratios


def silent_hosts(lake: Lake, day: date) -> list[str]:
    """Hosts of the day's inventory without any log line of the day, sorted."""
    covered = lake.read(LOG_COVERAGE, day, day)
    heard = covered.filter(pc.field("lines") > 0)["host_id"].to_pylist()
    known = lake.read(HOSTS, day, day)["host_id"].to_pylist()
    return sorted({str(host) for host in known} - set(heard))


def row_count(lake: Lake, table: Table, day: date) -> int:
    """Rows of a table on a day, from the footers of its files."""
    return sum(_row_count(path) for path in lake.files(table, day, day))


def line_count(lake: Lake, day: date) -> int:
    """Log lines of a day."""
    lines = pc.sum(lake.read(LOG_COVERAGE, day, day)["lines"]).as_py()
    return int(lines or 0)


def _row_count(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)
