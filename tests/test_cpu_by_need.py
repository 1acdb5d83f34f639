"""Reading what is needed: by need gives what reading all gives, and a day reads few files."""

import json
import random
from datetime import date, datetime, timedelta

import duckdb
import pytest

from resetradar.cpu import Context
from resetradar.cpu._day_files import day_files, read_day
from resetradar.cpu._need import need_of
from resetradar.ingest import ingest_cpu, ingest_hosts, ingest_logs, lake_of
from resetradar.marts import build_mart, load_marts
from resetradar.settings import Inputs, Settings
from resetradar.tables import CPU_COVERAGE, CPU_MINUTES, CPU_SAMPLES, REJECTS

DAYS = (date(2026, 11, 20), date(2026, 11, 21))
HEADER = "# hostname;interval;timestamp;CPU;%user;%nice;%system;%iowait;%steal;%idle\n"
RESETS = {"h03": (DAYS[0], "12:30:07"), "h07": (DAYS[1], "14:10:20"), "h11": (DAYS[1], "12:45:31")}
HOSTS = [f"h{number:02d}" for number in range(48)]


def cpu_lines(host, day, hours=range(9, 18)):
    """A minute's samples of two CPUs as sadf -d prints them, seeded by host and day."""
    draw = random.Random(f"{host} {day}")  # noqa: S311 - seeded data
    lines = [HEADER]
    for hour in hours:
        for minute in range(60):
            for cpu in (0, 1):
                system = draw.randrange(0, 3000) / 100
                stamp = f"{day} {hour:02d}:{minute:02d}:00 UTC"
                lines.append(f"{host};60;{stamp};{cpu};1.00;0.00;{system:.2f};0.00;0.00;50.00\n")
    return "".join(lines)


def log_lines(host, day, resets=RESETS):
    """A line a quarter of an hour, and the reset that the host has on the day."""
    lines = [
        (f"{hour:02d}:{minute:02d}:00", "systemd", "Started a timer.")
        for hour in range(24)
        for minute in (1, 16, 31, 46)
    ]
    reset_day, clock = resets.get(host, (None, ""))
    if reset_day == day:
        ena = "ena 0000:00:05.0 ens5: "
        waited = "TX q 1 is paused for too long (threshold 5000000). Time since last napi 5796000"
        napi = "usec. napi scheduled: 1. msecs since last interrupt: 5797"
        lines += [
            (
                clock,
                "kernel",
                f"{ena}{waited} {napi}",
            ),
            (clock, "kernel", f"{ena}Trigger reset is on"),
            (clock, "kernel", "ena 0000:00:05.0: Device reset completed successfully"),
        ]
    return "".join(
        f"{day}T{at}.000000+00:00 {host} {tag}: {text}\n" for at, tag, text in sorted(lines)
    )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Files of 48 hosts over two days; three of them reset, most are of one kind."""
    root = tmp_path_factory.mktemp("fleet")
    kinds = ["host_id,instance_family,ami_id"]
    for number, host in enumerate(HOSTS):
        kinds.append(f"{host},{'m5' if number % 4 else 'c5'},ami-0{number % 12 == 5:d}")
        for day in DAYS:
            for folder, text in (("cpu", cpu_lines(host, day)), ("logs", log_lines(host, day))):
                path = root / folder / host / f"{day}.log"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    (root / "hosts.csv").write_text("\n".join(kinds) + "\n")
    return root


@pytest.fixture
def midnight_fleet(tmp_path):
    """Files of 48 hosts of one kind; the first resets three seconds after midnight."""
    resets = {"h00": (DAYS[1], "00:00:03")}
    for host in HOSTS:
        for day in DAYS:
            texts = {
                "cpu": cpu_lines(host, day, (0, 1, 22, 23)),
                "logs": log_lines(host, day, resets),
            }
            for folder, text in texts.items():
                path = tmp_path / folder / host / f"{day}.log"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    kinds = [f"{host},m5,ami-01\n" for host in HOSTS]
    (tmp_path / "hosts.csv").write_text("host_id,instance_family,ami_id\n" + "".join(kinds))
    return tmp_path


def settings_of(root, name, mode):
    return Settings(
        root=root,
        lake=root / name,
        shards=2,
        inputs=Inputs(
            logs=["logs/{host_id}/{day}.log"],
            cpu=["cpu/{host_id}/{day}.log"],
            inventory=["hosts.csv"],
            cpu_mode=mode,
        ),
    )


def ingest(settings, days):
    """What each day's CPU stage says of itself, days run one after the other."""
    done = []
    for day in days:
        ingest_hosts(settings, day)
        for shard in range(settings.shards):
            ingest_logs(settings, day, shard)
        done.append([ingest_cpu(settings, day, shard) for shard in range(settings.shards)])
    return done


