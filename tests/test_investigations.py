"""Every prepared question runs, and the answers that a person would act on are right."""

import pytest

from resetradar.mart_session import add_table, arrow_fields, session
from resetradar.marts import load_investigations, load_marts
from resetradar.tables import BASE_TABLES


def ask(name, tables, **values):
    """Rows of an investigation over tables given as CSV text."""
    question = next(each for each in load_investigations() if each.name == name)
    with session() as connection:
        for table in BASE_TABLES.values():
            add_table(connection, table.name, arrow_fields(table.schema))
        for mart in load_marts():
            add_table(connection, mart.name, mart.columns)
        for table, (columns, *rows) in tables.items():
            marks = ", ".join("?" for _ in columns.split(","))
            connection.executemany(f"insert into {table} ({columns}) values ({marks})", rows)
        result = connection.sql(question.sql, params=values or None)
        assert result.columns == [column.name for column in question.columns]
        return result.fetchall()


@pytest.mark.parametrize("question", load_investigations(), ids=lambda question: question.name)
def test_investigation_runs_over_an_empty_fleet(question):
    """Each investigation answers with its columns, and with parameters as text from a terminal."""
    rows = ask(question.name, {}, **dict.fromkeys((p.name for p in question.params), "1"))
    assert len(rows) == (1 if question.name == "seen" else 0)


def test_shared_incidents_are_resets_of_different_hosts_within_seconds():
    """Three hosts within ten seconds are one incident; one host alone and a request are none."""
    rows = [
        ("h1", "r1", "reset", "2025-03-02 10:00:00", "host_starved"),
        ("h2", "r2", "reset", "2025-03-02 10:00:08", "ambiguous"),
        ("h3", "r3", "reset", "2025-03-02 10:00:16", "host_starved"),
        ("h4", "r4", "reset", "2025-03-02 10:00:16", "requested"),
        ("h1", "r5", "reset", "2025-03-02 11:00:00", "host_starved"),
        ("h1", "r6", "reset", "2025-03-02 11:00:01", "host_starved"),
    ]
    found = ask(
        "shared_incidents",
        {"reset_verdicts": ("host_id, reset_id, kind, reset_at, verdict", *rows)},
        within_s=10,
        min_hosts=2,
    )
    assert [(hosts, resets, names, verdicts) for _, _, hosts, resets, names, verdicts in found] == [
        (3, 3, ["h1", "h2", "h3"], ["ambiguous", "host_starved"])
    ]


def test_silent_hosts_are_those_whose_lines_stopped():
    """A host last observed three hours before the newest hour is silent for three hours."""
    rows = [
        ("h1", "2025-03-02 10:00:00", 3600.0),
        ("h2", "2025-03-02 07:00:00", 3600.0),
        ("h2", "2025-03-02 08:00:00", 0.0),
    ]
    found = ask(
        "silent_hosts", {"log_coverage": ("host_id, hour_at, observed_s", *rows)}, silent_h=2
    )
    assert [(host, hours) for host, _, hours, *_ in found] == [("h2", 3.0)]


def test_resets_by_hour_are_rates_of_observed_time():
    """Two resets in four observed hours of one hour of the day are 500 per 1,000 h."""
    hours = [(f"h{n}", f"2025-03-0{day} 10:00:00", 3600.0) for n in (1, 2) for day in (1, 2)]
    resets = [
        ("h1", f"r{n}", "reset", f"2025-03-0{n} 10:30:00", "host_starved", "2025-03-01")
        for n in (1, 2)
    ]
    found = ask(
        "resets_by_hour",
        {
            "log_coverage": ("host_id, hour_at, observed_s", *hours),
            "reset_verdicts": (
                "host_id, reset_id, kind, reset_at, verdict, started_at", *resets,
            ),
        },
        verdict="",
    )  # fmt: skip
    assert found == [(10, 2, 1, 4.0, 500.0)]


def test_causes_of_a_host_are_its_own_and_those_of_cohorts_that_its_resets_belong_to():
    """First the host, then its cohorts; a cohort of other hosts is left out."""
    subjects = [
        ("host", "h1", "any", "h1"),
        ("cohort", "ami_id=ami-1", "host_starved", "h1"),
        ("cohort", "ami_id=ami-2", "any", "h2"),
    ]
    causes = [
        ("cohort", "ami_id=ami-1", "host_starved", 1, "memory_cgroups", "-", "goes_with"),
        ("cohort", "ami_id=ami-1", "any", 1, "steal", "-", "goes_with"),
        ("cohort", "ami_id=ami-2", "any", 1, "lockup", "-", "goes_with"),
        ("host", "h1", "any", 2, "steal", "-", "unknown"),
        ("host", "h1", "any", 1, "lockup", "-", "seen"),
    ]
    found = ask(
        "causes_of_host",
        {
            "subject_episodes": ("subject_kind, subject_id, resets_of, host_id", *subjects),
            "suspected_causes": (
                "subject_kind, subject_id, resets_of, place, cause, cause_of, finding",
                *causes,
            ),
        },
        host_id="h1",
    )
    assert [row[:5] for row in found] == [
        ("host", "h1", "any", 1, "lockup"),
        ("host", "h1", "any", 2, "steal"),
        ("cohort", "ami_id=ami-1", "host_starved", 1, "memory_cgroups"),
    ]


def test_first_cause_is_of_cohorts_and_goes_with_their_resets():
    """What was merely seen, what comes second and what a host has are left out."""
    causes = [
        ("cohort", "ami_id=ami-1", "any", 1, "memory_cgroups", "goes_with"),
        ("cohort", "ami_id=ami-1", "any", 2, "lockup", "goes_with"),
        ("cohort", "ami_id=ami-2", "any", 1, "oom_kill", "seen"),
        ("cohort", "ami_id=ami-3", "device_fault", 1, "hardware_error", "goes_with"),
        ("host", "h1", "any", 1, "steal", "goes_with"),
    ]
    columns = "subject_kind, subject_id, resets_of, place, cause, finding"
    found = ask("first_causes", {"suspected_causes": (columns, *causes)}, resets_of="any")
    assert [row[:3] for row in found] == [("ami_id=ami-1", "any", "memory_cgroups")]
