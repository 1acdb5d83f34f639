"""The simulated fleet: files as real hosts write them, and a truth that agrees with them."""

import gzip
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from resetradar.errors import InputError
from resetradar.files import find
from resetradar.settings import load_settings
from resetradar.simulate import simulate

FLEET = Path(__file__).parent.parent / "data" / "samples" / "fleet"
TRUTH = json.loads((FLEET / "truth.json").read_text())
HOSTS = {host["host_id"]: host for host in TRUTH["hosts"]}
BEGIN = "Trigger reset is on"


@cache
def content(path: Path) -> bytes:
    """Bytes of a file after decompression: compressors differ from machine to machine."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): content(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


def log_text(host_id: str) -> str:
    """All log files of a host as one text, oldest first for the rotated styles."""
    files = sorted((FLEET / "logs" / host_id).glob("*"), key=age, reverse=True)
    return "".join(content(path).decode(errors="replace") for path in files)


def age(path: Path) -> int:
    number = re.search(r"kern\.log\.(\d+)", path.name)
    return int(number[1]) if number else 0


def resets_of(host_id: str) -> list[dict[str, Any]]:
    return [reset for reset in TRUTH["resets"] if reset["host_id"] == host_id]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def with_(**wanted: object) -> list[str]:
    return [
        host_id
        for host_id, host in HOSTS.items()
        if all(host[name] == value for name, value in wanted.items())
    ]


def test_the_same_arguments_write_the_same_bytes(tmp_path):
    simulate(20, 2, 5, tmp_path / "a")
    simulate(20, 2, 5, tmp_path / "b")
    first = {p.relative_to(tmp_path / "a"): p.read_bytes() for p in files(tmp_path / "a")}
    second = {p.relative_to(tmp_path / "b"): p.read_bytes() for p in files(tmp_path / "b")}
    assert first == second
    assert len(first) > 40


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_another_seed_is_another_fleet(tmp_path):
    one = simulate(6, 1, 5, tmp_path / "a")
    other = simulate(6, 1, 6, tmp_path / "b")
    assert one.guilty_ami != other.guilty_ami
    logs = [contents(tmp_path / name / "logs") for name in "ab"]
    assert not set(logs[0].values()) & set(logs[1].values())


def test_the_bundled_fleet_is_what_the_documented_command_writes(tmp_path):
    readme = (FLEET.parent / "README.md").read_text()
    command = re.search(r"simulate --hosts (\d+) --days (\d+) --seed (\d+)", readme)
    assert command
    hosts, days, seed = map(int, command.groups())
    simulate(hosts, days, seed, tmp_path / "fleet")
    again, bundled = contents(tmp_path / "fleet"), contents(FLEET)
    assert sorted(again) == sorted(bundled)
    assert [name for name, data in again.items() if data != bundled[name]] == []


def test_the_bundled_fleet_is_small_and_mixed():
    assert sum(path.stat().st_size for path in files(FLEET)) < 5_000_000
    assert len(HOSTS) >= 40
    assert (TRUTH["first_day"], TRUTH["last_day"]) == ("2026-11-15", "2026-11-21")
    kinds = {
        name: {host[name] for host in HOSTS.values()}
        for name in ("instance_family", "availability_zone", "ami_id", "log_style", "cpu_style")
    }
    assert len(kinds["instance_family"]) >= 3
    assert len(kinds["availability_zone"]) == 3
    assert len(kinds["ami_id"]) == 3
    assert kinds["log_style"] == {"traditional", "iso", "journal", "dmesg", "none"}
    assert kinds["cpu_style"] == {"sadf", "mpstat", "none"}
    suffixes = {path.suffix for path in files(FLEET / "logs")}
    assert suffixes >= {".gz", ".zst", ".log", ".1", ".json"}


def test_images_are_balanced_over_zones_and_families():
    """Only then the guilty image cannot hide behind a zone or a family."""
    for name in ("availability_zone", "instance_family"):
        cells = Counter((host["ami_id"], host[name]) for host in HOSTS.values())
        for value in {host[name] for host in HOSTS.values()}:
            counts = [cells[ami, value] for ami in {host["ami_id"] for host in HOSTS.values()}]
            assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("host_id", sorted(HOSTS))
def test_the_log_of_a_host_begins_as_many_resets_as_the_truth_tells(host_id):
    assert log_text(host_id).count(BEGIN) == HOSTS[host_id]["resets"]
    assert len(resets_of(host_id)) == HOSTS[host_id]["resets"]


def test_every_reset_ends():
    for host_id in HOSTS:
        text = log_text(host_id)
        assert len(re.findall(r"Device reset completed(?:, status: 0| successfully), ", text)) == (
            text.count(BEGIN)
        )


def test_iso_lines_are_received_at_most_50_ms_after_the_true_instant():
    compared = 0
    for host_id in with_(log_style="iso"):
        stamps = re.findall(rf"^(\S+) \S+ kernel: .*{BEGIN}$", log_text(host_id), re.MULTILINE)
        for stamp, reset in zip(stamps, resets_of(host_id), strict=True):
            delay = instant(stamp) - instant(reset["reset_at"])
            assert timedelta(0) <= delay <= timedelta(milliseconds=50)
            compared += 1
    assert compared > 20


def test_kernel_time_and_the_journal_place_a_reset_to_the_microsecond():
    compared = 0
    for host_id in with_(log_style="journal"):
        records = [json.loads(line) for line in log_text(host_id).splitlines()]
        begins = sorted(
            int(r["__REALTIME_TIMESTAMP"])
            - int(r["__MONOTONIC_TIMESTAMP"])
            + int(r["_SOURCE_MONOTONIC_TIMESTAMP"])
            for r in records
            if r["MESSAGE"].endswith(BEGIN)
        )
        told = [reset["reset_at"] for reset in resets_of(host_id)]
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        assert begins == [(instant(at) - epoch) // timedelta(microseconds=1) for at in told]
        compared += len(begins)
    assert compared > 20


def test_dmesg_is_anchored_by_the_clock_line_of_its_boot():
    compared = 0
    for host_id in with_(log_style="dmesg"):
        text = log_text(host_id)
        clock = re.search(r"^\[ *([\d.]+)\] rtc_cmos .* UTC \((\d+)\)$", text, re.MULTILINE)
        assert clock
        booted = int(clock[2]) - float(clock[1])
        uptimes = re.findall(rf"^\[ *([\d.]+)\] .*{BEGIN}$", text, re.MULTILINE)
        for uptime, reset in zip(uptimes, resets_of(host_id), strict=True):
            error = instant(reset["reset_at"]).timestamp() - (booted + float(uptime))
            assert 0 <= error < 1  # the hardware clock has whole seconds
            compared += 1
    assert compared > 0


def test_three_hosts_on_innocent_images_head_the_fleet():
    planted = TRUTH["planted_hosts"]
    assert sorted(host["verdict"] for host in planted) == [
        "device_fault",
        "host_starved",
        "interrupt_lost",
    ]
    others = [h["resets"] for h in HOSTS.values() if h["role"] in {"healthy", "guilty_ami"}]
    for host in planted:
        assert HOSTS[host["host_id"]]["ami_id"] != TRUTH["guilty_ami"]
        assert host["resets"] >= 20
        assert host["resets"] > max(others)


def test_the_steady_host_resets_every_four_hours():
    (host_id,) = with_(role="steady_starved")
    times = [instant(reset["symptom_at"]) for reset in resets_of(host_id)]
    gaps_h = [(b - a).total_seconds() / 3600 for a, b in pairwise(times)]
    assert len([gap for gap in gaps_h if 3.8 <= gap <= 4.2]) >= len(gaps_h) - 2


def test_the_guilty_image_is_starved_only_after_a_day_and_a_half_of_uptime():
    guilty = with_(role="guilty_ami")
    assert {HOSTS[host_id]["ami_id"] for host_id in guilty} == {TRUTH["guilty_ami"]}
    assert all(HOSTS[host_id]["resets"] >= 3 for host_id in guilty)
    for host_id in guilty:
        assert {reset["reset_reason"] for reset in resets_of(host_id)} == {
            "SUSPECTED_POLL_STARVATION"
        }
        for uptime_s in re.findall(rf"\[ *(\d+)\.\d+\] .*{BEGIN}", log_text(host_id)):
            assert int(uptime_s) > 33.8 * 3600


def boots_of(host_id: str) -> list[datetime]:
    return [instant(at) for at in HOSTS[host_id]["booted_at"]]


def uptime_h(host_id: str, at: str) -> float:
    """Hours from the last boot that the truth tells to an instant."""
    booted = max(boot for boot in boots_of(host_id) if boot <= instant(at))
    return (instant(at) - booted).total_seconds() / 3600


def test_hosts_reboot_and_the_reset_of_the_guilty_image_waits_for_the_leak_again():
    """Several reboots are followed by more than a day without a reset, and then by resets."""
    first_day = instant(f"{TRUTH['first_day']}T00:00:00Z")
    reboots = {host: [at for at in boots_of(host) if at >= first_day] for host in HOSTS}
    assert sum(map(len, reboots.values())) > 20
    waited = [
        uptime_h(host_id, reset["symptom_at"])
        for host_id in with_(role="guilty_ami")
        for reset in resets_of(host_id)
        if max(boots_of(host_id)) <= instant(reset["symptom_at"]) and reboots[host_id]
    ]
    assert len(waited) > 15
    assert min(waited) > 33.8


def test_the_log_shows_every_boot_of_the_simulated_days():
    for host_id in with_(log_style="iso"):
        begins = re.findall(
            r"^(\S+) \S+ kernel: \[ *0\.0+\] Linux version", log_text(host_id), re.MULTILINE
        )
        end = TRUTH["logs_stop_at"].get(host_id, f"{TRUTH['last_day']}T23:59:59Z")
        told = [
            at
            for at in boots_of(host_id)
            if instant(f"{TRUTH['first_day']}T00:00:00Z") <= at < instant(end)
        ]
        assert len(begins) == len(told)
        for stamp, at in zip(begins, told, strict=True):
            assert timedelta(0) <= instant(stamp) - at < timedelta(seconds=10)


def test_a_unit_crash_loops_on_the_guilty_image_and_nowhere_else():
    for host_id, host in HOSTS.items():
        text = log_text(host_id)
        counts = re.findall(rf"{TRUTH['leaking_unit']}: .*restart counter is at (\d+)", text)
        is_loop = host["role"] == "guilty_ami" and host["log_style"] != "dmesg"
        assert (len(counts) > 100) == is_loop
        assert (max(map(int, counts), default=0) > 50_000) == is_loop


def snapshots(host_id: str) -> list[dict[str, Any]]:
    """Each snapshot of a host's facts: time, memory cgroups, units, and CPU by queue interrupt."""
    text = "".join(content(path).decode() for path in sorted((FLEET / "facts" / host_id).glob("*")))
    found: dict[int, dict[str, Any]] = {}
    for seconds, name, body in re.findall(
        r"^# (\d+) (\S.*)\n((?:(?!# \d).*\n)*)", text, re.MULTILINE
    ):
        one = found.setdefault(int(seconds), {"at": int(seconds), "affinity": {}})
        if name == "/proc/cgroups":
            one["memory"] = int(re.search(r"^memory\t\d+\t(\d+)", body, re.MULTILINE)[1])
        elif name.startswith("systemctl"):
            one["units"] = dict(re.findall(r"Id=(\S+)\nNRestarts=(\d+)", body))
        elif name.endswith("effective_affinity_list"):
            one["affinity"][int(name.split("/")[3])] = int(body)
        elif name == "/proc/interrupts":
            one["queues"] = {
                int(queue): int(irq)
                for irq, queue in re.findall(r"(\d+): .*-Tx-Rx-(\d+)$", body, re.MULTILINE)
            }
    return list(found.values())


