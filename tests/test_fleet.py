"""The whole path on the bundled fleet: what the truth says is what the published tables say."""

import json
import shutil
from collections import Counter
from datetime import datetime, timedelta

import duckdb
import pytest
from command import DAYS, FLEET, resetradar

_TRUTH = json.loads((FLEET / "truth.json").read_text())
_STARVED = [r for r in _TRUTH["resets"] if r["reset_reason"] == "SUSPECTED_POLL_STARVATION"]


@pytest.fixture(scope="module")
def ask(published_fleet):
    """Rows of a query over the published catalogue, as dashboards read it."""
    with duckdb.connect(str(published_fleet / "published/catalog.duckdb"), read_only=True) as db:
        yield lambda sql: db.sql(sql).fetchall()


def _instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=None)


def test_every_true_reset_is_found_once_and_nothing_else(ask):
    found = {}
    for host_id, reset_at in ask("select host_id, reset_at from resets where kind = 'reset'"):
        found.setdefault(host_id, []).append(reset_at)
    true = {}
    for reset in _TRUTH["resets"]:
        true.setdefault(reset["host_id"], []).append(_instant(reset["reset_at"]))

    assert {host: len(times) for host, times in found.items()} == {
        host: len(times) for host, times in true.items()
    }
    for host, times in true.items():
        for expected, actual in zip(sorted(times), sorted(found[host]), strict=True):
            assert abs(expected - actual) < timedelta(seconds=2), host


def test_the_stated_silence_and_reason_are_found(ask):
    found = Counter(
        ask("""
        select host_id, since_napi_us from resets
        where reset_reason = 'SUSPECTED_POLL_STARVATION'""")
    )
    true = Counter((reset["host_id"], reset["since_napi_us"]) for reset in _STARVED)

    assert found == true


def test_the_planted_hosts_are_on_top_with_their_own_verdicts(ask):
    planted = {(host["host_id"], host["verdict"]) for host in _TRUTH["planted_hosts"]}
    top = ask("select host_id, verdict from host_scores order by rank limit 3")

    assert set(top) == planted


def test_the_guilty_image_has_the_highest_rate_ratio_of_all_cohorts(ask):
    (first,) = ask("""
        select attributes, cohort_values from cohort_rates
        where alias_of is null order by rate_ratio desc nulls last limit 1""")

    assert first == ("ami_id", _TRUTH["guilty_ami"])


def test_the_pinned_cpu_is_named_where_samples_can_show_it(ask):
    pinned = {
        (reset["host_id"], reset["cpu"], round(_instant(reset["symptom_at"]).timestamp() / 10))
        for reset in _STARVED
    }
    seen = ask("""
        select reset_cpus.host_id, hot_cpu, resets.window_end_at from reset_cpus
        join resets using (reset_id)
        where cpu_source = 'samples' and is_visible and trigger = 'poll_starvation'""")
    named = [
        any((host, cpu, round(at.timestamp() / 10) + step) in pinned for step in (-1, 0, 1))
        for host, cpu, at in seen
    ]

    assert len(named) > 50
    assert sum(named) / len(named) > 0.95


def test_a_cpu_that_is_always_busy_in_user_mode_is_not_called_hot(ask):
    loaders = {
        host["host_id"]: host["loader_cpu"]
        for host in _TRUTH["hosts"]
        if host["loader_cpu"] is not None
    }
    rows = ask("""
        select host_id, hot_cpu, hot_busy_ratio from reset_cpus where hot_busy_ratio > 0.8""")
    pins = {(r["host_id"], r["cpu"]) for r in _TRUTH["resets"]}

    assert all((host, cpu) in pins for host, cpu, _ in rows if loaders.get(host) == cpu)


def test_hosts_without_logs_are_told_and_have_no_score(ask):
    silent = _TRUTH["hosts_without_logs"]

    assert silent
    for host in silent:
        assert ask(f"select score from host_scores where host_id = '{host}'") == [(None,)]
        assert ask(f"select sum(exposure_h) from host_days where host_id = '{host}'") == [(0.0,)]


def test_a_host_that_the_inventory_lacks_is_kept_as_unknown(ask):
    for host in _TRUTH["hosts_not_inventoried"]:
        rows = ask(f"select ami_id, exposure_h > 0 from host_scores where host_id = '{host}'")
        assert rows == [("?", True)]


def test_damaged_files_leave_rejects_that_name_them(ask):
    rejected = {path for (path,) in ask("select distinct source_path from rejects")}
    damaged = {path for path, how in _TRUTH["damaged_files"].items() if how != "crlf"}

    assert rejected == damaged


def test_late_days_and_files_delivered_twice_leave_the_same_bytes(published_fleet, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(FLEET, again)
    for path in sorted(again.rglob("*"), reverse=True):
        if path.name == "kern.log.2.gz":
            shutil.copyfile(path, path.with_name("kern.log.twice.gz"))

    resetradar("run", "--config", again / "resetradar.toml", "--days", "2026-11-19..2026-11-21")
    resetradar("run", "--config", again / "resetradar.toml", "--days", "2026-11-15..2026-11-18")

    def bytes_of(root):
        files = sorted(p for p in (root / "lake").rglob("*.parquet") if "rejects" not in p.parts)
        return {p.relative_to(root): p.read_bytes() for p in files}

    first, second = bytes_of(published_fleet), bytes_of(again)
    assert first.keys() == second.keys()
    assert [str(name) for name in first if first[name] != second[name]] == []


def test_the_command_prints_the_table_and_what_it_did_not_see(published_fleet):
    printed = (published_fleet / "printed.txt").read_text()

    for host in _TRUTH["planted_hosts"]:
        assert host["host_id"] in printed
    assert "not seen: " in printed
    assert f"published {published_fleet / 'published' / 'runs'}" in printed


def test_explain_leads_from_the_score_to_the_line(published_fleet):
    host = _TRUTH["planted_hosts"][0]["host_id"]
    printed = resetradar("explain", host, "--config", published_fleet / "resetradar.toml").stdout
    name, _, number = next(
        line.strip().rpartition(":") for line in printed.splitlines() if f"logs/{host}/" in line
    )
    text = (published_fleet / name).read_bytes().splitlines() if name.endswith("log") else None

    assert "rate_ratio" in printed
    assert int(number) > 0
    assert text is None or b"ena" in text[int(number) - 1]


def test_days_are_named_in_order():
    done = resetradar("run", "--days", DAYS[::-1], check=False)

    assert done.returncode == 2
    assert "expected YYYY-MM-DD" in done.stderr
