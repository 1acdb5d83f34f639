"""The nightly run, through Dagster and in process, on a fleet of three hosts."""

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines.definitions import build, settings_or_sample
from pipelines.run import count_steps, run_days
from resetradar.errors import InputError, SettingsError
from resetradar.ingest import ingest_logs
from resetradar.marts import load_marts
from resetradar.publish.lock import only_writer
from resetradar.settings import Inputs, Settings
from resetradar.tables import KERNEL_EVENTS

FIRST = date(2026, 3, 1)
BAD_HOST = "ip-10-20-1-1"
HOSTS = (BAD_HOST, "ip-10-20-1-2", "ip-10-20-1-3")

_RESET = (
    (0.0, "ena 0000:00:05.0 eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 5 timed out 6100 ms"),
    (
        0.00001,
        (
            "ena 0000:00:05.0 eth0: TX q 5 is paused for too long (threshold 5000000). "
            "Time since last napi 6100000 usec. napi scheduled: 1. msecs since last interrupt: 6101"
        ),
    ),
    (
        0.00002,
        "ena 0000:00:05.0 eth0: napi handler hasn't been called for a long time but is scheduled",
    ),
    (0.7, "ena 0000:00:05.0 eth0: Trigger reset is on"),
    (0.9, "ena 0000:00:05.0: Device reset completed, status: 0, Driver info: v2.13.2g"),
)


def _line(host, day, second, text):
    moment = datetime.combine(day, datetime.min.time()) + timedelta(seconds=second)
    uptime = (moment - datetime(2026, 2, 1)).total_seconds()
    return f"{moment.isoformat(timespec='microseconds')}+00:00 {host} kernel: [{uptime:.6f}] {text}"


def _write_fleet(root, days):
    """Logs of some days: something every half hour, and two resets a day on the first host."""
    for host in HOSTS:
        lines = []
        for day in (FIRST + timedelta(days=n) for n in range(days)):
            due = [(1800.0 * n, "audit: backlog flushed") for n in range(48)]
            if host == BAD_HOST:
                resets = (3600 * 5 + 17, 3600 * 17 + 17)
                due += [(start + after, text) for start in resets for after, text in _RESET]
            lines += [_line(host, day, second, text) for second, text in sorted(due)]
        log = root / "logs" / host / "kern.log"
        log.parent.mkdir(parents=True)
        log.write_text("\n".join(lines) + "\n")
    inventory = "".join(f"{host},m5.large,us-east-1a,ami-0a1\n" for host in HOSTS)
    header = "host_id,instance_type,availability_zone,ami_id\n"
    (root / "hosts.csv").write_text(header + inventory)
    inputs = Inputs(logs=["logs/{host_id}/kern.log"], cpu=[], inventory=["hosts.csv"])
    return Settings(root=root, fleet="three", shards=2, workers=1, inputs=inputs)


def _ask(settings, sql):
    with duckdb.connect(str(settings.published_root / "catalog.duckdb"), read_only=True) as reader:
        return reader.sql(sql).fetchall()


