"""Episodes: the rules that no single story shows."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.adhoc import find_episodes

_ENA = "ena 0000:00:05.0 eth0: "
_RESET = (
    (0.0, _ENA + "Keep alive watchdog timeout."),
    (0.1, _ENA + "Trigger reset is on"),
    (0.2, "ena 0000:00:05.0: Device reset completed successfully"),
)
_STORIES = Path(__file__).parents[1] / "data" / "samples" / "stories"


def _dmesg(*lines):
    return "".join(f"[{time:12.6f}] {text}\n" for time, text in lines)


def _kern(host, *lines, day=20):
    """Traditional lines: seconds of the day, kernel clock 1000 s behind, text."""
    return "".join(
        f"Nov {day} {int(t) // 3600:02d}:{int(t) // 60 % 60:02d}:{int(t) % 60:02d} {host} kernel: "
        f"[{t + 1000:12.6f}] {text}\n"
        for t, text in lines
    )


def _found(folder, **files):
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name.replace("__", ".")).write_bytes(data)
    return find_episodes([folder]).records


def _at(start, lines=_RESET):
    return [(start + time, text) for time, text in lines]


def _brief(records):
    return [(r["kind"], r["outcome"], r["lines"]) for r in records]


def test_two_resets_a_second_apart_are_two(tmp_path):
    records = _found(tmp_path, log=_dmesg(*_at(100), *_at(101)))

    assert _brief(records) == [("reset", "ok", 3)] * 2


def test_a_begin_line_without_a_closing_line_ends_at_the_next_begin(tmp_path):
    records = _found(tmp_path, log=_dmesg(*_at(100, _RESET[:2]), *_at(108)))

    assert _brief(records) == [("reset", "unfinished", 2), ("reset", "ok", 3)]


def test_a_symptom_that_never_led_to_a_reset_within_a_minute_stands_alone(tmp_path):
    records = _found(tmp_path, log=_dmesg((100, _RESET[0][1]), *_at(200)))

    assert [(r["kind"], r["outcome"]) for r in records] == [
        ("reset", "reset_unconfirmed"), ("reset", "ok"),
    ]  # fmt: skip


def test_a_dump_without_a_begin_line_is_a_reset_whose_begin_was_lost(tmp_path):
    dump = [(100.0 + n / 1000, f"{_ENA}queue_{n}_tx_cnt: 7") for n in range(40)]
    records = _found(tmp_path, log=_dmesg(*dump, (100.5, _RESET[2][1])))

    assert _brief(records) == [("reset", "ok", 41)]
    assert records[0]["trigger"] is None


def test_a_thousand_late_completions_are_one_reset(tmp_path):
    late = [
        (n / 64, f"{_ENA}Found a Tx that wasn't completed on time, qid 5, index {n}.")
        for n in range(1024)
    ]
    threshold = "The number of lost tx completions is above the threshold (129 > 128)."
    end = [(16.1, f"{_ENA}{threshold} Reset the device"), *_at(16.2, _RESET[1:])]

    records = _found(tmp_path, log=_dmesg(*_at(100, late), *_at(100, end)))

    assert _brief(records) == [("reset", "ok", 1027)]
    assert records[0]["queues"] == [5]


def test_the_counter_that_grew_between_two_dumps_tells_the_reason(tmp_path):
    def dump(wd, admin):
        names = (f"wd_expired: {wd}", f"missing_admin_interrupt: {admin}")
        return [(0.15, _ENA + name) for name in names]

    first, second = ([*_RESET[:2], *dump(*values), _RESET[2]] for values in ((4, 9), (4, 10)))
    records = _found(tmp_path, log=_dmesg(*_at(100, first), *_at(500, second)))

    assert [(r["reset_reason"], r["reason_basis"]) for r in records] == [
        ("KEEP_ALIVE_TO", "decisive line"), ("MISSING_ADMIN_INTERRUPT", "counter"),
    ]  # fmt: skip


def test_start_is_computed_back_from_the_stated_duration(tmp_path):
    text = (
        "mlx5_core 0000:13:00.1 eth1: NETDEV WATCHDOG: CPU: 3: transmit queue 1 timed out 5340 ms"
    )
    record = _found(tmp_path, log=_kern("h1", (3600, text)))[0]

    assert record["first_line_at"] - record["started_at"] == 5_340_000


def test_the_window_is_the_interval_that_the_driver_states(tmp_path):
    text = (
        "TX q 5 is paused for too long (threshold 5000000). Time since last napi 6596000 usec. "
        "napi scheduled: 1"
    )
    record = _found(tmp_path, log=_kern("h1", (3600, _ENA + text), *_at(3603, _RESET[1:])))[0]

    assert record["window_basis"] == "since_napi"
    assert record["window_end_at"] - record["window_start_at"] == 6_596_000
    assert record["window_end_at"] == record["first_line_at"]
    assert record["reset_at"] - record["window_end_at"] == 3_000_000


def test_a_file_delivered_twice_and_packed_changes_nothing(tmp_path):
    import gzip  # noqa: PLC0415 - used here alone

    text = _kern("h1", *_at(3600), *_at(7200))
    once, twice = tmp_path / "once", tmp_path / "twice"
    for folder in (once, twice):
        folder.mkdir()
    expected = _brief(_found(once, log=text))

    assert _brief(_found(twice, kern__log=text, copy__log=gzip.compress(text.encode()))) == expected


@pytest.mark.parametrize("seed", range(4))
def test_the_order_and_split_of_files_does_not_matter(tmp_path, seed):
    lines = [line for n in range(12) for line in _at(3600 + 300 * n)]
    text = _kern("h1", *lines).splitlines(keepends=True)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    pieces = random.Random(seed)  # noqa: S311 - the same cuts in every run
    cuts = sorted(pieces.sample(range(len(text)), 3))
    names = pieces.sample(["a", "b", "c", "d"], 4)
    split = {
        name: "".join(text[start:stop])
        for name, start, stop in zip(names, [0, *cuts], [*cuts, len(text)], strict=True)
    }
    same = ("reset_id", "started_at", "reset_at", "ended_at", "outcome", "lines", "trigger")

    expected = [[r[k] for k in same] for r in _found(whole, log="".join(text))]

    assert len(expected) == 12
    assert [[r[k] for k in same] for r in _found(parts, **split)] == expected


def test_two_hosts_in_one_file_are_told_apart(tmp_path):
    mixed = [
        line
        for pair in zip(
            _kern("h1", *_at(3600)).splitlines(), _kern("h2", *_at(3600)).splitlines(), strict=True
        )
        for line in pair
    ]
    records = _found(tmp_path, log="\n".join(mixed))

    assert sorted((r["host_id"], r["outcome"]) for r in records) == [("h1", "ok"), ("h2", "ok")]


@given(st.binary(max_size=4000))
@settings(max_examples=60, deadline=None)
def test_random_bytes_hold_no_episode(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("noise")

    assert _found(folder, log=data) == []


_LOGS = sorted(p for p in _STORIES.glob("*/*") if p.name not in {"expected.jsonl", "README.md"})


@given(st.sampled_from(_LOGS), st.integers(0, 2000), st.integers(0, 2000))
@settings(max_examples=80, deadline=None)
def test_a_part_of_a_log_never_has_more_resets_than_begin_and_end_lines(
    tmp_path_factory, path, start, stop
):
    folder = tmp_path_factory.mktemp("part")
    data = path.read_bytes()[start : start + stop]
    # Each reset needs a line that begins it, ends it or announces it.
    words = (
        b"Trigger", b"completed", b"Reset the device", b"watchdog timeout", b"paused for",
        b"refresh",
        b"starved", b"napi handler", b"not in running", b": ", b"WATCHDOG",
    )  # fmt: skip
    evidence = sum(data.count(word) for word in words)

    assert len(_found(folder, log=data)) <= evidence


def test_a_record_kept_by_two_collectors_counts_once(tmp_path):
    journal = "".join(
        f"Nov 20 01:00:{int(t):02d} h1 kernel: {text}\n" for t, text in _at(0, _RESET)
    )
    records = _found(tmp_path, kern__log=_kern("h1", *_at(3600)), journal__txt=journal)

    assert _brief(records) == [("reset", "ok", 3)]


def test_lines_received_a_minute_late_are_placed_by_the_kernel_clock(tmp_path):
    on_time = _kern("h1", (3600, _ENA + "Trigger refill for ring 0"), *_at(3900))
    late = on_time.replace("01:05:0", "01:06:1")
    record = _found(tmp_path, log=late)[0]

    assert record["reset_at"] % 86_400_000_000 == 3900_100_000
    assert record["clock_error_s"] >= 1


def test_an_interrupt_that_never_came_is_not_an_interrupt_age(tmp_path):
    text = (
        "TX hasn't completed, qid 3, index 1. 1000000 msecs since last interrupt, 6000 msecs since "
        "last napi execution, napi scheduled: 1"
    )
    record = _found(tmp_path, log=_dmesg((1000, _ENA + text)))[0]

    assert (record["since_interrupt_us"], record["since_napi_us"]) == (None, 6_000_000)


_E1000E = "e1000e 0000:00:1f.6 eno2: "
_WATCHDOG = "NETDEV WATCHDOG: CPU: 5: transmit queue {} timed out {} ms"


def test_a_stall_that_began_after_the_last_report_is_another_one(tmp_path):
    """The second report states 5.5 s, so its stall began long after the first report."""
    text = "virtio_net virtio0 eth0: " + _WATCHDOG
    log = _dmesg(
        (66, text.format(0, 5500)), (68, text.format(0, 7500)), (112, text.format(0, 5500))
    )

    assert _brief(_found(tmp_path, log=log)) == [
        ("stall", "stall_no_reset", 2),
        ("stall", "stall_no_reset", 1),
    ]


def test_queue_and_trigger_of_a_second_reset_are_not_lost_in_the_first(tmp_path):
    """Drivers that print no end leave a reset open; the next watchdog line is not part of it."""
    lines = [
        (time + late, _E1000E + text)
        for time, queue in ((100, 0), (135, 1))
        for late, text in (
            (0, _WATCHDOG.format(queue, 5100)),
            (0.1, "Reset adapter unexpectedly"),
            (4, "NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None"),
        )
    ]
    records = _found(tmp_path, log=_dmesg(*lines))

    assert [(r["kind"], r["queues"], r["trigger"]) for r in records] == [
        ("reset", [0], "netdev_watchdog"),
        ("reset", [1], "netdev_watchdog"),
    ]


def test_a_stall_that_goes_on_through_a_reset_belongs_to_it(tmp_path):
    lines = [
        (100, _E1000E + _WATCHDOG.format(0, 5100)),
        (100.1, _E1000E + "Reset adapter unexpectedly"),
        (105, _E1000E + _WATCHDOG.format(0, 10100)),
    ]

    assert _brief(_found(tmp_path, log=_dmesg(*lines))) == [("reset", "assumed_ok", 3)]


@pytest.mark.parametrize(
    ("texts", "resets"),
    [
        (("TX timeout, resetting", "tx_timeout recovery level 1"), 1),
        (("TX timeout, resetting", "TX timeout, resetting"), 2),
    ],
)
def test_one_reset_in_two_wordings_is_one_and_the_same_words_twice_are_two(tmp_path, texts, resets):
    lines = [(100 + n / 10, "fm10k 0000:03:00.0 eth3: " + text) for n, text in enumerate(texts)]

    assert len(_found(tmp_path, log=_dmesg(*lines))) == resets


def test_a_line_about_the_link_tells_the_address_of_a_device_named_without_one(tmp_path):
    log = _dmesg(
        (10, "sky2 0000:06:00.0 eth4: Link is up at 100 Mbps, full duplex, flow control both"),
        (90, "NETDEV WATCHDOG: eth4 (sky2): transmit queue 0 timed out"),
    )
    record = _found(tmp_path, log=log)[0]

    assert (record["driver"], record["pci_address"], record["interface"]) == (
        "sky2", "0000:06:00.0", "eth4",
    )  # fmt: skip


def test_a_line_about_the_link_tells_the_driver_of_a_watchdog_that_names_none(tmp_path):
    log = _dmesg(
        (10, "NETDEV WATCHDOG: eth4: transmit timed out"),
        (12, "e1000: eth4 NIC Link is Up 100 Mbps Full Duplex"),
    )

    assert [r["driver"] for r in _found(tmp_path, log=log)] == ["e1000"]


def test_a_device_known_by_its_address_alone_gains_its_name_in_mid_episode(tmp_path):
    log = _dmesg(
        (10, "iavf 0000:00:05.0: Reset indication received from the PF"),
        (10.2, "iavf 0000:00:05.0 eth2: NIC Link is Up Speed is 10 Gbps Full Duplex"),
        (10.4, "iavf 0000:00:05.0: Reset indication received from the PF"),
    )

    assert [(r["interface"], r["lines"]) for r in _found(tmp_path, log=log)] == [("eth2", 3)]


def test_a_row_below_a_hang_belongs_to_the_nearest_line_above(tmp_path):
    log = _dmesg(
        (10, "e1000 0000:00:03.0 eth0: Detected Tx Unit Hang"),
        (10.1, "igb 0000:02:00.1 eth1: Detected Tx Unit Hang"),
        (10.1, "  Tx Queue             <5>"),
    )

    assert [(r["driver"], r["queues"]) for r in _found(tmp_path, log=log)] == [
        ("e1000", []), ("igb", [5]),
    ]  # fmt: skip


def test_a_begin_line_that_states_its_cause_and_queue_is_believed(tmp_path):
    log = _dmesg((10, "i40e 0000:3b:00.0 eth0: tx_timeout recovery level 1, txqueue 31"))
    record = _found(tmp_path, log=log)[0]

    assert (record["trigger"], record["queues"], record["lines"]) == ("netdev_watchdog", [31], 1)


@pytest.mark.parametrize(
    "line",
    [
        "spi0: transmit timed out, resetting controller",
        "i2c i2c-1: tx timeout, resetting bus",
        "Bluetooth: hci0: tx timeout, resetting",
        "sd 0:0:0:0: tx timeout - resetting device",
        "foo 0000:03:00.0: transmit timed out, resetting",
    ],
)
def test_what_is_no_interface_has_no_network_reset_however_it_speaks(tmp_path, line):
    assert _found(tmp_path, log=_dmesg((10, line))) == []


_BEGIN = "e1000e 0000:00:1f.6: eno2: Reset adapter unexpectedly"
_FORMS = {
    "a web archive": f'<pre>\n<span class="q1">&gt; {_BEGIN}</span><br>\n',
    "a forum": f"[code]{_BEGIN}[/code]\n",
    "a console that waits for a login": f"gw-1.example login: {_BEGIN}\n",
    "a log that keeps the time of the day": f"18:32:02: {_BEGIN}\n",
    "the same with a tag": f"18:32:02 kernel: [ 7100.097550] {_BEGIN}\n",
    "ESXi": f"2026-11-20T12:00:01.881Z cpu1:65936)<3>{_BEGIN}\n",
    "ESX 4": f"Nov 20 12:00:01 esx-7 vmkernel: 15:07:33:10.284 cpu2:4245)<3>{_BEGIN}\n",
    "ESXi, indented": f"\t2026-11-20T12:00:01.881Z cpu1:65936)<3>{_BEGIN}\n",
    "a phone's log": f"11-20 12:00:01.123     0     0 E         : {_BEGIN}\n",
    "a phone's console": f"<3>[ 7555.219803] [0: ksoftirqd/0:    9] {_BEGIN}\n",
    "another phone's console": f"<3>[ 7555.219803] (0)[9:ksoftirqd/0]{_BEGIN}\n",
    "records with the kernel's tags": f"{_BEGIN} SUBSYSTEM=pci DEVICE=+pci:0000:00:1f.6\n",
    "a journal of Latin letters": f"M\xe4r 05 12:00:01 gw kernel: {_BEGIN}\n".encode("latin-1"),
    "a Windows editor": f"[ 7555.219803] {_BEGIN}\r\n".encode("utf-16"),
}


@pytest.mark.parametrize("form", _FORMS)
def test_a_reset_is_found_in_the_form_of(form, tmp_path):
    records = _found(tmp_path, log=_FORMS[form])

    assert [(r["kind"], r["driver"], r["pci_address"], r["interface"]) for r in records] == [
        ("reset", "e1000e", "0000:00:1f.6", "eno2")
    ]


@pytest.mark.parametrize(
    ("form", "at"),
    [
        ("ESXi", (1795176001, 881000)),
        ("a phone's log", (1795176001, 123000)),
        ("a journal of Latin letters", (1772712001, 0)),
    ],
)
def test_the_time_is_read_in_the_form_of(form, at, tmp_path):
    """The day is told by the file, which was written on 24 November 2026."""
    _found(tmp_path, log=_FORMS[form])
    os.utime(tmp_path / "log", (1795500000, 1795500000))

    assert find_episodes([tmp_path]).records[0]["reset_at"] == at[0] * 1_000_000 + at[1]
