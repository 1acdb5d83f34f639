"""The catalogue knows each message by its wording, its driver and nothing else."""

import json
import random
import re
import time
import tomllib
from importlib import resources

import hyperscan
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resetradar.catalogue import load_catalogue, read_catalogue
from resetradar.errors import ContractError

CATALOGUE = load_catalogue()
BY_ID = {message.id: message for message in CATALOGUE.messages}
IDS = sorted(BY_ID)
ENVELOPE = b"Feb 25 12:00:01 ip-10-20-1-17 kernel: [ 1234.567890] "


@pytest.fixture(scope="module")
def database():
    expressions = CATALOGUE.expressions()
    compiled = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    compiled.compile(
        expressions=expressions,
        ids=list(range(len(expressions))),
        flags=[hyperscan.HS_FLAG_MULTILINE] * len(expressions),
    )
    return compiled


def hits(database, data):
    found = set()
    database.scan(data, match_event_handler=lambda index, *_: found.add(index) or None)
    return found


def told(text):
    """Returns what a user sees of a match."""
    found = CATALOGUE.match(text)
    assert found is not None, text
    return (found.message.id, found.driver, found.pci_address, found.interface, found.fields)


@pytest.mark.parametrize("identity", IDS)
def test_sample_is_its_own_message_and_no_other(identity):
    message = BY_ID[identity]
    others = [m.index for m in CATALOGUE.messages if m is not message]
    assert CATALOGUE.match(message.sample).message.id == identity
    assert CATALOGUE.match(message.sample, [message.index]).message.id == identity
    assert CATALOGUE.match(message.sample, others) is None


def test_line_without_driver_name_is_never_ambiguous():
    checked = 0
    for message in CATALOGUE.messages:
        if message.needs_driver or CATALOGUE.drivers[message.driver].scope != "device":
            continue
        line = "lan0: " + message.sample.partition(": ")[2]
        others = [m.index for m in CATALOGUE.messages if m is not message]
        assert CATALOGUE.match(line).message is message, line
        assert CATALOGUE.match(line, others) is None, line
        checked += 1
    assert checked > 100