def _hashes(folder):
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Two days, run as one."""
    settings = _write_fleet(tmp_path_factory.mktemp("fleet"), days=2)
    events = []
    summary = run_days(
        settings,
        FIRST,
        FIRST + timedelta(days=1),
        on_event=lambda step, text: events.append((step, text)),
    )
    return settings, summary, events


def test_the_job_holds_every_table_and_the_publication_behind_all_marts(tmp_path):
    definitions = build(Settings(root=tmp_path))
    graph = definitions.resolve_asset_graph()
    tables = {key.path[-1] for key in graph.materializable_asset_keys}
    marts = {mart.name for mart in load_marts()}
    assert {"kernel_events", "resets", "log_coverage", "cpu_samples", "hosts", "rejects"} <= tables
    assert marts <= tables
    parents = {key.path[-1] for key in graph.get(dg.AssetKey("published_run")).parent_keys}
    assert parents == {*marts, "rejects"}
    assert definitions.resolve_job_def("nightly").partitions_def is not None


# Dagster's own schedule calls a function of its own that it has deprecated.
@pytest.mark.filterwarnings("ignore:Function `JobDefinition.run_request:DeprecationWarning")
def test_the_schedule_runs_the_day_before_and_is_off(tmp_path):
    schedule = build(Settings(root=tmp_path)).resolve_schedule_def("nightly")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    tick = datetime.fromisoformat("2026-03-02T02:30:00+00:00")
    with dg.DagsterInstance.ephemeral() as instance:
        due = schedule.evaluate_tick(
            dg.build_schedule_context(instance=instance, scheduled_execution_time=tick)
        )
    assert schedule.cron_schedule == "30 2 * * *"
    assert [request.partition_key for request in due.run_requests] == ["2026-03-01"]


def test_columns_carry_their_unit_in_the_ui(tmp_path):
    graph = build(Settings(root=tmp_path)).resolve_asset_graph()
    schema = graph.get(dg.AssetKey("cpu_samples")).metadata["dagster/column_schema"]
    columns = {column.name: column for column in schema.columns}
    assert columns["interval_s"].description == "length of the interval [second]"
    assert columns["interval_s"].type == "FLOAT"
    assert set(KERNEL_EVENTS.schema.names) == {
        column.name
        for column in graph.get(dg.AssetKey("kernel_events"))
        .metadata["dagster/column_schema"]
        .columns
    }


def test_a_run_publishes_what_the_logs_hold(night):
    settings, summary, _ = night
    assert summary.errors == ()
    assert summary.failed_checks == ()
    assert summary.is_success
    assert summary.days == (date(2026, 3, 1), date(2026, 3, 2))
    assert summary.rows["resets"] == 4
    assert summary.rejects == 0
    assert summary.published is not None
    assert summary.published.name.startswith("2026-03-02-")
    assert _ask(settings, "select host_id, resets from host_scores where rank = 1") == [
        (BAD_HOST, 4)
    ]
    assert _ask(settings, "select distinct verdict from reset_verdicts") == [("host_starved",)]
    assert _ask(settings, "select fleet_date, resets from fleet_days order by all") == [
        (date(2026, 3, 1), 2),
        (date(2026, 3, 2), 2),
    ]


def test_what_could_not_be_seen_is_a_warning(night):
    _, summary, _ = night
    assert any(text.startswith("cpu_samples.has_rows") for text in summary.warned_checks)


def test_progress_is_told_in_the_order_of_the_steps(night):
    settings, summary, events = night
    steps = [step for step, text in events if text == "started"]
    assert steps.index("logs") < steps.index("rejects") < steps.index("host_scores")
    assert steps[-1] == "published_run"
    assert ("logs", "2026-03-01 0") in events
    assert set(summary.step_s) == set(steps)
    assert count_steps(settings) == len(steps)


def test_running_a_day_again_changes_no_byte_and_prints_nothing(night, capfd):
    settings, summary, _ = night
    before = _hashes(settings.lake_root)
    exports = _hashes(settings.published_root / "exports")

    again = run_days(settings, FIRST, FIRST + timedelta(days=1))

    assert again.is_success
    assert _hashes(settings.lake_root) == before
    assert _hashes(settings.published_root / "exports") == exports
    assert again.published == summary.published
    assert capfd.readouterr() == ("", "")


def test_a_failed_blocking_check_keeps_the_old_publication(tmp_path):
    settings = _write_fleet(tmp_path, days=2)
    assert run_days(settings, FIRST, FIRST).is_success
    before = _hashes(settings.published_root / "exports")
    with (tmp_path / "hosts.csv").open("a") as inventory:
        inventory.write("ip-10-20-1-9;m5.large\n" * 3)  # half of the file is in another form

    summary = run_days(settings, FIRST + timedelta(days=1), FIRST + timedelta(days=1))

    assert not summary.is_success
    assert [text.split(":")[0] for text in summary.failed_checks] == ["rejects.reject_share"]
    assert summary.published is None
    assert "published_run" not in summary.step_s
    assert "fleet_days" not in summary.step_s, "nothing is built on a table that is wrong"
    assert _hashes(settings.published_root / "exports") == before
    assert _ask(settings, "select max(day) from resets") == [(FIRST,)]


def test_running_an_older_day_refreshes_the_later_ones(tmp_path):
    settings = _write_fleet(tmp_path / "a", days=3)
    last = FIRST + timedelta(days=2)
    run_days(settings, last, last)
    assert _ask(settings, "select resets from host_scores where rank = 1") == [(2,)]

    summary = run_days(settings, FIRST, FIRST)

    assert summary.published is not None
    assert summary.published.name.startswith("2026-03-03-"), "as of the newest day"
    assert _ask(settings, "select resets from host_scores where rank = 1") == [(4,)]

    in_order = _write_fleet(tmp_path / "b", days=3)
    run_days(in_order, FIRST, FIRST)
    straight = run_days(in_order, last, last)
    assert straight.published is not None
    assert straight.published.name == summary.published.name, "the order of runs leaves no trace"


def test_a_run_that_was_cut_short_is_completed_by_a_run_of_another_day(tmp_path):
    settings = _write_fleet(tmp_path, days=3)
    run_days(settings, FIRST, FIRST + timedelta(days=1))
    assert _ask(settings, "select resets from fleet_days where fleet_date = '2026-03-01'") == [(2,)]
    log = tmp_path / "logs" / "ip-10-20-1-2" / "kern.log"
    late = [_line("ip-10-20-1-2", FIRST, 7200 + after, text) for after, text in _RESET]
    log.write_text("\n".join(late) + "\n" + log.read_text())
    for shard in range(settings.shards):
        ingest_logs(settings, FIRST, shard)  # and here the machine went down

    newest = FIRST + timedelta(days=2)
    assert run_days(settings, newest, newest).is_success

    assert _ask(settings, "select count(*) from resets where day = '2026-03-01'") == [(3,)]
    assert _ask(settings, "select resets from fleet_days where fleet_date = '2026-03-01'") == [(3,)]


def test_a_user_error_is_one_line_and_is_not_repeated(tmp_path):
    settings = _write_fleet(tmp_path, days=1)
    broken = settings.model_copy(update={"inputs": Inputs.model_construct(logs=["logs/{hosts}/x"])})
    summary = run_days(broken, FIRST, FIRST)
    (error,) = summary.errors
    assert error.startswith("logs: shard 2026-03-01 0: template 'logs/{hosts}/x': expected")
    assert error.endswith("expected {host_id} or {day}, found ['{hosts}']")
    assert summary.total_s < 5, "no waiting for a retry"


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 3, 2), date(2026, 3, 1)), (date(2019, 12, 31), date(2020, 1, 1))],
)
def test_days_that_cannot_be_run_are_refused(tmp_path, first, last):
    with pytest.raises(InputError, match=f"found {first} to {last}"):
        run_days(Settings(root=tmp_path), first, last)


def test_a_lake_that_another_run_writes_is_refused_on_request(tmp_path):
    settings = Settings(root=tmp_path)
    with (
        only_writer(settings.lake_root),
        pytest.raises(InputError, match="found one that is still writing"),
    ):
        run_days(settings, FIRST, FIRST, wait=False)


def test_a_checkout_without_configuration_shows_the_sample_fleet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESETRADAR_CONFIG", raising=False)
    settings = settings_or_sample()
    assert settings.root.parts[-3:] == ("data", "samples", "fleet")
    assert settings.lake_root.parts[-2:] == ("demo", "lake")


def test_a_configuration_that_is_named_and_missing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("RESETRADAR_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match="no such configuration file"):
        settings_or_sample()
