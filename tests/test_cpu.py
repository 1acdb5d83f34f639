"""CPU formats: what the tools print, whole or damaged, becomes samples; the rest is reported."""

import json
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.cpu import FORMATS, Context, distinct, minutes, parse_cpu, split_days
from resetradar.sources import CpuColumns
from resetradar.tables import CPU_MINUTES, CPU_SAMPLES

SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "cpu"
FILES = {
    "sadf_json": SAMPLES / "sadf-one-core-load.json",
    "mpstat_json": SAMPLES / "mpstat-one-core-load.json",
}
CONTEXT = Context(host_id=None, source="cpu.json")
# What each format's module reads of the recorded files.
RECORDED = {
    "mapped_columns": ["long-table.parquet", "wide-table.csv"],
    "mpstat_json": ["mpstat-one-core-load.json"],
    "mpstat_text": ["mpstat-colours-iso.txt", "mpstat-terminal.txt"],
    "node_exporter": ["node-exporter.prom"],
    "proc_stat": ["proc-stat-snapshots.txt"],
    "prometheus_json": ["prometheus-query-range.json", "prometheus-range-vector.json"],
    "sadf_csv": ["sadf-lines.csv"],
    "sadf_json": ["sadf-one-core-load.json"],
    "sysstat_binary": ["sysstat-archive.sa"],
}
LONG = CpuColumns(
    host_id="instance", sampled_at="at", mode="mode", value="seconds", unit="counter_s"
)
WIDE = CpuColumns(
    host_id="node", sampled_at="collected_at", interval_s=1.0, cpu="core", user="cpu user",
    nice="nice", system="sys", irq="irq", softirq="soft", steal="steal", iowait="iowait",
)  # fmt: skip
MODES = ("usr", "nice", "sys", "iowait", "steal", "irq", "soft", "guest", "gnice")
QUIET = {**dict.fromkeys(MODES, 0), "idle": 100}


def cpu(number, **shares):
    return {"cpu": str(number), **QUIET, **shares}


def sadf(*samples, host="ip-10-20-1-17", cpus=1, **block):
    """A document as sadf prints it; a sample is (date, time, interval, rows)."""
    statistics = [
        {
            "timestamp": {"date": day, "time": time, "utc": block.get("utc", 1), "interval": s},
            "cpu-load": rows,
        }
        for day, time, s, rows in samples
    ]
    host_block = {
        "nodename": host,
        "number-of-cpus": cpus,
        "file-date": "2026-11-25",
        "statistics": statistics,
        "restarts": block.get("restarts", []),
    }
    return json.dumps({"sysstat": {"hosts": [host_block]}}, indent=1).encode()


def mpstat(*times, day="11/25/26", cpus=1):
    statistics = [{"timestamp": time, "cpu-load": [cpu(0, sys=50, idle=50)]} for time in times]
    host_block = {
        "nodename": "h",
        "number-of-cpus": cpus,
        "date": day,
        "statistics": statistics,
    }
    return json.dumps({"sysstat": {"hosts": [host_block]}}).encode()


def parse(data, **known):
    parsed = parse_cpu(data, Context(**{"host_id": None, "source": "cpu.json", **known}))
    assert parsed.samples.schema == CPU_SAMPLES.schema
    return parsed


def column(parsed, name):
    return parsed.samples.column(name).to_pylist()


def reasons(parsed):
    return [reject.reason for reject in parsed.rejects]


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_recorded_load_shows_one_saturated_cpu(path):
    """CPU 1 ran one busy loop from 19:11:56 to 19:12:22 and CPU 0 idled."""
    parsed = parse(path.read_bytes())
    rows = parsed.samples.to_pylist()
    loaded = [
        row for row in rows if "19:11:58" <= row["sampled_at"].strftime("%H:%M:%S") <= "19:12:22"
    ]
    assert {row["host_id"] for row in rows} == {"ip-10-20-1-17"}
    assert {row["interval_s"] for row in rows} == {1.0}
    assert len(loaded) == 50
    assert {row["user"] for row in loaded if row["cpu"] == 1} == {200}
    assert max(row["user"] + row["system"] for row in loaded if row["cpu"] == 0) <= 16
    assert parsed.rejects == []


