-- What: What was amiss on the host around each window, that of a reset or a control.
-- Grain: window_id
-- Span: day
-- Input: cpu_minutes, host_facts, kernel_events, windows
-- Param: sign_margin_s | DOUBLE | second | a line so long before or after a window belongs to it
-- Param: steal_pct | DOUBLE | percent | a CPU with so much time taken by the hypervisor lacks it
-- Column: window_id | VARCHAR | - | window
-- Column: reset_id | VARCHAR | - | reset or stall that the window belongs to
-- Column: host_id | VARCHAR | - | host of the window
-- Column: window_kind | VARCHAR | - | reset, same_host or peer
-- Column: has_lockup | BOOLEAN | - | soft or hard lockup, RCU stall, hung task, a work item or
--     softirq that held a CPU
-- Column: has_console_flood | BOOLEAN | - | 100 kernel lines or more in a second up to the end of
--     the window, what the network driver printed left out
-- Column: has_oom_kill | BOOLEAN | - | the kernel killed a process for its memory
-- Column: has_memory_pressure | BOOLEAN | - | an allocation failed, or memory for sockets ran out
-- Column: has_hardware_error | BOOLEAN | - | machine check, PCIe or memory error, throttled CPU
-- Column: has_paused_vcpu | BOOLEAN | - | a clock that jumped: the virtual machine stood still
-- Column: has_steal | BOOLEAN | - | a CPU lacked steal_pct or more in a minute of the window; null
--     without samples
-- Column: has_affinity_lost | BOOLEAN | - | before the window all queues of an interface were on
--     CPU 0; null without a map of the last day
-- Column: examples | MAP(VARCHAR, VARCHAR) | - | file and line of the first line of each sign
-- Check: kind_is_known | window_kind in ('reset', 'same_host', 'peer')
-- Source: docs/method.md#suspected-causes

with lines as (
    select
        host_id,
        case
            when trigger in ('cpu_starvation', 'cpu_hog', 'softirq_backlog', 'blocked_task')
                then 'lockup'
            when trigger = 'memory_pressure' and contains(message_id, 'oom') then 'oom_kill'
            when trigger = 'memory_pressure' then 'memory_pressure'
            when trigger in ('hw_error', 'pci_error') then 'hardware_error'
            when trigger in ('console_flood', 'paused_vcpu') then trigger
        end as sign,
        event_at,
        coalesce(last_event_at, event_at) as last_event_at,
        lines,
        source_path || ':' || line_number as place
    from kernel_events
    where role = 'cause' and sign is not null
),

-- A reset prints up to a thousand lines of its own: they are its effect.
floods as (
    select
        lines.host_id,
        lines.event_at,
        any_value(lines.lines) - coalesce(sum(kernel_events.lines), 0) as others
    from lines
    left join kernel_events
        on kernel_events.host_id = lines.host_id
        and kernel_events.role not in ('cause', 'context')
        and kernel_events.event_at
        between lines.event_at and lines.last_event_at + interval 1 second
    where lines.sign = 'console_flood'
    group by all
),

near as (
    select
        windows.window_id,
        lines.sign,
        arg_min(lines.place, (lines.event_at, lines.place)) as place
    from windows
    inner join lines
        on lines.host_id = windows.host_id
        and lines.last_event_at
        >= windows.window_start_at - to_microseconds(cast($sign_margin_s * 1e6 as bigint))
        and lines.event_at <= windows.window_end_at
        + to_microseconds(if(lines.sign = 'console_flood', 0, cast($sign_margin_s * 1e6 as bigint)))
    left join floods
        on floods.host_id = lines.host_id
        and floods.event_at = lines.event_at
    where lines.sign <> 'console_flood' or floods.others >= 100
    group by all
),

seen as (
    select
        window_id,
        list(sign order by sign) as signs,
        map_from_entries(
            list({'k': sign, 'v': place} order by sign) filter (where place is not null)
        ) as examples
    from near
    group by all
),

-- Minutes are keys: a sample belongs to the minute in which it ends.
stolen as (
    select
        window_minutes.window_id,
        max(cpu_minutes.steal) / 2 >= cast($steal_pct as double) as has_steal
    from (
        select
            window_id,
            host_id,
            unnest(
                generate_series(
                    date_trunc('minute', window_start_at),
                    window_end_at + interval 1 minute,
                    interval 1 minute
                )
            ) as minute_at
        from windows
        where not has_clock_doubt
    ) as window_minutes
    inner join cpu_minutes
        on cpu_minutes.host_id = window_minutes.host_id
        and cpu_minutes.minute_at = window_minutes.minute_at
    group by all
),

-- What does not change is told once an hour, hence an hour has the whole map.
maps as (
    select
        host_id,
        max(observed_at) as observed_at,
        bool_or(is_on_first) as is_on_first
    from (
        select
            host_id,
            date_trunc('hour', observed_at) as hour_at,
            regexp_extract(subject, '^(.+)-(?:Tx-?Rx|rx-tx)-\d+$', 1) as device,
            max(observed_at) as observed_at,
            count(*) >= 2 and max(cpu) = 0 as is_on_first
        from (
            select
                host_id,
                subject,
                max(observed_at) as observed_at,
                coalesce(
                    max_by(value, observed_at) filter (where fact = 'irq_cpu'),
                    max_by(value, observed_at)
                ) as cpu
            from host_facts
            where fact in ('irq_cpu', 'irq_affinity_cpu')
            group by host_id, subject, date_trunc('hour', observed_at)
        )
        where device <> ''
        group by host_id, hour_at, device
    )
    group by host_id, hour_at
),

placed as (
    select
        windows.window_id,
        if(
            maps.observed_at >= windows.window_start_at - interval 1 day,
            maps.is_on_first,
            null
        ) as is_on_first
    from windows
    asof left join maps
        on maps.host_id = windows.host_id
        and windows.window_start_at >= maps.observed_at
)

select
    windows.window_id,
    windows.reset_id,
    windows.host_id,
    windows.window_kind,
    coalesce(list_contains(seen.signs, 'lockup'), false) as has_lockup,
    coalesce(list_contains(seen.signs, 'console_flood'), false) as has_console_flood,
    coalesce(list_contains(seen.signs, 'oom_kill'), false) as has_oom_kill,
    coalesce(list_contains(seen.signs, 'memory_pressure'), false) as has_memory_pressure,
    coalesce(list_contains(seen.signs, 'hardware_error'), false) as has_hardware_error,
    coalesce(list_contains(seen.signs, 'paused_vcpu'), false) as has_paused_vcpu,
    stolen.has_steal,
    placed.is_on_first as has_affinity_lost,
    coalesce(seen.examples, map {}) as examples
from windows
left join seen
    on seen.window_id = windows.window_id
left join stolen
    on stolen.window_id = windows.window_id
left join placed
    on placed.window_id = windows.window_id
order by windows.window_id
