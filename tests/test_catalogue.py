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
# What most drivers say alike is asked last, after the words of a driver's own file.
OWN = [m for m in CATALOGUE.messages if m.driver != "widespread"]
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
    others = [m.index for m in OWN if m is not message]
    assert CATALOGUE.match(message.sample).message.id == identity
    assert CATALOGUE.match(message.sample, [message.index]).message.id == identity
    assert CATALOGUE.match(message.sample, others) is None


def test_line_without_driver_name_is_never_ambiguous():
    checked = 0
    for message in CATALOGUE.messages:
        if message.needs_driver or CATALOGUE.drivers[message.driver].scope != "device":
            continue
        line = "lan0: " + message.sample.partition(": ")[2]
        others = [m.index for m in OWN if m is not message]
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
  = kernel.rcu_stall_cpu_line; kernel; -; -; cpu=57; periods_behind=1
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
  = xen-netfront.bad_responses; xen-netfront; vif-0; eth0; responses=7
hv_netvsc 000d3a7c-1f2e-000d-3a7c-1f2e000d3a7c eth0: VF slot 1 removed
  = hv_netvsc.vf_slot; hv_netvsc; 000d3a7c-1f2e-000d-3a7c-1f2e000d3a7c; eth0; slot=1; state=removed
virtio_net virtio0 eth0: Unexpected TXQ (3) queue failure: -5
  = virtio_net.txq_fail; virtio_net; virtio0; eth0; queue=3; error_number=-5
BUG: soft lockup - CPU#3 stuck for 22s! [swapper/3:0]
  = kernel.soft_lockup; kernel; -; -; cpu=3; stuck_s=22; task=swapper/3; pid=0
BUG: soft lockup detected on CPU#0!
  = kernel.soft_lockup_old; kernel; -; -; cpu=0
NMI watchdog: Watchdog detected hard LOCKUP on cpu 13dModules linked in: veth xt_nat
  = kernel.hard_lockup.v1; kernel; -; -; cpu=13
INFO: rcu_sched_state detected stalls on CPUs/tasks: { 2} (detected by 7, t=15002 jiffies)
  = kernel.rcu_stall_other; kernel; -; -; flavor=rcu_sched_state; cpus=2; by_cpu=7; stall_jiffies=15002
INFO: rcu_sched self-detected stall on CPU { 0}  (t=6500 jiffies g=11566 c=11565 q=4208)
  = kernel.rcu_stall_self; kernel; -; -; flavor=rcu_sched; cpus=0; stall_jiffies=6500
rcu: \t5-...: (14749 ticks this GP) idle=512/140000000000001/0 softirq=7/7 fqs=3
  = kernel.rcu_stall_cpu_line; kernel; -; -; cpu=5; ticks=14749
\t0: (4 GPs behind) idle=b05/1/0 drain=5 . timer not pending
  = kernel.rcu_stall_cpu_line; kernel; -; -; cpu=0; periods_behind=4
\t(detected by 3, t=15002 jiffies)
  = kernel.rcu_stall_tail; kernel; -; -; by_cpu=3; stall_jiffies=15002
\t(t=60013 jiffies g=687873 q=106209)
  = kernel.rcu_stall_tail; kernel; -; -; stall_jiffies=60013
rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 13-.... } 60019 jiffies s: 521 root: 0x2/.
  = kernel.rcu_stall_exp; kernel; -; -; flavor=rcu_preempt; cpus=13-....; stall_jiffies=60019
rcu_sched kthread starved for 5252 jiffies! g1 c0 f0x0 RCU_GP_WAIT_FQS(3) ->state=0x1
  = kernel.rcu_kthread_starved; kernel; -; -; flavor=rcu_sched; stall_jiffies=5252
INFO: task kworker/2:1:5747 blocked for more than 120 seconds.
  = kernel.hung_task.v1; kernel; -; -; task=kworker/2:1; pid=5747; blocked_s=120
INFO: task cat:1437 blocked on a semaphore likely last held by task cat:1436
  = kernel.hung_task_blocker; kernel; -; -; task=cat; pid=1437; lock=semaphore; owner=cat; owner_pid=1436
python invoked oom-killer: gfp_mask=0x280da, order=0, oom_score_adj=0
  = kernel.oom_invoked; kernel; -; -; task=python; gfp=164058; order=0; oom_score_adj=0
java invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=994
  = kernel.oom_invoked; kernel; -; -; task=java; gfp=20971712; gfp_names=GFP_KERNEL; order=0; oom_score_adj=994
swapper: page allocation failure. order:1, mode:0x20
  = kernel.page_alloc_fail; kernel; -; -; task=swapper; order=1
