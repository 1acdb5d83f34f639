"""sysstat's archive and lines: what is read here is what its own sadf says of the same file."""

import shutil
import struct
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from benchmarks import cpu_archive
from resetradar.cpu import Context, parse_cpu
from resetradar.cpu._sysstat_layout import layout

SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "cpu"
ARCHIVE = SAMPLES / "sysstat-archive.sa"
SHARES = ("user", "nice", "system", "irq", "softirq", "steal", "iowait")
# Half a step of half a percent, and what sadf's two decimals hide.
ROUNDING = 0.25 + 0.011


def sadf(*arguments):
    """What the machine's sadf prints."""
    found = shutil.which("sadf")
    assert found, "sadf is not installed; mend it with: apt-get install sysstat"
    return subprocess.run([found, *map(str, arguments)], capture_output=True, check=True).stdout


def parse(data, **known):
    return parse_cpu(data, Context(**{"host_id": None, "source": "sa25", **known}))


def reasons(parsed):
    return [reject.reason for reject in parsed.rejects]


def by_key(samples):
    return {(row["sampled_at"], row["cpu"]): row for row in samples.to_pylist()}


def printed(lines):
    """Percentages of ``sadf -d -- -u ALL -P ALL`` by time and CPU, summed to our shares."""
    rows = {}
    for line in lines.decode().splitlines():
        fields = line.split(";")
        if line.startswith("#") or len(fields) < 14 or fields[3] == "-1":
            continue
        at = datetime.fromisoformat(fields[2].removesuffix(" UTC"))
        usr, nice, sys, iowait, steal, irq, soft, guest, gnice, idle = map(float, fields[4:14])
        assert abs(usr + nice + sys + iowait + steal + irq + soft + guest + gnice + idle - 100) < 1
        shares = (usr + guest, nice + gnice, sys, irq, soft, steal, iowait)
        rows[at, int(fields[3])] = (fields[0], float(fields[1]), shares)
    return rows


def assert_as_sadf_says(samples, lines):
    ours, theirs = by_key(samples), printed(lines)
    assert ours.keys() == theirs.keys()
    assert theirs
    for key, (host, interval_s, shares) in theirs.items():
        row = ours[key]
        assert row["host_id"] == host
        assert abs(row["interval_s"] - interval_s) <= 0.51, key
        found = [row[share] / 2 for share in SHARES]
        assert found == pytest.approx(shares, abs=ROUNDING), key


def test_recorded_archive_is_what_sadf_prints():
    """Every share of every CPU and second, over a comment and a restart."""
    parsed = parse(ARCHIVE.read_bytes())
    assert parsed.rejects == []
    assert_as_sadf_says(parsed.samples, sadf("-d", ARCHIVE, "--", "-u", "ALL", "-P", "ALL"))


def test_recorded_archive_agrees_with_sadf_json():
    document = sadf("-j", ARCHIVE, "--", "-u", "ALL", "-P", "ALL")
    binary, exported = parse(ARCHIVE.read_bytes()).samples, parse(document).samples
    assert by_key(binary).keys() == by_key(exported).keys()
    for share in SHARES:
        steps = pc.subtract(binary[share].cast("int16"), exported[share].cast("int16"))
        assert max(abs(step) for step in steps.to_pylist()) <= 1, share


def test_recorded_archive_has_no_sample_over_the_restart():
    """Five seconds before it and four after its baseline, of two CPUs each."""
    seconds = [at.second for at in parse(ARCHIVE.read_bytes()).samples["sampled_at"].to_pylist()]
    assert seconds == [s for s in (33, 34, 35, 36, 37, 39, 40, 41, 42) for _ in range(2)]


def test_layout_is_what_sadf_says_of_the_header():
    """Number, own count and size of every activity, as sadf -H lists them."""
    known = layout(ARCHIVE.read_bytes())
    said = []
    for line in sadf("-H", ARCHIVE).decode().splitlines():
        head, _, tail = line.partition(": [")
        if head.isdigit():
            counted, count = tail.split()[2].rstrip(":"), int(tail.split()[3].split("x")[0])
            said.append((int(head), counted == "Y", count))
    assert known.host == "ip-10-20-1-18"
    assert [(a.number, a.has_count, a.count) for a in known.activities] == said
    assert len(said) > 10