def test_facts_show_the_leak_before_each_reset_and_never_on_other_images():
    for host_id in with_(has_facts=True):
        for snapshot in snapshots(host_id):
            uptime_s = snapshot["at"] - max(
                at.timestamp() for at in boots_of(host_id) if at.timestamp() <= snapshot["at"]
            )
            armed_s = HOSTS[host_id]["armed_after_s"]
            if armed_s is None:
                assert snapshot["memory"] < 300
                assert TRUTH["leaking_unit"] not in snapshot["units"]
            else:
                assert (snapshot["memory"] > 62_700) == (uptime_s > armed_s + 120)
                assert int(snapshot["units"][TRUTH["leaking_unit"]]) > uptime_s / 3


def test_facts_place_the_queue_of_a_starved_reset_on_the_pinned_cpu():
    compared = 0
    for host_id in with_(has_facts=True, driver="ena"):
        taken = snapshots(host_id)
        for reset in [r for r in resets_of(host_id) if r["pinned"]]:
            at = instant(reset["symptom_at"]).timestamp()
            if before := [s for s in taken if s["at"] < at]:
                irq = before[-1]["queues"][reset["queue"]]
                assert before[-1]["affinity"][irq] == reset["cpu"]
                compared += 1
    assert compared > 100


def test_three_hosts_lose_the_affinity_of_their_interrupts_after_a_reset_until_they_boot():
    lost = {h: host["affinity_lost_at"] for h, host in HOSTS.items() if host["affinity_lost_at"]}
    assert len(lost) == 3
    for host_id in with_(has_facts=True):
        for snapshot in snapshots(host_id):
            is_on_first = set(snapshot["affinity"].values()) == {0}
            since = instant(lost[host_id]).timestamp() if host_id in lost else float("inf")
            is_same_boot = not any(
                since < b.timestamp() < snapshot["at"] for b in boots_of(host_id)
            )
            assert is_on_first == (snapshot["at"] >= since and is_same_boot)
    for host_id, at in lost.items():
        assert at in {reset["reset_at"] for reset in resets_of(host_id)}