def reset_cpus(settings):
    """Rows of the mart of both days, after all marts that it is made of."""
    lake = lake_of(settings)
    rows = []
    for mart in load_marts():
        if mart.span == "day":
            paths = [build_mart(mart, lake, day, settings.parameters) for day in DAYS]
            if mart.name == "reset_cpus":
                with duckdb.connect() as db:
                    files = ", ".join(f"'{path}'" for path in paths)
                    rows = db.sql(f"select * from read_parquet([{files}])").fetchall()
                break
    return rows


def test_by_need_gives_the_reset_cpus_that_reading_all_gives(fleet):
    """Every column of every reset, its controls and peers included, from far fewer files."""
    everything, needed = (settings_of(fleet, mode, mode) for mode in ("all", "by_need"))
    all_done, done = ingest(everything, DAYS), ingest(needed, DAYS)
    expected = reset_cpus(everything)
    assert len(expected) == len(RESETS)
    assert reset_cpus(needed) == expected
    files = [sum(part.files for day in each for part in day) for each in (all_done, done)]
    assert files[1] < 0.8 * files[0]
    read = lake_of(needed).read(CPU_SAMPLES, *DAYS)["host_id"].unique().to_pylist()
    assert set(RESETS) <= set(read)
    assert len(read) < 0.8 * len(HOSTS)


@pytest.mark.parametrize("order", [DAYS, DAYS[::-1]])
def test_reset_after_midnight_has_its_peers_by_need(midnight_fleet, order):
    """Its window begins on the day before, on which no other host needs its kind."""
    everything, needed = (settings_of(midnight_fleet, mode, mode) for mode in ("all", "by_need"))
    ingest(everything, DAYS)
    ingest(needed, order)
    expected = reset_cpus(everything)
    [row] = expected
    names = [column.name for mart in load_marts() if mart.name == "reset_cpus"
             for column in mart.columns]  # fmt: skip
    shown = dict(zip(names, row[: len(names)], strict=True))
    assert str(shown["window_start_at"]) < "2026-11-21"
    assert (shown["cpu_source"], shown["peers"]) == ("samples", 3)
    assert reset_cpus(needed) == expected


@pytest.mark.parametrize("order", [DAYS, DAYS[::-1]])
def test_order_of_days_does_not_show_in_any_byte(fleet, order):
    """A day that is run late takes in what the next day's resets ask of it."""
    name = f"order-{order[0]}"
    settings, straight = (
        settings_of(fleet, name, "by_need"),
        settings_of(fleet, "by_need", "by_need"),
    )
    ingest(straight, DAYS)
    ingest(settings, order)
    for table in (CPU_SAMPLES, CPU_MINUTES, CPU_COVERAGE, REJECTS):
        ours, theirs = (lake_of(s).files(table, *DAYS) for s in (settings, straight))
        assert [p.relative_to(settings.lake_root) for p in ours] == [
            p.relative_to(straight.lake_root) for p in theirs
        ]
        assert [p.read_bytes() for p in ours] == [p.read_bytes() for p in theirs], table.name