ESCAPES = {
    "plain": lambda text: text,
    "journald": lambda text: json.dumps({"MESSAGE": text, "PRIORITY": "3"}),
    "html-safe JSON": lambda text: re.sub(
        "[<>&']", lambda c: f"\\u{ord(c[0]):04x}", json.dumps({"log": text + "\n"})
    ),
    "JSON with escaped slashes": lambda text: json.dumps({"msg": text}).replace("/", "\\/"),
    "rsyslog control characters": lambda text: text.replace("\t", "#011"),
    "kmsg control characters": lambda text: text.replace("\t", "\\x09"),
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_scan_hits_every_sample_however_the_logger_escapes_it(database, escape):
    missed = [
        message.id
        for message in CATALOGUE.messages
        if message.index
        not in hits(database, ENVELOPE + ESCAPES[escape](message.sample).encode() + b"\n")
    ]
    assert missed == []


def test_scan_does_not_join_two_lines(database):
    begin = BY_ID["igb.begin"].index
    assert begin in hits(database, b"igb 0000:02:00.0 eth0: Reset adapter\n")
    assert begin not in hits(database, b"igb 0000:02:00.0 eth0: up\nReset adapter\n")


PLACEHOLDER = re.compile(r"<([a-z_0-9]+):([a-z]+|\([^)]*\))>")
NUMBER = {"int": (-99, 10**6), "uint": (0, 10**12), "hex": (0, 2**32 - 1)}
WORDS = ("eth0", "kworker/u8:1", "a", "x" * 60)


def entries():
    for file in resources.files("resetradar.catalogue").iterdir():
        if file.name.endswith(".toml"):
            yield from tomllib.loads(file.read_text()).get("message", [])


@pytest.mark.parametrize("seed", range(5))
def test_any_values_are_read_back_from_a_line(database, seed):
    """Lines written from the data files with random values say these values again."""
    rnd = random.Random(seed)  # noqa: S311 - seeded, no secret depends on it
    checked = 0
    for entry in entries():
        text, sample = entry.get("text"), entry["sample"]
        message = BY_ID[entry["id"]]
        at = sample.find(text.split("<")[0][:12]) if text and text[0] != "<" else -1
        if at < 0:
            continue
        expected = {}

        def value(found, expected=expected):
            name, kind = found.groups()
            if kind in NUMBER:
                expected[name] = rnd.randint(*NUMBER[kind])
                return f"{expected[name]:x}" if kind == "hex" else str(expected[name])
            if kind.startswith("("):
                expected[name] = rnd.choice(kind[1:-1].split("|"))
            elif kind == "mac":
                expected[name] = "0a:1b:2c:3d:4e:5f"
            else:
                expected[name] = "eth0" if kind == "name" else rnd.choice(WORDS)
            return expected[name]

        line = sample[:at] + PLACEHOLDER.sub(value, text)
        found = CATALOGUE.match(line)
        assert found is not None, line
        assert found.message.id == entry["id"], line
        interface = expected.pop("interface", found.interface)
        assert found.interface == interface
        version = expected.pop("driver_version", found.driver_version)
        assert found.driver_version == version
        seen = dict(found.fields)
        seen.pop("device_driver", None)
        assert seen == expected, line
        assert message.index in hits(database, line.encode()), line
        checked += 1
    assert checked > 250


# Lines as public logs show them, behind their envelope, then what they say:
# message; driver; address; interface; fields.
REAL = """\
ena 0000:00:05.0 eth0: Found a Tx that wasn't completed on time, qid 2, index 961.
  = ena.tx_missed.v1; ena; 0000:00:05.0; eth0; queue=2; ring_index=961
ena 0000:00:05.0 eth0: The number of lost tx completions is above the threshold (248 > 128). Reset the device
  = ena.tx_threshold.v1; ena; 0000:00:05.0; eth0; missed=248; threshold_count=128
ens5: The number of lost tx completions is above the threshold (129 > 128). Reset the device
  = ena.tx_threshold.v1; ena; -; ens5; missed=129; threshold_count=128
ena 0000:00:05.0 eth0: tx_timeout: 0
  = ena.stats_dump; ena; 0000:00:05.0; eth0; counter=tx_timeout; value=0
ena 0000:00:03.0 eth0: interface_down: 17
  = ena.stats_dump; ena; 0000:00:03.0; eth0; counter=interface_down; value=17
ena 0000:00:05.0 eth0: queue_31_tx_missed_tx: 18446744073709551615
  = ena.stats_dump; ena; 0000:00:05.0; eth0; counter=queue_31_tx_missed_tx; value=9223372036854775807
ena 0000:00:05.0: Device reset completed successfully
  = ena.reset_done.v1; ena; 0000:00:05.0; -
ena 0000:00:05.0 ens5: Local page cache is disabled for less than 16 channels
  = ena.lpc_channels; ena; 0000:00:05.0; ens5; min_channels=16
ena 0000:00:05.0 ens5: Found a Tx that wasn't completed on time, qid 2, index 0. 5756000 usecs have passed since last napi execution. Missing Tx timeout value 5000 msecs
  = ena.tx_missed.v2; ena; 0000:00:05.0; ens5; queue=2; ring_index=0; since_napi_us=5756000; tx_timeout_ms=5000
ena 0000:00:05.0 eth0: TX hasn't completed, qid 3, index 314. 15328 msecs since last interrupt, 4712 msecs since last napi execution, napi scheduled: 1
  = ena.tx_missed.v4; ena; 0000:00:05.0; eth0; queue=3; ring_index=314; since_interrupt_ms=15328; since_napi_ms=4712; napi_scheduled=1
ena 0000:00:05.0 ens5: Keep alive watchdog timeout.
  = ena.keepalive.v1; ena; 0000:00:05.0; ens5
ena 0000:00:05.0 ens5: Trigger reset is on
  = ena.trigger_reset; ena; 0000:00:05.0; ens5
ena 0000:00:05.0 ens5: The ena device didn't send a completion for the admin cmd 11 status 0
  = ena.admin_no_completion.v2; ena; 0000:00:05.0; ens5; opcode=11; completion_status=0
ena 0000:00:05.0: Failed to get ENI stats
  = ena.eni_stats_failed; ena; 0000:00:05.0; -
ena: ena device version: 0.10
  = ena.dev_version.v1; ena; -; -; device_version=0.10
[ENA_COM: ena_com_validate_version] ena device version: 0.10
  = ena.dev_version.v1; ena; -; -; device_version=0.10
ena 0000:00:05.0 (unnamed net_device) (uninitialized): Reg read timeout occurred
  = ena.reg_read_timeout; ena; 0000:00:05.0; -
ena 0000:00:05.0: eth0: Trigger reset is on
  = ena.trigger_reset; ena; 0000:00:05.0; eth0
NMI watchdog: BUG: soft lockup - CPU#48 stuck for 22s! [java:40646]
  = kernel.soft_lockup; kernel; -; -; cpu=48; stuck_s=22; task=java; pid=40646
watchdog: BUG: soft lockup - CPU#5 stuck for 23s! [kworker/u146:7:40646]
  = kernel.soft_lockup; kernel; -; -; cpu=5; stuck_s=23; task=kworker/u146:7; pid=40646
r8125 0000:22:04.0 eth4: rtl_rxtx_empty_cond == 0 (loop: 42, delay: 100).
  = r8169.loop_wait; r8125; 0000:22:04.0; eth4; condition=rtl_rxtx_empty_cond; value=0; loops=42; delay_us=100
NETDEV WATCHDOG: eth1 (r8152): transmit queue 0 timed out
  = netdev_watchdog.v1; r8152; -; eth1; queue=0
NETDEV WATCHDOG: eth0 (ena): transmit queue 1 timed out
  = netdev_watchdog.v1; ena; -; eth0; queue=1
NETDEV WATCHDOG: eth0 (): transmit queue 1 timed out
  = netdev_watchdog.v1; unknown; -; eth0; queue=1
mtk_soc_eth 1e100000.ethernet eth0: NETDEV WATCHDOG: CPU: 1: transmit queue 3 timed out 3685740 ms
  = netdev_watchdog.v3; mtk_soc_eth; 1e100000.ethernet; eth0; cpu=1; queue=3; stall_ms=3685740
r8152 4-1:1.0 eth1: NETDEV WATCHDOG: CPU: 2: transmit queue 0 timed out 5100 ms
  = netdev_watchdog.v3; r8152; 4-1:1.0; eth1; cpu=2; queue=0; stall_ms=5100
ena 0000:00:05.0 ens5: NETDEV WATCHDOG: CPU: 56: transmit queue 11 timed out 5340 ms
  = netdev_watchdog.v3; ena; 0000:00:05.0; ens5; cpu=56; queue=11; stall_ms=5340
i40e 0000:3b:00.0 eth0: tx_timeout recovery level 2, hung_queue 31
  = i40e.recovery_old; i40e; 0000:3b:00.0; eth0; level=2; queue=31
i40e 0000:08:00.1: eth9: tx_timeout recovery level 1, hung_queue 4
  = i40e.recovery_old; i40e; 0000:08:00.1; eth9; level=1; queue=4
e1000e 0000:00:19.0 eth0: Detected Hardware Unit Hang:
  = e1000e.unit_hang; e1000e; 0000:00:19.0; eth0
e1000e 0000:00:19.0 eth0: Detected Hardware Unit Hang:#012  TDH                  <13>
  = e1000e.unit_hang; e1000e; 0000:00:19.0; eth0
igb 0000:09:00.0: Detected Tx Unit Hang
  = igb.unit_hang; igb; 0000:09:00.0; -
INFO: rcu_sched_state detected stall on CPU 1 (t=15000 jiffies)
  = kernel.rcu_stall_old; kernel; -; -; flavor=rcu_sched_state; cpu=1; stall_jiffies=15000
rcu: INFO: rcu_sched detected stalls on CPUs/tasks:
  = kernel.rcu_stall_other; kernel; -; -; flavor=rcu_sched
\t(detected by 0, t=38227 jiffies, g=-1127, q=10)
  = kernel.rcu_stall_tail; kernel; -; -; by_cpu=0; stall_jiffies=38227
rcu:         (t=21002 jiffies g=1292137 q=85 ncpus=2)
  = kernel.rcu_stall_tail; kernel; -; -; stall_jiffies=21002
rcu: #01157-....: (1 GPs behind) idle=3514/0/0x3 softirq=671080/671080 fqs=3762
  = kernel.rcu_stall_cpu_line; kernel; -; -; cpu=57; ticks=1
rcu: INFO: rcu_preempt self-detected stall on CPU
  = kernel.rcu_stall_self; kernel; -; -; flavor=rcu_preempt
rcu: rcu_preempt kthread timer wakeup didn't happen for 20999 jiffies! g12009 f0x2 RCU_GP_WAIT_FQS(5) ->state=0x200
  = kernel.rcu_timer_wakeup; kernel; -; -; flavor=rcu_preempt; stall_jiffies=20999
workqueue: fw_log_work_handler [vendor] hogged CPU for >10000us 8 times, consider switching to WQ_UNBOUND
  = kernel.wq_hogged; kernel; -; -; function=fw_log_work_handler [vendor]; threshold_us=10000; times=8
WARNING: CPU: 0 PID: 9896 at net/sched/sch_generic.c:356 dev_watchdog+0x248/0x260
  = kernel.warning.v1; kernel; -; -; cpu=0; pid=9896; file=net/sched/sch_generic.c; source_line=356; symbol=dev_watchdog+0x248/0x260
docker.service holdoff time over, scheduling restart.
  = systemd.restart.v1; systemd; -; -; unit=docker.service
telemetry-agent.service: Scheduled restart job, restart counter is at 6509.
  = systemd.restart.v3; systemd; -; -; unit=telemetry-agent.service; restarts=6509
ssh.service: main process exited, code=exited, status=255/n/a
  = systemd.exited.v1; systemd; -; -; unit=ssh.service; process=main process; code=exited; status=255; status_text=n/a
systemd-networkd-wait-online.service: Failed with result 'exit-code'.
  = systemd.failed_result; systemd; -; -; unit=systemd-networkd-wait-online.service; result=exit-code
mlx4_en: eth0: Tx timeout called on port:1
  = mlx4.tx_timeout; mlx4; -; eth0; port=1
vif vif-0 eth0: Illegal number of responses 7
  = xen_netfront.bad_responses; xen_netfront; vif-0; eth0; responses=7
hv_netvsc 000d3a7c-1f2e-000d-3a7c-1f2e000d3a7c eth0: VF slot 1 removed
  = hv_netvsc.vf_slot; hv_netvsc; 000d3a7c-1f2e-000d-3a7c-1f2e000d3a7c; eth0; slot=1; state=removed
virtio_net virtio0 eth0: Unexpected TXQ (3) queue failure: -5
  = virtio_net.txq_fail; virtio_net; virtio0; eth0; queue=3; error_number=-5
"""  # noqa: E501
REAL_LINES = re.findall(r"^(.+)\n  = (.+)$", REAL, re.MULTILINE)


def test_real_lines_are_all_read():
    assert len(REAL_LINES) == len(REAL.splitlines()) / 2 > 40


@pytest.mark.parametrize(("text", "expected"), REAL_LINES)
def test_real_line_says(text, expected):
    identity, driver, address, interface, fields = told(text)
    said = [identity, driver, address or "-", interface or "-"]
    assert "; ".join(said + [f"{name}={value}" for name, value in fields.items()]) == expected


def test_swapped_numbers_of_2_17_are_put_right():
    """Release 2.17.0 prints the CPU where it says queue and the queue where it says CPU."""
    fields = told("ena 0000:00:05.0 eth0: [2/2] qid: 56, napi CPU: 11")[4]
    assert fields == {"queue": 11, "napi_cpu": 56}
    pair = "[2/2] qid: 2, highest TX completion pending time (msec): 5240, napi sched changes: 0"
    fields = told(f"ena 0000:00:05.0 eth0: {pair}, napi CPU: 56")[4]
    assert (fields["queue"], fields["napi_cpu"]) == (2, 56)


NAME = "Elastic Network Adapter (ENA)"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (f"Device reset completed successfully, Driver info: {NAME} v2.4.0g", "2.4.0g"),
        (f"Device reset completed, status: 0, Driver info: {NAME} v2.17.0#012", "2.17.0"),
        (f"{NAME} v1.2.0k", "1.2.0k"),
        ("Device reset completed successfully", None),
    ],
)
def test_driver_version_is_read_where_the_line_states_it(text, version):
    assert CATALOGUE.match(f"ena 0000:00:05.0: {text}").driver_version == version