def test_both_tools_agree_on_the_same_seconds():
    """The tools watched the same 39 seconds, so they give the same samples."""
    sadf_rows, mpstat_rows = (parse(path.read_bytes()).samples for path in FILES.values())
    assert sadf_rows.num_rows == 78
    assert mpstat_rows.num_rows == 80
    assert sadf_rows.equals(mpstat_rows.slice(0, 78))


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.__name__.rpartition(".")[2])
def test_each_format_recognises_its_own_sample_only(form):
    name = form.__name__.rpartition(".")[2]
    files = sorted(path for path in SAMPLES.iterdir() if path.suffix != ".md")
    own = [path.name for path in files if form.recognise(path.read_bytes()[:4096])]
    assert own == RECORDED[name]


def test_every_recorded_file_is_read_by_some_format():
    files = {path.name for path in SAMPLES.iterdir() if path.suffix != ".md"}
    assert files == {name for names in RECORDED.values() for name in names}


@given(
    data=st.binary(max_size=300)
    | st.builds(
        lambda text, cut, noise, kept: text[:cut] + noise + text[cut : cut + kept],
        st.sampled_from(
            [
                sadf(("2026-11-25", "10:00:00", 1, [cpu(0)])),
                mpstat("10:00:00", "1"),
                *((SAMPLES / name).read_bytes() for names in RECORDED.values() for name in names),
            ]
        ),
        st.integers(0, 1200),
        st.binary(max_size=20),
        st.integers(0, 30_000),
    ),
    host_id=st.sampled_from([None, "h"]),
)
@settings(max_examples=400, deadline=None)
def test_no_bytes_raise(data, host_id):
    """Anything gives rows or rejects, whatever form it pretends to have."""
    context = Context(host_id, "cpu.json", columns=WIDE)
    for form in FORMATS:
        parsed = form.parse(data, context)
        assert parsed.samples.schema == CPU_SAMPLES.schema
        has_counters = parsed.counters is not None and parsed.counters.num_rows > 0
        assert parsed.samples.num_rows or parsed.rejects or has_counters, form.NAME
    assert parse_cpu(data, context).samples.schema == CPU_SAMPLES.schema


@given(
    name=st.sampled_from([name for names in RECORDED.values() for name in names]),
    flips=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=8),
    is_long=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_flipped_bytes_raise_nothing(name, flips, is_long):
    """A file with some bytes wrong is one whose length, sizes and numbers cannot be trusted."""
    data = bytearray((SAMPLES / name).read_bytes())
    for place, value in flips:
        data[int(place * len(data))] = value
    parsed = parse_cpu(bytes(data), Context("h", name, columns=LONG if is_long else WIDE))
    assert parsed.samples.num_rows or parsed.rejects
    assert max(parsed.samples["user"].to_pylist(), default=0) <= 200


def test_table_with_columns_of_other_types_is_a_reject():
    """Parquet can hold lists where numbers are expected."""
    columns = CpuColumns(sampled_at="t", system="sys", interval_s=60)
    out = pa.BufferOutputStream()
    rows = pa.table({"t": [1795600800], "cpu": [[1, 2]], "sys": [[1.0]]})
    pq.write_table(rows, out)
    parsed = parse(out.getvalue().to_pybytes(), host_id="h", columns=columns)
    assert parsed.samples.num_rows == 0
    assert len(parsed.rejects) == 1


