"""Publishing: one switch, immutable runs, exports; crashes and readers at the wrong moment."""

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from resetradar import publish as publishing
from resetradar.errors import ContractError, InputError
from resetradar.lake import Lake
from resetradar.marts import build_mart, load_marts
from resetradar.publish import (
    catalog,
    csv_parquet,
    days,
    gate,
    prometheus,
    publish,
    run_folder,
)
from resetradar.publish.lock import only_writer
from resetradar.settings import Settings
from resetradar.tables import BASE_TABLES, HOSTS, LOG_COVERAGE, REJECTS, RESETS

DAY = date(2026, 3, 2)
HOSTILE = 'ip-10-20-1-66"} 1\nup{x="'


def _rows(table, *rows):
    filled = [{name: row.get(name) for name in table.schema.names} for row in rows]
    return pa.Table.from_pylist(filled, schema=table.schema)


def _fill(settings, day, resets, hosts=("ip-10-20-1-1", "ip-10-20-1-2")):
    """A day on which the first host has `resets` resets, and its marts."""
    lake = Lake(settings.lake_root, settings.shards)
    midnight = datetime.combine(day, datetime.min.time())
    coverage = [
        {
            "host_id": host,
            "hour_at": midnight + timedelta(hours=hour),
            "lines": 10,
            "kernel_lines": 10,
            "bytes": 500,
            "rejected": 0,
            "lost_messages": 0,
            "observed_s": 3600.0,
        }
        for host in hosts
        for hour in range(24)
    ]
    episodes = []
    for number in range(resets):
        reset_at = midnight + timedelta(hours=2 * number, seconds=10)
        episodes.append(
            {
                "host_id": hosts[0],
                "reset_id": f"{day}-{number}",
                "kind": "reset",
                "driver": "ena",
                "pci_address": "0000:00:05.0",
                "interface": "eth0",
                "started_at": reset_at - timedelta(seconds=6),
                "reset_at": reset_at,
                "ended_at": reset_at,
                "outcome": "ok",
                "trigger": "tx_completion_timeout",
                "window_start_at": reset_at - timedelta(seconds=6),
                "window_end_at": reset_at,
                "window_basis": "threshold",
                "lines": 2,
                "clock_error_s": 0.0,
                "first_line": "ena 0000:00:05.0 eth0: reset",
                "source_path": "logs/a.log",
                "line_number": number + 1,
            }
        )
    lake.write(LOG_COVERAGE, _rows(LOG_COVERAGE, *coverage), day=day, shard=0, part="logs")
    lake.write(RESETS, _rows(RESETS, *episodes), day=day, shard=0, part="logs")
    inventory = _rows(HOSTS, *({"host_id": host, "instance_family": "m5"} for host in hosts))
    lake.write(HOSTS, inventory, day=day, shard=0, part="hosts")
    for mart in load_marts():
        build_mart(mart, lake, day, settings.parameters)


@pytest.fixture(scope="module")
def first_lake(tmp_path_factory):
    settings = Settings(root=tmp_path_factory.mktemp("first"), shards=1)
    _fill(settings, DAY, resets=3)
    return settings.lake_root


@pytest.fixture
def settings(tmp_path, first_lake):
    shutil.copytree(first_lake, tmp_path / "lake")
    return Settings(root=tmp_path, shards=1)


def _crash(*_args, **_kwargs):
    raise RuntimeError("power cut")


def _ask(settings, sql):
    with duckdb.connect(str(settings.published_root / "catalog.duckdb"), read_only=True) as reader:
        return reader.sql(sql).fetchall()


def _resets_seen(settings):
    return _ask(settings, "select count(*) from resets")[0][0]


def test_the_catalogue_has_every_table_with_a_day_also_the_empty_ones(settings):
    publish(settings, DAY)
    for name in [*BASE_TABLES, *(mart.name for mart in load_marts())]:
        columns = {row[0]: row[1] for row in _ask(settings, f"describe {name}")}
        assert columns["day"] == "DATE", name
    types = {row[0]: row[1] for row in _ask(settings, "describe cpu_samples")}
    assert types["sampled_at"] == "TIMESTAMP"
    assert types["system"] == "UTINYINT"
    assert _ask(settings, "select count(*) from cpu_samples") == [(0,)]


