"""Host facts: raw files of a host become observations, whole or damaged; the rest is reported."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from resetradar.facts import FORMATS, Fact, facts_table, parse_facts, split_sections, thinned
from resetradar.facts.smp_affinity import cpu_list
from resetradar.ingest import ingest_facts, lake_of
from resetradar.settings import Inputs, Settings
from resetradar.tables import HOST_FACTS, REJECTS

SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "facts"
HOST = "ip-10-20-1-17"
FILE = SAMPLES / HOST / "facts-2026-11-18.txt"
DAY = date(2026, 11, 18)
NINE = int(datetime(2026, 11, 18, 9, tzinfo=UTC).timestamp())

CPUS = "      CPU0 CPU2 CPU3"


def parse(text, host=HOST):
    sections, stray = split_sections(text.encode(), "facts.txt", host)
    parsed = parse_facts(sections)
    return parsed.facts, [*stray, *parsed.rejects]


def section(seconds, name, *lines):
    return "\n".join([f"# {NINE + seconds} {name}", *lines, ""])


def interrupts(seconds, *lines):
    return section(seconds, "/proc/interrupts", CPUS, *lines)


def of(facts, fact):
    """Values of a fact by second after nine and subject."""
    return {(f.at_us // 1_000_000 - NINE, f.subject): f.value for f in facts if f.fact == fact}


@pytest.fixture
def sample():
    facts, rejects = parse(FILE.read_text())
    assert rejects == []
    return facts


def test_growth_tells_where_a_queue_is_served_not_the_sum_since_boot(sample):
    """Queue 1 moved to CPU 3 although CPU 2 has a hundred times more interrupts since boot."""
    assert of(sample, "irq_cpu") == {
        (600, "ena-mgmnt@pci:0000:00:05.0"): 0,
        (600, "eth0-Tx-Rx-0"): 1,
        (600, "eth0-Tx-Rx-1"): 2,
        (1200, "ena-mgmnt@pci:0000:00:05.0"): 0,
        (1200, "eth0-Tx-Rx-0"): 1,
        (1200, "eth0-Tx-Rx-1"): 3,
    }


def test_affinity_is_known_by_the_name_of_the_interrupt(sample):
    assert of(sample, "irq_affinity_cpu") == {
        (0, "eth0-Tx-Rx-0"): 1,
        (600, "eth0-Tx-Rx-0"): 1,
        (1200, "eth0-Tx-Rx-0"): 1,
        (0, "eth0-Tx-Rx-1"): 2,
        (600, "eth0-Tx-Rx-1"): 2,
        (1200, "eth0-Tx-Rx-1"): 3,
    }
    assert of(sample, "irq_affinity_cpus")[0, "eth0-Tx-Rx-1"] == 4


def test_leaks_restarts_drops_and_counters_are_facts(sample):
    assert of(sample, "memory_cgroups") == {(0, ""): 62500, (600, ""): 62585, (1200, ""): 62671}
    assert of(sample, "unit_restarts")[1200, "ecs.service"] == 61171
    assert of(sample, "unit_active")[0, "ecs.service"] == 0
    assert of(sample, "unit_active")[0, "snapd.service"] == 1
    assert of(sample, "softnet_squeezed") == {(s, "1"): 3 for s in (0, 600, 1200)}
    assert of(sample, "softnet_dropped") == {(s, "2"): 2 for s in (0, 600, 1200)}
    assert of(sample, "ethtool")[0, "eth0 total_resets"] == 1
    assert of(sample, "ethtool")[600, "eth0 total_resets"] == 2
    assert not [f for f in sample if "queue_0" in f.subject]


def test_every_format_reads_something_of_the_sample(sample):
    del sample
    names = {s.name for s in split_sections(FILE.read_bytes(), "facts.txt", HOST)[0]}

    assert [f.NAME for f in FORMATS if not any(f.recognise(name) for name in names)] == []


def test_cpus_that_are_offline_leave_gaps_in_the_numbers():
    """The second column is CPU 2 if CPU 1 is offline."""
    facts, rejects = parse(
        interrupts(0, " 32: 0 10 0 PCI-MSI 1-edge eth0-Tx-Rx-0")
        + interrupts(60, " 32: 0 20 0 PCI-MSI 1-edge eth0-Tx-Rx-0")
    )

    assert of(facts, "irq_cpu") == {(60, "eth0-Tx-Rx-0"): 2}
    assert rejects == []


def test_reboot_and_silence_say_nothing_of_the_cpu():
    """Counters that fell, did not move, or are new have no fact; the next growth has one."""
    facts, _ = parse(
        interrupts(0, " 32: 0 90 0 PCI-MSI 1-edge eth0-Tx-Rx-0")
        + interrupts(60, " 32: 5 3 0 PCI-MSI 1-edge eth0-Tx-Rx-0")
        + interrupts(120, " 32: 5 3 0 PCI-MSI 1-edge eth0-Tx-Rx-0")
        + interrupts(180, " 40: 5 3 9 PCI-MSI 1-edge eth0-Tx-Rx-0")
    )

    assert of(facts, "irq_cpu") == {(180, "eth0-Tx-Rx-0"): 3}


def test_dying_cgroups_of_memory_come_before_those_of_all():
    text = section(
        0, "/sys/fs/cgroup/cgroup.stat", "nr_dying_descendants 9", "nr_dying_subsys_memory 7"
    ) + section(60, "/sys/fs/cgroup/cgroup.stat", "nr_descendants 3", "nr_dying_descendants 9")

    assert of(parse(text)[0], "dying_memory_cgroups") == {(0, ""): 7, (60, ""): 9}


def test_softnet_of_old_kernels_counts_lines_as_cpus():
    text = section(0, "/proc/net/softnet_stat", "00000001 00000000 0000000a", "01 00 00")

    assert of(parse(text)[0], "softnet_squeezed") == {(0, "0"): 10}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "facts: expected a header '# <seconds> <path or command>', found an empty file"),
        ("eth0: up\n", "facts: expected a header '# <seconds> <path or command>', found text"),
        (section(0, "/proc/meminfo", "MemTotal: 1"), "/proc/meminfo: section: expected one of"),
        (section(0, "/proc/interrupts", "no"), "/proc/interrupts: header: expected CPU0 CPU1"),
        (interrupts(0, " 32: 0 x 0 MSI 1-edge eth0-Tx-Rx-0"), "interrupt: expected 3 counts"),
        (section(0, "/proc/cgroups", "memory\t4"), "memory_cgroups: expected a number, found none"),
        (section(0, "systemctl show", "Id=a.service", "NRestarts=?"), "unit: expected Id and"),
        (section(0, "/proc/net/softnet_stat", "zz"), "CPU: expected columns of hexadecimal"),
        (section(0, "ethtool -S eth0", "no stats available"), "counters: expected lines"),
        (
            interrupts(0, " 32: 0 1 0 MSI 1-edge eth0-Tx-Rx-0")
            + section(0, "/proc/irq/32/smp_affinity_list", "0-99999"),
            "CPUs: expected a list such as 0-3,8",
        ),
    ],
)
def test_what_cannot_be_read_is_reported(text, reason):
    """One reject with the reason, and the file, host and line of it."""
    facts, rejects = parse(text)

    assert facts == []
    assert len(rejects) == 1
    assert reason in rejects[0].reason
    assert (rejects[0].source_path, rejects[0].host_id) == ("facts.txt", HOST)


def test_reject_names_the_line():
    text = section(0, "/proc/cgroups", "memory 4 7 1") + interrupts(
        0, " 32: 0 1 0 MSI 1-edge eth0-Tx-Rx-0", " 33: 0 1"
        " eth0-Tx-Rx-1"
    )  # fmt: skip

    assert [r.line_number for r in parse(text)[1]] == [6]


def test_damage_cannot_flood_the_rejects():
    text = section(0, "/proc/net/softnet_stat", *["zz"] * 1000)
    rejects = parse(text)[1]

    assert len(rejects) == 6
    assert "995 more lines" in rejects[-1].reason


@given(st.text() | st.lists(st.sampled_from(FILE.read_text().splitlines())).map("\n".join))
@hypothesis_settings(max_examples=60, deadline=None)
def test_nothing_that_a_file_holds_is_an_error(text):
    facts, rejects = parse(text)

    assert all(f.value >= 0 for f in facts)
    assert facts or rejects or text.strip()


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("3", [3]), ("0-2,8\n", [0, 1, 2, 8]), ("2,2", [2]), ("", None), ("3-1", None), ("a", None)],
)
def test_cpu_list(text, cpus):
    assert cpu_list(text) == cpus


def test_what_does_not_change_is_told_once_an_hour():
    """A value is told at its first moment in an hour and when it changes, also back."""
    moments = [(0, 1), (60, 1), (120, 2), (180, 1), (3599, 1), (3600, 1), (3660, 1)]
    facts = [Fact((NINE + s) * 1_000_000, "irq_cpu", "eth0-Tx-Rx-0", v) for s, v in moments]

    assert [f.at_us // 1_000_000 - NINE for f in thinned(facts)] == [0, 120, 180, 3600]


def write(folder, day, text):
    path = folder / "facts" / HOST / f"facts-{day}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def settings(folder):
    inputs = Inputs(facts=["facts/{host_id}/*-{day}.txt*"])
    return Settings(root=folder, lake=Path("lake"), shards=1, inputs=inputs)


def test_ingest_writes_the_day_and_reads_the_day_before_for_the_growth(tmp_path):
    """The first snapshot of a day has its fact by the last one of the day before."""
    late = section(-9 * 3600 - 60, "/proc/interrupts", CPUS, " 32: 0 5 0 MSI 1-edge eth0-Tx-Rx-0")
    early = section(-9 * 3600 + 60, "/proc/interrupts", CPUS, " 32: 0 5 4 MSI 1-edge eth0-Tx-Rx-0")
    write(tmp_path, "2026-11-17", late + section(-9 * 3600 - 30, "/proc/cgroups", "memory 1 7 1"))
    write(tmp_path, "2026-11-18", early)

    done = ingest_facts(settings(tmp_path), DAY, 0)

    rows = lake_of(settings(tmp_path)).read(HOST_FACTS, DAY, DAY).to_pylist()
    assert [(r["host_id"], r["fact"], r["subject"], r["value"]) for r in rows] == [
        (HOST, "irq_cpu", "eth0-Tx-Rx-0", 3)
    ]
    assert rows[0]["observed_at"] == datetime(2026, 11, 18, 0, 1)
    assert (done.rows["host_facts"], done.rejects, done.files) == (1, 0, 2)


def test_files_delivered_twice_or_in_parts_give_the_same_bytes(tmp_path):
    text = FILE.read_text()
    half = text.index(f"# {NINE + 600}")
    write(tmp_path / "whole", "2026-11-18", text)
    write(tmp_path / "parts", "2026-11-18", text[half:])
    write(tmp_path / "parts", "b-2026-11-18", text[:half])
    write(tmp_path / "parts", "a-2026-11-18", text)
    found = []
    for name in ("whole", "parts"):
        ingest_facts(settings(tmp_path / name), DAY, 0)
        (path,) = lake_of(settings(tmp_path / name)).files(HOST_FACTS, DAY, DAY)
        found.append(path.read_bytes())

    assert found[0] == found[1]
    assert facts_table({}).schema == HOST_FACTS.schema


def test_file_without_a_host_in_its_path_is_a_reject(tmp_path):
    write(tmp_path, "2026-11-18", FILE.read_text())
    inputs = Inputs(facts=["facts/*/*-{day}.txt"])
    nameless = Settings(root=tmp_path, lake=Path("lake"), shards=1, inputs=inputs)

    ingest_facts(nameless, DAY, 0)

    (row,) = lake_of(nameless).read(REJECTS, DAY, DAY).to_pylist()
    assert "expected {host_id} in the path template" in row["reason"]


def test_a_file_of_blank_lines_is_told_like_an_empty_one():
    facts, rejects = parse("\r\n \n")

    assert facts == []
    assert "found an empty file" in rejects[0].reason