@pytest.mark.parametrize(
    "value",
    ["1e999", "-1e300", '"x"', "null", "[]", "{}", "true", "9" * 400, "[" * 9000 + "]" * 9000],
)
@pytest.mark.parametrize("key", ["cpu", "usr", "timestamp", "cpu-load", "date", "interval"])
def test_no_value_raises(key, value):
    """A key with a value of another kind costs at most the sample it is in."""
    good = ("2026-11-25", "10:00:00", 1, [cpu(0)])
    text = sadf(good, ("2026-11-25", "10:00:01", 1, [cpu(0, usr=7)])).decode()
    head, _, tail = text.rpartition(f'"{key}": ')
    old = tail[: tail.index("\n")].rstrip(",") if key not in {"timestamp", "cpu-load"} else ""
    parsed = parse(f'{head}"{key}": {value}{"" if old else ", "}{tail[len(old) :]}'.encode())
    assert datetime(2026, 11, 25, 10, 0, 0) in column(parsed, "sampled_at")


def test_hostile_repetition_is_bounded():
    """A hundred thousand torn samples and hosts give a handful of rejects, not a flood."""
    torn = b'"nodename": "h", "file-date": "x", "statistics": [{"timestamp": ' * 100_000
    parsed = parse(b'{"sysstat": ' + torn)
    assert parsed.samples.num_rows == 0
    assert 1 < len(parsed.rejects) < 30


def test_unknown_format_names_the_known_ones():
    [reject] = parse(b"12:00:01 CPU %usr\n").rejects
    assert "sadf JSON" in reject.reason
    assert "mpstat JSON" in reject.reason
    assert (reject.source_path, reject.sample) == ("cpu.json", "12:00:01 CPU %usr\\n")


@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 5000])
def test_empty_file_is_one_reject(data):
    assert ["an empty file" in reason for reason in reasons(parse(data))] == [True]


def test_shares_are_half_percents_with_guests_added():
    """12.26 % is 25 halves, guests count as user and nice, iowait stays apart."""
    row = cpu(3, usr=12.26, guest=10, nice=1, gnice=2, sys=4.5, irq=0.5, soft=6, steal=7, iowait=8)
    parsed = parse(sadf(("2026-11-25", "10:00:00", 60, [cpu("all", usr=99), row])))
    [found] = parsed.samples.to_pylist()
    assert (found["cpu"], found["interval_s"]) == (3, 60.0)
    assert found["user"] == 45  # (12.26 + 10) * 2 = 44.52
    assert [found[k] for k in ("nice", "system", "irq", "softirq", "steal", "iowait")] == [
        6, 9, 1, 12, 14, 16,
    ]  # fmt: skip


def test_values_outside_0_to_100_are_clipped_and_reported():
    parsed = parse(sadf(("2026-11-25", "10:00:00", 1, [cpu(0, usr=-3, sys=250.5), cpu(1)])))
    assert (column(parsed, "user"), column(parsed, "system")) == ([0, 0], [200, 0])
    assert reasons(parsed) == [
        "CPU row: expected 0 to 100 percent, found others; clipped (1 times)"
    ]


def test_average_row_is_no_cpu_under_either_name():
    """Version 12.1 called the average -1."""
    rows = [cpu("all"), cpu(-1), {**cpu(0), "cpu": -1}, cpu(0)]
    assert column(parse(sadf(("2026-11-25", "10:00:00", 1, rows))), "cpu") == [0]


def test_file_with_averages_only_says_how_to_record_cpus():
    parsed = parse(sadf(("2026-11-25", "10:00:00", 1, [cpu("all")]), cpus=64))
    assert parsed.samples.num_rows == 0
    assert ["-P ALL" in reason for reason in reasons(parsed)] == [True]


def test_offline_cpu_is_missing_not_idle():
    """An offline CPU is printed as zeros, idle too; the other CPU's samples stay."""
    parsed = parse(
        sadf(
            ("2026-11-25", "10:00:00", 1, [cpu(0), cpu(1)]),
            ("2026-11-25", "10:00:01", 1, [cpu(0), cpu(1, idle=0)]),
            ("2026-11-25", "10:00:02", 1, [cpu(0)]),
            cpus=2,
        )
    )
    assert column(parsed, "cpu") == [0, 1, 0, 0]
    [reason] = reasons(parsed)
    assert "expected 2 in each of 3 samples, found 1 to 1 in 2; 2 CPU samples missing" in reason


