-- What: Observed time of each host on the day, cut where it was booted, with the boot it belongs to.
-- Grain: host_id, from_at
-- Span: day
-- Input: log_coverage
-- Param: as_of | DATE | - | the day
-- Column: host_id | VARCHAR | - | host
-- Column: from_at | TIMESTAMP | UTC | start of the stretch
-- Column: to_at | TIMESTAMP | UTC | its end; a following stretch that starts here goes on from it
-- Column: boot_at | TIMESTAMP | UTC | boot that it belongs to; null if no line of this day or the day
--     before tells
-- Column: exposure_h | DOUBLE | hour | observed time of the stretch
-- Check: has_length | from_at < to_at
-- Check: is_observed | exposure_h > 0 and exposure_h <= epoch(to_at - from_at) / 3600 + 0.000001
-- Check: booted_before | boot_at is null or boot_at <= from_at
-- Source: docs/method.md#uptime

-- Observed hours, and since when: from the first line if the hour before vouches for nothing.
with hours as (
    select
        host_id,
        hour_at,
        hour_at + interval 1 hour as end_at,
        boot_at,
        least(observed_s, 3600) as observed_s,
        if(
            is_continued,
            hour_at,
            greatest(hour_at, least(first_at, hour_at + to_microseconds(
                cast(1e6 * (3600 - least(observed_s, 3600)) as bigint)
            )))
        ) as start_at,
        is_continued
    from (
        select
            *,
            -- A line vouches for an hour at least; after it, half an hour unseen could hide a
            -- reboot together with its lines.
            coalesce(
                lag(hour_at) over by_hour = hour_at - interval 1 hour
                and (
                    lag(last_at) over by_hour is not null
                    or lag(observed_s) over by_hour >= 1800
                ),
                false
            ) as is_continued
        from log_coverage
        where observed_s > 0
        window by_hour as (partition by host_id order by hour_at)
    )
),

spans as (
    select
        *,
        count(*) filter (where not is_continued) over (
            partition by host_id order by hour_at
            rows between unbounded preceding and current row
        ) as span
    from hours
),

-- The kernel clock drifts against the wall clock, and stands still while a machine sleeps: a boot is
-- another one only if it began after the hour that states the boot before it.
stated as (
    select
        *,
        count(*) filter (where is_other) over (
            partition by host_id order by hour_at
            rows between unbounded preceding and current row
        ) as boot
    from (
        select
            *,
            coalesce(
                boot_at >= lag(hour_at) over by_hour
                and boot_at > lag(boot_at) over by_hour + interval 2 minutes,
                false
            ) as is_other
        from spans
        where boot_at is not null and boot_at < end_at
        window by_hour as (partition by host_id order by hour_at)
    )
),

-- Delivery only ever delays, so the earliest boot that is stated is the truest.
boots as (
    select
        host_id,
        min(boot_at) as boot_at,
        max(hour_at) as last_hour_at,
        arg_max(span, hour_at) as last_span
    from stated
    group by host_id, boot
),

cut as (
    select
        spans.host_id,
        spans.hour_at,
        spans.span,
        spans.start_at,
        spans.end_at,
        spans.observed_s,
        max(boots.boot_at) as cut_at
    from spans
    left join boots
        on boots.host_id = spans.host_id
        and boots.boot_at > spans.start_at
        and boots.boot_at < spans.end_at
    where cast(spans.hour_at as date) = cast($as_of as date)
    group by all
),

pieces as (
    select
        host_id,
        hour_at,
        span,
        part.from_at,
        part.to_at,
        observed_s * epoch(part.to_at - part.from_at) / epoch(end_at - start_at) as exposure_s
    from cut
    cross join unnest(
        if(
            cut_at is null,
            [{'from_at': start_at, 'to_at': end_at}],
            [{'from_at': start_at, 'to_at': cut_at}, {'from_at': cut_at, 'to_at': end_at}]
        )
    ) as parts (part)
),

-- A boot holds until the last hour that states it, and on for as long as the log goes on.
placed as (
    select
        pieces.*,
        if(
            pieces.hour_at <= boots.last_hour_at or pieces.span = boots.last_span,
            boots.boot_at,
            null
        ) as boot_at
    from pieces
    asof left join boots
        on boots.host_id = pieces.host_id
        and boots.boot_at <= pieces.from_at
),

numbered as (
    select
        *,
        count(*) filter (where is_first) over (
            partition by host_id order by from_at
            rows between unbounded preceding and current row
        ) as stretch
    from (
        select
            *,
            lag(to_at) over by_time is distinct from from_at
            or lag(boot_at) over by_time is distinct from boot_at as is_first
        from placed
        window by_time as (partition by host_id order by from_at)
    )
)

select
    host_id,
    min(from_at) as from_at,
    max(to_at) as to_at,
    boot_at,
    round(sum(exposure_s) / 3600, 6) as exposure_h
from numbered
group by host_id, stretch, boot_at
having round(sum(exposure_s) / 3600, 6) > 0
order by host_id, from_at
