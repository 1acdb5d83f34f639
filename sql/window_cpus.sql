-- What: What every CPU of the host did in each window, that of a reset or a control window.
-- Grain: window_id
-- Span: day
-- Input: cpu_samples, queue_cpus, windows
-- Then: resetradar.window_cpus:window_cpus
-- Param: saturation_pct | DOUBLE | percent | a CPU at or above this busy share counts as saturated
-- Column: window_id | VARCHAR | - | window
-- Column: reset_id | VARCHAR | - | reset or stall that the window belongs to
-- Column: window_kind | VARCHAR | - | reset, same_host or peer
-- Column: host_id | VARCHAR | - | host
-- Column: window_start_at | TIMESTAMP | UTC | start of the window
-- Column: window_end_at | TIMESTAMP | UTC | end of the window
-- Column: window_s | DOUBLE | second | length of the window
-- Column: cpu_source | VARCHAR | - | samples, or none: nothing can be said about the CPUs
-- Column: has_clock_doubt | BOOLEAN | - | the clock may be off by more than the window: not joined
-- Column: samples_interval_s | DOUBLE | second | longest interval of the samples in the window
-- Column: covered_s | DOUBLE | second | part of the window that samples cover
-- Column: cpus | BIGINT | count | CPUs with a sample in the window
-- Column: hot_cpu | SMALLINT | - | CPU with the most system, irq and softirq time in the window
-- Column: hot_system_s | DOUBLE | second | kernel mode of hot_cpu
-- Column: hot_softirq_s | DOUBLE | second | hardware and software interrupts of hot_cpu
-- Column: hot_busy_s | DOUBLE | second | hot_system_s and hot_softirq_s together
-- Column: hot_busy_ratio | DOUBLE | ratio | hot_busy_s per covered second
-- Column: hot_background_pct | DOUBLE | percent | usual system, irq and softirq share of hot_cpu
-- Column: any_mode_cpu | SMALLINT | - | busiest CPU in any mode but iowait
-- Column: any_mode_busy_s | DOUBLE | second | busy time of any_mode_cpu
-- Column: saturated_cpus | BIGINT | count | CPUs busy in any mode at or above saturation_pct
-- Column: mean_busy_pct | DOUBLE | percent | mean over all CPUs: what a host average shows
-- Column: max_steal_pct | DOUBLE | percent | highest share taken by the hypervisor
-- Column: queue_cpu | INTEGER | - | CPU that served the queue; null if unknown
-- Column: queue_cpu_busy_s | DOUBLE | second | system, irq and softirq time of queue_cpu
-- Column: is_hot_queue_cpu | BOOLEAN | - | hot_cpu served a queue that the reset names; null if either
--     is unknown
-- Column: smallest_visible_s | DOUBLE | second | shortest pin that these samples can show
-- Column: is_visible | BOOLEAN | - | such a pin fits into the covered window; null without samples
-- Check: source_is_known | cpu_source in ('samples', 'none')
-- Check: none_means_null | (cpu_source = 'none') = (hot_cpu is null)
-- Check: busy_fits_window | coalesce(hot_busy_s <= window_s + 0.001, true)
-- Source: docs/method.md#saturation, docs/method.md#visibility

-- The CPUs of a sample stay together in one list: it meets windows as one row, not as one per CPU.
with samples as (
    select
        host_id,
        sampled_at,
        cast(interval_s * 1e6 as bigint) as interval_us,
        sampled_at - to_microseconds(interval_us) as started_at,
        list(
            {
                'cpu': cpu,
                'interrupts': coalesce(irq, 0)::smallint + coalesce(softirq, 0),
                'kernel': coalesce(irq, 0)::smallint + coalesce(softirq, 0) + coalesce(system, 0),
                'any_mode': coalesce(irq, 0)::smallint + coalesce(softirq, 0)
                + coalesce(system, 0) + coalesce("user", 0) + coalesce(nice, 0)
                + coalesce(steal, 0),
                'steal': coalesce(steal, 0)
            }
        ) as cpus
    from cpu_samples
    where
        -- A sample that is longer than the step of the keys below shows nothing anyway.
        interval_s > 0
        and interval_s <= 900
        and host_id in (select windows.host_id from windows where not windows.has_clock_doubt)
        -- A sample without ticks has no shares; it is not an idle one.
        and coalesce(system, "user", softirq, irq, steal, nice) is not null
    group by all
),

-- Quarters of an hour in which a sample that overlaps the window can end: they make the join one of
-- equal keys.
window_keys as (
    select
        window_id,
        host_id,
        window_start_at,
        window_end_at,
        unnest(
            generate_series(
                time_bucket(interval 15 minute, window_start_at),
                time_bucket(interval 15 minute, window_end_at) + interval 15 minute,
                interval 15 minute
            )
        ) as quarter_at
    from windows
    where not has_clock_doubt
),

window_samples as (
    select
        window_keys.window_id,
        samples.sampled_at,
        samples.interval_us,
        epoch_us(
            least(window_keys.window_end_at, samples.sampled_at)
            - greatest(window_keys.window_start_at, samples.started_at)
        ) as overlap_us,
        samples.cpus
    from window_keys
    inner join samples
        on samples.host_id = window_keys.host_id
        and time_bucket(interval 15 minute, samples.sampled_at) = window_keys.quarter_at
    where
        samples.sampled_at > window_keys.window_start_at
        and samples.started_at < window_keys.window_end_at
)

-- One row per window and sample that overlaps it; the sums over them are those of the step.
select
    windows.window_id,
    windows.reset_id,
    windows.window_kind,
    windows.host_id,
    windows.window_start_at,
    windows.window_end_at,
    windows.window_s,
    windows.has_clock_doubt,
    queue_cpus.queue_cpu,
    queue_cpus.queue_cpus,
    window_samples.interval_us,
    window_samples.overlap_us,
    window_samples.cpus
from windows
left join queue_cpus
    on queue_cpus.window_id = windows.window_id
left join window_samples
    on window_samples.window_id = windows.window_id
order by windows.host_id, windows.window_id, window_samples.sampled_at