@pytest.mark.parametrize("interval", [None, 0, -1, 184467440737095516, "1"])
def test_sample_without_an_interval_is_left_out(interval):
    parsed = parse(
        sadf(
            ("2026-11-25", "10:00:00", interval, [cpu(0)]), ("2026-11-25", "10:00:05", 5, [cpu(0)])
        )
    )
    assert column(parsed, "sampled_at") == [datetime(2026, 11, 25, 10, 0, 5)]
    assert ["expected an interval" in reason for reason in reasons(parsed)] == [True]


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
@pytest.mark.parametrize("keep", [0.3, 0.5, 0.99])
def test_cut_file_keeps_every_complete_sample(path, keep):
    """A sample is complete once its list of CPUs is closed."""
    whole = path.read_bytes()
    cut = whole[: int(len(whole) * keep)]
    complete = cut.count(b"]\n\t\t\t\t}")
    parsed = parse(cut)
    assert complete > 5
    assert parsed.samples.num_rows == 2 * complete
    [reject] = parsed.rejects
    assert "expected its closing brackets" in reject.reason
    assert reject.line_number is not None
    # The torn sample begins within the seven lines that one takes here.
    assert 0 <= cut.count(b"\n") + 1 - reject.line_number <= 7


def test_hole_of_nul_bytes_costs_the_samples_it_hits():
    """A crash leaves NULs where blocks were not written; nothing is joined over the hole."""
    data = FILES["sadf_json"].read_bytes()
    middle = data.index(b'"cpu": "1"', len(data) // 2)
    parsed = parse(data[:middle] + b"\0" * 40 + data[middle + 40 :])
    assert parsed.samples.num_rows == 76
    assert ["found it damaged" in reason for reason in reasons(parsed)] == [True]


def test_nul_bytes_after_the_end_are_harmless():
    data = FILES["sadf_json"].read_bytes()
    padded = parse(data + b"\0" * 9000)
    assert padded.rejects == []
    assert padded.samples.equals(parse(data).samples)


def test_comment_with_bare_quotes_costs_nothing():
    """With -C sadf does not escape comments, so the document is not JSON as a whole."""
    data = sadf(("2026-11-25", "10:00:00", 1, [cpu(0)]))
    parsed = parse(data.replace(b'"restarts": []', b'"comments": [{"com": "say "hi""}]'))
    assert (parsed.samples.num_rows, parsed.rejects) == (1, [])


def test_restarts_are_no_samples():
    boot = {"boot": {"date": "2026-11-25", "time": "10:00:03", "utc": 1, "cpu_count": 1}}
    parsed = parse(sadf(("2026-11-25", "10:00:00", 1, [cpu(0)]), restarts=[boot]))
    assert (parsed.samples.num_rows, parsed.rejects) == (1, [])


def test_same_sample_twice_counts_once():
    """A file that was appended to itself gives what it gave before, in the same order."""
    data = FILES["mpstat_json"].read_bytes()
    assert parse(data + data).samples.equals(parse(data).samples)


def test_several_hosts_in_one_file_stay_apart():
    """The path's host cannot speak for a file that holds two."""
    one = sadf(("2026-11-25", "10:00:00", 1, [cpu(0)]), host="b.example.internal")
    two = sadf(("2026-11-25", "10:00:00", 1, [cpu(0)]), host="a")
    assert column(parse(one + b"\n" + two, host_id="c"), "host_id") == ["a", "b"]
    assert column(parse(one, host_id="c"), "host_id") == ["c"]


def test_file_without_any_host_is_one_reject():
    parsed = parse(sadf(("2026-11-25", "10:00:00", 1, [cpu(0)]), host=""))
    assert parsed.samples.num_rows == 0
    assert ["expected a name" in reason for reason in reasons(parsed)] == [True]


def test_old_long_layout_is_read():
    data = sadf(("2026-11-25", "10:00:00", 1, [cpu(0, soft=4)]))
    assert column(parse(data.replace(b"cpu-load", b"cpu-load-all")), "softirq") == [8]


def test_clock_set_back_keeps_the_samples_and_says_so():
    parsed = parse(
        sadf(
            ("2026-11-25", "10:00:10", 1, [cpu(0)]),
            ("2026-11-25", "10:00:02", 1, [cpu(0)]),
            ("2026-11-25", "10:00:03", 1, [cpu(0)]),
        )
    )
    assert [at.second for at in column(parsed, "sampled_at")] == [2, 3, 10]
    assert reasons(parsed) == [
        "clock: expected samples in order of time, found a step back; kept (1 times)"
    ]


def test_local_time_of_sadf_follows_the_zone():
    """With -T sadf prints utc 0; New York is five hours behind in November."""
    data = sadf(("2026-11-25", "23:30:00", 1, [cpu(0)]), utc=0)
    parsed = parse(data, timezone="America/New_York")
    assert column(parsed, "sampled_at") == [datetime(2026, 11, 26, 4, 30)]


def test_repeated_hour_in_autumn_moves_on():
    """Berlin shows 02:00 to 03:00 twice on 25 October 2026; a log runs on."""
    parsed = parse(
        mpstat("01:30:00", "02:45:00", "02:15:00", "03:15:00", day="2026-10-25"),
        timezone="Europe/Berlin",
    )
    assert [at.hour for at in column(parsed, "sampled_at")] == [23, 0, 1, 2]
    assert parsed.rejects == []


def test_mpstat_counts_days_over_midnight():
    parsed = parse(mpstat("23:59:50", "00:00:00", "00:00:10"))
    assert column(parsed, "sampled_at") == [
        datetime(2026, 11, 25, 23, 59, 50),
        datetime(2026, 11, 26),
        datetime(2026, 11, 26, 0, 0, 10),
    ]
    assert column(parsed, "interval_s") == [10.0, 10.0, 10.0]
    assert parsed.rejects == []


def test_mpstat_set_back_stays_on_its_day():
    parsed = parse(mpstat("10:00:00", "10:00:10", "10:00:05", "10:00:15"))
    assert [at.day for at in column(parsed, "sampled_at")] == [25] * 4
    assert ["step back" in reason for reason in reasons(parsed)] == [True]


def test_mpstat_interval_is_the_usual_distance_or_a_clearly_longer_one():
    """One second of rounding is no interval; a machine that slept a minute averaged over it."""
    parsed = parse(mpstat("10:00:00", "10:00:05", "10:00:11", "10:00:16", "10:01:16", "10:01:21"))
    assert column(parsed, "interval_s") == [5.0, 5.0, 5.0, 5.0, 60.0, 5.0]


def test_mpstat_with_one_sample_has_no_interval():
    parsed = parse(mpstat("10:00:00"))
    assert parsed.samples.num_rows == 0
    assert ["average since boot" in reason for reason in reasons(parsed)] == [True]


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("11/25/26", date(2026, 11, 25)),
        ("11/25/2026", date(2026, 11, 25)),
        ("2026-11-25", date(2026, 11, 25)),
        ("25/11/26", date(2026, 11, 25)),
        ("03.04.26", date(2026, 4, 3)),
    ],
)
def test_mpstat_date_forms(printed, day):
    [first, _] = column(parse(mpstat("10:00:00", "10:00:01", day=printed)), "sampled_at")
    assert first.date() == day


