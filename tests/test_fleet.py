"""The whole path on the bundled fleet: what the truth says is what the published tables say."""

import json
import re
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


def test_the_cpu_of_the_queue_by_the_interrupt_map_is_the_pinned_one(ask):
    """The drivers before 2.17 do not print it; maps are six hours apart."""
    pinned = {
        (reset["host_id"], reset["cpu"], round(_instant(reset["symptom_at"]).timestamp() / 10))
        for reset in _STARVED
    }
    placed = ask("""
        select resets.host_id, queue_cpu, resets.window_end_at from reset_cpus
        join resets using (reset_id)
        where queue_cpu_basis in ('interrupts', 'affinity')
        and reset_reason = 'SUSPECTED_POLL_STARVATION'""")
    right = [
        any((host, cpu, round(at.timestamp() / 10) + step) in pinned for step in (-1, 0, 1))
        for host, cpu, at in placed
    ]

    assert len(right) > 100
    assert all(right)


def test_hosts_that_lost_the_affinity_of_their_interrupts_are_told(ask):
    lost = {h["host_id"] for h in _TRUTH["hosts"] if h["affinity_lost_at"]}
    rows = ask("select distinct host_id from reset_verdicts where is_affinity_lost")

    assert {host for (host,) in rows} == lost


def test_the_leak_and_the_unit_that_causes_it_go_with_the_guilty_image(ask):
    """First the memory cgroups, then the unit; nothing else goes with a cohort."""
    found = ask("""
        select subject_id, cause, cause_of from suspected_causes
        where subject_kind = 'cohort' and finding = 'goes_with' and resets_of = 'host_starved'
        order by subject_id, place""")

    assert [row for row in found if f"ami_id={_TRUTH['guilty_ami']}" == row[0]] == [
        (f"ami_id={_TRUTH['guilty_ami']}", "memory_cgroups", "-"),
        (f"ami_id={_TRUTH['guilty_ami']}", "crash_looping_unit", _TRUTH["leaking_unit"]),
    ]


def test_the_resets_of_the_guilty_image_rise_a_day_and_a_half_after_boot(ask):
    armed_h = [h["armed_after_s"] / 3600 for h in _TRUTH["hosts"] if h["armed_after_s"]]
    ((pattern, change_h),) = ask(f"""
        select pattern, change_h from uptime_patterns
        where resets_of = 'any' and cohort_id = 'ami_id={_TRUTH["guilty_ami"]}'""")

    assert pattern == "rises_from_day"
    assert min(armed_h) - 6 <= change_h <= max(armed_h) + 6


def test_units_that_have_nothing_to_do_with_the_resets_are_listed_for_nobody(ask):
    units = {unit for (unit,) in ask("select distinct cause_of from suspected_causes")}

    assert units == {"-", _TRUTH["leaking_unit"]}


def test_console_floods_go_with_the_resets_of_the_one_host_that_has_them(ask):
    (host,) = [h["host_id"] for h in _TRUTH["hosts"] if h["role"] == "console_flood"]
    rows = ask("""
        select subject_id, cause from suspected_causes
        where subject_kind = 'host' and finding = 'goes_with'""")

    assert rows == [(host, "console_flood")]


def test_a_host_without_facts_is_not_called_free_of_a_leak(ask):
    without = {h["host_id"] for h in _TRUTH["hosts"] if not h["has_facts"] and h["resets"]}
    rows = ask("""
        select subject_id, finding, next_command from suspected_causes
        where subject_kind = 'host' and cause = 'memory_cgroups'""")
    told = {host: (finding, command) for host, finding, command in rows}

    assert without & set(told)
    for host in without & set(told):
        assert told[host] == (
            "unknown",
            "collect /proc/cgroups and /sys/fs/cgroup/cgroup.stat",
        )


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


def test_explain_shows_the_causes_of_the_host_and_of_its_cohort(published_fleet):
    host = next(h["host_id"] for h in _TRUTH["hosts"] if h["role"] == "guilty_ami")
    printed = resetradar("explain", host, "--config", published_fleet / "resetradar.toml").stdout

    assert f"suspected causes of host {host} (all resets)" in printed
    assert f"suspected causes of cohort ami_id={_TRUTH['guilty_ami']}" in printed
    assert "    goes with: memory_cgroups, on 15 of 15 hosts, 0 of " in printed
    assert f"    goes with: crash_looping_unit {_TRUTH['leaking_unit']}, on 15 of 15" in printed
    assert "next: grep memory /proc/cgroups" in printed


def test_explain_shows_how_long_each_boot_went_without_a_reset(published_fleet):
    """A leak that is armed after h hours leaves the first h hours of every boot without a reset."""
    leaking = [h for h in _TRUTH["hosts"] if h["role"] == "guilty_ami"]
    host = next(h for h in leaking if len(h["booted_at"]) > 1)
    printed = resetradar(
        "explain", host["host_id"], "--config", published_fleet / "resetradar.toml"
    ).stdout
    line = re.compile(r"booted (\S+ \S+): \d+ episodes in .*?(?:first (\d+) h of|$)", re.MULTILINE)
    told = line.findall(printed)
    true = [_instant(text) for text in host["booted_at"]]

    assert len(told) == len(true)
    for (booted, _), expected in zip(told, true, strict=True):
        assert abs(_instant(booted) - expected) < timedelta(seconds=5)
    free_h = [int(hours) for _, hours in told if hours]
    assert free_h
    assert min(free_h) >= int(host["armed_after_s"] / 3600) - 6


def test_the_summary_names_the_first_cause_below_the_cohort(published_fleet):
    lines = (published_fleet / "printed.txt").read_text().splitlines()
    named = next(
        n
        for n, line in enumerate(lines)
        if "host_starved resets: " in line and f"ami_id={_TRUTH['guilty_ami']}" in line
    )

    assert "    goes with: memory_cgroups, on 15 of 15 hosts, " in "\n".join(
        lines[named + 1 : named + 4]
    )


def test_days_are_named_in_order():
    done = resetradar("run", "--days", DAYS[::-1], check=False)

    assert done.returncode == 2
    assert "expected YYYY-MM-DD" in done.stderr
