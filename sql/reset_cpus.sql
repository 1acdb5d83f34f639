-- What: What every CPU of the host did in the window in which the driver was kept waiting.
-- Grain: reset_id
-- Span: day
-- Input: cpu_samples, resets
-- Param: saturation_pct | DOUBLE | percent | a CPU at or above this busy share counts as saturated
-- Column: reset_id | VARCHAR | - | reset or stall
-- Column: host_id | VARCHAR | - | host
-- Column: window_start_at | TIMESTAMP | UTC | start of the starvation window
-- Column: window_end_at | TIMESTAMP | UTC | end of the starvation window
-- Column: window_s | DOUBLE | second | length of the window
-- Column: window_basis | VARCHAR | - | what the window was taken from
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
-- Column: napi_cpu | INTEGER | - | CPU that the driver itself named; null if it named none
-- Column: napi_cpu_busy_s | DOUBLE | second | system, irq and softirq time of napi_cpu
-- Column: smallest_visible_s | DOUBLE | second | shortest pin that these samples can show
-- Column: is_visible | BOOLEAN | - | such a pin fits into the covered window; null without samples
-- Check: source_is_known | cpu_source in ('samples', 'none')
-- Check: none_means_null | (cpu_source = 'none') = (hot_cpu is null)
-- Check: busy_fits_window | coalesce(hot_busy_s <= window_s + 0.001, true)
-- Source: docs/method.md#saturation, docs/method.md#visibility

with day_resets as (
    select
        reset_id,
        host_id,
        window_start_at,
        window_end_at,
        epoch_us(window_end_at - window_start_at) / 1e6 as window_s,
        window_basis,
        napi_cpu,
        coalesce(
            clock_error_s > epoch_us(window_end_at - window_start_at) / 1e6, false
        ) as has_clock_doubt
    from resets
),

-- Row groups hold one host each, so this filter reads only hosts that have a reset.
samples as (
    select
        host_id,
        sampled_at,
        cpu,
        cast(interval_s as double) as interval_s,
        coalesce(system, 0) / 200 as system_ratio,
        (coalesce(irq, 0)::integer + coalesce(softirq, 0)) / 200 as softirq_ratio,
        (coalesce("user", 0)::integer + coalesce(nice, 0)) / 200 as user_ratio,
        coalesce(steal, 0) / 200 as steal_ratio
    from cpu_samples
    where
        host_id in (select host_id from day_resets)
        -- A sample that is longer than the step of the join below shows nothing anyway.
        and interval_s > 0
        and interval_s <= 900
        and coalesce("user", nice, system, irq, softirq, steal, iowait) is not null
),

-- Quarters of an hour instead of instants make the join an equality.
reset_quarters as (
    select
        *,
        unnest(
            generate_series(
                time_bucket(interval 15 minutes, window_start_at),
                time_bucket(interval 15 minutes, window_end_at) + interval 15 minutes,
                interval 15 minutes
            )
        ) as quarter_at
    from day_resets
    where not has_clock_doubt
),

window_samples as (
    select
        reset_quarters.reset_id,
        reset_quarters.window_s,
        samples.*,
        epoch_us(
            least(reset_quarters.window_end_at, samples.sampled_at)
            - greatest(
                reset_quarters.window_start_at,
                samples.sampled_at - to_microseconds(cast(samples.interval_s * 1e6 as bigint))
            )
        ) / 1e6 as overlap_s
    from reset_quarters
    inner join samples
        on samples.host_id = reset_quarters.host_id
        and time_bucket(interval 15 minutes, samples.sampled_at) = reset_quarters.quarter_at
),

-- What a CPU usually does: all of its samples of this day and the day before.
backgrounds as (
    select
        host_id,
        cpu,
        avg(system_ratio + softirq_ratio) as background_ratio,
        stddev_pop(system_ratio + softirq_ratio) as spread_ratio
    from samples
    group by all
),

-- Per sample: the usual share in proportion; what is above it happened in the window if it fits.
window_cpus as (
    select
        window_samples.reset_id,
        window_samples.cpu,
        any_value(window_samples.window_s) as window_s,
        max(window_samples.interval_s) as interval_s,
        count(*) as samples,
        sum(window_samples.overlap_s) as overlap_s,
        sum(
            least(
                window_samples.overlap_s,
                greatest(
                    (system_ratio + softirq_ratio) * window_samples.overlap_s,
                    (system_ratio + softirq_ratio - background_ratio) * window_samples.interval_s
                )
            )
        ) as kernel_s,
        sum(system_ratio * window_samples.interval_s) as sampled_system_s,
        sum(softirq_ratio * window_samples.interval_s) as sampled_softirq_s,
        sum(
            (user_ratio + system_ratio + softirq_ratio + steal_ratio) * window_samples.overlap_s
        ) as busy_s,
        sum(steal_ratio * window_samples.overlap_s) as steal_s,
        any_value(background_ratio) as background_ratio,
        any_value(spread_ratio) as spread_ratio
    from window_samples
    inner join backgrounds
        on backgrounds.host_id = window_samples.host_id
        and backgrounds.cpu = window_samples.cpu
    where window_samples.overlap_s > 0
    group by all
),

-- Two collectors on one host sample the same second twice: a window is never longer than itself.
shares as (
    select
        reset_id,
        cpu,
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
),

hosts_in_window as (
    select
        reset_id,
        max(interval_s) as interval_s,
        max(covered_s) as covered_s,
        count(*) as cpus,
        count(*) filter (where 100 * busy_ratio >= cast($saturation_pct as double))
            as saturated_cpus,
        100 * avg(busy_ratio) as mean_busy_pct,
        100 * max(steal_ratio) as max_steal_pct
    from shares
    group by all
),

hottest as (
    select *
    from shares
    qualify row_number() over (
        partition by reset_id order by round(kernel_ratio * covered_s, 6) desc, cpu
    ) = 1
),

busiest as (
    select *
    from shares
    qualify row_number() over (
        partition by reset_id order by round(busy_ratio * covered_s, 6) desc, cpu
    ) = 1
)

select
    day_resets.reset_id,
    day_resets.host_id,
    day_resets.window_start_at,
    day_resets.window_end_at,
    day_resets.window_s,
    day_resets.window_basis,
    if(hottest.cpu is null, 'none', 'samples') as cpu_source,
    day_resets.has_clock_doubt,
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
    day_resets.napi_cpu,
    round(napi.kernel_ratio * napi.covered_s, 6) as napi_cpu_busy_s,
    round(hottest.smallest_visible_s, 6) as smallest_visible_s,
    hottest.smallest_visible_s <= hosts_in_window.covered_s as is_visible
from day_resets
left join hosts_in_window
    on hosts_in_window.reset_id = day_resets.reset_id
left join hottest
    on hottest.reset_id = day_resets.reset_id
left join busiest
    on busiest.reset_id = day_resets.reset_id
left join shares as napi
    on napi.reset_id = day_resets.reset_id
    and napi.cpu = day_resets.napi_cpu
order by day_resets.reset_id