def test_a_common_unit_and_a_restarting_one_have_nothing_to_do_with_the_image():
    innocent = [
        h for h, host in HOSTS.items() if TRUTH["restarting_unit"] in host["restarting_units"]
    ]
    assert {HOSTS[h]["ami_id"] == TRUTH["guilty_ami"] for h in innocent} == {True, False}
    assert 5 < len(innocent) < len(HOSTS) / 2
    active = with_(is_common_unit_active=True)
    assert len(HOSTS) * 0.75 < len(active) < len(HOSTS)
    without = [h for h in HOSTS if not HOSTS[h]["has_facts"]]
    assert 2 < len(without) < 5
    assert {path.name for path in (FLEET / "facts").iterdir()} == set(HOSTS) - set(without)


def test_one_host_floods_its_console_before_each_of_its_resets_and_at_other_times():
    (host_id,) = with_(role="console_flood")
    floods = [instant(at) for at in HOSTS[host_id]["console_floods_at"]]
    resets = resets_of(host_id)
    assert len(resets) >= 3
    assert len(floods) > len(resets)
    for reset in resets:
        silent_from = instant(reset["symptom_at"]) - timedelta(microseconds=reset["since_napi_us"])
        assert silent_from in floods
    seconds = Counter(
        re.findall(r"^(\S{19})\S* .* martian source", log_text(host_id), re.MULTILINE)
    )
    assert max(seconds.values()) > 100
    assert sum(seconds.values()) > 250 * len(floods)
    assert not any("martian source" in log_text(other) for other in HOSTS if other != host_id)