def test_coverage_says_what_was_looked_for_and_why(fleet):
    settings = settings_of(fleet, "coverage", "by_need")
    ingest(settings, DAYS)
    rows = {
        day: {
            row["host_id"]: row
            for row in lake_of(settings).read(CPU_COVERAGE, day, day).to_pylist()
        }
        for day in DAYS
    }
    first, last = rows[DAYS[0]], rows[DAYS[1]]
    assert {first[host]["role"] for host in ("h07", "h11")} == {"before_reset"}
    assert (first["h03"]["role"], last["h07"]["role"]) == ("reset", "reset")
    assert "h03" not in last or last["h03"]["role"] == "control"
    row = last["h07"]
    assert (row["mode"], row["samples"], row["cpus"], row["interval_s"]) == (
        "by_need", 2 * 540, 2, 60.0,
    )  # fmt: skip
    assert row["first_at"] == datetime(2026, 11, 21, 9)


def test_need_follows_the_panel_of_the_windows():
    """The hosts that the SQL would draw first are the first that are read."""
    roster = [f"ip-10-20-1-{number}" for number in range(400)]
    kinds = {host: ("m5", "ami-1" if number % 2 else "ami-2") for number, host in enumerate(roster)}
    need = need_of(DAYS[0], {"ip-10-20-1-1"}, {"ip-10-20-1-2": False}, roster, kinds)
    with duckdb.connect() as db:
        db.execute(
            "create table roster as select unnest($hosts) as host_id", {"hosts": roster[1::2]}
        )
        drawn = db.sql(
            "select host_id from roster order by md5_number_lower(host_id || date '2026-11-20')"
            " limit 16"
        ).fetchall()
    assert {host for host, role in need.roles.items() if role == "control"} == {
        host for [host] in drawn
    } - {"ip-10-20-1-1", "ip-10-20-1-2"}
    assert need.roles["ip-10-20-1-1"] == "reset"
    assert need.roles["ip-10-20-1-2"] == "before_reset"


def test_early_window_needs_the_panel_of_its_day():
    """The kinds of hosts whose window of the next day begins on this one are drawn, too."""
    kinds = {"a": ("m5", "ami"), "b": ("m5", "ami"), "c": ("c5", "ami"), "d": ("c5", "ami")}
    need = need_of(DAYS[0], set(), {"a": True, "c": False}, ["a", "b", "c", "d"], kinds)
    assert need.roles == {"a": "before_reset", "b": "control", "c": "before_reset"}


def test_hosts_of_unknown_kind_are_read_for_their_resets_only():
    need = need_of(DAYS[0], {"a"}, {}, ["a", "b", "c"], {"b": ("m5", "ami")})
    assert need.roles == {"a": "reset"}


# Files of a day


def read(root, template, day, **context):
    """Rows by file of what a day reads, and the names of the files."""
    return {
        file.source.name: read_day(file, Context("h", file.source.name, **context), day)
        for file in day_files(root, [template], day)
    }


def sadf_json(*stamps):
    rows = {"cpu": "0", "user": 1, "nice": 0, "system": 2, "iowait": 0, "steal": 0, "idle": 97}
    statistics = [
        {"timestamp": {"date": stamp[:10], "time": stamp[11:], "utc": 1, "interval": 60},
         "cpu-load": [rows]}
        for stamp in stamps
    ]  # fmt: skip
    host = {"nodename": "h", "number-of-cpus": 1, "file-date": "x", "statistics": statistics}
    return json.dumps({"sysstat": {"hosts": [host]}})


def test_file_of_the_day_before_is_read_if_it_goes_beyond_its_day(tmp_path):
    """A file that is rotated in the morning holds the night of the next day."""
    (tmp_path / "2026-11-20.json").write_text(
        sadf_json("2026-11-20 23:59:00", "2026-11-21 05:00:00")
    )
    found = read(tmp_path, "{day}.json", date(2026, 11, 21))
    assert found["2026-11-20.json"].samples.num_rows == 1


def test_file_of_the_day_before_is_not_parsed_if_it_ends_with_its_day(tmp_path, monkeypatch):
    (tmp_path / "2026-11-20.json").write_text(
        sadf_json("2026-11-20 23:59:00", "2026-11-21 00:00:00")
    )
    monkeypatch.setattr("resetradar.cpu._day_files.read_cpu", lambda *_: pytest.fail("parsed"))
    found = read(tmp_path, "{day}.json", date(2026, 11, 21))
    assert found["2026-11-20.json"].samples.num_rows == 0


