"""Windows joined with samples: what is read, and sums that agree with the method's formulas.

The expected figures are computed here row by row, in plain Python, from docs/method.md.
"""

import random
from datetime import date, datetime, timedelta
from math import sqrt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resetradar.cpu import minutes
from resetradar.lake import Lake, write_parquet
from resetradar.marts import build_mart, load_marts, mart_path
from resetradar.near_samples import near_minutes, near_samples
from resetradar.settings import Parameters
from resetradar.tables import CPU_SAMPLES

DAY = date(2026, 11, 21)
START = datetime(2026, 11, 21, 9)
HOSTS = ["ip-10-20-1-17", "ip-10-20-1-18", "ip-10-20-1-19", "ip-10-20-1-20"]
MODES = ("user", "nice", "system", "irq", "softirq", "steal", "iowait")
MARTS = {mart.name: mart for mart in load_marts()}


def table(schema, rows):
    return pa.Table.from_pylist([{n: row.get(n) for n in schema.names} for row in rows], schema)


def make_samples(draw):
    """Two hours of each host: 60 s, 1 s for a while, two collectors, CPUs that come and go."""
    rows = []

    def sample(host, at, interval, cpus):
        for cpu in cpus:
            shares = {mode: draw.choice((0, 0, draw.randrange(60))) for mode in MODES}
            if draw.random() < 0.02:
                shares = dict.fromkeys(MODES)
            elif draw.random() < 0.03:
                shares["system"] = 200 - shares["irq"]
            rows.append({"host_id": host, "sampled_at": at, "interval_s": interval, "cpu": cpu,
                         **shares})  # fmt: skip

    for number, host in enumerate(HOSTS[:3]):
        for minute in range(120):
            cpus = range(6) if minute % 7 else (0, 2, 5, 300)
            at = START + timedelta(minutes=minute + 1, milliseconds=17 * number)
            sample(host, at, 60.0, cpus)
            if number == 1:
                sample(host, at + timedelta(seconds=20), 59.99, range(6))
    for second in range(600):
        sample(HOSTS[3], START + timedelta(seconds=second + 1), 1.0, range(4))
    sample(HOSTS[3], START + timedelta(hours=1), 600.0, range(4))
    sample(HOSTS[3], START + timedelta(hours=1, seconds=1), 1200.0, range(4))
    return rows


def make_windows(draw):
    rows = []
    for number in range(90):
        host = draw.choice([*HOSTS, "ip-10-20-1-99"])
        length = timedelta(microseconds=draw.choice((5_000_000, 6_612_345, 70_000_000)))
        reach = 600 if host == HOSTS[3] and draw.random() < 0.7 else 7200
        end = START + timedelta(
            seconds=draw.randrange(-5, reach), microseconds=draw.randrange(10**6)
        )
        rows.append({
            "window_id": f"w{number:02d}", "reset_id": f"r{number // 3}", "host_id": host,
            "window_kind": draw.choice(("reset", "same_host", "peer")),
            "window_start_at": end - length, "window_end_at": end,
            "window_s": length.total_seconds(), "has_clock_doubt": draw.random() < 0.05,
        })  # fmt: skip
    return rows


def overlapping(window, samples):
    """Samples with their overlap in seconds, by CPU."""
    found = {}
    for row in samples:
        interval = timedelta(microseconds=round(row["interval_s"] * 1e6))
        start = max(window["window_start_at"], row["sampled_at"] - interval)
        overlap = (min(window["window_end_at"], row["sampled_at"]) - start).total_seconds()
        if row["host_id"] == window["host_id"] and overlap > 0 and row["interval_s"] <= 900:
            if window["has_clock_doubt"] or all(row[m] is None for m in MODES[:6]):
                continue
            found.setdefault(row["cpu"], []).append((row, overlap, interval.total_seconds()))
    return found


def kernel(row):
    return ((row["system"] or 0) + (row["irq"] or 0) + (row["softirq"] or 0)) / 200


def any_mode(row):
    return kernel(row) + ((row["user"] or 0) + (row["nice"] or 0) + (row["steal"] or 0)) / 200


