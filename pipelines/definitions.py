"""Definitions that ``dg dev`` and the nightly run load: assets, the job and its schedule."""

import warnings
from pathlib import Path

import dagster as dg

from pipelines.base import base_assets
from pipelines.derived import mart_assets, published_run
from resetradar.settings import FILE_NAME, Settings, config_path, load_settings

NIGHTLY = "nightly"

_CHECKOUT = Path(__file__).parents[1]
_SAMPLE = _CHECKOUT / "data" / "samples" / "fleet" / FILE_NAME


def build(
    settings: Settings, loggers: dict[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """All definitions over one configuration.

    Args:
        settings: The configuration.
        loggers: Loggers that a run can name, instead of Dagster's console.
    """
    with warnings.catch_warnings():
        # Single-run backfills are marked beta; the lock file pins a version that was tried.
        warnings.simplefilter("ignore", dg.BetaWarning)
        job = dg.define_asset_job(
            NIGHTLY,
            selection=dg.AssetSelection.all(),
            executor_def=dg.in_process_executor,
            description="Files of a day to the published run.",
        )
        # Off until someone turns it on: many fleets start `resetradar run` from their own timer.
        schedule = dg.build_schedule_from_partitioned_job(
            job,
            name=NIGHTLY,
            hour_of_day=2,
            minute_of_hour=30,
            description="Every night at 02:30 UTC, for the day before.",
            default_status=dg.DefaultScheduleStatus.STOPPED,
        )
        return dg.Definitions(
            assets=[*base_assets(settings), *mart_assets(settings), published_run(settings)],
            jobs=[job],
            schedules=[schedule],
            loggers=loggers,
        )


def settings_or_sample() -> Settings:
    """The user's configuration; without one, the sample fleet, so that a checkout just works.

    Raises:
        SettingsError: A configuration was named and cannot be used.
    """
    is_named = config_path().is_file() or config_path() != Path(FILE_NAME).resolve()
    if is_named or not _SAMPLE.is_file():
        return load_settings()
    demo = _CHECKOUT / "demo"
    outputs = {"lake": demo / "lake", "published": demo / "published"}
    return load_settings(_SAMPLE).model_copy(update=outputs)


@dg.definitions
def definitions() -> dg.Definitions:
    """What Dagster's tools load."""
    return build(settings_or_sample())