def test_bundled_lines_are_what_sadf_prints_today():
    assert (
        sadf("-d", "-C", ARCHIVE, "--", "-u", "ALL", "-P", "ALL")
        == (SAMPLES / "sadf-lines.csv").read_bytes()
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_archive_of_either_byte_order_is_what_sadf_prints(order, tmp_path):
    """A machine of the other byte order writes the same numbers the other way round."""
    path = tmp_path / "sa25"
    path.write_bytes(cpu_archive.archive(cpu_archive.load(5, 20), order=order))
    parsed = parse(path.read_bytes())
    assert parsed.rejects == []
    assert parsed.samples.num_rows == 5 * 19
    assert_as_sadf_says(parsed.samples, sadf("-d", path, "--", "-u", "ALL", "-P", "ALL"))


def test_cpus_that_come_later_start_with_their_second_record():
    """A machine that grows from three CPUs to five writes longer records from then on."""
    made = cpu_archive.load(5, 12)
    small = cpu_archive.Load(made.ticks[:6, :3], made.seconds[:6])
    large = cpu_archive.archive(made)
    record = 24 + 4 + 6 * 80
    parsed = parse(cpu_archive.archive(small) + large[-6 * record :])
    cpus = [
        sorted(row["cpu"] for row in parsed.samples.to_pylist() if row["sampled_at"] == at)
        for at in sorted(set(parsed.samples["sampled_at"].to_pylist()))
    ]
    assert cpus == [[0, 1, 2]] * 6 + [[0, 1, 2, 3, 4]] * 5


def test_offline_cpu_is_missing_not_idle():
    """An offline CPU has zeros in its record; so has the next sample nothing to start from."""
    made = cpu_archive.load(3, 8)
    made.ticks[3:5, 1] = 0
    rows = parse(cpu_archive.archive(made)).samples
    numbers = rows.filter(pc.equal(rows["cpu"], 1))["sampled_at"].to_pylist()
    others = rows.filter(pc.equal(rows["cpu"], 0))["sampled_at"].to_pylist()
    assert [at for at in others if at not in numbers] == others[2:5]


def test_cpu_without_ticks_is_reported_not_idle():
    """What did not tick was not measured; sadf calls it idle."""
    made = cpu_archive.load(2, 5)
    made.ticks[2, 1] = made.ticks[1, 1]
    parsed = parse(cpu_archive.archive(made))
    assert parsed.samples.num_rows == 2 * 4 - 1
    assert reasons(parsed) == [
        "CPU: expected ticks between two records, found none; left out (1 times)"
    ]


def test_iowait_that_falls_counts_as_none():
    made = cpu_archive.load(1, 3)
    made.ticks[2, 0] = made.ticks[1, 0] + np.array([50, 0, 30, 20, -7, 0, 0, 0, 0, 0])
    last = parse(cpu_archive.archive(made)).samples.to_pylist()[-1]
    assert (last["user"], last["system"], last["iowait"]) == (100, 60, 0)


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.999])
def test_cut_archive_keeps_every_complete_record(keep):
    whole = cpu_archive.archive(cpu_archive.load(4, 40))
    record = 24 + 4 + 5 * 80
    cut = whole[: int(len(whole) * keep)]
    complete = (len(cut) - (len(whole) - 40 * record)) // record
    parsed = parse(cut)
    assert parsed.samples.num_rows == 4 * (complete - 1)
    assert ["the file was cut" in reason for reason in reasons(parsed)] == [True]


def test_path_names_the_host():
    assert parse(ARCHIVE.read_bytes(), host_id="h1").samples["host_id"].unique().to_pylist() == [
        "h1"
    ]


def test_layout_of_another_version_goes_through_sadf():
    """A file that calls its CPU statistics by another number is none of ours to guess at."""
    data = bytearray(ARCHIVE.read_bytes())
    at = 76 + 336 + 4
    assert struct.unpack_from("<I", data, at) == (0x8B,)
    struct.pack_into("<I", data, at, 0x8A)
    parsed = parse(bytes(data))
    assert parsed.samples.num_rows == 0
    [reason] = reasons(parsed)
    assert "expected CPU statistics 0x8b, found 0x8a" in reason
    assert "sadf says" in reason


def test_sadf_is_asked_where_the_layout_is_not_known(monkeypatch):
    """What sadf makes of such a file is what is read."""
    monkeypatch.setattr("resetradar.cpu.sysstat_binary.layout", lambda _: "expected another")
    parsed = parse(ARCHIVE.read_bytes())
    assert parsed.rejects == []
    assert_as_sadf_says(parsed.samples, sadf("-d", ARCHIVE, "--", "-u", "ALL", "-P", "ALL"))


