"""Base tables: the Arrow schema, unit and meaning of every column, and the key that sorts them.

Times are UTC instants in microseconds without a zone. Partition columns (``day``, ``shard``) are
part of the path, not of the file. See docs/tables.md, which is generated from here.
"""

from dataclasses import dataclass

import pyarrow as pa

INSTANT = pa.timestamp("us")
TEXT = pa.string()
COUNT = pa.int64()


@dataclass(frozen=True)
class Table:
    """One base table: its name, what a row is, its sort key and its schema."""

    name: str
    what: str
    key: tuple[str, ...]
    schema: pa.Schema
    is_sharded: bool = True

    def empty(self) -> pa.Table:
        """A table of this schema without rows."""
        return self.schema.empty_table()


def _column(name: str, kind: pa.DataType, unit: str, meaning: str) -> "pa.Field[pa.DataType]":
    return pa.field(name, kind, metadata={"unit": unit, "meaning": meaning})


def _table(
    name: str,
    what: str,
    key: str,
    *columns: tuple[str, pa.DataType, str, str],
    is_sharded: bool = True,
) -> Table:
    fields = [_column("host_id", TEXT, "-", "host the row speaks of")]
    fields += [_column(*column) for column in columns]
    return Table(name, what, tuple(key.split()), pa.schema(fields), is_sharded)


_DEVICE = (
    ("boot_id", TEXT, "-", "boot id as the journal states it; null if the log has none"),
    ("driver", TEXT, "-", "kernel driver of the device"),
)
_ADDRESS = (
    ("pci_address", TEXT, "-", "bus address as the kernel prints it; null if the lines have none"),
    ("interface", TEXT, "-", "network interface name; null if the lines have none"),
)
_LINE = (
    ("source_path", TEXT, "-", "file that holds the line, relative to the input root"),
    ("line_number", COUNT, "-", "line in that file, counted from 1 after decompression"),
)

KERNEL_EVENTS = _table(
    "kernel_events",
    "catalogued kernel line; a run of the same message of one device is one row",
    "host_id event_at monotonic_us source_path line_number",
    ("event_at", INSTANT, "UTC", "time of the first line"),
    ("last_event_at", INSTANT, "UTC", "time of the last line of the run"),
    ("monotonic_us", COUNT, "microsecond", "kernel clock of the first line; null if not printed"),
    ("clock_error_s", pa.float64(), "second", "how far event_at may be from the kernel's moment"),
    *_DEVICE,
    ("driver_version", TEXT, "-", "driver version that this line states; null otherwise"),
    *_ADDRESS,
    ("message_id", TEXT, "-", "catalogue id of the message"),
    ("role", TEXT, "-", "symptom, reset_begin, reset_done, cause, …"),
    ("trigger", TEXT, "-", "trigger class that the message speaks for; null if none"),
    ("is_decisive", pa.bool_(), "-", "the driver resets after this line"),
    ("queue", pa.int32(), "-", "Tx queue number; null if not printed"),
    ("cpu", pa.int32(), "-", "logical CPU that the line names; null if not printed"),
    ("since_napi_us", COUNT, "microsecond", "time since the queue's NAPI ran, as stated"),
    ("since_interrupt_us", COUNT, "microsecond", "time since the queue's interrupt, as stated"),
    ("threshold_us", COUNT, "microsecond", "timeout that was crossed, as stated"),
    ("stalled_us", COUNT, "microsecond", "time since the queue last moved, as stated"),
    ("napi_scheduled", pa.bool_(), "-", "NAPI was scheduled but had not run, as stated"),
    ("status", pa.int32(), "-", "status code that the line states; 0 is success"),
    ("counters", pa.map_(TEXT, COUNT), "count", "counters of a statistics dump, cumulative"),
    ("lines", COUNT, "count", "log lines in this row"),
    ("text", TEXT, "-", "message as logged, without the envelope"),
    *_LINE,
)

LOG_COVERAGE = _table(
    "log_coverage",
    "host and UTC hour",
    "host_id hour_at",
    ("hour_at", INSTANT, "UTC", "start of the hour"),
    ("lines", COUNT, "count", "log lines with a time in this hour"),
    ("kernel_lines", COUNT, "count", "of these, lines of the kernel"),
    ("bytes", COUNT, "byte", "size of these lines after decompression"),
    ("rejected", COUNT, "count", "lines or file parts of this hour that could not be read"),
    ("lost_messages", COUNT, "count", "messages that the host itself says were dropped"),
    ("observed_s", pa.float64(), "second", "part of the hour in which a reset would be seen"),
    ("first_at", INSTANT, "UTC", "earliest line of the hour; null if it is only vouched for"),
    ("last_at", INSTANT, "UTC", "latest line of the hour"),
    ("boot_at", INSTANT, "UTC", "boot, by the hour's last line with a kernel clock; null without"),
)

