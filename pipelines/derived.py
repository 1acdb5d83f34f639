"""Assets of the marts, one per file in ``sql/``, and of the publication."""

from collections.abc import Iterator

import dagster as dg

from pipelines import found
from pipelines.partitions import DAILY, ONE_RUN, days_of
from resetradar.ingest import lake_of
from resetradar.marts import (
    CheckResult,
    Mart,
    build_mart,
    check_mart,
    load_marts,
    look_back_days,
)
from resetradar.publish import publish
from resetradar.publish.days import days_to_build, ingested_days
from resetradar.settings import Settings
from resetradar.tables import REJECTS


def mart_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset per mart, with a check per line ``Check`` or ``Warn`` of its header."""
    return [_mart(settings, mart) for mart in load_marts()]


def _mart(settings: Settings, mart: Mart) -> dg.AssetsDefinition:
    grain = ", ".join(mart.grain)
    checks = [
        ("grain", f"One row per {grain}.", True),
        *((check.name, check.expression, True) for check in mart.checks),
        *((check.name, check.expression, False) for check in mart.warns),
    ]

    @dg.asset(
        name=mart.name,
        deps=mart.inputs,
        description=f"{mart.what}\n\nOne row per {grain}. Method: {mart.source}",
        group_name="marts",
        kinds={"duckdb", "sql"},
        metadata=found.column_schema(mart.columns),
        check_specs=[
            dg.AssetCheckSpec(name, asset=mart.name, description=text, blocking=is_blocking)
            for name, text, is_blocking in checks
        ],
        partitions_def=DAILY,
        backfill_policy=ONE_RUN,
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        lake, asked = lake_of(settings), days_of(context)
        history = look_back_days(mart, settings.parameters.history_days)
        paths, results = [], []
        for day in days_to_build(mart, lake, asked, history):
            paths.append(build_mart(mart, lake, day, settings.parameters))
            results.append((day, check_mart(mart, lake, day)))
            if day not in asked:
                context.log_event(dg.AssetMaterialization(mart.name, partition=day.isoformat()))
            context.log.info("%s", day)
        yield dg.MaterializeResult(
            metadata=found.built(paths),
            check_results=[
                _merged(name, [(day, of_day[index]) for day, of_day in results])
                for index, (name, _, _) in enumerate(checks)
            ],
        )

    return asset


def published_run(settings: Settings) -> dg.AssetsDefinition:
    """The asset behind all others: what readers see."""

    @dg.asset(
        name="published_run",
        deps=[REJECTS.name, *(mart.name for mart in load_marts())],
        description="The run that readers see: catalog.duckdb and the exported files. Always as "
        "of the newest day of the lake, also after an older day was run again.",
        group_name="published",
        kinds={"duckdb", "csv", "prometheus"},
        partitions_def=DAILY,
        backfill_policy=ONE_RUN,
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        newest = max([*days_of(context), *ingested_days(lake_of(settings))])
        published = publish(settings, newest)
        yield dg.MaterializeResult(
            metadata={
                "run_id": published.run_id,
                "catalog": dg.MetadataValue.path(str(published.catalog)),
                "folder": dg.MetadataValue.path(str(published.folder)),
                "exports": [str(path) for path in published.exports],
            }
        )

    return asset


def _merged(name: str, results: list[tuple[object, CheckResult]]) -> dg.AssetCheckResult:
    """One result for all days; the text names the days that failed."""
    failed = [(day, result) for day, result in results if not result.passed]
    rows = sum(result.failed_rows for _, result in failed)
    first = results[0][1]
    text = f"{rows} rows on {', '.join(str(day) for day, _ in failed)}" if failed else "all days"
    return dg.AssetCheckResult(
        check_name=name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if first.is_blocking else dg.AssetCheckSeverity.WARN,
        metadata={"failed_rows": rows},
        description=f"{first.description}: {text}",
    )