def expected_of(window, windows, pairs):
    """The figures of a window, by the formulas of the method's page."""
    own = pairs[window["window_id"]]
    others = [
        pairs[w["window_id"]]
        for w in windows
        if w["window_kind"] != "reset" and w["host_id"] == window["host_id"] and w is not window
    ]
    found = {}
    for cpu, rows in own.items():
        usual = [kernel(row) for pair in others for row, _, _ in pair.get(cpu, ())]
        usual = usual or [kernel(row) for row, _, _ in rows]
        background = sum(usual) / len(usual)
        deviation = sqrt(max(0, sum(u * u for u in usual) / len(usual) - background**2))
        covered = sum(overlap for _, overlap, _ in rows)
        kernel_s = sum(
            min(o, max(kernel(row) * o, (kernel(row) - background) * interval))
            for row, o, interval in rows
        )
        busy = sum(any_mode(row) * o for row, o, _ in rows)
        longest = max(interval for _, _, interval in rows)
        counted = min(window["window_s"], covered)
        found[cpu] = {
            "kernel_s": kernel_s / covered * counted,
            "busy_pct": 100 * busy / covered,
            "busy_s": busy / covered * counted,
            "background_pct": 100 * background,
            "visible_s": (max(0.05, 3 * deviation) + 0.005) * longest * sqrt(len(rows)),
            "covered_s": counted,
        }
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Rows of the mart, of the windows, and pairs of windows and samples."""
    draw = random.Random(5)  # noqa: S311 - seeded data
    samples, windows = make_samples(draw), make_windows(draw)
    lake = Lake(tmp_path_factory.mktemp("windows"), 1)
    lake.write(CPU_SAMPLES, table(CPU_SAMPLES.schema, samples), day=DAY, shard=0, part="cpu")
    path = mart_path(lake, "windows", DAY)
    write_parquet(pa.Table.from_pylist(windows), path)
    rows = pq.ParquetFile(build_mart(MARTS["window_cpus"], lake, DAY, Parameters())).read()
    pairs = {window["window_id"]: overlapping(window, samples) for window in windows}
    return lake, windows, samples, pairs, rows


def test_every_figure_is_that_of_the_formulas(built):
    _, windows, _, pairs, rows = built
    seen = 0
    for row, window in zip(rows.to_pylist(), windows, strict=True):
        found = expected_of(window, windows, pairs)
        assert row["cpu_source"] == ("samples" if found else "none")
        if not found:
            assert row["hot_cpu"] is None
            continue
        seen += 1
        hottest = max(found, key=lambda cpu: (round(1e6 * found[cpu]["kernel_s"]), -cpu))
        busiest = max(found, key=lambda cpu: (round(1e6 * found[cpu]["busy_s"]), -cpu))
        hot = found[hottest]
        assert (row["hot_cpu"], row["any_mode_cpu"], row["cpus"]) == (hottest, busiest, len(found))
        wanted = {
            "hot_busy_s": hot["kernel_s"],
            "hot_busy_ratio": hot["kernel_s"] / hot["covered_s"],
            "hot_background_pct": hot["background_pct"],
            "any_mode_busy_s": found[busiest]["busy_s"],
            "mean_busy_pct": sum(f["busy_pct"] for f in found.values()) / len(found),
            "covered_s": max(f["covered_s"] for f in found.values()),
            "smallest_visible_s": hot["visible_s"],
        }
        assert {name: row[name] for name in wanted} == pytest.approx(wanted, abs=2e-6)
        assert row["hot_system_s"] + row["hot_softirq_s"] == pytest.approx(
            hot["kernel_s"], abs=2e-6
        )
        assert row["saturated_cpus"] == sum(f["busy_pct"] > 95 - 1e-9 for f in found.values())
        assert row["is_visible"] == (hot["visible_s"] <= wanted["covered_s"])
    assert 40 < seen < len(windows)


def test_pieces_in_which_hosts_are_worked_on_do_not_show(built, monkeypatch):
    """One host at a time gives the same bytes as all at once."""
    lake, *_, rows = built
    monkeypatch.setattr("resetradar.window_cpus._CELLS", 1)
    again = pq.ParquetFile(build_mart(MARTS["window_cpus"], lake, DAY, Parameters())).read()
    assert again.equals(rows)


@pytest.mark.parametrize("rows_of_a_group", [None, 100])
def test_near_samples_are_those_that_can_overlap(built, tmp_path, rows_of_a_group):
    """None is lost, whether a row group is one host or holds the end of one and others."""
    lake, _, samples, pairs, _ = built
    [file] = lake.files(CPU_SAMPLES, DAY, DAY)
    if rows_of_a_group:
        rows = pq.ParquetFile(file).read()
        file = tmp_path / "samples.parquet"
        pq.write_table(rows, file, row_group_size=rows_of_a_group)
    near_samples([file], [mart_path(lake, "windows", DAY)], tmp_path / "near.parquet")
    near = pq.ParquetFile(tmp_path / "near.parquet").read()
    assert near.schema.names == CPU_SAMPLES.schema.names
    found = {(r["host_id"], r["sampled_at"], r["cpu"]) for r in near.to_pylist()}
    needed = {
        (row["host_id"], row["sampled_at"], row["cpu"])
        for pair in pairs.values()
        for rows in pair.values()
        for row, _, _ in rows
    }
    assert needed <= found
    assert len(needed) <= len(found) < len(samples) / 2
    assert near.num_rows == len(found)


def test_no_window_needs_no_samples(built, tmp_path):
    """A day on which all clocks are in doubt."""
    lake, windows, *_ = built
    [file] = lake.files(CPU_SAMPLES, DAY, DAY)
    doubtful = [{**window, "has_clock_doubt": True} for window in windows]
    pq.write_table(pa.Table.from_pylist(doubtful), tmp_path / "windows.parquet")
    near_samples([file], [tmp_path / "windows.parquet"], tmp_path / "near.parquet")
    near = pq.ParquetFile(tmp_path / "near.parquet").read()
    assert (near.num_rows, near.schema.names) == (0, CPU_SAMPLES.schema.names)


@pytest.mark.parametrize("rows_of_a_group", [None, 50])
def test_near_minutes_are_those_that_overlap(built, tmp_path, rows_of_a_group):
    _, windows, samples, *_ = built
    rows = minutes(table(CPU_SAMPLES.schema, samples))
    pq.write_table(rows, tmp_path / "minutes.parquet", row_group_size=rows_of_a_group)
    pq.write_table(pa.Table.from_pylist(windows), tmp_path / "windows.parquet")
    files = [tmp_path / "minutes.parquet"], [tmp_path / "windows.parquet"]
    near_minutes(*files, tmp_path / "near.parquet")
    near = pq.ParquetFile(tmp_path / "near.parquet").read()
    expected = [
        row
        for row in rows.to_pylist()
        if any(
            window["host_id"] == row["host_id"]
            and not window["has_clock_doubt"]
            and row["minute_at"] < window["window_end_at"]
            and row["minute_at"] + timedelta(minutes=1) > window["window_start_at"]
            for window in windows
        )
    ]
    assert near.to_pylist() == expected
    assert 20 < len(expected) < rows.num_rows / 2
