-- What: What the minute roll-up alone shows of each window, for hosts and days without samples.
-- Grain: window_id
-- Span: day
-- Input: cpu_minutes, windows
-- Column: window_id | VARCHAR | - | window
-- Column: reset_id | VARCHAR | - | reset or stall that the window belongs to
-- Column: window_kind | VARCHAR | - | reset, same_host or peer
-- Column: host_id | VARCHAR | - | host
-- Column: minutes | BIGINT | count | minutes that overlap the window
-- Column: interval_s | FLOAT | second | longest sampling interval of these
-- Column: max_busy_pct | DOUBLE | percent | busiest CPU of a minute in any mode but iowait
-- Column: saturated_cpus | SMALLINT | count | most CPUs at 95 percent busy or more in a minute
-- Column: hot_cpu | SMALLINT | - | CPU with the most system, irq and softirq time in a minute
-- Column: hot_kernel_pct | DOUBLE | percent | system, irq and softirq share of hot_cpu in that minute
-- Column: usual_kernel_pct | DOUBLE | percent | the same, mean over the other windows of this reset on
--     the same host; null without any
-- Column: hot_busy_s | DOUBLE | second | kernel time of that minute above the usual, as far as it fits
--     into the window; null without other windows
-- Column: mean_busy_pct | DOUBLE | percent | highest mean over all CPUs
-- Check: has_minutes | minutes >= 1
-- Check: share_is_a_share | hot_kernel_pct between 0 and 100 and max_busy_pct between 0 and 100
-- Source: docs/method.md#visibility

with window_keys as (
    select
        *,
        unnest(
            generate_series(
                date_trunc('minute', window_start_at),
                date_trunc('minute', window_end_at - interval 1 microsecond),
                interval 1 minute
            )
        ) as minute_at
    from windows
    where not has_clock_doubt
),

seen as (
    select
        window_keys.window_id,
        window_keys.reset_id,
        window_keys.window_kind,
        window_keys.host_id,
        window_keys.window_s,
        count(*) as minutes,
        max(cpu_minutes.interval_s) as interval_s,
        max(cpu_minutes.max_busy) / 2 as max_busy_pct,
        max(cpu_minutes.saturated_cpus) as saturated_cpus,
        arg_max(
            cpu_minutes.hot_cpu,
            (cpu_minutes.hot_system::integer + cpu_minutes.hot_softirq, -cpu_minutes.hot_cpu)
        ) as hot_cpu,
        max(cpu_minutes.hot_system::integer + cpu_minutes.hot_softirq) / 2 as hot_kernel_pct,
        max(cpu_minutes.mean_busy) / 2 as mean_busy_pct
    from window_keys
    inner join cpu_minutes
        on cpu_minutes.host_id = window_keys.host_id
        and cpu_minutes.minute_at = window_keys.minute_at
    group by all
),

usual as (
    select
        *,
        sum(hot_kernel_pct) filter (where window_kind = 'same_host') over of_reset
        - if(window_kind = 'same_host', hot_kernel_pct, 0) as other_pct,
        count(*) filter (where window_kind = 'same_host') over of_reset
        - if(window_kind = 'same_host', 1, 0) as others
    from seen
    window of_reset as (partition by reset_id, host_id)
)

select
    window_id,
    reset_id,
    window_kind,
    host_id,
    minutes,
    interval_s,
    max_busy_pct,
    saturated_cpus,
    hot_cpu,
    hot_kernel_pct,
    round(other_pct / nullif(others, 0), 6) as usual_kernel_pct,
    if(
        others > 0,
        round(least(window_s, 0.6 * greatest(0, hot_kernel_pct - other_pct / others)), 6),
        null
    ) as hot_busy_s,
    mean_busy_pct
from usual
order by window_id