perf samples too long (2506 > 2500), lowering kernel.perf_event_max_sample_rate to 50000
  = kernel.perf_slow; kernel; -; -; took_ns=2506; limit_ns=2500; rate=50000
clocksource: timekeeping watchdog: Marking clocksource 'tsc' as unstable because the skew is too large:
  = kernel.clocksource_unstable.v1; kernel; -; -; clocksource=tsc
[sched_delayed] sched: RT throttling activated
  = kernel.rt_throttling; kernel; -; -
NOHZ: local_softirq_pending 08
  = kernel.nohz_softirq.v0; kernel; -; -; mask=8
nf_conntrack: nf_conntrack: table full, dropping packet
  = kernel.conntrack_full; kernel; -; -
ip_conntrack: table full, dropping packet.
  = kernel.conntrack_full; kernel; -; -
nf_conntrack: nf_conntrack: table full in netns 4026532281, dropping packet
  = kernel.conntrack_full; kernel; -; -; netns=4026532281
neighbour: arp_cache: neighbor table overflow!
  = kernel.neighbour_full; kernel; -; -; table=arp_cache
Neighbour table overflow.
  = kernel.neighbour_full; kernel; -; -
EDAC MC0: CE page 0x12, offset 0x0, grain 0, syndrome 0x5, row 0, channel 1, label "": i5000
  = kernel.edac_ce; kernel; -; -; controller=0; kind=CE
CPU 0: Machine Check Exception: 0000000000000004 Bank 4: b200000000070f0f
  = kernel.mce; kernel; -; -; cpu=0; bank=4; status=b200000000070f0f
pcieport 0000:00:1c.5: PCIe Bus Error: severity=Corrected, type=Physical Layer, id=00e5(Receiver ID)
  = kernel.aer_bus_error.v1; kernel; 0000:00:1c.5; -; severity=Corrected; layer=Physical Layer; error_source=229; agent=Receiver ID; device_driver=pcieport
bnxt_en 0000:01:09.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000c address=0xfdf8000000 flags=0x0000]
  = kernel.iommu_fault_amd; kernel; 0000:01:09.0; -; device_driver=bnxt_en
getty@tty\\x2dS0.service: Scheduled restart job, restart counter is at 12.
  = systemd.restart.v3; systemd; -; -; unit=getty@tty\\x2dS0.service; restarts=12
ecs.service: Failed with result 'start-limit-hit'.
  = systemd.failed_result; systemd; -; -; unit=ecs.service; result=start-limit-hit
iavf 0000:ec:01.1: Reset indication received from the PF
  = iavf.pf_reset; iavf; 0000:ec:01.1; -
r8127 0000:03:00.0 eth0: Transmit timeout reset Device!
  = r8169.vendor_timeout; r8127; 0000:03:00.0; eth0
bnxt_en 0000:01:09.0 s1p1: TX timeout detected,
  = bnxt_en.tx_timeout; bnxt_en; 0000:01:09.0; s1p1
eth1: Got tx_timeout. irq: 00000000
  = forcedeth.begin; forcedeth; -; eth1; irq_status=0
eth0: Transmit timed out, status 0000, PHY status 782d, resetting...
  = via-rhine.begin; via-rhine; -; eth0; status=0; phy_status=30765
NETDEV WATCHDOG: eth1: transmit timed out
  = netdev_watchdog.v0; unknown; -; eth1
WARNING: CPU: 0 PID: 0 at dev_watchdog+0x21c/0x220
  = kernel.warning.v1; kernel; -; -; cpu=0; pid=0; symbol=dev_watchdog+0x21c/0x220
eth0: transmit timed out, tx_status 00 status e680.
  = 3c59x.begin; 3c59x; -; eth0; tx_status=0; status=59008
eth0: Tx timed out, lost interrupt? TSR=0x3, ISR=0x97, t=18556.
  = 8390.begin; 8390; -; eth0; cause=lost interrupt; transmit_status=3; interrupt_status=151; ticks=18556
eth0: Transmit timeout, status 00000004 00000240
  = sis900.begin; sis900; -; eth0
eth1: Transmit timed out: status 0090  0c80 at 194636/194664 command 000c0000.
  = eepro100.begin; eepro100; -; eth1; status=144; command=3200; done=194636; queued=194664; command_word=786432
eth0: Transmit timed out, status c0, resetting...
  = widespread.begin; unknown; -; eth0
b44: eth0: transmit timed out, resetting
  = tg3.begin; b44; -; eth0
pcnet32: eth0: transmit timed out, status 27f3, resetting
  = widespread.begin; pcnet32; -; eth0