@pytest.mark.parametrize("printed", ["25. Nov", "13/13/26", "2026-02-30", "", 5, None])
def test_mpstat_without_a_readable_date_gives_no_sample(printed):
    parsed = parse(mpstat("10:00:00", "10:00:01", day=printed))
    assert parsed.samples.num_rows == 0
    assert ["S_TIME_FORMAT=ISO" in reason for reason in reasons(parsed)] == [True]


def test_mpstat_reads_twelve_hour_clocks():
    """Version 12.1 prints them in American locales."""
    parsed = parse(mpstat("11:59:59 AM", "12:00:00 PM", "12:00:01 PM"))
    assert [at.hour for at in column(parsed, "sampled_at")] == [11, 12, 12]


def samples(*rows):
    """Rows of (sampled_at, interval_s, cpu, user, system, softirq, steal, iowait)."""
    names = ("sampled_at", "interval_s", "cpu", "user", "system", "softirq", "steal", "iowait")
    return pa.Table.from_pylist(
        [
            {"host_id": "h", "nice": 0, "irq": 0, **dict(zip(names, row, strict=True))}
            for row in rows
        ],
        schema=CPU_SAMPLES.schema,
    )


def test_a_day_holds_the_intervals_that_start_in_it():
    rows = samples(
        (datetime(2026, 11, 26), 60.0, 0, 1, 0, 0, 0, 0),
        (datetime(2026, 11, 26, 0, 0, 30), 60.0, 0, 2, 0, 0, 0, 0),
        (datetime(2026, 11, 26, 0, 1), 60.0, 0, 3, 0, 0, 0, 0),
    )
    days = split_days(rows)
    assert {day: part.column("user").to_pylist() for day, part in days.items()} == {
        date(2026, 11, 25): [1, 2],
        date(2026, 11, 26): [3],
    }
    assert split_days(CPU_SAMPLES.empty()) == {}


