-- What: What the CPUs did in the window in which the driver was kept waiting, beside other times.
-- Grain: reset_id
-- Span: day
-- Input: queue_cpus, resets, window_cpus
-- Param: starved_ratio | DOUBLE | ratio | kernel-mode share of a window that counts as pinned
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
-- Column: queue_cpu | INTEGER | - | CPU that served the queue: napi_cpu, else by the interrupt map
-- Column: queue_cpu_basis | VARCHAR | - | driver, interrupts, affinity or none
-- Column: map_age_s | DOUBLE | second | age of the interrupt map; null if the driver named the CPU
-- Column: queue_cpu_busy_s | DOUBLE | second | system, irq and softirq time of queue_cpu
-- Column: is_hot_queue_cpu | BOOLEAN | - | hot_cpu served a queue that the reset names; null if either
--     is unknown
-- Column: queues_on_cpu | BIGINT | count | queues that share queue_cpu; null without a map
-- Column: is_affinity_lost | BOOLEAN | - | after the reset all queues are on CPU 0, and were not before
-- Column: controls | BIGINT | count | other windows of this host with samples, far from any reset
-- Column: pinned_controls | BIGINT | count | of these, with a CPU at or above starved_ratio
-- Column: saturated_controls | BIGINT | count | of these, with a CPU at or above saturation_pct
-- Column: controls_hot_busy_s | DOUBLE | second | highest hot_busy_s of these; null without any
-- Column: peers | BIGINT | count | windows of the same moment on hosts of its kind, with samples
-- Column: pinned_peers | BIGINT | count | of these, with a CPU at or above starved_ratio
-- Column: smallest_visible_s | DOUBLE | second | shortest pin that these samples can show
-- Column: is_visible | BOOLEAN | - | such a pin fits into the covered window; null without samples
-- Check: source_is_known | cpu_source in ('samples', 'none')
-- Check: none_means_null | (cpu_source = 'none') = (hot_cpu is null)
-- Check: busy_fits_window | coalesce(hot_busy_s <= window_s + 0.001, true)
-- Check: pinned_are_controls | pinned_controls <= controls and pinned_peers <= peers
-- Source: docs/method.md#saturation, docs/method.md#visibility, docs/method.md#control-windows

with controls as (
    select
        reset_id,
        count(*) filter (where window_kind = 'same_host') as controls,
        count(*) filter (
            where window_kind = 'same_host' and hot_busy_ratio >= cast($starved_ratio as double)
        ) as pinned_controls,
        count(*) filter (where window_kind = 'same_host' and saturated_cpus > 0)
            as saturated_controls,
        max(hot_busy_s) filter (where window_kind = 'same_host') as controls_hot_busy_s,
        count(*) filter (where window_kind = 'peer') as peers,
        count(*) filter (
            where window_kind = 'peer' and hot_busy_ratio >= cast($starved_ratio as double)
        ) as pinned_peers
    from window_cpus
    where cpu_source = 'samples'
    group by reset_id
)

select
    window_cpus.reset_id,
    window_cpus.host_id,
    window_cpus.window_start_at,
    window_cpus.window_end_at,
    window_cpus.window_s,
    resets.window_basis,
    window_cpus.cpu_source,
    window_cpus.has_clock_doubt,
    window_cpus.samples_interval_s,
    window_cpus.covered_s,
    window_cpus.cpus,
    window_cpus.hot_cpu,
    window_cpus.hot_system_s,
    window_cpus.hot_softirq_s,
    window_cpus.hot_busy_s,
    window_cpus.hot_busy_ratio,
    window_cpus.hot_background_pct,
    window_cpus.any_mode_cpu,
    window_cpus.any_mode_busy_s,
    window_cpus.saturated_cpus,
    window_cpus.mean_busy_pct,
    window_cpus.max_steal_pct,
    resets.napi_cpu,
    if(resets.napi_cpu = window_cpus.queue_cpu, window_cpus.queue_cpu_busy_s, null)
        as napi_cpu_busy_s,
    window_cpus.queue_cpu,
    coalesce(queue_cpus.queue_cpu_basis, 'none') as queue_cpu_basis,
    queue_cpus.map_age_s,
    window_cpus.queue_cpu_busy_s,
    window_cpus.is_hot_queue_cpu,
    queue_cpus.queues_on_cpu,
    queue_cpus.is_affinity_lost,
    coalesce(controls.controls, 0) as controls,
    coalesce(controls.pinned_controls, 0) as pinned_controls,
    coalesce(controls.saturated_controls, 0) as saturated_controls,
    controls.controls_hot_busy_s,
    coalesce(controls.peers, 0) as peers,
    coalesce(controls.pinned_peers, 0) as pinned_peers,
    window_cpus.smallest_visible_s,
    window_cpus.is_visible
from window_cpus
inner join resets
    on resets.reset_id = window_cpus.reset_id
left join queue_cpus
    on queue_cpus.window_id = window_cpus.window_id
left join controls
    on controls.reset_id = window_cpus.reset_id
where window_cpus.window_kind = 'reset'
order by window_cpus.reset_id
