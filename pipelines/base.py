"""Assets of the base tables: files of a day in, lake partitions out."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from pipelines import found
from pipelines.partitions import DAILY, ONE_RUN, days_of
from resetradar.errors import ResetradarError
from resetradar.ingest import Ingested, ingest_cpu, ingest_facts, ingest_hosts, ingest_logs, lake_of
from resetradar.mart_session import arrow_fields
from resetradar.publish import gate
from resetradar.settings import Settings
from resetradar.shards import ShardError, map_shards, spread
from resetradar.tables import (
    CPU_COVERAGE,
    CPU_MINUTES,
    CPU_SAMPLES,
    HOST_FACTS,
    HOSTS,
    KERNEL_EVENTS,
    LOG_COVERAGE,
    REJECTS,
    RESETS,
    Table,
)

_Yields = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]

# A file system that is away for a moment; what a file holds is never an error.
_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL)


def base_assets(settings: Settings) -> list[dg.AssetSpec | dg.AssetsDefinition]:
    """Inputs of the fleet, the tables made of them, and the ledger of what was not read."""
    inputs = settings.inputs
    logs, cpu, inventory, facts = (
        dg.AssetSpec(
            name,
            group_name="inputs",
            description=f"{what}: {', '.join(templates) or 'none configured'}",
            kinds={"file"},
        )
        for name, what, templates in (
            ("kernel_log_files", "Kernel logs", inputs.logs),
            ("cpu_metric_files", "Per-CPU metrics", inputs.cpu),
            ("inventory_files", "Inventory of the hosts", inputs.inventory),
            ("fact_files", "Facts of the hosts", inputs.facts),
        )
    )
    return [
        logs,
        cpu,
        inventory,
        facts,
        _ingest(settings, "logs", logs, (KERNEL_EVENTS, LOG_COVERAGE, RESETS), ingest_logs),
        _ingest(settings, "cpu", cpu, (CPU_SAMPLES, CPU_MINUTES, CPU_COVERAGE), ingest_cpu),
        _ingest(settings, "inventory", inventory, (HOSTS,), ingest_hosts),
        _ingest(settings, "facts", facts, (HOST_FACTS,), ingest_facts),
        _rejects(settings),
    ]


def _spec(table: Table, deps: list[dg.AssetSpec | str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        table.name,
        deps=deps,
        description=f"One row per {table.what}.",
        group_name="base",
        kinds={"parquet", "python"},
        metadata=found.column_schema(arrow_fields(table.schema)),
    )


def _ingest(
    settings: Settings,
    name: str,
    source: dg.AssetSpec,
    tables: tuple[Table, ...],
    function: Callable[..., Ingested],
) -> dg.AssetsDefinition:
    is_sharded = tables[0].is_sharded
    watched = LOG_COVERAGE if LOG_COVERAGE in tables else tables[0]
    # By need, only hosts with resets and hosts of their kind are read: these must be known before.
    deps: list[dg.AssetSpec | str] = [source]
    deps += [RESETS.name, HOSTS.name] if CPU_SAMPLES in tables else []

    @dg.multi_asset(
        name=name,
        specs=[_spec(table, deps) for table in tables],
        check_specs=[
            dg.AssetCheckSpec("has_rows", asset=watched.name, description="Every day has rows.")
        ],
        partitions_def=DAILY,
        backfill_policy=ONE_RUN,
        retry_policy=_RETRIES,
    )
    def asset(context: dg.AssetExecutionContext) -> _Yields:
        shards = range(settings.shards) if is_sharded else [None]
        days = days_of(context)
        items: list[tuple[Any, ...]] = [
            (day,) if shard is None else (day, shard) for day in days for shard in shards
        ]

        def report(item: tuple[Any, ...]) -> None:
            context.log.info("%s", " ".join(str(part) for part in item))

        try:
            parts = map_shards(
                partial(spread, partial(function, settings)),
                items,
                workers=settings.worker_count,
                on_done=report,
            )
        except (ResetradarError, ShardError) as error:  # repeating mends only file systems
            raise dg.Failure(str(error), allow_retries=False) from error
        by_day: dict[date, list[Ingested]] = {day: [] for day in days}
        for item, part in zip(items, parts, strict=True):
            by_day[item[0]].append(part)
        for table in tables:
            metadata = found.ingested(table.name, settings.lake_root / table.name, by_day)
            yield dg.MaterializeResult(asset_key=table.name, metadata=metadata)
        empty = [
            day.isoformat()
            for day, day_parts in by_day.items()
            # Many fleets collect no facts: what is not configured is not missed.
            if (settings.inputs.facts or watched is not HOST_FACTS)
            and not any(part.rows.get(watched.name) for part in day_parts)
        ]
        yield dg.AssetCheckResult(
            asset_key=watched.name,
            check_name="has_rows",
            passed=not empty,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"no rows on {', '.join(empty)}" if empty else "every day has rows",
        )

    return asset


def _rejects(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=REJECTS.name,
        deps=[KERNEL_EVENTS.name, LOG_COVERAGE.name, CPU_SAMPLES.name, HOST_FACTS.name, HOSTS.name],
        description=f"One row per {REJECTS.what}.",
        group_name="base",
        kinds={"parquet"},
        metadata=found.column_schema(arrow_fields(REJECTS.schema)),
        check_specs=[
            dg.AssetCheckSpec(
                "reject_share",
                asset=REJECTS.name,
                blocking=True,
                description=f"At most {gate.MAX_REJECT_RATIO:.0%} of each input was unreadable; "
                f"a warning above {gate.WARN_REJECT_RATIO:.0%}.",
            ),
            dg.AssetCheckSpec(
                "silent_hosts",
                asset=REJECTS.name,
                description="Every host of the inventory has log lines.",
            ),
        ],
        partitions_def=DAILY,
        backfill_policy=ONE_RUN,
    )
    def asset(context: dg.AssetExecutionContext) -> _Yields:
        lake, days = lake_of(settings), days_of(context)
        ratios = {day: gate.reject_ratios(lake, day) for day in days}
        silent = {day: gate.silent_hosts(lake, day) for day in days}
        worst = max(max(ratio.values()) for ratio in ratios.values())
        rows = [{"day": day, **ratios[day], "silent_hosts": len(silent[day])} for day in days]
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(gate.row_count(lake, REJECTS, day) for day in days),
                "path": dg.MetadataValue.path(str(settings.lake_root / REJECTS.name)),
                "found": dg.MetadataValue.md(found.markdown(rows)),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="reject_share",
                    passed=worst <= gate.WARN_REJECT_RATIO,
                    severity=dg.AssetCheckSeverity.ERROR
                    if worst > gate.MAX_REJECT_RATIO
                    else dg.AssetCheckSeverity.WARN,
                    metadata={"worst_ratio": worst},
                    description=f"up to {worst:.1%} of an input could not be read",
                ),
                dg.AssetCheckResult(
                    check_name="silent_hosts",
                    passed=not any(silent.values()),
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"silent_hosts": len(silent[days[-1]])},
                    description=f"{len(silent[days[-1]])} hosts without log lines on {days[-1]}: "
                    f"{', '.join(silent[days[-1]][:10])}",
                ),
            ],
        )

    return asset