amd-xgbe 0000:03:00.2 enp3s0f2: tx timeout, device restarting
  = widespread.begin; amd-xgbe; 0000:03:00.2; enp3s0f2
qlcnic 0000:01:00.0 eth0: transmit timeout, resetting.
  = widespread.begin; qlcnic; 0000:01:00.0; eth0
hns-nic 2188000.ethernet eth0: initiating reset due to tx timeout(3,0x4)
  = widespread.reset_for_timeout; hns-nic; 2188000.ethernet; eth0
i40e 0000:08:00.1: eth9: tx_timeout recovery level 1
  = widespread.recovery_level; i40e; 0000:08:00.1; eth9; level=1
e1000: eth0: e1000_clean_tx_irq: Detected Tx Unit Hang
  = e1000.unit_hang; e1000; -; eth0
e1000: eth0: e1000_watchdog_task: NIC Link is Up 1000 Mbps Full Duplex
  = e1000.link_up; e1000; -; eth0; speed_mbps=1000; duplex=Full
sky2 eth0: tx timeout
  = sky2.tx_timeout; sky2; -; eth0
e1000e 0000:00:1f.6: vmnic0: Reset adapter unexpectedly
  = e1000e.begin; e1000e; 0000:00:1f.6; vmnic0
tegra-mgbe 6910000.ethernet eth1: Reset adapter.
  = stmmac.begin; stmmac; 6910000.ethernet; eth1
[qede_tx_timeout:529(mgmt1)]TX timeout on queue 2!
  = qede.tx_timeout; qede; -; mgmt1; source_line=529; queue=2
[qede_recovery_handler:2665(ens6f0)]Starting a recovery process
  = qede.begin; qede; -; ens6f0; source_line=2665
mlx5_core 0000:5e:00.0: device's health compromised - reached miss count
  = mlx5_core.miss_count; mlx5_core; 0000:5e:00.0; -
NETDEV WATCHDOG: enP64p1s0f3 (tg3): transmit queue 0 timed o>
  = netdev_watchdog.v1; tg3; -; enP64p1s0f3; queue=0
ipqess-edma c080000.ethernet eth0: NETDEV WATCHDOG: transmit queue 0 timed out
  = netdev_watchdog.v3; ipqess-edma; c080000.ethernet; eth0; queue=0
NETDEV WATCHDOG: eth1 (8139too): transmit timed out
  = netdev_watchdog.v0; 8139too; -; eth1
kaweth 1-1:1.0 eth5: Tx timed out. Resetting.
  = widespread.begin; kaweth; 1-1:1.0; eth5
[0: ksoftirqd/0:    9] r8152 2-1:1.0 eth0: Tx timeout
  = r8152.tx_timeout; r8152; 2-1:1.0; eth0
(0)[9:ksoftirqd/0]r8152 2-1:1.0 eth0: Tx timeout
  = r8152.tx_timeout; r8152; 2-1:1.0; eth0
r8169 0000:09:00.0 eno1: link up
  = r8169.link_up; r8169; 0000:09:00.0; eno1
bnx2: eth0 NIC Copper Link is Down
  = bnx2.link_down; bnx2; -; eth0
wlan0 tx pipe reset complete.
  = prism2_usb.done; unknown; -; wlan0
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


NICS = [
    "8139cp", "8139too", "asix", "atlantic", "bcmgenet", "be2net", "bnx2", "bnx2x", "bnxt_en",
    "cxgb4", "e100", "e1000", "e1000e", "ena", "enic", "fec", "forcedeth", "ftgmac100", "hns3",
    "i40e", "igb", "igc", "ixgbe", "lan78xx", "macb", "mlx5_core", "mtk_soc_eth", "qede",
    "r8125", "r8127", "r8152", "r8168", "r8169", "rk_gmac-dwmac", "sfc", "sky2", "smsc95xx",
    "st_gmac", "tg3", "thunder-nicvf", "via-rhine", "virtio_net", "vmxnet3",
]  # fmt: skip


@pytest.mark.parametrize("driver", NICS)
def test_watchdog_of_the_network_core_names_any_driver(driver):
    """The watchdog is the only evidence of many drivers: the table must not be needed for it."""
    lines = [
        f"NETDEV WATCHDOG: lan7 ({driver}): transmit queue 3 timed out",
        f"NETDEV WATCHDOG: lan7 ({driver}): transmit queue 3 timed out 5340 ms",
        f"{driver} 0000:03:00.0 lan7: NETDEV WATCHDOG: CPU: 1: transmit queue 3 timed out 5340 ms",
    ]
    expected = "stmmac" if driver in {"rk_gmac-dwmac", "st_gmac"} else driver
    for line in lines:
        _, name, _, interface, fields = told(line)
        assert (name, interface, fields["queue"]) == (expected, "lan7", 3), line


