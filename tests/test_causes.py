"""What goes with resets: planted signs are found, and what is unrelated is seldom accused."""

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resetradar.lake import Lake, write_parquet
from resetradar.mart_session import add_table, session
from resetradar.marts import build_mart, load_marts, mart_path
from resetradar.settings import Parameters

DAY = date(2026, 3, 2)
MARTS = {mart.name: mart for mart in load_marts()}
NULL_HOSTS, TRUE_HOSTS, EPISODES, CONTROLS = 150, 10, 15, 7
# Of an unrelated sign, and of one that is there before most resets of a host.
USUAL, PLANTED = 0.1, 0.7


def fill(lake, name, rows):
    """Write rows of a mart; columns that they lack are null."""
    mart = MARTS[name]
    with session() as connection:
        add_table(connection, name, mart.columns)
        schema = connection.table(name).to_arrow_table().schema
    names = schema.names
    table = pa.Table.from_pylist([dict.fromkeys(names) | row for row in rows], schema=schema)
    write_parquet(table, mart_path(lake, name, DAY))


def built(lake, *names):
    """Rows of the last of some marts, built in this order."""
    for name in names:
        path = build_mart(MARTS[name], lake, DAY, Parameters())
    return pq.ParquetFile(path).read().to_pylist()


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Finding of every host and sign: null hosts are n0, n1, …, planted ones t0, t1 and so on."""
    lake = Lake(tmp_path_factory.mktemp("causes"), 1)
    dice = np.random.default_rng(20_260_302)
    episodes, windows = [], []
    hosts = [*(f"n{n}" for n in range(NULL_HOSTS)), *(f"t{n}" for n in range(TRUE_HOSTS))]
    for host in hosts:
        for number in range(EPISODES):
            reset_id = f"{host}-{number}"
            at = datetime.combine(DAY, datetime.min.time()) + timedelta(hours=number)
            episodes.append(
                {
                    "subject_kind": "host",
                    "subject_id": host,
                    "resets_of": "any",
                    "host_id": host,
                    "episode_at": at,
                    "reset_id": reset_id,
                }
            )
            for place in range(CONTROLS + 1):
                is_planted = place == 0 and host.startswith("t")
                windows.append(
                    {
                        "window_id": f"{reset_id}@{place}",
                        "reset_id": reset_id,
                        "host_id": host,
                        "window_kind": "same_host" if place else "reset",
                        "has_lockup": dice.random() < (PLANTED if is_planted else USUAL),
                        "has_console_flood": dice.random() < USUAL,
                        "has_oom_kill": False,
                        "has_steal": None,
                        "examples": [],
                    }
                )
    fill(lake, "subject_episodes", episodes)
    fill(lake, "window_signs", windows)
    rows = built(lake, "window_sign_counts", "host_sign_counts", "suspected_causes")
    return {(row["subject_id"], row["cause"]): row for row in rows}


def test_a_sign_before_most_resets_and_few_other_windows_goes_with_them(findings):
    told = [findings[f"t{n}", "lockup"]["finding"] for n in range(TRUE_HOSTS)]

    assert told == ["goes_with"] * TRUE_HOSTS
    assert {findings[f"t{n}", "lockup"]["place"] for n in range(TRUE_HOSTS)} == {1}


def test_an_unrelated_sign_is_accused_on_three_of_a_hundred_hosts_at_most(findings):
    """One host more or less is chance; a bound of 95 % would accuse one in twenty and more."""
    of_null = [row for (host, _), row in findings.items() if host.startswith("n")]
    looked_at = [row for row in of_null if row["cause"] in {"lockup", "console_flood"}]
    accused = [row for row in looked_at if row["finding"] == "goes_with"]

    assert len(looked_at) == 2 * NULL_HOSTS
    assert len(accused) <= 0.03 * len(looked_at)
    assert {row["finding"] for row in looked_at} >= {"seen"}


def test_never_seen_and_never_sampled_are_two_answers(findings):
    assert findings["n0", "oom_kill"]["finding"] == "not_seen"
    assert findings["n0", "oom_kill"]["evidence_against"] == f"with none of {EPISODES} episodes"
    assert findings["n0", "steal"]["finding"] == "unknown"
    assert findings["n0", "steal"]["next_command"] == "sample every CPU: mpstat -P ALL 10"