def test_healthy_hosts_reset_rarely():
    counts = [HOSTS[host_id]["resets"] for host_id in with_(role="healthy")]
    assert max(counts) == 1
    assert sum(counts) < len(counts) / 2


def test_no_host_falls_silent_for_an_hour_while_it_logs():
    for host_id in with_(log_style="iso"):
        stamps = [instant(line.split(" ")[0]) for line in log_text(host_id).splitlines()]
        assert max(b - a for a, b in pairwise(stamps)) < timedelta(hours=1)


def samples(path: Path) -> list[dict[str, Any]]:
    (host,) = orjson.loads(content(path))["sysstat"]["hosts"]
    assert host["nodename"] == path.parent.name
    return host["statistics"]


def test_the_shares_of_every_cpu_sum_to_100():
    for path in (FLEET / "cpu").rglob("*-2026-11-19.json.zst"):
        for sample in samples(path):
            assert len(sample["cpu-load"]) == HOSTS[path.parent.name]["vcpus"] + 1
            for row in sample["cpu-load"]:
                assert sum(v for k, v in row.items() if k != "cpu") == pytest.approx(100, abs=0.05)


def test_a_pinned_cpu_shows_the_starvation_window_and_no_other_cpu_does():
    """Kernel seconds of the samples that overlap the window: the pin, and what is usual."""
    usual = 0.035  # the most that any CPU spends in the kernel when nothing goes wrong
    compared = 0
    for host_id in [h for h in with_(cpu_style="sadf") if resets_of(h)]:
        by_end = {
            f"{sample['timestamp']['date']}T{sample['timestamp']['time']}": sample["cpu-load"][1:]
            for path in (FLEET / "cpu" / host_id).iterdir()
            for sample in samples(path)
        }
        for reset in resets_of(host_id):
            minutes = overlapping(by_end, reset)
            spent = [sum((cpu["sys"] + cpu["soft"]) * 0.6 for cpu in rows) for rows in minutes]
            most_usual = usual * 60 * len(minutes[0]) + 0.01
            pinned_s = reset["since_napi_us"] / 1e6 if reset["pinned"] else 0
            for cpu, seconds in enumerate(spent):
                expected = pinned_s if cpu == reset["cpu"] else 0
                assert expected * 0.999 <= seconds <= expected + most_usual
            compared += reset["pinned"] is not None
    assert compared > 100