def roles(*lines):
    return [CATALOGUE.match(line).message.role for line in lines]


def test_one_kill_of_an_old_kernel_counts_once():
    assert roles(
        "Out of memory: Kill process 2512 (python) score 496 or sacrifice child",
        "Killed process 2512 (python) total-vm:632332kB, anon-rss:255836kB, file-rss:80kB",
    ) == ["cause", "context"]


@pytest.mark.parametrize(
    "lines",
    [
        [
            "docker.service: Main process exited, code=exited, status=1/FAILURE",
            "docker.service: Failed with result 'exit-code'.",
            "docker.service: Service RestartSec=100ms expired, scheduling restart.",
            "docker.service: Scheduled restart job, restart counter is at 3.",
        ],
        [
            "docker.service: Unit entered failed state.",
            "docker.service: Service hold-off time over, scheduling restart.",
            "docker.service: Scheduled restart job, restart counter is at 3.",
        ],
        [
            "docker.service: main process exited, code=exited, status=1/FAILURE",
            "Unit docker.service entered failed state.",
            "docker.service holdoff time over, scheduling restart.",
        ],
    ],
)
def test_one_restart_of_a_unit_counts_once(lines):
    assert roles(*lines).count("cause") == 1


def test_short_expedited_stall_is_no_sign_of_a_starved_cpu():
    line = "INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-.... } %d jiffies s: 4"
    assert roles(line % 26, line % 999, line % 1000) == ["context", "context", "cause"]


@pytest.mark.parametrize(
    "line",
    [
        "igb 0000:02:00.0 eth0: igb: eth0 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None",
        "e1000e 0000:02:00.0 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None",
        "ixgbevf 0000:02:00.0 eth0: NIC Link is Up 10 Gbps",
        "vmxnet3 0000:03:00.0 eth0: NIC Link is Up 10000 Mbps",
    ],
)
def test_link_that_comes_up_does_not_end_a_reset(line):
    """At boot every link comes up; no reset was before it."""
    assert roles(line) == ["reset_progress"]


LOSSES = {
    "** 312 printk messages dropped **": (312, ()),
    "** 17 printk messages dropped ** [ 1234.567890] eth0: next message": (17, ()),
    "printk: 12 messages suppressed.": (12, ()),
    "net_ratelimit: 25 callbacks suppressed": (25, ()),
    "systemd: 23 output lines suppressed due to ratelimiting": (23, ()),
    "Missed 1427 kernel messages": (1427, ("systemd-journald", "systemd-journal")),
    "Suppressed 917 messages from /system.slice/a.service": (
        917,
        ("systemd-journald", "systemd-journal"),
    ),
    "Forwarding to syslog missed 25 messages.": (25, ("systemd-journald", "systemd-journal")),
    "imjournal: 84667 messages lost due to rate-limiting": (84667, ("rsyslogd", "rsyslogd-2177")),
    "imuxsock[pid: 5, name: /usr/bin/a]: 12 messages lost due to rate-limiting (20 allowed)": (
        12,
        ("rsyslogd", "rsyslogd-2177"),
    ),
    "imuxsock lost 321 messages from pid 2938 due to rate-limiting": (
        321,
        ("rsyslogd", "rsyslogd-2177"),
    ),
}


@pytest.mark.parametrize("line", LOSSES)
def test_lost_lines_are_counted_and_only_their_own_program_may_report_them(line):
    lost, programs = LOSSES[line]
    found = CATALOGUE.match(line)
    assert (found.message.trigger, found.fields["lost_messages"]) == ("log_loss", lost)
    assert CATALOGUE.drivers[found.driver].programs == programs