REJECTS = _table(
    "rejects",
    "thing that could not be read",
    "source_path line_number reason",
    *_LINE,
    ("reason", TEXT, "-", "what was expected, what was found"),
    ("sample", TEXT, "-", "beginning of the offending text, escaped"),
)

RESETS = _table(
    "resets",
    "reset episode or stall of one device",
    "host_id started_at pci_address interface reset_id",
    ("reset_id", TEXT, "-", "stable id made of host, device and time"),
    ("kind", TEXT, "-", "reset, or stall: the driver complained and no reset was seen"),
    *_DEVICE,
    ("driver_version", TEXT, "-", "driver version that the episode states; null otherwise"),
    *_ADDRESS,
    ("started_at", INSTANT, "UTC", "first symptom, computed back from durations that lines state"),
    ("reset_at", INSTANT, "UTC", "line that starts the reset; null for a stall"),
    ("ended_at", INSTANT, "UTC", "line that ends it; null if none was seen"),
    ("outcome", TEXT, "-", "ok, assumed_ok, failed, unfinished, cancelled, stall_no_reset, …"),
    ("trigger", TEXT, "-", "trigger class, docs/method.md#triggers"),
    ("reset_reason", TEXT, "-", "the driver's own reason, inferred; null if it has none"),
    ("reason_basis", TEXT, "-", "evidence that the reason was inferred from"),
    ("queues", pa.list_(pa.int32()), "-", "Tx queues named by the symptoms, ascending"),
    ("napi_cpu", pa.int32(), "-", "CPU that the queue's NAPI runs on, as stated"),
    ("watchdog_cpu", pa.int32(), "-", "CPU that ran the watchdog timer: not the starved one"),
    ("since_napi_us", COUNT, "microsecond", "longest time since NAPI ran, as stated"),
    ("since_interrupt_us", COUNT, "microsecond", "time since the last interrupt, as stated"),
    ("threshold_us", COUNT, "microsecond", "timeout that was crossed, as stated"),
    ("napi_scheduled", pa.bool_(), "-", "NAPI was scheduled but had not run"),
    ("window_start_at", INSTANT, "UTC", "start of the starvation window that ends at the symptom"),
    ("window_end_at", INSTANT, "UTC", "line that states the window; reset_at if none does"),
    ("window_basis", TEXT, "-", "since_napi, stall, threshold or default"),
    ("uptime_s", pa.float64(), "second", "time since boot at reset_at; null if not logged"),
    ("lines", COUNT, "count", "log lines of the episode"),
    ("clock_error_s", pa.float64(), "second", "how far the times may be from the kernel's"),
    ("first_line", TEXT, "-", "first line of the episode, as logged"),
    ("first_line_at", INSTANT, "UTC", "time of that line"),
    *_LINE,
)

_SHARE = "half percent of one CPU, 0 to 200"
CPU_SAMPLES = _table(
    "cpu_samples",
    "host, sample and CPU; idle is what remains to 100 percent",
    "host_id sampled_at cpu",
    ("sampled_at", INSTANT, "UTC", "end of the sampled interval"),
    ("interval_s", pa.float32(), "second", "length of the interval"),
    ("cpu", pa.int16(), "-", "logical CPU number"),
    ("user", pa.uint8(), _SHARE, "user mode, guests included"),
    ("nice", pa.uint8(), _SHARE, "user mode at low priority, nice guests included"),
    ("system", pa.uint8(), _SHARE, "kernel mode"),
    ("irq", pa.uint8(), _SHARE, "hardware interrupts"),
    ("softirq", pa.uint8(), _SHARE, "software interrupts"),
    ("steal", pa.uint8(), _SHARE, "taken by the hypervisor"),
    ("iowait", pa.uint8(), _SHARE, "idle with outstanding I/O; not busy"),
)