def test_minutes_tell_the_hot_cpu_from_the_average():
    """One CPU of four in the kernel is 100 percent there and 25 on the average; iowait is idle."""
    at = datetime(2026, 11, 25, 10, 1)
    rows = samples(
        (at, 60.0, 0, 0, 0, 0, 0, 200),
        (at, 60.0, 1, 0, 0, 0, 0, 0),
        (at, 60.0, 2, 0, 180, 20, 0, 0),
        (at, 60.0, 3, 0, 0, 0, 0, 0),
    )
    [row] = minutes(rows).to_pylist()
    assert row == {
        "host_id": "h", "minute_at": datetime(2026, 11, 25, 10, 0), "samples": 4, "cpus": 4,
        "interval_s": 60.0, "max_busy": 200, "hot_cpu": 2, "hot_system": 180, "hot_softirq": 20,
        "saturated_cpus": 1, "mean_busy": 50, "steal": 0,
    }  # fmt: skip


def test_minutes_weigh_samples_by_their_interval():
    """45 s at 0 and 15 s at 100 percent make 25 percent; a user-bound CPU is busy but not hot."""
    rows = samples(
        (datetime(2026, 11, 25, 10, 0, 45), 45.0, 0, 0, 0, 0, 0, 0),
        (datetime(2026, 11, 25, 10, 1), 15.0, 0, 0, 200, 0, 0, 0),
        (datetime(2026, 11, 25, 10, 1), 60.0, 1, 190, 0, 0, 10, 0),
    )
    [row] = minutes(rows).to_pylist()
    assert (row["hot_cpu"], row["hot_system"]) == (0, 50)
    assert (row["max_busy"], row["saturated_cpus"], row["steal"]) == (200, 1, 10)
    assert (row["samples"], row["cpus"], row["mean_busy"]) == (3, 2, 125)


def test_minutes_of_nothing_are_an_empty_table():
    assert minutes(CPU_SAMPLES.empty()).equals(CPU_MINUTES.empty())


@given(st.permutations(range(6)))
@settings(max_examples=20, deadline=None)
def test_order_of_arrival_does_not_show(order):
    """Two files that disagree on a sample give the same row whichever comes first."""
    at = datetime(2026, 11, 25, 10)
    rows = samples(*((at, 60.0, i % 3, i * 10, 5, 5, 0, 0) for i in range(6)))
    shuffled = distinct(rows.take(list(order)))
    assert shuffled.column("cpu").to_pylist() == [0, 1, 2]
    assert shuffled.column("user").to_pylist() == [0, 10, 20]
    assert minutes(rows.take(list(order))).equals(minutes(rows))
