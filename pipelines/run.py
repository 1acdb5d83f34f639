"""Runs the nightly job in this process: no daemon, from any folder, quiet."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from pipelines.definitions import NIGHTLY, build
from pipelines.partitions import DAILY
from resetradar.errors import InputError
from resetradar.publish.lock import only_writer
from resetradar.settings import Settings

OnEvent = Callable[[str, str], None]

_NO_TELEMETRY = {"telemetry": {"enabled": False}}
_STATES = {"STEP_START": "started", "STEP_SUCCESS": "done", "STEP_FAILURE": "failed"}


@dataclass(frozen=True)
class RunSummary:
    """What a run did: the command's last words and its exit code."""

    days: tuple[date, ...]
    rows: dict[str, int]
    rejects: int
    failed_checks: tuple[str, ...]
    warned_checks: tuple[str, ...]
    errors: tuple[str, ...]
    published: Path | None
    step_s: dict[str, float]
    total_s: float

    @property
    def is_success(self) -> bool:
        """Every step ended well and the result is published."""
        return self.published is not None and not self.errors


def count_steps(settings: Settings) -> int:
    """Steps of a run, for a bar of its progress."""
    assets = build(settings).assets or []
    return sum(isinstance(asset, dg.AssetsDefinition) for asset in assets)


def run_days(
    settings: Settings,
    first: date,
    last: date,
    *,
    on_event: OnEvent | None = None,
    wait: bool = True,
) -> RunSummary:
    """Run the days ``[first, last]``, rebuild what later days owe to them, and publish.

    Args:
        settings: The configuration.
        first: First day.
        last: Last day, included.
        on_event: Called with a step's name (or ``run``) and what happened to it, as it happens.
        wait: Wait for another run of the same lake to end, else refuse.

    Raises:
        InputError: ``last`` is before ``first``, ``first`` is before the first partition, or
            another run holds the lake and ``wait`` is false.
    """
    if not DAILY.start.date() <= first <= last:
        raise InputError(
            f"days: expected a first day from {DAILY.start:%Y-%m-%d} on and not after the last, "
            f"found {first} to {last}"
        )
    started = time.monotonic()
    tell: OnEvent = on_event or _silent
    definitions = build(settings, {"console": _forwarding(tell)})
    lock = only_writer(
        settings.lake_root, wait=wait, on_wait=lambda: tell("run", "waiting for another run")
    )
    with lock, _instance() as instance:
        result = definitions.resolve_job_def(NIGHTLY).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {}}},
            tags={
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
        )
    days = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
    return _summary(result, days, time.monotonic() - started)


def _silent(step: str, text: str) -> None:
    del step, text


def _instance() -> dg.DagsterInstance:
    # A home keeps the history of runs for the UI; without one nothing outlives the command.
    is_kept = "DAGSTER_HOME" in os.environ
    return (
        dg.DagsterInstance.get()
        if is_kept
        else dg.DagsterInstance.ephemeral(settings=_NO_TELEMETRY)
    )


def _forwarding(tell: OnEvent) -> dg.LoggerDefinition:
    """A logger that passes the start, progress and end of steps on, and prints nothing."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            meta = getattr(record, "dagster_meta", {})
            event, step = meta.get("dagster_event"), meta.get("step_key")
            if event is None and step and record.levelno >= logging.INFO:
                tell(step, meta.get("orig_message") or "")
            elif event is not None and event.event_type_value in _STATES:
                tell(event.step_key, _STATES[event.event_type_value])

    @dg.logger
    def forward(context: dg.InitLoggerContext) -> logging.Logger:
        del context
        logger = logging.Logger("pipelines.run", logging.DEBUG)  # noqa: LOG001 - not shared
        logger.addHandler(Forward())
        return logger

    return forward


def _summary(
    result: dg.ExecuteInProcessResult, days: tuple[date, ...], total_s: float
) -> RunSummary:
    rows: dict[str, int] = {}
    published = None
    for event in result.filter_events(lambda event: event.is_step_materialization):
        materialization = event.step_materialization_data.materialization
        name, metadata = materialization.asset_key.path[-1], materialization.metadata
        if "dagster/row_count" in metadata:
            rows[name] = int(str(metadata["dagster/row_count"].value))
        if name == "published_run":
            published = Path(str(metadata["folder"].value))
    failed: list[str] = []
    warned: list[str] = []
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            is_error = check.severity == dg.AssetCheckSeverity.ERROR
            text = f"{check.asset_key.path[-1]}.{check.check_name}: {check.description}"
            (failed if is_error else warned).append(text)
    step_s = {
        event.step_key: event.step_success_data.duration_ms / 1000
        for event in result.filter_events(lambda event: event.is_step_success)
        if event.step_key
    }
    return RunSummary(
        days=days,
        rows=rows,
        rejects=rows.get("rejects", 0),
        failed_checks=tuple(failed),
        warned_checks=tuple(warned),
        errors=tuple(_errors(result)),
        published=published,
        step_s=step_s,
        total_s=total_s,
    )


def _errors(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line per failed step, save for failed checks, which speak for themselves."""
    lines = []
    for event in result.filter_events(lambda event: event.is_step_failure):
        data = event.step_failure_data
        error = data.error and (data.error.cause or data.error)
        if data.user_failure_data and data.user_failure_data.description:
            text = data.user_failure_data.description
        elif error and error.cls_name != "DagsterAssetCheckFailedError":
            text = error.message.removeprefix(f"resetradar.errors.{error.cls_name}: ")
        else:
            continue
        lines.append(f"{event.step_key}: {' '.join(text.split())}")
    return lines
