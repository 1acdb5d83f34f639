-- What: What was amiss on each host on the day, by its facts and its log.
-- Grain: host_id, host_date, sign, sign_of
-- Span: day
-- Input: host_facts, kernel_events, log_coverage
-- Param: as_of | DATE | - | the day
-- Param: high_memory_cgroups | DOUBLE | count | so many memory cgroups take a walk over them long
-- Param: crash_loop_restarts | DOUBLE | count | a unit that restarts so often in a day is in a loop
-- Column: host_id | VARCHAR | - | host of which the sign is known
-- Column: host_date | DATE | UTC | the day
-- Column: sign | VARCHAR | - | memory_cgroups or crash_looping_unit
-- Column: sign_of | VARCHAR | - | the unit; - for the host as a whole
-- Column: is_seen | BOOLEAN | - | the host had it; of units only those that did are listed
-- Column: value | DOUBLE | count | most memory cgroups of the day, or restarts of the unit on the
--     day
-- Column: growth | DOUBLE | count | what the memory cgroups grew by in the day, reboots left out;
--     null for units and if they were counted once
-- Check: sign_is_known | sign in ('memory_cgroups', 'crash_looping_unit')
-- Check: units_are_seen | sign_of = '-' or is_seen
-- Source: docs/method.md#suspected-causes

with cgroups as (
    select
        host_id,
        max(value) as value,
        sum(greatest(value - before, 0)) filter (where before is not null) as growth
    from (
        select
            host_id,
            observed_at,
            value,
            lag(value) over (partition by host_id order by observed_at) as before
        from (
            -- All that the kernel counts, or where only the dead ones are counted, these.
            select
                host_id,
                observed_at,
                max(value) as value
            from host_facts
            where
                fact in ('memory_cgroups', 'dying_memory_cgroups')
                and cast(observed_at as date) = cast($as_of as date)
            group by all
        )
    )
    group by all
),

-- A unit that never restarted has only its state; an hour has both, as facts are told once an hour.
counters as (
    select
        host_id,
        subject as unit,
        date_trunc('hour', observed_at) as hour_at,
        coalesce(max(value) filter (where fact = 'unit_restarts'), 0) as restarts
    from host_facts
    where fact in ('unit_restarts', 'unit_active')
    group by all
),

-- A counter that fell began anew at a boot.
counted as (
    select
        host_id,
        unit,
        sum(if(restarts >= before, restarts - before, restarts)) as restarts
    from (
        select
            *,
            lag(restarts) over (partition by host_id, unit order by hour_at) as before
        from counters
    )
    where cast(hour_at as date) = cast($as_of as date) and before is not null
    group by all
),

logged as (
    select
        host_id,
        regexp_extract(
            text, '^([\w:.\\@-]+\.[a-z]+)(?:: Scheduled restart| holdoff time)', 1
        ) as unit,
        sum(lines) as restarts
    from kernel_events
    where
        trigger = 'unit_crash_loop' and role = 'cause' and unit <> ''
        and cast(event_at as date) = cast($as_of as date)
    group by all
),

units as (
    select
        host_id,
        unit,
        cast(max(restarts) as double) as restarts
    from (
        select * from counted
        union all
        select * from logged
    )
    group by all
),

-- Silence about units is an answer only where somebody would have spoken.
asked as (
    select host_id
    from counted
    union
    select host_id
    from log_coverage
    where cast(hour_at as date) = cast($as_of as date)
    group by host_id
    having sum(lines) > sum(kernel_lines)
    union
    select host_id
    from logged
)

select
    host_id,
    cast($as_of as date) as host_date,
    'memory_cgroups' as sign,
    '-' as sign_of,
    value >= cast($high_memory_cgroups as double) as is_seen,
    value,
    growth
from cgroups
union all
select
    asked.host_id,
    cast($as_of as date) as host_date,
    'crash_looping_unit' as sign,
    '-' as sign_of,
    coalesce(max(units.restarts) >= cast($crash_loop_restarts as double), false) as is_seen,
    null as value,
    null as growth
from asked
left join units
    on units.host_id = asked.host_id
group by all
union all
select
    host_id,
    cast($as_of as date) as host_date,
    'crash_looping_unit' as sign,
    unit as sign_of,
    true as is_seen,
    restarts as value,
    null as growth
from units
where restarts >= cast($crash_loop_restarts as double)
order by host_id, sign, sign_of
