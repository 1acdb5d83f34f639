"""Every mart gives the rows that its case folders state, and a header that lies is refused."""

import shutil
import tomllib
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resetradar.docs import tables_page
from resetradar.errors import ContractError
from resetradar.lake import Lake, write_parquet
from resetradar.mart_session import arrow_fields
from resetradar.marts import (
    build_mart,
    check_mart,
    load_marts,
    mart_path,
    sql_folder,
)
from resetradar.settings import Parameters
from resetradar.tables import BASE_TABLES

CASES = sorted(path.parent for path in (Path(__file__).parent / "marts").glob("*/*/expect.csv"))
AS_OF = date(2025, 3, 2)
MARTS = {mart.name: mart for mart in load_marts()}


def read_csv(path: Path, fields) -> dict[date | None, pa.Table]:
    """Rows of a CSV by its optional ``day`` column, typed; columns that it lacks are null."""
    with duckdb.connect() as connection:
        rows = connection.read_csv(str(path), delimiter=",", all_varchar=True, header=True)
        assert set(rows.columns) <= {"day", *(f.name for f in fields)}, path
        typed = [
            f'cast({f.name if f.name in rows.columns else "null"} as {f.kind}) as "{f.name}"'
            for f in fields
        ]
        day = "cast(day as date)" if "day" in rows.columns else "null::date"
        table = rows.project(", ".join([*typed, f"{day} as day"])).to_arrow_table()
    days = table.column("day").to_pylist()
    names = [f.name for f in fields]
    return {
        each: table.filter(pa.array([d == each for d in days])).select(names) for each in set(days)
    }


def fill(lake: Lake, path: Path, as_of: date) -> None:
    """Write one input CSV of a case into the lake."""
    name = path.stem
    table = BASE_TABLES.get(name)
    fields = arrow_fields(table.schema) if table else MARTS[name].columns
    for day, rows in read_csv(path, fields).items():
        if table:
            lake.write(table, rows.cast(table.schema), day=day or as_of, shard=0, part="case")
        else:
            write_parquet(rows, mart_path(lake, name, day or as_of))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case, tmp_path):
    """A mart turns the inputs of the case into the rows that the case expects."""
    mart = MARTS[case.parent.name]
    params = case / "params.toml"
    values = tomllib.loads(params.read_text()) if params.exists() else {}
    as_of = values.pop("as_of", AS_OF)
    lake = Lake(tmp_path, 1)
    for path in sorted(case.glob("*.csv")):
        if path.name != "expect.csv":
            fill(lake, path, as_of)

    found = pq.ParquetFile(build_mart(mart, lake, as_of, Parameters(**values))).read()

    header = (case / "expect.csv").read_text().splitlines()[0].split(",")
    fields = [column for column in mart.columns if column.name in header]
    assert len(fields) == len(header)
    expected = read_csv(case / "expect.csv", fields).get(None)
    expected_rows = expected.to_pylist() if expected else []
    found_rows = found.select([field.name for field in fields]).to_pylist()
    assert found_rows == [
        {
            k: pytest.approx(v, rel=1e-6, abs=2e-6) if isinstance(v, float) else v
            for k, v in r.items()
        }
        for r in expected_rows
    ]
    failed = [result for result in check_mart(mart, lake, as_of) if not result.passed]
    assert [result.name for result in failed if result.is_blocking] == []


def test_files_of_a_release_that_knew_fewer_columns_stay_readable(tmp_path):
    """The hours of a lake from before ``boot_at`` count, beside new ones and alone."""
    lake = Lake(tmp_path, 2)
    table = BASE_TABLES["log_coverage"]
    hour = datetime(2025, 3, 2, 7)
    boot = datetime(2025, 3, 1, 12)
    row = {"hour_at": hour, "lines": 9, "observed_s": 3600.0, "boot_at": boot}
    for shard, host in enumerate(("old", "new")):
        full = {name: [(row | {"host_id": host}).get(name)] for name in table.schema.names}
        rows = pa.table(full, schema=table.schema)
        path = lake.path(table, AS_OF, shard, "case")
        write_parquet(rows.drop_columns("boot_at") if host == "old" else rows, path)

        found = pq.ParquetFile(build_mart(MARTS["host_uptimes"], lake, AS_OF, Parameters())).read()

        assert lake.read(table, AS_OF, AS_OF).num_rows == shard + 1
        booted = dict(zip(found["host_id"].to_pylist(), found["boot_at"].to_pylist(), strict=True))
        assert booted == ({"old": None, "new": boot} if shard else {"old": None})