def test_unknown_layout_without_sadf_says_what_to_install(monkeypatch):
    monkeypatch.setattr("resetradar.cpu._sadf.shutil.which", lambda _: None)
    data = ARCHIVE.read_bytes()
    parsed = parse(data[:2] + b"\x71\x21" + data[4:])
    [reason] = reasons(parsed)
    assert "expected file format 0x2175, found 0x2171; install sysstat" in reason


@pytest.mark.parametrize(
    ("options", "known"),
    [
        (["-d"], {}),
        (["-d", "-U"], {}),
        (["-d", "-T"], {"timezone": "America/New_York"}),
    ],
)
def test_times_of_sadf_lines_are_the_same_instants(options, known, monkeypatch):
    """UTC, seconds of the epoch, and local time with its zone from the settings."""
    monkeypatch.setenv("TZ", "America/New_York")
    lines = sadf(*options, ARCHIVE, "--", "-u", "ALL", "-P", "ALL")
    parsed = parse(lines, **known)
    assert parsed.rejects == []
    assert parsed.samples["sampled_at"].equals(parse(ARCHIVE.read_bytes()).samples["sampled_at"])


def test_short_sadf_lines_have_interrupts_in_system():
    """Without -u ALL there are no columns for them, and %system holds them."""
    parsed = parse(sadf("-d", ARCHIVE, "--", "-P", "ALL"))
    whole = by_key(parse(ARCHIVE.read_bytes()).samples)
    for key, row in by_key(parsed.samples).items():
        kernel = sum(whole[key][share] for share in ("system", "irq", "softirq"))
        assert (row["irq"], row["softirq"]) == (0, 0)
        assert abs(row["system"] - kernel) <= 2


COLUMNS = b"%usr;%nice;%sys;%iowait;%steal;%irq;%soft;%guest;%gnice;%idle"
LINES = b"""# hostname;interval;timestamp;CPU;COLUMNS
h;60;2026-11-25 10:01:00 UTC;-1;0,00;0,00;0,00;0,00;0,00;0,00;0,00;0,00;0,00;100,00
h;60;2026-11-25 10:01:00 UTC;0;1,00;2,00;3,00;4,00;5,00;6,00;7,00;8,00;9,00;55,00
""".replace(b"COLUMNS", COLUMNS)


def test_decimal_commas_and_guests_are_read():
    [row] = parse(LINES).samples.to_pylist()
    assert [row[share] for share in SHARES] == [18, 22, 6, 12, 14, 10, 8]
    assert (row["cpu"], row["interval_s"]) == (0, 60.0)


@pytest.mark.parametrize(
    "line",
    [b"h;60;2026-11-25 10:02:00 UTC;0;1.0", b"h;60;yesterday;0;1;1;1;1;1;1;1;1;1;91",
     b"h;-1;2026-11-25 10:02:00 UTC;0;1;1;1;1;1;1;1;1;1;91",
     b"h;60;2026-11-25 10:02:00 UTC;zero;1;1;1;1;1;1;1;1;1;91",
     b"h;60;2026-11-25 10:02:00 UTC;0;1;1;1;many;1;1;1;1;1;91"],
)  # fmt: skip
def test_broken_line_costs_itself_and_is_reported(line):
    parsed = parse(LINES + line + b"\n" + LINES.splitlines(keepends=True)[2])
    assert parsed.samples.num_rows == 1
    assert len(parsed.rejects) == 1


def test_marks_of_restarts_and_other_statistics_are_no_samples():
    marks = b"h;-1;2026-11-25 10:01:30 UTC;LINUX-RESTART\t(2 CPU)\n"
    marks += b"h;-1;2026-11-25 10:01:30 UTC;COM all is well\n"
    other = b"# hostname;interval;timestamp;proc/s;cswch/s\nh;60;2026-11-25 10:01:00 UTC;1.0;2.0\n"
    parsed = parse(LINES + marks + other)
    assert (parsed.samples.num_rows, parsed.rejects) == (1, [])


def test_averages_alone_say_how_to_export_cpus():
    parsed = parse(b"".join(LINES.splitlines(keepends=True)[:2]))
    assert ["-P ALL" in reason for reason in reasons(parsed)] == [True]
