"""Lift on a fleet with decoys: what is always so is no finding, and the planted pin is one.

Every host has six CPUs at 100 % user at all times. Once a minute a kernel walk pins one CPU for
5.5 s; now and then the driver resets behind it. So a pin is in all windows of resets and in a few
control windows, and the control windows of the mart are judged by the planted pins themselves.
"""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resetradar.lake import Lake
from resetradar.marts import build_mart, load_marts, mart_path
from resetradar.settings import Parameters
from resetradar.tables import CPU_COVERAGE, CPU_SAMPLES, HOST_FACTS, HOSTS, LOG_COVERAGE, RESETS

DAY = date(2026, 11, 18)
MIDNIGHT = int(datetime(2026, 11, 18, tzinfo=UTC).timestamp())
NAMES = [f"ip-10-20-1-{n}" for n in (10, 11, 12, 13)]
CPUS, DECOYS = 8, 6
FIRST_S, LAST_S = 6 * 3600, 15 * 3600
PERIOD_S, PIN_S = 60, 5.5
QUEUE = 5


def instants(seconds):
    return pa.array((np.asarray(seconds) + MIDNIGHT) * 1_000_000, pa.int64()).cast(
        pa.timestamp("us")
    )


def pins(number):
    """Start in seconds of the day, and CPU, of every walk of a host."""
    dice = np.random.default_rng(number)
    starts = np.arange(FIRST_S, LAST_S - PERIOD_S, PERIOD_S) + 7.25 * number
    return starts, dice.integers(DECOYS, CPUS, len(starts))


def samples(number):
    """One second samples of a host: the pin in proportion to its share of the second."""
    seconds = np.arange(FIRST_S, LAST_S)
    starts, cpus = pins(number)
    system = np.full((len(seconds), CPUS), 2.0)
    for start, cpu in zip(starts, cpus, strict=True):
        overlap = np.minimum(seconds + 1, start + PIN_S) - np.maximum(seconds, start)
        system[:, cpu] = np.maximum(system[:, cpu], np.round(200 * np.clip(overlap, 0, 1)))
    system[:, :DECOYS] = 0
    user = np.zeros_like(system)
    user[:, :DECOYS] = 200
    rows = len(seconds) * CPUS
    return table(
        CPU_SAMPLES,
        rows,
        host_id=[NAMES[number]] * rows,
        sampled_at=instants(np.repeat(seconds + 1, CPUS)),
        interval_s=np.ones(rows, "f4"),
        cpu=np.tile(np.arange(CPUS, dtype="i2"), len(seconds)),
        user=user.ravel().astype("u1"),
        system=system.ravel().astype("u1"),
    )


def table(form, rows, **columns):
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type)
        for f in form.schema
    ]
    return pa.Table.from_arrays(arrays, schema=form.schema)


