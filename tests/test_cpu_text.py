"""mpstat's text and the formats that count: totals since boot become shares per interval."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.cpu import Context, parse_cpu, read_cpu, to_samples
from resetradar.sources import CpuColumns

SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "cpu"
SHARES = ("user", "nice", "system", "irq", "softirq", "steal", "iowait")
TOTALS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
START_S = 1_795_651_200  # 2026-11-26 00:00:00
START = datetime(2026, 11, 26)


def parse(data, **known):
    return parse_cpu(data, Context(**{"host_id": "h", "source": "cpu.txt", **known}))


def recorded(name, **known):
    return parse((SAMPLES / name).read_bytes(), **known)


def reasons(parsed):
    return [reject.reason for reject in parsed.rejects]


def column(parsed, name):
    return parsed.samples.column(name).to_pylist()


# mpstat


def test_recorded_terminal_has_the_averages_that_mpstat_prints_below():
    """CPU 1 ran a busy loop for eleven of sixteen seconds; the averages are no samples."""
    parsed = recorded("mpstat-terminal.txt", host_id=None)
    assert parsed.rejects == []
    rows = parsed.samples.to_pylist()
    assert len(rows) == 32
    assert {(row["host_id"], row["interval_s"]) for row in rows} == {("ip-10-20-1-18", 1.0)}
    means = [
        sum(row[share] for row in rows if row["cpu"] == number) / 16 / 2
        for number in (0, 1)
        for share in ("user", "system", "iowait")
    ]
    assert means == pytest.approx([42.89, 4.97, 0.25, 92.94, 1.31, 0.0], abs=0.3)
    assert [row["user"] + row["system"] >= 198 for row in rows if row["cpu"] == 1][:10] == [
        True
    ] * 10


def test_colours_and_iso_dates_change_nothing():
    """The same three seconds, printed by a second mpstat with colours and an ISO date."""
    coloured = recorded("mpstat-colours-iso.txt", host_id=None).samples
    assert coloured.num_rows == 6
    assert coloured.equals(recorded("mpstat-terminal.txt", host_id=None).samples.slice(0, 6))


def mpstat(*clocks, day="11/25/26", header="%usr %nice %sys %iowait %irq %soft %steal %guest %idle",
           row="0 25.00 0 10.00 0 0 5.00 0 0 60.00"):  # fmt: skip
    lines = [f"Linux 6.1.0 (ip-10-20-1-18) \t{day} \t_x86_64_\t(1 CPU)", ""]
    for clock in clocks:
        lines += [f"{clock}     CPU   {header}", f"{clock}     all   {row[2:]}", f"{clock}  {row}"]
    lines += ["", f"Average:     CPU   {header}", f"Average:  {row}"]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("clocks", "day"),
    [
        (("23:59:59", "00:00:00"), "11/25/26"),
        (("11:59:59 PM", "12:00:00 AM"), "11/25/2026"),
        (("23:59:59", "00:00:00"), "25.11.2026"),
        (("23.59.59", "00.00.00"), "25.11.26"),
        (("23時59分59秒", "00時00分00秒"), "2026年11月25日"),
        (("23:59:59", "00:00:00"), "2026-11-25"),
    ],
)
def test_mpstat_of_any_locale_is_read_over_midnight(clocks, day):
    parsed = parse(mpstat(*clocks, day=day))
    assert parsed.rejects == []
    assert column(parsed, "sampled_at") == [
        datetime(2026, 11, 25, 23, 59, 59),
        datetime(2026, 11, 26),
    ]


def test_mpstat_columns_go_by_their_names():
    """Old versions print other columns, a locale prints commas."""
    old = mpstat(
        "10:00:00", "10:00:01", header="%user %nice %sys %iowait %irq %soft %steal %idle intr/s",
        row="0 25,00 1,00 10,00 2,00 3,00 5,00 4,00 50,00 1234,00",
    )  # fmt: skip
    row = parse(old).samples.to_pylist()[0]
    assert [row[share] for share in SHARES] == [50, 2, 20, 6, 10, 8, 4]


def test_tables_of_interrupts_are_no_samples():
    """Mpstat -A prints them below, with the same clock and numbers."""
    data = mpstat("10:00:00", "10:00:01").replace(
        b"\n\nAverage", b"\n\n10:00:01     CPU    intr/s\n10:00:01       0    99.00\n\nAverage"
    )
    parsed = parse(data)
    assert (parsed.samples.num_rows, parsed.rejects) == (2, [])


def test_torn_line_of_mpstat_is_reported():
    parsed = parse(mpstat("10:00:00", "10:00:01") + b"\n10:00:02  0 25.00 0 1")
    assert parsed.samples.num_rows == 2
    assert ["expected a CPU and its percentages" in reason for reason in reasons(parsed)] == [True]


# Totals


def proc_stat(*snapshots):
    """Snapshots of (seconds after the start, totals of each CPU in ticks)."""
    lines = []
    for second, cpus in snapshots:
        lines += [f"{START_S + second}", "cpu  1 1 1 1 1 1 1 1 0 0"]
        lines += [f"cpu{n} {' '.join(map(str, totals))} 0 0" for n, totals in enumerate(cpus)]
        lines += ["intr 5 1 2", "ctxt 99", f"btime {START_S - 99}"]
    return "\n".join(lines).encode() + b"\n"


def test_shares_are_the_growth_of_totals():
    """Ten seconds: 2 user, 1 nice, 3 system, 1 idle, 0.5 iowait, 0.5 irq, 1 softirq, 1 steal."""
    parsed = parse(
        proc_stat(
            (0, [(1000, 0, 100, 9000, 5, 0, 7, 0)]),
            (10, [(1200, 100, 400, 9100, 55, 50, 107, 100)]),
        )
    )
    [row] = parsed.samples.to_pylist()
    assert parsed.rejects == []
    assert (row["sampled_at"], row["interval_s"]) == (START + timedelta(seconds=10), 10.0)
    assert [row[share] for share in SHARES] == [40, 20, 60, 10, 20, 20, 10]


def test_recorded_proc_stat_and_node_exporter_agree_on_the_busy_cpu():
    """Both watched the load of the recorded mpstat: CPU 1 all busy, then not."""
    for name in ("proc-stat-snapshots.txt", "node-exporter.prom"):
        parsed = recorded(name)
        assert parsed.rejects == []
        rows = [row for row in parsed.samples.to_pylist() if row["cpu"] == 1]
        busy = [row["user"] + row["system"] + row["softirq"] for row in rows]
        assert min(busy[:3]) >= 198, name
        assert busy[-1] < 150, name
        assert all(2.9 < row["interval_s"] < 3.2 for row in rows), name


def test_totals_that_start_anew_give_no_sample_over_the_boot():
    first, later = (900, 0, 90, 90_000, 0, 0, 0, 0), (950, 0, 140, 90_900, 0, 0, 0, 0)
    booted, next_ = (10, 0, 5, 300, 0, 0, 0, 0), (10, 0, 1005, 300, 0, 0, 0, 0)
    parsed = parse(proc_stat((0, [first]), (10, [later]), (40, [booted]), (50, [next_])))
    assert column(parsed, "system") == [10, 200]
    assert ["found a new start or a gap" in reason for reason in reasons(parsed)] == [True]


def test_boot_that_overtakes_the_old_totals_is_told_by_the_clock():
    """After a short first boot, totals have grown again, but not by as much as time passed."""
    parsed = parse(
        proc_stat((0, [(50, 0, 50, 900, 0, 0, 0, 0)]), (7200, [(500, 0, 500, 60_000, 0, 0, 0, 0)]))
    )
    assert parsed.samples.num_rows == 0
    assert len(parsed.rejects) == 1


def test_steal_and_iowait_that_fall_count_as_none():
    parsed = parse(
        proc_stat((0, [(100, 0, 0, 1000, 50, 0, 0, 80)]), (10, [(600, 0, 0, 1500, 40, 0, 0, 70)]))
    )
    [row] = parsed.samples.to_pylist()
    assert (row["user"], row["iowait"], row["steal"]) == (100, 0, 0)


def test_one_snapshot_is_a_reject_not_a_sample():
    parsed = parse(proc_stat((0, [(1, 0, 0, 1000, 0, 0, 0, 0)])))
    assert parsed.samples.num_rows == 0
    assert ["expected two or more totals" in reason for reason in reasons(parsed)] == [True]


def test_totals_of_two_files_make_the_sample_between_them():
    """One file per snapshot, or one per hour: what lies between two files is not lost."""
    files = [
        proc_stat((second, [(100 * second, 0, 0, 1000, 0, 0, 0, 0)])) for second in (0, 10, 20)
    ]
    counters = [read_cpu(data, Context("h", f"{n}.txt")).counters for n, data in enumerate(files)]
    merged = counters[2].cast(counters[0].schema)
    for each in counters[:2]:
        merged = type(merged).from_batches([*merged.to_batches(), *each.to_batches()])
    samples, rejects = to_samples(merged)
    assert rejects == []
    assert samples["user"].to_pylist() == [200, 200]


def test_snapshot_without_a_time_above_it_is_reported():
    data = proc_stat((0, [(1, 0, 0, 1000, 0, 0, 0, 0)]), (10, [(1, 0, 500, 1500, 0, 0, 0, 0)]))
    torn = data.partition(b"\n")[2]
    parsed = parse(f"{START_S - 10}\ncpu  1\ncpu0 1 2\n".encode() + torn)
    assert parsed.samples.num_rows == 0 or column(parsed, "system") == [100]
    assert parsed.rejects


@given(st.lists(st.lists(st.integers(0, 10**18), min_size=8, max_size=8), min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_totals_give_shares_that_fit_one_cpu(totals):
    """Whatever a file counts, no CPU has more than all of its time; rounding adds three steps."""
    data = proc_stat(*((10 * n, [row]) for n, row in enumerate(totals)))
    for row in parse(data).samples.to_pylist():
        assert sum(row[share] for share in SHARES) <= 203


# node_exporter


def page(second, *, extra="", stamp="", cpus=1, name="node_cpu_seconds_total"):
    """One page: half of the time user, a tenth softirq, the rest idle."""
    lines = [f"# TYPE {name} counter"]
    for number in range(cpus):
        for mode, share in (("idle", 0.4), ("softirq", 0.1), ("user", 0.5)):
            labels = f'cpu="{number}"{extra},mode="{mode}"'
            lines.append(f"{name}{{{labels}}} {share * second:.2f}{stamp}")
    if not stamp:
        lines.append(f"node_time_seconds {(START_S + second) / 1e9:.9f}e+09")
    return ("\n".join(lines) + "\n").encode()


def test_pages_of_node_exporter_give_samples_at_their_times():
    parsed = parse(page(15, cpus=2) + page(30, cpus=2) + page(45, cpus=2))
    assert parsed.rejects == []
    assert column(parsed, "sampled_at") == [START + timedelta(seconds=s) for s in (30, 30, 45, 45)]
    assert {tuple(row[share] for share in SHARES) for row in parsed.samples.to_pylist()} == {
        (100, 0, 0, 0, 20, 0, 0)
    }


def test_stamps_of_a_federated_page_and_its_hosts_are_used():
    """Two hosts in one page, by name and by address; the path names none."""
    data = b"".join(
        page(second, extra=f',instance="{host}:9100"', stamp=f" {1000 * (START_S + second)}")
        for second in (10, 25)
        for host in ("h2.example.internal", "10.20.1.17")
    )
    parsed = parse(data, host_id=None)
    assert parsed.rejects == []
    assert column(parsed, "host_id") == ["10.20.1.17", "h2"]
    assert column(parsed, "interval_s") == [15.0, 15.0]


def test_name_of_old_versions_is_read():
    data = b"".join(page(second, name="node_cpu") for second in (10, 20))
    assert column(parse(data.replace(b'cpu="0"', b'cpu="cpu0"')), "user") == [100]


def test_guests_are_not_counted_twice():
    """The kernel counts guests within user; node_exporter prints them apart, too."""
    guest = b'node_cpu_guest_seconds_total{cpu="0",mode="user"} 999\n'
    assert column(parse(page(10) + guest + page(20) + guest), "user") == [100]


def test_page_without_a_time_is_reported():
    data = page(10).rpartition(b"node_time")[0]
    parsed = parse(data)
    assert parsed.samples.num_rows == 0
    assert ["node_time_seconds" in reason for reason in reasons(parsed)] == [True]


# Tables whose columns the settings name


def test_recorded_csv_is_what_the_archive_says():
    """The same archive, exported by another tool with columns of its own."""
    columns = CpuColumns(
        host_id="node", sampled_at="collected_at", interval_s=1, cpu="core", user="cpu user",
        nice="nice", system="sys", irq="irq", softirq="soft", steal="steal", iowait="iowait",
    )  # fmt: skip
    parsed = recorded("wide-table.csv", host_id=None, columns=columns)
    lines = recorded("sadf-lines.csv", host_id=None)
    assert parsed.rejects == lines.rejects == []
    assert parsed.samples.equals(lines.samples)


def test_recorded_parquet_is_what_prometheus_says():
    """One row per CPU, mode and scrape: totals, as they were scraped."""
    columns = CpuColumns(
        host_id="instance", sampled_at="at", mode="mode", value="seconds", unit="counter_s"
    )
    parsed = recorded("long-table.parquet", host_id=None, columns=columns)
    reply = recorded("prometheus-range-vector.json", host_id=None)
    assert parsed.samples.num_rows == 16
    assert parsed.samples.equals(reply.samples)


@pytest.mark.parametrize(
    ("stamps", "unit", "zone", "hour"),
    [
        (("2026-11-25T10:00:00Z", "2026-11-25T10:01:00Z"), "s", "UTC", 10),
        (("2026-11-25 10:00:00", "2026-11-25 10:01:00"), "s", "America/New_York", 15),
        (("2026-11-25T10:00:00+02:00", "2026-11-25T10:01:00+02:00"), "s", "UTC", 8),
        (("1795600800", "1795600860"), "s", "Europe/Berlin", 10),
        (("1795600800000", "1795600860000"), "ms", "UTC", 10),
    ],
)
def test_times_of_a_table(stamps, unit, zone, hour):
    data = "t,core,busy\n" + "".join(f"{stamp},{n},0.25\n" for stamp in stamps for n in "01")
    columns = CpuColumns(sampled_at="t", at_unit=unit, cpu="core", system="busy", unit="ratio")
    parsed = parse(data.encode(), timezone=zone, columns=columns)
    assert column(parsed, "sampled_at") == [datetime(2026, 11, 25, hour, 1)] * 2
    assert column(parsed, "interval_s") == [60.0, 60.0]
    assert column(parsed, "system") == [50, 50]


def test_table_without_columns_in_the_settings_says_so():
    assert ["[inputs.cpu_columns]" in r for r in reasons(parse(b"a,b,c\n1,2,3\n"))] == [True]


def test_table_that_lacks_a_column_names_it():
    columns = CpuColumns(sampled_at="t", system="sy")
    [reason] = reasons(parse(b"t,cpu,sys\n1,2,3\n", columns=columns))
    assert "expected the columns ['sy'], found ['cpu', 'sys', 't']" in reason


def test_broken_rows_of_a_table_are_counted_and_averages_are_none():
    columns = CpuColumns(sampled_at="t", interval_s=60, system="sys")
    rows = b"1795600800,all,5\n1795600800,0,5\n1795600800,1,\nyesterday,2,5\n1795600800,3,150\n"
    parsed = parse(b"t,cpu,sys\n" + rows, columns=columns)
    assert column(parsed, "system") == [10, 200]
    assert [reason.partition(",")[0] for reason in reasons(parsed)] == [
        "row: expected a host",
        "row: expected shares of one CPU",
    ]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"mode": "m"}, {"value": "v"}, {"system": "s", "unit": "counter_s"}],
)
def test_columns_that_cannot_make_shares_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        CpuColumns(sampled_at="t", **wrong)