def test_history_is_there_and_states_are_as_of_the_day(settings):
    _fill(settings, DAY + timedelta(days=1), resets=1)
    publish(settings, DAY + timedelta(days=1))
    assert _ask(settings, "select day, count(*) from resets group by day order by day") == [
        (DAY, 3),
        (DAY + timedelta(days=1), 1),
    ]
    assert _ask(settings, "select count(*), min(day) from hosts") == [(2, date(2026, 3, 3))]
    assert _ask(settings, "select count(*), min(day) from host_scores") == [(2, date(2026, 3, 3))]
    assert _ask(settings, "select fleet_date, resets from fleet_days order by all") == [
        (DAY, 3),
        (DAY + timedelta(days=1), 1),
    ]


def test_the_same_data_is_the_same_run_and_other_data_is_another(settings):
    first = publish(settings, DAY)
    again = publish(settings, DAY)
    assert again.run_id == first.run_id
    assert first.run_id.startswith("2026-03-02-")
    _fill(settings, DAY, resets=4)
    assert publish(settings, DAY).run_id != first.run_id


def test_a_run_keeps_its_rows_after_the_lake_changed(settings):
    old = publish(settings, DAY)
    _fill(settings, DAY, resets=5)
    publish(settings, DAY)
    with duckdb.connect() as reader:
        rows = reader.read_parquet(f"{old.folder}/tables/resets/**/*.parquet").fetchall()
    assert len(rows) == 3
    assert _resets_seen(settings) == 5


