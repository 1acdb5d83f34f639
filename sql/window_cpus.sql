-- What: What every CPU of the host did in each window, that of a reset or a control window.
-- Grain: window_id
-- Span: day
-- Input: cpu_samples, queue_cpus, windows
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

with host_numbers as (
    select
        host_id,
        row_number() over (order by host_id) as host_number
    from (select distinct host_id from windows where not has_clock_doubt)
),

-- Numbers instead of names from here to the end: they make narrow rows.
numbered_windows as (
    select
        row_number() over (order by windows.window_id) as window_number,
        host_numbers.host_number,
        windows.window_kind <> 'reset' as is_control,
        windows.*
    from windows
    inner join host_numbers
        on host_numbers.host_id = windows.host_id
    where not windows.has_clock_doubt
),

-- Host and time in one number make the join one of equal numbers. A sample has the key of the
-- minute in which it ends or, if it is longer than a minute, of the quarter of an hour.
window_keys as (
    select
        window_number,
        host_number,
        is_control,
        window_start_at,
        window_end_at,
        unnest(
            list_concat(
                [
                    host_number * 4294967296 + epoch_us(minute_at) // 60000000
                    for minute_at in generate_series(
                        date_trunc('minute', window_start_at),
                        date_trunc('minute', window_end_at) + interval 1 minute,
                        interval 1 minute
                    )
                ],
                [
                    host_number * 4294967296 + 2147483648 + epoch_us(quarter_at) // 900000000
                    for quarter_at in generate_series(
                        time_bucket(interval 15 minute, window_start_at),
                        time_bucket(interval 15 minute, window_end_at) + interval 15 minute,
                        interval 15 minute
                    )
                ]
            )
        ) as time_key
    from numbered_windows
),

-- A sample that is longer than the step of the keys shows nothing anyway.
samples as (
    select
        cpu_samples.*,
        host_numbers.host_number * 4294967296
        + if(
            interval_s <= 60,
            epoch_us(sampled_at) // 60000000,
            2147483648 + epoch_us(sampled_at) // 900000000
        ) as time_key
    from cpu_samples
    inner join host_numbers
        on host_numbers.host_id = cpu_samples.host_id
    where interval_s > 0 and interval_s <= 900
),

window_samples as (
    select
        window_keys.window_number,
        window_keys.host_number,
        window_keys.is_control,
        samples.cpu,
        cast(samples.interval_s as double) as interval_s,
        coalesce(samples.system, 0) / 200 as system_ratio,
        (coalesce(samples.irq, 0)::integer + coalesce(samples.softirq, 0)) / 200 as softirq_ratio,
        system_ratio + softirq_ratio as kernel_ratio,
        (coalesce(samples."user", 0)::integer + coalesce(samples.nice, 0)) / 200 as user_ratio,
        coalesce(samples.steal, 0) / 200 as steal_ratio,
        epoch_us(
            least(window_keys.window_end_at, samples.sampled_at)
            - greatest(
                window_keys.window_start_at,
                samples.sampled_at - to_microseconds(cast(samples.interval_s * 1e6 as bigint))
            )
        ) / 1e6 as overlap_s
    from window_keys
    inner join samples
        on samples.time_key = window_keys.time_key
    where
        samples.sampled_at > window_keys.window_start_at
        and samples.sampled_at - to_microseconds(cast(samples.interval_s * 1e6 as bigint))
        < window_keys.window_end_at
        -- A sample without ticks has no shares; it is not an idle one.
        and coalesce(
            samples.system, samples."user", samples.softirq, samples.irq, samples.steal,
            samples.nice
        ) is not null
),

cpu_sums as (
    select
        window_number,
        host_number,
        is_control,
        cpu,
        count(*) as samples,
        sum(kernel_ratio) as kernel_sum,
        sum(kernel_ratio * kernel_ratio) as square_sum
    from window_samples
    group by all
),

control_sums as (
    select
        host_number,
        cpu,
        sum(samples) as samples,
        sum(kernel_sum) as kernel_sum,
        sum(square_sum) as square_sum
    from cpu_sums
    where is_control
    group by all
),

-- What a CPU usually does: its samples in the control windows of its host, but for this window.
-- Where there are none, its samples in the window itself.
backgrounds as (
    select
        own.window_number,
        own.cpu,
        coalesce(controls.samples, 0) - if(own.is_control, own.samples, 0) as others,
        if(others > 0, others, own.samples) as usual_samples,
        if(
            others > 0,
            controls.kernel_sum - if(own.is_control, own.kernel_sum, 0),
            own.kernel_sum
        ) / usual_samples as background_ratio,
        if(
            others > 0,
            controls.square_sum - if(own.is_control, own.square_sum, 0),
            own.square_sum
        ) / usual_samples as mean_square,
        -- The difference of two sums may be a hair below zero.
        sqrt(greatest(0, mean_square - background_ratio * background_ratio)) as spread_ratio
    from cpu_sums as own
    left join control_sums as controls
        on controls.host_number = own.host_number
        and controls.cpu = own.cpu
),

