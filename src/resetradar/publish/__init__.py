"""Publishing: one run of the pipeline, made visible to its readers in one atomic switch.

Everything is prepared in a staged folder, which becomes an immutable run by one rename. Then
``catalog.duckdb`` is replaced: this is the switch. Last, the fixed addresses below ``exports`` get
the files of that run, each replaced whole. A crash before the switch leaves the old publication, a
crash after it the new one, and the next publication completes what is missing.
"""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from resetradar.errors import ContractError
from resetradar.lake import Lake, replacing
from resetradar.mart_session import session
from resetradar.publish import catalog, csv_parquet, gate, prometheus, run_folder
from resetradar.publish.lock import only_writer
from resetradar.settings import Settings

RUNS = "runs"
EXPORTS = "exports"

# Each writes its files into the run's folder `exports`; a new target is a module and a name here.
_TARGETS = (csv_parquet, prometheus)


@dataclass(frozen=True)
class Published:
    """What readers see now: the run, its folder, the catalogue and the exported files."""

    run_id: str
    day: date
    folder: Path
    catalog: Path
    exports: tuple[Path, ...]


def publish(settings: Settings, day: date) -> Published:
    """Make the lake's tables, as of a day, the ones that readers see.

    Args:
        settings: Says where the lake and the publications are.
        day: Day whose marts are published, with the history before it.

    Raises:
        ContractError: A mart was not built for ``day``, or a check says that the tables are wrong;
            the old publication stays.
    """
    lake = Lake(settings.lake_root, settings.shards)
    if refusals := gate.refusals(lake, day, settings.parameters.history_days):
        raise ContractError(
            f"publication of {day} in {lake.root}: expected every check to hold, found "
            f"{'; '.join(refusals)}; the old publication stays"
        )
    published = settings.published_root
    runs = published / RUNS
    with only_writer(published):
        run_folder.clear_leftovers(runs)
        run = run_folder.seal(_stage(settings, lake, day, runs), runs, day)
        path = catalog.write(run, published, day)
        exports = _export(run / EXPORTS, published / EXPORTS)
        run_folder.prune(runs, run)
    return Published(run.name, day, run, path, exports)


def _stage(settings: Settings, lake: Lake, day: date, runs: Path) -> Path:
    staged = runs / ".staged"
    (staged / EXPORTS).mkdir(parents=True)
    run_folder.stage_tables(lake, day, settings.parameters.history_days, staged)
    with session() as connection:
        catalog.add_views(connection, staged, day)
        for target in _TARGETS:
            target.write(connection, settings, staged / EXPORTS)
    return staged


def _export(source: Path, target: Path) -> tuple[Path, ...]:
    for file in sorted(source.iterdir()):
        with replacing(target / file.name) as temporary:
            shutil.copyfile(file, temporary)
    return tuple(target / file.name for file in sorted(source.iterdir()))