def overlapping(
    by_end: dict[str, list[dict[str, Any]]], reset: dict[str, Any]
) -> list[tuple[dict[str, Any], ...]]:
    """Rows of every CPU in the samples that overlap the starvation window."""
    end = instant(reset["symptom_at"])
    start = end - timedelta(microseconds=reset["since_napi_us"] or 1)
    minute = start.replace(second=0, microsecond=0)
    rows = []
    while minute < end:
        minute += timedelta(minutes=1)
        rows.append(by_end[minute.strftime("%Y-%m-%dT%H:%M:%S")])
    return list(zip(*rows, strict=True))


def test_a_data_loader_keeps_a_cpu_busy_on_a_third_of_the_hosts_and_starves_nobody():
    loaders = [h for h, host in HOSTS.items() if host["loader_cpu"] is not None]
    assert len(HOSTS) / 5 < len(loaders) < len(HOSTS) / 2
    seen = 0
    for host_id in set(loaders) & set(with_(cpu_style="sadf")):
        cpu = HOSTS[host_id]["loader_cpu"]
        assert cpu not in {reset["cpu"] for reset in resets_of(host_id)}
        for path in (FLEET / "cpu" / host_id).iterdir():
            assert {sample["cpu-load"][cpu + 1]["usr"] for sample in samples(path)} == {100.0}
            seen += 1
    assert seen > 0