CPU_MINUTES = _table(
    "cpu_minutes",
    "host and minute: the roll-up of cpu_samples",
    "host_id minute_at",
    ("minute_at", INSTANT, "UTC", "the samples ended after this instant, up to a minute later"),
    ("samples", pa.int32(), "count", "samples of the minute, all CPUs together"),
    ("cpus", pa.int16(), "count", "CPUs that reported"),
    ("interval_s", pa.float32(), "second", "longest sampling interval"),
    ("max_busy", pa.uint8(), _SHARE, "busiest CPU in any mode but iowait"),
    ("hot_cpu", pa.int16(), "-", "CPU with the most system, irq and softirq time"),
    ("hot_system", pa.uint8(), _SHARE, "kernel mode of hot_cpu"),
    ("hot_softirq", pa.uint8(), _SHARE, "irq and softirq of hot_cpu"),
    ("saturated_cpus", pa.int16(), "count", "CPUs at 95 percent busy or more"),
    ("mean_busy", pa.uint8(), _SHARE, "mean over all CPUs: what a host average shows"),
    ("steal", pa.uint8(), _SHARE, "highest steal of any CPU"),
)

CPU_COVERAGE = _table(
    "cpu_coverage",
    "host whose CPU metrics of the day were looked for",
    "host_id",
    ("mode", TEXT, "-", "all, or by_need: only hosts with resets and controls"),
    ("role", TEXT, "-", "reset, before_reset, control; null in mode all"),
    ("samples", COUNT, "count", "rows of cpu_samples; 0 if nothing was found"),
    ("cpus", pa.int16(), "count", "CPUs that reported"),
    ("interval_s", pa.float32(), "second", "median interval; null without samples"),
    ("first_at", INSTANT, "UTC", "end of the first sample; null without samples"),
    ("last_at", INSTANT, "UTC", "end of the last sample; null without samples"),
)

HOSTS = _table(
    "hosts",
    "host and period of unchanged attributes",
    "host_id valid_from_at",
    ("valid_from_at", INSTANT, "UTC", "start of the period; null if unknown"),
    ("valid_to_at", INSTANT, "UTC", "end of the period; null while it lasts"),
    ("instance_id", TEXT, "-", "EC2 instance id"),
    ("instance_type", TEXT, "-", "EC2 instance type"),
    ("instance_family", TEXT, "-", "part of the type before the dot"),
    ("availability_zone", TEXT, "-", "zone name; the same zone has other names in other accounts"),
    ("availability_zone_id", TEXT, "-", "zone id, comparable between accounts"),
    ("region", TEXT, "-", "EC2 region"),
    ("ami_id", TEXT, "-", "machine image"),
    ("kernel", TEXT, "-", "kernel release"),
    ("driver_version", TEXT, "-", "network driver version"),
    ("launched_at", INSTANT, "UTC", "launch time"),
    ("attributes", pa.map_(TEXT, TEXT), "-", "any further label; each can be a cohort dimension"),
    is_sharded=False,
)

HOST_FACTS = _table(
    "host_facts",
    "observation of a host",
    "host_id observed_at fact subject",
    ("observed_at", INSTANT, "UTC", "time of the observation"),
    ("fact", TEXT, "-", "what was observed, e.g. memory_cgroups, unit_restarts, irq_cpu"),
    ("subject", TEXT, "-", "what it was observed of, e.g. ecs.service, eth0-Tx-Rx-5; may be empty"),
    ("value", pa.float64(), "as the fact says", "observed value"),
)

WORKLOAD_EVENTS = _table(
    "workload_events",
    "job failure line",
    "host_id event_at job_id",
    ("event_at", INSTANT, "UTC", "time of the line"),
    ("job_id", TEXT, "-", "job that failed; null if not named"),
    ("system", TEXT, "-", "ray, nccl, slurm, …"),
    ("kind", TEXT, "-", "kind of failure, in the system's own word"),
    ("text", TEXT, "-", "line as logged"),
)

PROFILE_STACKS = _table(
    "profile_stacks",
    "stack sampled in a window",
    "host_id window_start_at cpu comm stack",
    ("window_start_at", INSTANT, "UTC", "start of the profile"),
    ("window_end_at", INSTANT, "UTC", "end of the profile"),
    ("cpu", pa.int16(), "-", "CPU that was sampled"),
    ("comm", TEXT, "-", "task name"),
    ("stack", TEXT, "-", "frames joined by semicolons, root first"),
    ("samples", COUNT, "count", "samples of this stack"),
)

BASE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        KERNEL_EVENTS,
        LOG_COVERAGE,
        REJECTS,
        RESETS,
        CPU_SAMPLES,
        CPU_MINUTES,
        CPU_COVERAGE,
        HOSTS,
        HOST_FACTS,
        WORKLOAD_EVENTS,
        PROFILE_STACKS,
    )
}
