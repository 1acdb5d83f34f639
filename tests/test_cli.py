"""The command line: what goes wrong is one line that names the cure, and exit code 2."""

import json

import pytest
from command import resetradar


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, "no such configuration file; write one with `resetradar init`"),
        ("shards = 'many'\n", "shards: Input should be a valid integer"),
        ("shard = 2\n", "shard: Extra inputs are not permitted"),
        ("[inputs]\ntimezone = 'Mars'\n", "inputs.timezone: Value error, expected an IANA zone"),
        ("[inputs\n", "not valid TOML"),
        ("[inputs]\nlogs = ['x/{hostname}']\n", "expected {host_id} or {day}"),
    ],
)
def test_a_wrong_configuration_names_the_key_and_the_form(tmp_path, config, expected):
    path = tmp_path / "resetradar.toml"
    if config is not None:
        path.write_text(config)

    done = resetradar("run", "--day", "2026-11-21", "--config", path, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_run_wants_exactly_one_way_of_naming_days(tmp_path):
    for days in ([], ["--day", "2026-11-21", "--days", "2026-11-21"]):
        done = resetradar("run", *days, check=False, cwd=tmp_path)
        assert done.returncode == 2
        assert "exactly one of --day and --days" in done.stderr


def test_init_writes_a_file_that_works_and_never_replaces_one(tmp_path):
    resetradar("init", cwd=tmp_path)
    printed = resetradar("check", cwd=tmp_path).stdout
    again = resetradar("init", cwd=tmp_path, check=False)

    assert "inputs.logs: 0 files match 3 templates" in printed
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_an_empty_fleet_runs_and_says_that_it_saw_nothing(tmp_path):
    (tmp_path / "resetradar.toml").write_text("shards = 1\n")

    done = resetradar("run", "--day", "2026-11-21", cwd=tmp_path, check=False)

    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1}
    assert "0 hosts" in done.stdout or "nothing was published" in done.stderr


def test_questions_before_any_run_say_what_to_run(tmp_path):
    (tmp_path / "resetradar.toml").write_text("")

    for verb in (["top"], ["explain", "h1"], ["sql", "select 1"]):
        done = resetradar(*verb, cwd=tmp_path, check=False)
        assert done.returncode == 2
        assert "run `resetradar run --day …` first" in done.stderr


def test_episodes_reads_a_folder_without_any_configuration(tmp_path):
    (tmp_path / "kern.log").write_text(
        "Nov 20 05:00:01 h1 kernel: ena 0000:00:05.0 eth0: Keep alive watchdog timeout.\n"
        "Nov 20 05:00:01 h1 kernel: ena 0000:00:05.0 eth0: Trigger reset is on\n"
    )

    as_lines = resetradar("episodes", "--json", tmp_path)
    for_people = resetradar("episodes", tmp_path)

    assert json.loads(as_lines.stdout)["host_id"] == "h1"
    assert "1 resets, 0 stalls in 2 lines of 1 files" in as_lines.stderr
    assert "KEEP_ALIVE_TO" in for_people.stdout


def test_episodes_of_a_missing_path_is_an_error(tmp_path):
    done = resetradar("episodes", tmp_path / "gone", check=False)

    assert done.returncode == 2
    assert "expected a file or folder" in done.stderr


def test_sql_answers_queries_and_prepared_questions(published_fleet):
    config = ("--config", published_fleet / "resetradar.toml")
    counted = resetradar("sql", "select count(*) as n from resets", "--json", *config).stdout
    named = resetradar("sql", "silent_hosts", "--param", "silent_h=24", "--json", *config).stdout
    wrong = resetradar("sql", "silent_hosts", *config, check=False)
    broken = resetradar("sql", "select nothing from nowhere", *config, check=False)

    assert json.loads(counted)["n"] > 200
    assert json.loads(named.splitlines()[0])["silent_h"] >= 24
    assert (wrong.returncode, broken.returncode) == (2, 2)
    assert "silent_h: DOUBLE" in wrong.stderr
    assert "nowhere" in broken.stderr


def test_the_published_run_cannot_be_written_through_sql(published_fleet):
    done = resetradar(
        "sql", "drop view resets", "--config", published_fleet / "resetradar.toml", check=False
    )

    assert done.returncode == 2
    assert "read-only" in done.stderr