@pytest.mark.parametrize(
    "tail",
    ["", "  ", "\n", "\r\n", "#012", "\\x0a", "\\n", " // here it begins", "\t// reset", "#012 "],
)
def test_what_loggers_and_people_add_behind_a_line_does_no_harm(tail):
    assert told(f"ena 0000:00:05.0 eth0: Trigger reset is on{tail}")[0] == "ena.trigger_reset"


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("ena0: Trigger reset is on", None),  # FreeBSD
        ("ena0: Keep alive watchdog timeout.", None),  # FreeBSD
        ("infiniband rdmap0s6: Device isn't ready, can't reset device", "efa.ready_reset"),
        ("efa 0000:00:1e.0: Device isn't ready, can't reset device", "efa.ready_reset"),
        ("ena 0000:00:05.0 eth0: Trigger refill for ring 0", "ena.rx_refill.v2"),
        ("ena 0000:00:05.0 eth0: Trigger reset is on the way", None),
        ("Trigger reset is on", None),
        ("r8152 4-1:1.0 eth1: Tx timeout", None),
        ("igb 0000:02:00.0 eth0: Trigger reset is on", None),
        ("ixgbe 0000:03:00.0 eth0: Reset adapter", "ixgbe.begin"),
        ("igc 0000:03:00.0 eth0: Reset adapter", "igc.begin"),
        ("eth0: Reset adapter", None),
        ("foo 0000:03:00.0 eth0: Reset adapter", None),
        ("myapp: tx_timeout: 1", None),
        ("docker0: port 1(veth3f2a1b) entered forwarding state", None),
        ("ena 0000:00:05.0: AER: something else", None),
        ("", None),
    ],
)
def test_look_alike(text, identity):
    found = CATALOGUE.match(text)
    assert (found.message.id if found else None) == identity