def fill(lake):
    """Write the base tables: sixteen resets an hour of each host, each behind a walk."""
    resets = []
    facts = []
    for number, name in enumerate(NAMES):
        starts, cpus = pins(number)
        for start, cpu in zip(starts, cpus, strict=True):
            if 10 * 3600 <= start < 11 * 3600 and (start // PERIOD_S) % 4 == 0:
                resets.append((name, start, f"r{len(resets):03d}"))
                facts.append((name, start - 30, float(cpu)))
    hosts, starts, ids = (list(column) for column in zip(*resets, strict=True))
    starts = np.array(starts)
    hours = [(name, hour) for name in NAMES for hour in range(24)]
    write(lake, RESETS, table(
        RESETS, len(ids), host_id=hosts, reset_id=ids, kind=["reset"] * len(ids),
        driver=["ena"] * len(ids), interface=["eth0"] * len(ids), queues=[[QUEUE]] * len(ids),
        trigger=["tx_timeout"] * len(ids), started_at=instants(starts),
        reset_at=instants(starts + PIN_S), window_start_at=instants(starts),
        window_end_at=instants(starts + PIN_S), window_basis=["since_napi"] * len(ids),
        clock_error_s=np.zeros(len(ids)),
    ))  # fmt: skip
    write(lake, LOG_COVERAGE, table(
        LOG_COVERAGE, len(hours), host_id=[name for name, _ in hours],
        hour_at=instants([3600 * hour for _, hour in hours]), observed_s=[3600.0] * len(hours),
    ))  # fmt: skip
    write(lake, HOSTS, table(
        HOSTS, len(NAMES), host_id=NAMES, instance_family=["p5"] * len(NAMES),
        ami_id=["ami-1"] * len(NAMES), attributes=[[]] * len(NAMES),
    ))  # fmt: skip
    write(lake, CPU_COVERAGE, table(
        CPU_COVERAGE, len(NAMES), host_id=NAMES, samples=[CPUS * (LAST_S - FIRST_S)] * len(NAMES),
        interval_s=[1.0] * len(NAMES), first_at=instants([FIRST_S + 1] * len(NAMES)),
    ))  # fmt: skip
    write(lake, HOST_FACTS, table(
        HOST_FACTS, len(facts), host_id=[f[0] for f in facts],
        observed_at=instants([f[1] for f in facts]), fact=["irq_cpu"] * len(facts),
        subject=[f"eth0-Tx-Rx-{QUEUE}"] * len(facts), value=[f[2] for f in facts],
    ))  # fmt: skip
    write(lake, CPU_SAMPLES, pa.concat_tables([samples(n) for n in range(len(NAMES))]))
    return len(ids)


def write(lake, form, rows):
    lake.write(form, rows, day=DAY, shard=0, part="test")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Number of resets, rows of the control windows and of the lift."""
    lake = Lake(tmp_path_factory.mktemp("lift"), 1)
    resets = fill(lake)
    marts = {mart.name: mart for mart in load_marts()}
    for name in ("windows", "queue_cpus", "window_cpus", "reset_cpus", "reset_verdicts",
                 "host_days", "window_lift"):  # fmt: skip
        build_mart(marts[name], lake, DAY, Parameters())
    windows, lift = (
        pq.ParquetFile(mart_path(lake, name, DAY)).read().to_pylist()
        for name in ("window_cpus", "window_lift")
    )
    of_fleet = {(r["sign"], r["control_kind"]): r for r in lift if r["attribute"] == "fleet"}
    return resets, windows, of_fleet


def pinned_s(window):
    """Longest time that one planted pin has in a window."""
    end = window["window_end_at"].replace(tzinfo=UTC).timestamp() - MIDNIGHT
    start = end - window["window_s"]
    starts, _ = pins(NAMES.index(window["host_id"]))
    return max(np.clip(np.minimum(end, starts + PIN_S) - np.maximum(start, starts), 0, None))


def test_every_reset_has_controls_at_other_times(fleet):
    resets, _, lift = fleet
    same = lift["kernel_pinned", "same_host"]

    assert same["matched_resets"] == same["resets"] == resets > 50
    assert 3 * resets <= same["controls"] <= 7 * resets


def test_without_peers_at_peace_there_is_no_finding(fleet):
    """All hosts reset in that hour, so none of them can be a control of another."""
    resets, _, lift = fleet
    peer = lift["kernel_pinned", "peer"]

    assert (peer["resets"], peer["controls"]) == (resets, 0)
    assert (peer["lift"], peer["lift_low"], peer["is_finding"]) == (None, None, None)


def test_cpus_that_are_always_busy_have_no_lift(fleet):
    _, _, lift = fleet
    row = lift["any_cpu_saturated", "same_host"]

    assert (row["reset_ratio"], row["control_ratio"], row["lift"]) == (1.0, 1.0, 1.0)
    assert 0.9 < row["lift_low"] < 1 < row["lift_high"] < 1.1
    assert row["is_finding"] is False


def test_the_pin_has_the_lift_that_was_planted(fleet):
    """A control has the sign if a pin fills 80 % of it; at its edges samples blur one second."""
    _, windows, lift = fleet
    controls = [w for w in windows if w["window_kind"] == "same_host"]
    seen = [w for w in controls if w["hot_busy_ratio"] >= 0.8]
    needed = 0.8 * PIN_S

    true = {w["window_id"] for w in controls if pinned_s(w) >= needed + 0.1}
    nearly = {w["window_id"] for w in controls if pinned_s(w) >= needed - 2}
    assert 5 < len(true) < len(controls) / 10
    assert true <= {w["window_id"] for w in seen} <= nearly

    row = lift["kernel_pinned", "same_host"]
    assert row["reset_ratio"] == 1.0
    assert row["lift"] == pytest.approx(len(controls) / len(seen), rel=0.15)
    assert 1 < row["lift_low"] < len(controls) / len(true)
    assert row["is_finding"] is True


def test_the_cpu_of_the_queue_has_more_lift_than_any_cpu(fleet):
    """The walk meets the queue's CPU in every reset, at other times in half of the walks."""
    _, _, lift = fleet
    own, any_cpu = lift["queue_cpu_pinned", "same_host"], lift["kernel_pinned", "same_host"]

    assert own["reset_ratio"] == 1.0
    assert own["control_ratio"] < any_cpu["control_ratio"]
    assert own["lift_low"] > 1


def test_controls_do_not_keep_the_phase_of_a_periodic_job(fleet):
    """Distances to the reset fall on all parts of the walk's minute, and stay in their hour."""
    _, windows, _ = fleet
    own = {w["reset_id"]: w for w in windows if w["window_kind"] == "reset"}
    distances = [
        (w["window_end_at"] - own[w["reset_id"]]["window_end_at"]).total_seconds()
        for w in windows
        if w["window_kind"] == "same_host"
    ]
    phases = np.histogram([d % PERIOD_S for d in distances], bins=6, range=(0, PERIOD_S))[0]

    assert min(phases) > len(distances) / 12
    assert all(abs(d / 3600 - round(d / 3600)) <= 1500 / 3600 for d in distances)
    assert {round(d / 3600) for d in distances} <= {-3, -2, -1, 1, 2, 3, -24}
