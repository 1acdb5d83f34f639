"""The days of the assets, and how a range of them is run."""

from datetime import date

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2020-01-01", timezone="UTC")

# A range of days is one run: the shards of all its days keep all processes busy.
ONE_RUN = dg.BackfillPolicy.single_run()


def days_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[date]:
    """Days that a run is asked for, ascending."""
    return sorted(date.fromisoformat(key) for key in context.partition_keys)