def test_pci_core_speaking_about_a_device_is_a_cause_and_not_its_driver():
    line = (
        "ena 0000:00:05.0: PCIe Bus Error: severity=Correctable, type=Physical Layer, (Receiver ID)"
    )
    found = CATALOGUE.match(line)
    assert (found.message.id, found.message.role) == ("kernel.aer_bus_error.v1", "cause")
    assert (found.driver, found.pci_address) == ("kernel", "0000:00:05.0")
    assert found.fields["device_driver"] == "ena"


def test_candidates_restrict_and_their_order_does_not_matter():
    line = BY_ID["ena.tx_missed.v2"].sample
    near = [BY_ID[f"ena.tx_missed.v{n}"].index for n in (3, 2, 1)]
    assert CATALOGUE.match(line, near).message.id == "ena.tx_missed.v2"
    assert CATALOGUE.match(line, reversed(near)) == CATALOGUE.match(line, near)
    assert CATALOGUE.match(line, []) is None


CHATTER = """\
audit: type=1400 audit(1740484801.123:17): apparmor="STATUS" operation="profile_load" name="x"
EXT4-fs (nvme1n1p1): mounted filesystem with ordered data mode. Quota mode: none.
docker0: port 1(veth3f2a1b) entered forwarding state
device veth3f2a1b entered promiscuous mode
IPv6: ADDRCONF(NETDEV_CHANGE): veth3f2a1b: link becomes ready
usb 1-1: new high-speed USB device number 2 using xhci_hcd
TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.
nf_conntrack: default automatic helper assignment has been turned off for security reasons
eth0: renamed from veth77
overlayfs: lowerdir is in-use as upperdir/workdir of another mount
loop7: detected capacity change from 0 to 8
nvme nvme0: 8/0/0 default/read/poll queues
pci 0000:00:05.0: [1d0f:ec20] type 00 class 0x020000
ena 0000:00:05.0: enabling device (0010 -> 0012)
ena 0000:00:05.0 ens5: renamed from eth0
mlx5_core 0000:01:00.0: Port module event: module 0, Cable plugged
ixgbe 0000:03:00.0 eth0: detected SFP+: 5
systemd[1]: Started Session 4 of User ubuntu.
systemd[1]: kubelet.service: Deactivated successfully.
sshd[811]: Accepted publickey for ubuntu from 10.0.0.9 port 22 ssh2
IN=eth0 OUT= MAC=0a:1b SRC=10.0.0.2 DST=10.1.1.1 LEN=40 PROTO=TCP SPT=443 DPT=22 SYN
"""