def test_every_mart_has_a_case_without_input():
    """Each mart has a case, and one of its cases is the fleet without any file."""
    cases = defaultdict(set)
    for case in CASES:
        cases[case.parent.name].add(case.name)
    assert {name: "empty_input" in cases[name] for name in MARTS} == dict.fromkeys(MARTS, True)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "fleet_days",
            "Input: host_days, rejects",
            "Input: host_days",
            r"Input.*query has.*rejects",
        ),
        (
            "host_episodes",
            "Param: episode_gap_s |",
            "Param: memory_h |",
            r"header says Param \['memory_h'\], query has \['episode_gap_s'\]",
        ),
        (
            "host_episodes",
            "Column: resets | BIGINT",
            "Column: resets | INTEGER",
            r"Column \['resets INTEGER'\], query has \['resets BIGINT'\]",
        ),
        (
            "host_episodes",
            "Grain: host_id, episode_at",
            "Grain: host",
            r"Grain \['host'\], expected",
        ),
        ("host_episodes", "resets >= 1", "hosts >= 1", r"Check is_not_empty.*found 'hosts >= 1'"),
        (
            "host_episodes",
            "method.md#episodes",
            "method.md#chapters",
            r"Source docs/method.md#chapters, expected a heading there, found none",
        ),
        ("host_days", "Span: day", "Span: night", r"expected Span day or window, found 'night'"),
        ("host_days", "Input: hosts,", "Input: nodes,", r"Input \['nodes'\], expected one of"),
        ("host_days", "-- What: ", "-- ", r"host_days.sql:1: expected '-- Key: value', found"),
        (
            "cohort_verdicts",
            "cohorts:explain_away",
            "cohorts:explain_more",
            r"Then .*cohorts:explain_more, expected module:function, found",
        ),
        (
            "cohort_verdicts",
            "Param: min_cohort_hosts |",
            "Param: min_cohort_exposure_h |",
            r"Param \['min_cohort_exposure_h'\], query has \['min_cohort_hosts'\]",
        ),
        (
            "host_rates",
            "Column: score | DOUBLE",
            "Column: score | FLOAT",
            r"Column \['score FLOAT'\], query has \['score DOUBLE'\]",
        ),
        ("reset_verdicts", "from resets\n", "from host_scores as resets\n", r"Input \['resets'\]"),
    ],
)
def test_header_that_lies_is_refused(tmp_path, name, old, new, message):
    """A changed header or query is refused with the file, what is expected and what was found."""
    shutil.copytree(sql_folder(), tmp_path / "sql")
    shutil.copytree(sql_folder().parent / "docs", tmp_path / "docs")
    path = tmp_path / "sql" / f"{name}.sql"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError, match=message) as error:
        load_marts(tmp_path / "sql")
    assert str(path) in str(error.value)


def test_cycle_is_refused(tmp_path):
    """Marts that wait for each other are refused by name."""
    for name, other in (("first", "second"), ("second", "first")):
        (tmp_path / f"{name}.sql").write_text(
            f"-- What: x\n-- Grain: host_id\n-- Span: day\n-- Input: {other}\n"
            f"-- Column: host_id | VARCHAR | - | x\n-- Source: x\n\nselect host_id from {other}\n"
        )
    with pytest.raises(ContractError, match="without a cycle, found first -> second -> first"):
        load_marts(tmp_path)


def test_order_puts_inputs_first():
    """No mart comes before one that it reads."""
    seen = set(BASE_TABLES)
    for mart in load_marts():
        assert set(mart.inputs) <= seen
        seen.add(mart.name)


def test_check_reports_null_as_failed(tmp_path):
    """A row that a check cannot judge has failed it; so has a second row of one grain."""
    lake = Lake(tmp_path, 1)
    mart = MARTS["host_episodes"]
    rows = pa.table(
        {
            "host_id": ["a", "a", "b"],
            "episode_at": pa.array([1, 1, 2], pa.timestamp("us")),
            "last_reset_at": pa.array([1, 1, 3], pa.timestamp("us")),
            "resets": pa.array([1, 1, None], pa.int64()),
        }
    )
    write_parquet(rows, mart_path(lake, mart.name, AS_OF))
    found = {result.name: result.failed_rows for result in check_mart(mart, lake, AS_OF)}
    assert found == {"grain": 1, "is_not_empty": 1, "ends_after_start": 0}


def test_check_of_a_day_that_was_not_built(tmp_path):
    """A missing file is named, not taken for an empty table."""
    with pytest.raises(ContractError, match=r"fleet_days: expected .*mart.parquet, found no file"):
        check_mart(MARTS["fleet_days"], Lake(tmp_path, 1), AS_OF)


def test_same_inputs_give_the_same_bytes(tmp_path):
    """Building a mart twice gives identical files."""
    lake = Lake(tmp_path, 1)
    case = Path(__file__).parent / "marts" / "host_scores" / "one_host_terrible"
    for path in case.glob("*.csv"):
        if path.name != "expect.csv":
            fill(lake, path, AS_OF)
    first = build_mart(MARTS["host_scores"], lake, AS_OF, Parameters()).read_bytes()
    assert build_mart(MARTS["host_scores"], lake, AS_OF, Parameters()).read_bytes() == first


def test_tables_page_is_fresh():
    """docs/tables.md says what the code says; `python -m resetradar.docs` rewrites it."""
    page = sql_folder().parent / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == tables_page()