def test_release_2_17_prints_queue_and_cpu_in_each_others_place():
    pairs = 0
    for host_id in with_(driver_version="2.17.0", role="guilty_ami"):
        text = log_text(host_id)
        found = re.findall(
            r"\[1/2\] Lost TX .* qid: (\d+).*\n.*\[2/2\] qid: (\d+), napi CPU: (\d+)", text
        )
        told = {(reset["queue"], reset["cpu"]) for reset in resets_of(host_id)}
        for queue, first, second in found:
            assert second == queue
            assert (int(queue), int(first)) in told
            pairs += 1
    assert pairs > 0


def test_a_long_dump_is_one_reset():
    (host_id,) = [h for h, host in HOSTS.items() if "long_dump" in host["features"]]
    assert HOSTS[host_id]["resets"] == 1
    counters = set(re.findall(r'ena \S+ \S+ (queue_\d+_[tr]x_\w+): \d+"', log_text(host_id)))
    assert len(counters) > 500


def test_damaged_files_are_damaged_as_the_truth_says():
    kinds = {kind: content(FLEET / name) for name, kind in TRUTH["damaged_files"].items()}
    assert set(kinds) == {"cut", "invalid_utf8_and_nul", "crlf"}
    assert not kinds["cut"].endswith(b"\n")
    assert b"\0" in kinds["invalid_utf8_and_nul"]
    with pytest.raises(UnicodeDecodeError):
        kinds["invalid_utf8_and_nul"].decode()
    assert kinds["crlf"].count(b"\r\n") == kinds["crlf"].count(b"\n") > 10


def test_a_silent_host_is_in_the_inventory_and_an_unknown_host_is_not():
    document = json.loads((FLEET / "inventory" / "describe-instances.json").read_text())
    listed = {
        instance["PrivateDnsName"].split(".")[0]
        for reservation in document["Reservations"]
        for instance in reservation["Instances"]
    }
    table = (FLEET / "inventory" / "hosts.csv").read_text()
    (unknown,), (silent,) = TRUTH["hosts_not_inventoried"], TRUTH["hosts_without_logs"]
    assert listed == set(HOSTS) - {unknown}
    assert unknown not in table
    assert silent in table
    assert (FLEET / "logs" / unknown).is_dir()
    assert not (FLEET / "logs" / silent).exists()


def test_logs_that_stop_end_at_the_told_instant():
    ((host_id, stop),) = TRUTH["logs_stop_at"].items()
    last = instant(log_text(host_id).splitlines()[-1].split(" ")[0])
    assert instant(stop) - timedelta(hours=1) < last < instant(stop) + timedelta(seconds=1)


def test_the_configuration_finds_every_file_and_its_host():
    settings = load_settings(FLEET / "resetradar.toml")
    inputs = settings.inputs
    for templates, folder in (
        (inputs.logs, "logs"),
        (inputs.cpu, "cpu"),
        (inputs.facts, "facts"),
    ):
        found = find(settings.root, templates)
        assert sorted(source.path for source in found) == sorted(files(FLEET / folder))
        assert all(source.host_id == source.path.parent.name for source in found)


@pytest.mark.parametrize(("hosts", "days"), [(0, 1), (1, 0)])
def test_an_impossible_size_is_refused(tmp_path, hosts, days):
    with pytest.raises(InputError, match=r"expected (hosts|days) from 1 to"):
        simulate(hosts, days, 1, tmp_path / "fleet")


def test_a_folder_with_files_is_never_written_over(tmp_path):
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(InputError, match="expected a new or empty folder"):
        simulate(1, 1, 1, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_more_lines_and_samples_do_not_change_what_happens(tmp_path):
    small = simulate(6, 1, 5, tmp_path / "a", lines_per_hour=1, cpu_interval_s=3600)
    large = simulate(6, 1, 5, tmp_path / "b", lines_per_hour=60, sampled_share=1.0)
    assert small.resets == large.resets != ()
    sizes = [sum(map(len, contents(tmp_path / name / "logs").values())) for name in "ab"]
    assert sizes[1] > 3 * sizes[0]
    assert len(files(tmp_path / "b" / "cpu")) > len(files(tmp_path / "a" / "cpu"))