def test_wordings_that_settle_the_reset_reason_say_so():
    reasons = {m.id: m.reason for m in CATALOGUE.messages if m.reason}
    refined = {m.id: m.refines for m in CATALOGUE.messages if m.refines}
    assert refined == {
        "ena.napi_starved": "poll_starvation",
        "ena.tx_cq_found": "missed_interrupt",
        "ena.tx_cq_none": "tx_completion_timeout",
        "ena.tx_cq_faulty": "invalid_descriptor",
    }
    assert reasons["ena.admin_missed_irq.v1"] == "ADMIN_TO"
    assert reasons["ena.rx_desc.corrupt"] == "RX_DESCRIPTOR_MALFORMED"
    assert reasons["ena.tx_no_skb.v3"] == reasons["ena.tx_req_id.v2"] == "INV_TX_REQ_ID"
    assert reasons["ena.too_many_rx.v1"] == "TOO_MANY_RX_DESCS"
    assert "ena.msix_rx" not in reasons  # 14 or 20: the release decides, not the line


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
        ("asix 4-1:1.0 eth1: Tx timeout", None),
        ("eth1: Tx timeout", None),
        ("rk_gmac-dwmac fe1b0000.ethernet eth0: Reset adapter", None),
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
kubelet[1378]: I0502 21:33:54.838225 1378 kubelet.go:2214] "SyncLoop (probe)" probe="readiness"
kubelet[1378]: E0502 21:33:54.838225 1378 remote_runtime.go:734] "ExecSync cmd failed" timed out
kubelet[1378]: "Failed to delete cgroup paths" err="Timed out while waiting for systemd to remove"
kubelet[1378]: "Back-off restarting failed container" container="web" restartCount=12
containerd[801]: time="2026-11-20T10:00:00Z" level=info msg="shim disconnected" id=3f2a1b
containerd[801]: level=warning msg="cleaning up after shim disconnected" namespace=k8s.io
dockerd[900]: level=error msg="Handler for POST /exec returned error: context deadline exceeded"
CRON[2201]: (root) CMD (/usr/lib/sysstat/sa1 1 1)
sshd[812]: error: kex_exchange_identification: Connection reset by peer
sshd[812]: Disconnected from user ubuntu 10.0.0.9 port 22
audit[1]: SERVICE_STOP pid=1 uid=0 auid=4294967295 msg='unit=ecs comm="systemd" res=failed'
audit: audit_backlog=65 > audit_backlog_limit=64
audit: backlog limit exceeded
chronyd[600]: Source 10.0.0.123 replaced with 10.0.0.124
systemd[1]: Reloading.
systemd[1]: Started Process archive logs.
systemd[1]: ecs.service: Consumed 3h 5min 25.371s CPU time.
systemd[1]: Failed to start Docker Application Container Engine.
systemd-journald[414]: Received SIGTERM from PID 1 (systemd).
systemd-journald[414]: Runtime Journal is 8.0M, max 76.0M, 68.0M free.
systemd-networkd[500]: ens5: Gained carrier
rsyslogd: [origin software="rsyslogd" swVersion="8.2302.0"] rsyslogd was HUPed
dhclient[700]: DHCPREQUEST for 10.0.0.7 on ens5 to 10.0.0.1 port 67
cni0: port 7(veth91) entered disabled state
usb 4-1: reset SuperSpeed USB device number 2 using xhci_hcd
EDAC MC0: Giving out device to module sb_edac.c controller Sandy Bridge
EDAC MC: Ver: 3.0.0
rcu: Hierarchical RCU implementation.
rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.
clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x2429, max_idle_ns: 440795208706 ns
NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.
CPU3: Core temperature/speed normal
Memory cgroup stats for /kubepods.slice/pod1: cache:0KB rss:1024KB
Mem-Info: active_anon:255836 inactive_anon:80 isolated_anon:0
CPU: 3 PID: 40646 Comm: kworker/u146:7 Tainted: G W 6.1.127 #1
Modules linked in: veth xt_nat nf_conntrack
workqueue: Workqueue stuck in draining
perf: Dynamic interrupt throttling enabled
TCP: eth0: Driver has suspect GRO implementation, TCP performance may be compromised.
DMAR: IOMMU enabled
AMD-Vi: Interrupt remapping enabled
pcieport 0000:00:01.0: AER: enabled with IRQ 26
pcieport 0000:00:01.0: DPC: enabled with IRQ 26
sched: DL bandwidth has been changed
printk: console [ttyS0] enabled
r8169 0000:03:00.0 eth0: Link is Down
stmmaceth fe1b0000.ethernet eth0: Link is Up - 1Gbps/Full - flow control rx/tx
via-rhine 0000:00:12.0 eth0: link up, 100Mbps, full-duplex, lpa 0x45E1
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
    "unknown refinement": (("role", 'refines = "magic"\nrole'), "toy.begin", "'magic'"),
    "reason that the driver lacks": (("role", 'reason = "R1"\nrole'), "toy.begin", "'R1'"),
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


@pytest.mark.parametrize("dots", ["...", "\u2026"])
def test_what_a_quote_leaves_out_behind_the_driver_hides_no_message(dots):
    found = CATALOGUE.match(f"igb {dots} NETDEV WATCHDOG: CPU: 6: transmit queue 2 timed out 61 ms")

    assert (found.driver, found.interface, found.fields["queue"]) == ("igb", None, 2)
    assert CATALOGUE.match(f"word {dots} transmit timed out, resetting") is None


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