-- Per sample: the usual share in proportion; what is above it happened in the window if it fits.
window_cpus as (
    select
        window_samples.window_number,
        window_samples.cpu,
        max(window_samples.interval_s) as interval_s,
        count(*) as samples,
        sum(window_samples.overlap_s) as overlap_s,
        sum(
            least(
                window_samples.overlap_s,
                greatest(
                    kernel_ratio * window_samples.overlap_s,
                    (kernel_ratio - background_ratio) * window_samples.interval_s
                )
            )
        ) as kernel_s,
        sum(system_ratio * window_samples.interval_s) as sampled_system_s,
        sum(softirq_ratio * window_samples.interval_s) as sampled_softirq_s,
        sum((user_ratio + kernel_ratio + steal_ratio) * window_samples.overlap_s) as busy_s,
        sum(steal_ratio * window_samples.overlap_s) as steal_s,
        any_value(background_ratio) as background_ratio,
        any_value(spread_ratio) as spread_ratio
    from window_samples
    inner join backgrounds
        on backgrounds.window_number = window_samples.window_number
        and backgrounds.cpu = window_samples.cpu
    group by all
),

-- Two collectors on one host sample the same second twice: a window is never longer than itself.
shares as (
    select
        window_number,
        window_cpus.cpu,
        interval_s,
        least(window_s, overlap_s) as covered_s,
        kernel_s / overlap_s as kernel_ratio,
        coalesce(sampled_system_s / nullif(sampled_system_s + sampled_softirq_s, 0), 0)
            as system_part,
        busy_s / overlap_s as busy_ratio,
        steal_s / overlap_s as steal_ratio,
        background_ratio,
        -- Three deviations, at least 5 percent, and one step of a sample; a sum of samples scatters
        -- with the root of their number.
        (greatest(0.05, 3 * spread_ratio) + 0.005) * interval_s * sqrt(samples)
            as smallest_visible_s
    from window_cpus
    inner join numbered_windows
        using (window_number)
),

-- Microseconds above, CPU below: the largest number is the busiest CPU, the lowest of equal ones.
hosts_in_window as (
    select
        window_number,
        max(interval_s) as interval_s,
        max(covered_s) as covered_s,
        count(*) as cpus,
        count(*) filter (where 100 * busy_ratio >= cast($saturation_pct as double))
            as saturated_cpus,
        100 * avg(busy_ratio) as mean_busy_pct,
        100 * max(steal_ratio) as max_steal_pct,
        32767 - max(cast(1e6 * kernel_ratio * covered_s as bigint) * 32768 + 32767 - cpu) % 32768
            as hot_cpu,
        32767 - max(cast(1e6 * busy_ratio * covered_s as bigint) * 32768 + 32767 - cpu) % 32768
            as any_mode_cpu
    from shares
    group by all
)

select
    windows.window_id,
    windows.reset_id,
    windows.window_kind,
    windows.host_id,
    windows.window_start_at,
    windows.window_end_at,
    windows.window_s,
    if(hottest.cpu is null, 'none', 'samples') as cpu_source,
    windows.has_clock_doubt,
    hosts_in_window.interval_s as samples_interval_s,
    round(hosts_in_window.covered_s, 6) as covered_s,
    hosts_in_window.cpus,
    hottest.cpu as hot_cpu,
    round(hottest.kernel_ratio * hottest.covered_s * hottest.system_part, 6) as hot_system_s,
    round(hottest.kernel_ratio * hottest.covered_s * (1 - hottest.system_part), 6)
        as hot_softirq_s,
    round(hottest.kernel_ratio * hottest.covered_s, 6) as hot_busy_s,
    round(hottest.kernel_ratio, 6) as hot_busy_ratio,
    round(100 * hottest.background_ratio, 6) as hot_background_pct,
    busiest.cpu as any_mode_cpu,
    round(busiest.busy_ratio * busiest.covered_s, 6) as any_mode_busy_s,
    hosts_in_window.saturated_cpus,
    round(hosts_in_window.mean_busy_pct, 6) as mean_busy_pct,
    round(hosts_in_window.max_steal_pct, 6) as max_steal_pct,
    queue_cpus.queue_cpu,
    round(of_queue.kernel_ratio * of_queue.covered_s, 6) as queue_cpu_busy_s,
    if(
        len(queue_cpus.queue_cpus) > 0,
        list_contains(queue_cpus.queue_cpus, hottest.cpu::integer),
        null
    ) as is_hot_queue_cpu,
    round(hottest.smallest_visible_s, 6) as smallest_visible_s,
    hottest.smallest_visible_s <= hosts_in_window.covered_s as is_visible
from windows
left join queue_cpus
    on queue_cpus.window_id = windows.window_id
left join numbered_windows
    on numbered_windows.window_id = windows.window_id
left join hosts_in_window
    on hosts_in_window.window_number = numbered_windows.window_number
left join shares as hottest
    on hottest.window_number = numbered_windows.window_number
    and hottest.cpu = hosts_in_window.hot_cpu
left join shares as busiest
    on busiest.window_number = numbered_windows.window_number
    and busiest.cpu = hosts_in_window.any_mode_cpu
left join shares as of_queue
    on of_queue.window_number = numbered_windows.window_number
    and of_queue.cpu = queue_cpus.queue_cpu
order by windows.window_id
