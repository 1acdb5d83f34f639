-- What: Observed time and episodes of each host by day, boot and time since boot.
-- Grain: host_id, host_date, boot_at, uptime_from_h
-- Span: window
-- Input: cohort_members, host_episodes, host_uptimes, shared_episodes
-- Param: uptime_bin_h | DOUBLE | hour | width of a bin of uptime; the first three are split, those
--     from the 28th on are wider
-- Column: host_id | VARCHAR | - | host
-- Column: host_date | DATE | UTC | day
-- Column: first_date | DATE | UTC | first day with the same attributes, as in cohort_members
-- Column: boot_at | TIMESTAMP | UTC | boot; 1970-01-01 if no line tells it
-- Column: uptime_from_h | DOUBLE | hour | time since boot at which the bin begins; -1 if unknown
-- Column: uptime_to_h | DOUBLE | hour | where the next one begins; null if unknown or the last
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: episodes | BIGINT | count | episodes that began in it, without shared incidents
-- Column: host_starved_episodes | BIGINT | count | of these, with a starved host
-- Column: device_fault_episodes | BIGINT | count | of these, with a faulty device
-- Check: is_known_or_not | (uptime_from_h = -1) = (boot_at = timestamp '1970-01-01')
-- Check: is_observed | exposure_h >= 0
-- Source: docs/method.md#uptime

-- Hours of the first days, days of the first four weeks, weeks of the first quarter, then months.
with bins as (
    select
        uptime_from_h,
        lead(uptime_from_h, 1, cast('infinity' as double)) over (order by uptime_from_h)
            as uptime_to_h
    from (
        select cast($uptime_bin_h as double) * unnest(
            list_concat(
                [0, 1 / 24, 3 / 24, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5],
                range(3, 28),
                range(28, 91, 7),
                range(91, 365, 28)
            )
        ) as uptime_from_h
    )
),

-- Each day tells boots by itself: small differences are the same boot, as within a day.
known as (
    select
        host_id,
        from_at,
        min(boot_at) over (partition by host_id, boot) as boot_at
    from (
        select
            *,
            count(*) filter (where is_other) over (
                partition by host_id order by from_at
                rows between unbounded preceding and current row
            ) as boot
        from (
            select
                *,
                coalesce(
                    boot_at > greatest(lag(from_at) over by_time, lag(boot_at) over by_time)
                        + interval 2 minutes,
                    false
                ) as is_other
            from host_uptimes
            where boot_at is not null
            window by_time as (partition by host_id order by from_at)
        )
    )
),

runs as (
    select
        host_uptimes.host_id,
        host_uptimes.from_at,
        host_uptimes.to_at,
        host_uptimes.exposure_h,
        known.boot_at,
        count(*) filter (where host_uptimes.is_first) over (
            partition by host_uptimes.host_id order by host_uptimes.from_at
            rows between unbounded preceding and current row
        ) as run
    from (
        select
            *,
            lag(to_at) over (partition by host_id order by from_at) is distinct from from_at
                as is_first
        from host_uptimes
    ) as host_uptimes
    left join known
        on known.host_id = host_uptimes.host_id
        and known.from_at = host_uptimes.from_at
),

-- A boot holds as long as the log goes on. A later line that tells an earlier boot is proof, too.
stretches as (
    select
        host_id,
        from_at,
        to_at,
        exposure_h,
        coalesce(
            boot_at,
            if(later_boot_at <= from_at, later_boot_at, null),
            earlier_boot_at
        ) as boot_at
    from (
        select
            *,
            last_value(boot_at ignore nulls) over (
                partition by host_id, run order by from_at
                rows between unbounded preceding and current row
            ) as earlier_boot_at,
            first_value(boot_at ignore nulls) over (
                partition by host_id order by from_at
                rows between current row and unbounded following
            ) as later_boot_at
        from runs
    )
),

cut as (
    select
        stretches.host_id,
        stretches.boot_at,
        cast(stretches.from_at as date) as host_date,
        bins.uptime_from_h,
        bins.uptime_to_h,
        stretches.exposure_h * (
            least(epoch(stretches.to_at - stretches.boot_at) / 3600, bins.uptime_to_h)
            - greatest(epoch(stretches.from_at - stretches.boot_at) / 3600, bins.uptime_from_h)
        ) / (epoch(stretches.to_at - stretches.from_at) / 3600) as exposure_h
    from stretches
    inner join bins
        on bins.uptime_from_h < epoch(stretches.to_at - stretches.boot_at) / 3600
        and bins.uptime_to_h > epoch(stretches.from_at - stretches.boot_at) / 3600
    union all
    select
        host_id,
        null as boot_at,
        cast(from_at as date) as host_date,
        null as uptime_from_h,
        null as uptime_to_h,
        exposure_h
    from stretches
    where boot_at is null
),

own as (
    select
        host_episodes.host_id,
        host_episodes.episode_at,
        host_episodes.verdict
    from host_episodes
    anti join shared_episodes
        on shared_episodes.host_id = host_episodes.host_id
        and shared_episodes.episode_at = host_episodes.episode_at
),

placed as (
    select
        own.host_id,
        own.verdict,
        cast(own.episode_at as date) as host_date,
        if(own.episode_at <= stretches.to_at, stretches.boot_at, null) as boot_at,
        epoch(own.episode_at - stretches.boot_at) / 3600 as uptime_h
    from own
    asof left join stretches
        on stretches.host_id = own.host_id
        and stretches.from_at <= own.episode_at
),

counted as (
    select
        placed.host_id,
        placed.boot_at,
        placed.host_date,
        bins.uptime_from_h,
        bins.uptime_to_h,
        placed.verdict
    from placed
    left join bins
        on placed.boot_at is not null
        and bins.uptime_from_h <= placed.uptime_h
        and bins.uptime_to_h > placed.uptime_h
),

both_sides as (
    select host_id, boot_at, host_date, uptime_from_h, uptime_to_h, exposure_h, null as verdict
    from cut
    union all
    select host_id, boot_at, host_date, uptime_from_h, uptime_to_h, 0 as exposure_h, verdict
    from counted
)

select
    both_sides.host_id,
    both_sides.host_date,
    cohort_members.first_date,
    coalesce(both_sides.boot_at, timestamp '1970-01-01') as boot_at,
    coalesce(both_sides.uptime_from_h, -1) as uptime_from_h,
    if(isinf(both_sides.uptime_to_h), null, both_sides.uptime_to_h) as uptime_to_h,
    round(sum(both_sides.exposure_h), 6) as exposure_h,
    count(both_sides.verdict) as episodes,
    count(*) filter (where both_sides.verdict = 'host_starved') as host_starved_episodes,
    count(*) filter (where both_sides.verdict = 'device_fault') as device_fault_episodes
from both_sides
asof inner join cohort_members
    on cohort_members.host_id = both_sides.host_id
    and cohort_members.first_date <= both_sides.host_date
group by all
order by both_sides.host_id, both_sides.host_date, boot_at, uptime_from_h