def test_the_manifest_lists_every_file_with_its_hash(settings):
    run = publish(settings, DAY).folder
    manifest = json.loads((run / "MANIFEST.json").read_text())
    found = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == found - {"MANIFEST.json"}
    name, entry = "exports/host_scores.csv", manifest["files"]["exports/host_scores.csv"]
    listed = subprocess.run(
        ["sha256sum", str(run / name)], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split()[0] == entry["sha256"]
    assert (run / name).stat().st_size == entry["bytes"]


def test_files_that_cannot_be_linked_are_copied(settings, monkeypatch):
    def refuse(*_paths):
        raise OSError(18, "Invalid cross-device link")

    linked = publish(settings, DAY).run_id
    monkeypatch.setattr(os, "link", refuse)
    assert publish(settings, DAY).run_id == linked
    _fill(settings, DAY, resets=2)
    publish(settings, DAY)
    assert _resets_seen(settings) == 2


def test_exports_put_the_worst_host_first(settings):
    published = publish(settings, DAY)
    folder = settings.published_root / "exports"
    assert sorted(path.name for path in published.exports) == [
        "changes.csv",
        "changes.parquet",
        "cohort_rates.csv",
        "cohort_rates.parquet",
        "cohort_verdicts.csv",
        "cohort_verdicts.parquet",
        "fleet_days.csv",
        "fleet_days.parquet",
        "host_scores.csv",
        "host_scores.parquet",
        "resetradar.prom",
        "rollouts.csv",
        "rollouts.parquet",
        "suspected_causes.csv",
        "suspected_causes.parquet",
        "uptime_hazard.csv",
        "uptime_hazard.parquet",
        "uptime_patterns.csv",
        "uptime_patterns.parquet",
    ]
    with (folder / "host_scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["host_id"], row["resets"]) for row in rows] == [
        ("ip-10-20-1-1", "3"),
        ("ip-10-20-1-2", "0"),
    ]
    assert rows[0]["day"] == "2026-03-02"


def test_the_metrics_name_the_day_the_resets_and_the_worst_host(settings):
    publish(settings, DAY)
    lines = (settings.published_root / "exports" / "resetradar.prom").read_text().splitlines()
    assert 'resetradar_resets{fleet="fleet"} 3.0' in lines
    assert 'resetradar_as_of_timestamp_seconds{fleet="fleet"} 1.772496e+09' in lines
    assert 'resetradar_exposure_hours{fleet="fleet"} 48.0' in lines
    scores = [line for line in lines if line.startswith("resetradar_host_score{")]
    assert len(scores) == 1, "a host without resets is no series"
    assert 'host_id="ip-10-20-1-1"' in scores[0]
    assert not any(f"{label}=" in line for line in lines for label in ("instance", "job", "az"))


def test_the_metrics_count_hosts_by_cause_with_one_series_each(settings):
    """Nothing goes with the three resets; the causes are a fixed list, never a host or a line."""
    publish(settings, DAY)
    lines = (settings.published_root / "exports" / "resetradar.prom").read_text().splitlines()
    counts = [line for line in lines if line.startswith("resetradar_hosts_by_suspected_cause{")]
    assert 'resetradar_hosts_by_suspected_cause{cause="lockup",fleet="fleet"} 0.0' in counts
    assert len(counts) == 10
    assert not any(line.startswith("resetradar_suspected_cause_excess_ratio{") for line in lines)


def test_the_metrics_of_changes_count_cohorts_and_name_none(settings):
    """Of a fleet of two hosts and two days nothing can be compared, and nothing rises."""
    _fill(settings, DAY + timedelta(days=1), resets=3)
    publish(settings, DAY + timedelta(days=1))
    lines = (settings.published_root / "exports" / "resetradar.prom").read_text().splitlines()
    series = [line for line in lines if line.startswith("resetradar_cohorts_by_change{")]
    assert any('change="not_comparable"' in line and 'period_days="1"' in line for line in series)
    assert not any("m5" in line or "ip-10-20" in line for line in series)
    assert not any(line.startswith("resetradar_resets_rise_at_uptime_hours{") for line in lines)


def test_causes_are_exported_in_the_order_in_which_to_look_at_them(settings):
    publish(settings, DAY)
    with (settings.published_root / "exports" / "suspected_causes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["subject_id"] for row in rows} == {"ip-10-20-1-1"}
    assert [int(row["place"]) for row in rows] == list(range(1, len(rows) + 1))
    unknown = {row["cause"] for row in rows if row["finding"] == "unknown"}
    assert unknown >= {"memory_cgroups", "crash_looping_unit", "steal", "affinity_lost"}


def test_a_mart_of_the_inventory_is_not_stale_when_the_logs_come_after_it(settings):
    """The orchestrator builds a mart as soon as what it reads is there."""
    lake = Lake(settings.lake_root, settings.shards)
    marts = {mart.name: mart for mart in load_marts()}
    (hosts,) = lake.files(HOSTS, DAY, DAY)
    (logs,) = lake.files(LOG_COVERAGE, DAY, DAY)
    later = (hosts.stat().st_mtime + 3600,) * 2
    os.utime(logs, later)
    assert days.stale_days(marts["host_attributes"], lake, DAY, 28) == []
    assert days.stale_days(marts["host_days"], lake, DAY, 28) == [DAY]
    assert "log_coverage" in {table.name for table in days.base_tables_of(marts["fleet_days"])}


def test_a_hostile_host_name_stays_inside_its_label(settings):
    _fill(settings, DAY, resets=3, hosts=(HOSTILE, "ip-10-20-1-2"))
    publish(settings, DAY)
    lines = (settings.published_root / "exports" / "resetradar.prom").read_text().splitlines()
    assert all(line.startswith(("#", "resetradar_")) for line in lines)
    assert any(r'host_id="ip-10-20-1-66\"} 1?up{x=\""' in line for line in lines)


@pytest.mark.parametrize(
    ("place", "step"),
    [
        (csv_parquet, "write"),
        (prometheus, "write"),
        (run_folder, "stage_tables"),
        (run_folder, "seal"),
        (catalog, "write"),
    ],
)
def test_a_crash_before_the_switch_leaves_the_old_publication(settings, monkeypatch, place, step):
    publish(settings, DAY)
    before = (settings.published_root / "exports" / "host_scores.csv").read_bytes()
    _fill(settings, DAY, resets=7)

    with monkeypatch.context() as patch:
        patch.setattr(place, step, _crash)
        with pytest.raises(RuntimeError, match="power cut"):
            publish(settings, DAY)
    assert _resets_seen(settings) == 3
    assert (settings.published_root / "exports" / "host_scores.csv").read_bytes() == before

    publish(settings, DAY)
    assert _resets_seen(settings) == 7
    assert not list((settings.published_root / "runs").glob(".*")), "leftovers are removed"


def test_a_crash_after_the_switch_is_completed_by_the_next_publication(settings, monkeypatch):
    publish(settings, DAY)
    _fill(settings, DAY, resets=7)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_export", _crash)
        with pytest.raises(RuntimeError, match="power cut"):
            publish(settings, DAY)
    assert _resets_seen(settings) == 7

    publish(settings, DAY)
    metrics = (settings.published_root / "exports" / "resetradar.prom").read_text()
    assert 'resetradar_resets{fleet="fleet"} 7.0' in metrics


_KILLED = """
import os, sys
from datetime import date
from pathlib import Path
from resetradar.publish import catalog, publish
from resetradar.settings import Settings
catalog.write = lambda *args: os._exit(9)
publish(Settings(root=Path(sys.argv[1]), shards=1), date(2026, 3, 2))
"""


def test_a_killed_publisher_leaves_no_lock_and_the_old_publication(settings):
    publish(settings, DAY)
    _fill(settings, DAY, resets=7)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _KILLED, str(settings.root)]
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == 9
    assert _resets_seen(settings) == 3
    publish(settings, DAY)
    assert _resets_seen(settings) == 7


def test_a_reader_never_sees_two_runs_in_one_connection(settings):
    publish(settings, DAY)
    pairs, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            path = str(settings.published_root / "catalog.duckdb")
            with duckdb.connect(path, read_only=True) as reader:
                base = reader.sql("select count(*) from resets").fetchall()[0][0]
                mart = reader.sql("select resets from fleet_days").fetchall()[0][0]
                pairs.add((base, mart))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for resets in (1, 4, 2, 6):
            _fill(settings, DAY, resets=resets)
            publish(settings, DAY)
    finally:
        stop.set()
        reader.join()
    assert len(pairs) > 1, "the reader met more than one publication"
    assert all(base == mart for base, mart in pairs)


def test_old_runs_go_when_they_are_neither_new_nor_recent(tmp_path):
    runs = []
    for age_days in range(6):
        run = tmp_path / f"2026-03-0{9 - age_days}-abc"
        run.mkdir()
        (run / "MANIFEST.json").touch()
        os.utime(run, (1_800_000_000 - age_days * 86400,) * 2)
        runs.append(run)

    run_folder.prune(tmp_path, runs[0], keep=2, keep_s=3 * 86400.0)

    assert sorted(tmp_path.iterdir()) == sorted(runs[:3])


def test_a_failed_check_refuses_the_publication_and_names_itself(settings):
    publish(settings, DAY)
    _fill(settings, DAY, resets=7)
    path = settings.lake_root / "host_days" / f"day={DAY}" / "mart.parquet"
    rows = pa.parquet.ParquetFile(path).read()
    pa.parquet.write_table(pa.concat_tables([rows, rows]), path)
    with pytest.raises(ContractError, match=r"host_days\.grain: 2 rows fail"):
        publish(settings, DAY)
    assert _resets_seen(settings) == 3


def test_marts_older_than_their_base_tables_are_refused(settings):
    publish(settings, DAY)
    lake = Lake(settings.lake_root, settings.shards)
    lake.write(RESETS, RESETS.empty(), day=DAY, shard=0, part="logs")
    with pytest.raises(ContractError, match="host_days: older than the base tables of 2026-03-02"):
        publish(settings, DAY)
    assert _resets_seen(settings) == 3


def test_a_day_without_marts_is_refused(settings):
    with pytest.raises(ContractError, match="build the day first"):
        publish(settings, DAY + timedelta(days=1))


def test_reject_ratios_count_each_input_for_itself(settings):
    lake = Lake(settings.lake_root, settings.shards)
    # 480 good lines and 120 bad ones; a CPU file that could not be read and no good sample.
    bad = [{"host_id": "ip-10-20-1-1", "source_path": "a", "line_number": n} for n in range(120)]
    lake.write(REJECTS, _rows(REJECTS, *bad), day=DAY, shard=0, part="logs")
    lake.write(REJECTS, _rows(REJECTS, {"source_path": "b"}), day=DAY, shard=0, part="cpu")
    assert gate.reject_ratios(lake, DAY) == {
        "logs": 0.2,
        "cpu": 1.0,
        "hosts": 0.0,
        "facts": 0.0,
    }
    with pytest.raises(ContractError, match="cpu: 100% of the input could not be read"):
        publish(settings, DAY)


def test_silent_hosts_are_in_the_inventory_and_not_in_the_logs(settings):
    lake = Lake(settings.lake_root, settings.shards)
    inventory = [{"host_id": f"ip-10-20-1-{n}"} for n in (1, 2, 8, 9)]
    lake.write(HOSTS, _rows(HOSTS, *inventory), day=DAY, shard=0, part="hosts")
    assert gate.silent_hosts(lake, DAY) == ["ip-10-20-1-8", "ip-10-20-1-9"]


def test_a_second_writer_can_refuse_to_wait(tmp_path):
    with (
        only_writer(tmp_path),
        pytest.raises(InputError, match="expected no other run"),
        only_writer(tmp_path, wait=False),
    ):
        pass
    with only_writer(tmp_path, wait=False):
        pass