def test_ordinary_lines_are_neither_hit_nor_matched(database):
    assert hits(database, CHATTER.encode()) == set()
    assert [line for line in CHATTER.splitlines() if CATALOGUE.match(line)] == []


def test_scan_database_compiles_while_one_waits():
    begin = time.perf_counter()
    compiled = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    expressions = CATALOGUE.expressions()
    compiled.compile(expressions=expressions, ids=list(range(len(expressions))))
    assert time.perf_counter() - begin < 10


FRAGMENTS = st.sampled_from(
    [m.sample for m in CATALOGUE.messages]
    + ["ena 0000:00:05.0 ", "eth0: ", "[ENA_COM: f] ", "#012", "\\x0a", " // ", "\x00", "\t", ": "]
)


@given(st.lists(st.one_of(st.text(max_size=40), FRAGMENTS), max_size=6))
def test_any_text_is_a_match_or_none(parts):
    found = CATALOGUE.match("".join(parts))
    assert found is None or all(
        isinstance(value, str) or abs(value) < 2**63 for value in found.fields.values()
    )


def test_hostile_lines_take_bounded_time():
    """Lines that repeat what patterns look for are as quick as any other."""
    for message in CATALOGUE.messages:
        words = message.sample.split(" ")
        head = " ".join(words[:3])
        for filler in (" ".join(words[3:]) + " ", "9", "a: ", ","):
            line = f"{head} " + filler * (200_000 // len(filler))
            begin = time.perf_counter()
            CATALOGUE.match(line)
            assert time.perf_counter() - begin < 2, (message.id, filler)


def test_drivers_that_print_no_done_line_are_known():
    silent = {name for name, d in CATALOGUE.drivers.items() if not d.has_done_line}
    assert silent >= {
        "gve", "bnxt_en", "igb", "igc", "ixgbe", "e1000", "e1000e", "tg3", "i40e", "ice",
    }  # fmt: skip
    for name, driver in CATALOGUE.drivers.items():
        if driver.has_done_line:
            roles = {m.role for m in CATALOGUE.messages if m.driver == name}
            assert "reset_done" in roles, name


def test_ena_reasons_are_the_21_values_of_the_register():
    ena = CATALOGUE.drivers["ena"]
    assert [reason.value for reason in ena.reasons] == list(range(21))
    by_name = {reason.name: reason for reason in ena.reasons}
    starved = by_name["SUSPECTED_POLL_STARVATION"]
    assert (starved.value, starved.trigger, starved.since) == (15, "poll_starvation", "2.7.2")
    assert (starved.counter, starved.counter_since) == ("suspected_poll_starvation", "2.10.0")
    assert by_name["KEEP_ALIVE_TO"].counter == "wd_expired"
    assert by_name["MISS_FIRST_INTERRUPT"].value == 20
    assert {r.counter for r in ena.reasons if r.counter} <= set(ena.counters)


def test_only_real_begin_lines_begin_an_ena_reset():
    begins = {m.id for m in CATALOGUE.messages if m.driver == "ena" and m.role == "reset_begin"}
    assert begins == {"ena.trigger_reset", "ena.close_restart"}


def test_watchdog_wording_that_prints_once_per_boot_is_marked():
    once = {m.id for m in CATALOGUE.messages if m.is_once_per_boot}
    assert {"netdev_watchdog.v1", "netdev_watchdog.v2", "kernel.rt_throttling"} <= once
    assert "netdev_watchdog.v3" not in once


GOOD = """\
driver = "toy"
[[message]]
id = "toy.begin"
text = "Resetting toy <queue:int> now"
role = "reset_begin"
level = "err"
source = "toy.c"
sample = "toy 0000:00:05.0 eth0: Resetting toy 3 now"
"""
MISTAKES = {
    "sample of another message": (("toy 3 now", "toy now"), "toy.begin", "no match"),
    "unknown role": (('"reset_begin"', '"reset"'), "toy.begin", "'reset'"),
    "unknown level": (('"err"', '"error"'), "toy.begin", "'error'"),
    "unknown trigger": (("role", 'trigger = "magic"\nrole'), "toy.begin", "'magic'"),
    "unknown key": (("role", 'colour = "red"\nrole'), "toy.begin", "colour"),
    "unknown type": (("queue:int", "queue:number"), "toy.begin", "'number'"),
    "field twice": (("<queue:int>", "<queue:int> <queue:int>"), "toy.begin", "queue"),
    "nothing rare to scan for": (("Resetting toy ", "go "), "toy.begin", "scan"),
    "text and pattern": (("role", 'pattern = "x"\nrole'), "toy.begin", "both"),
    "look-around": (("text = ", 'scan = "Reset"\npattern = "(?=a)"#'), "toy.begin", "(?=a)"),
    "broken pattern": (("text = ", 'scan = "Resetting"\npattern = "(a"#'), "toy.begin", "regular"),
    "no scan for a pattern": (("text = ", 'pattern = "a"#'), "toy.begin", "scan"),
    "no source": (('source = "toy.c"\n', ""), "toy.begin", "source"),
    "id of another driver": (('"toy.begin"', '"joy.begin"'), "joy.begin", "toy"),
    "file of another driver": (('driver = "toy"', 'driver = "joy"'), "toy.toml", "joy"),
    "id twice": (("[[message]]", GOOD.partition("\n")[2] + "[[message]]"), "toy.toml", "toy.begin"),
    "no TOML": (("[[message]]", "[[message"), "toy.toml", "TOML"),
}  # fmt: skip


def test_a_new_driver_is_one_file(tmp_path):
    (tmp_path / "toy.toml").write_text(GOOD)
    found = read_catalogue(tmp_path).match("toy 0000:00:05.0 eth0: Resetting toy 7 now")
    assert (found.message.id, found.fields) == ("toy.begin", {"queue": 7})


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_data_file_is_named(tmp_path, mistake):
    (old, new), place, found = MISTAKES[mistake]
    assert old in GOOD
    (tmp_path / "toy.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ContractError) as caught:
        read_catalogue(tmp_path)
    for part in ("toy.toml", place, found, "expected", "found"):
        assert part in str(caught.value)