def test_last_interval_of_a_day_is_found_in_the_next_file(tmp_path):
    """The sample that ends at midnight was measured before it."""
    (tmp_path / "2026-11-21.json").write_text(
        sadf_json("2026-11-21 00:00:30", "2026-11-21 00:01:30")
    )
    found = read(tmp_path, "{day}.json", date(2026, 11, 20))
    assert [at.second for at in found["2026-11-21.json"].samples["sampled_at"].to_pylist()] == [30]


def test_long_file_of_the_next_day_is_read_at_its_beginning_only(tmp_path):
    """What is broken further down is the next day's to report."""
    start = datetime(2026, 11, 21)
    lines = [HEADER]
    for minute in range(40_000):
        at = start + timedelta(seconds=2 * minute)
        lines.append(f"h;2;{at:%Y-%m-%d %H:%M:%S} UTC;0;1.00;0.00;2.00;0.00;0.00;97.00\n")
    (tmp_path / "2026-11-21.csv").write_text("".join(lines) + "h;broken\n")
    today = read(tmp_path, "{day}.csv", date(2026, 11, 21))["2026-11-21.csv"]
    before = read(tmp_path, "{day}.csv", date(2026, 11, 20))["2026-11-21.csv"]
    assert (today.samples.num_rows, len(today.rejects)) == (39_999, 1)
    assert (before.samples.num_rows, before.rejects) == (1, [])


def test_damage_is_reported_by_the_day_of_the_file_alone(tmp_path):
    (tmp_path / "2026-11-20.json").write_text(sadf_json("2026-11-20 10:00:00")[:-30])
    reports = [
        sum(len(parsed.rejects) for parsed in read(tmp_path, "{day}.json", day).values())
        for day in (date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21))
    ]
    assert reports == [0, 1, 0]


def test_file_without_a_day_in_its_name_is_read_for_each_day_it_holds(tmp_path):
    text = sadf_json("2026-11-20 10:00:00", "2026-11-21 10:00:00", "2026-11-22 10:00:00")
    (tmp_path / "sar.json").write_text(text)
    counts = [
        read(tmp_path, "*.json", date(2026, 11, day))["sar.json"].samples.num_rows
        for day in (19, 20, 21, 22, 23)
    ]
    assert counts == [0, 1, 1, 1, 0]


def test_totals_of_one_file_per_snapshot_make_samples(tmp_path):
    """What lies between two files, and over midnight, is not lost."""
    folder = tmp_path / "cpu" / "h1"
    folder.mkdir(parents=True)
    epoch_s = 1_795_651_200  # 2026-11-26 00:00:00
    for number in range(-3, 3):
        at = epoch_s + 60 * number
        stamp = datetime(2026, 11, 26) + timedelta(minutes=number)
        ticks = 3000 * (number + 9)
        text = f"{at}\ncpu  0 0 0 0 0 0 0 0\ncpu0 {ticks} 0 0 {ticks} 0 0 0 0\n"
        (folder / f"{stamp:%Y-%m-%d}T{stamp:%H%M}.txt").write_text(text)
    settings = Settings(root=tmp_path, shards=1, inputs=Inputs(cpu=["cpu/{host_id}/{day}T*.txt"]))
    for day, ends in ((25, ["23:58", "23:59", "00:00"]), (26, ["00:01", "00:02"])):
        ingest_cpu(settings, date(2026, 11, day), 0)
        rows = lake_of(settings).read(CPU_SAMPLES, date(2026, 11, day), date(2026, 11, day))
        assert [f"{at:%H:%M}" for at in rows["sampled_at"].to_pylist()] == ends
        assert set(rows["user"].to_pylist()) == {100}
        rejects = lake_of(settings).read(REJECTS, date(2026, 11, day), date(2026, 11, day))
        assert rejects.num_rows == 0
