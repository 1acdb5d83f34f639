"""What people see in a terminal: tables, a run's progress, and what could not be seen."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from resetradar.adhoc import Found, iso

_VERDICT_STYLES = {
    "host_starved": "yellow",
    "device_fault": "red",
    "interrupt_lost": "magenta",
    "requested": "dim",
}
_PLAIN_WIDTH = 160
# Wide enough that a place such as file:line can be copied.
UNWRAPPED = 1000


def console(*, is_error: bool = False, plain_width: int = _PLAIN_WIDTH) -> Console:
    """A console for standard output or error; ``plain_width`` wide where no terminal says."""
    found = Console(stderr=is_error, highlight=False)
    if found.is_terminal:
        return found
    return Console(stderr=is_error, highlight=False, width=plain_width)


def host_table(records: Iterable[dict[str, Any]]) -> Table:
    """The ranked hosts."""
    table = _table("#:r host family zone image resets:r observed:r verdict score:r why")
    for record in records:
        verdict = record["verdict"] or "-"
        score = record["score"]
        table.add_row(
            str(record["rank"]),
            Text(record["host_id"], style="bold"),
            record["instance_family"],
            record["availability_zone"],
            _short(record["ami_id"]),
            str(record["resets"]),
            f"{record['exposure_h']:.0f} h",
            Text(verdict, style=_VERDICT_STYLES.get(verdict, "")),
            "-" if score is None else f"{score:.1f}",
            Text(record["reasons"]),
        )
    return table


def cohort_table(records: Iterable[dict[str, Any]]) -> Table:
    """The cohorts whose rate is above the rest of the fleet's, the best explanation first."""
    table = _table("cohort hosts:r affected:r per_1000_h:r rest:r ratio:r 95_%_interval:r")
    for record in records:
        values = " \u00d7 ".join(_short(v) for v in record["cohort_values"].split(" \u00d7 "))
        table.add_row(
            Text(f"{record['attributes']} = {values}"),
            str(record["hosts"]),
            str(record["affected_hosts"]),
            f"{record['resets_per_1000h']:.2f}",
            f"{record['rest_per_1000h']:.2f}",
            f"{record['rate_ratio']:.1f}",
            f"{record['rate_ratio_low']:.1f} to {record['rate_ratio_high']:.1f}",
        )
    return table


def cause_lines(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What goes with the resets of each subject and what not, in words; records in their order."""
    for (kind, subject, resets_of), rows in groupby(
        records, lambda r: (r["subject_kind"], r["subject_id"], r["resets_of"])
    ):
        what = "all" if resets_of == "any" else resets_of
        yield f"suspected causes of {kind} {subject} ({what} resets)"
        not_seen = []
        for row in rows:
            if row["finding"] == "not_seen" and not row["evidence_for"]:
                not_seen.append(row["cause"])
                continue
            yield f"    {row['finding'].replace('_', ' ')}: {cause_text(row)}"
            if row["evidence_for"] and row["evidence_against"]:
                yield f"        but {row['evidence_against']}"
            example = f" ({row['example']})" if row["example"] else ""
            yield f"        next: {row['next_command']}{example}"
        if not_seen:
            yield f"    not seen: {', '.join(not_seen)}"


def cause_text(row: dict[str, Any]) -> str:
    """One cause with its evidence."""
    name = row["cause"] if row["cause_of"] == "-" else f"{row['cause']} {row['cause_of']}"
    return f"{name}, {row['evidence_for'] or row['evidence_against']}"


def episode_table(found: Found) -> Table:
    """Episodes of arbitrary files."""
    table = _table("when_(UTC) host device kind reason queue:r NAPI_late:r outcome lines:r where")
    for record in found.records:
        late = record["since_napi_us"]
        device = " ".join(record[k] for k in ("driver", "pci_address", "interface") if record[k])
        table.add_row(
            _when(record),
            Text(record["host_id"] or "-"),
            Text(device),
            record["kind"],
            record["reset_reason"] or record["trigger"] or "unknown",
            ",".join(map(str, record["queues"])) or "-",
            "-" if late is None else f"{late / 1e6:.1f} s",
            record["outcome"],
            str(record["lines"]),
            Text(f"{record['source_path']}:{record['line_number']}"),
        )
    return table


def _when(record: dict[str, Any]) -> str:
    moment = record["reset_at"] or record["first_line_at"]
    if moment is not None:
        return (iso(moment) or "")[:19].replace("T", " ")
    return "-" if record["uptime_s"] is None else f"uptime {record['uptime_s']:.1f} s"


def rows_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows of any query."""
    rows = list(rows)
    table = Table(box=SIMPLE_HEAD)
    for place, column in enumerate(columns):
        is_number = any(isinstance(row[place], int | float) for row in rows)
        table.add_column(escape(column), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(value)) for value in row))
    return table


def cell_text(value: Any) -> str:
    """One value as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _table(columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for word in columns.split():
        name, _, side = word.partition(":")
        # Only prose may wrap: names and figures stay whole.
        is_prose = name in {"why", "where", "device", "cohort"}
        table.add_column(
            name.replace("_", " "),
            justify="right" if side == "r" else "left",
            no_wrap=not is_prose,
            overflow="fold",
            min_width=20 if name == "why" else None,
        )
    return table


def _short(value: str) -> str:
    """An image id cut to what tells it from others."""
    return value[:12] + "…" if value.startswith("ami-") and len(value) > 13 else value


class RunProgress:
    """Progress of a run on standard error: a bar in a terminal, one line a step elsewhere."""

    def __init__(self, steps: int) -> None:
        self._console = console(is_error=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=steps, detail="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()

    def __call__(self, step: str, text: str) -> None:
        """Show what a step does."""
        is_done = text == "done"
        if self._console.is_terminal:
            self._progress.update(
                self._task,
                advance=int(is_done),
                description=step.ljust(18),
                detail="" if text in {"started", "done"} else escape(text)[:60],
            )
        elif is_done or text == "failed" or step == "run":
            self._console.print(f"{step}: {text}", markup=False)
