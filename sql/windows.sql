-- What: Windows to look at the CPUs in: that of each reset, and control windows without one.
-- Grain: window_id
-- Span: day
-- Input: cpu_coverage, hosts, kernel_events, log_coverage, resets
-- Param: as_of | DATE | - | the day
-- Column: window_id | VARCHAR | - | reset_id of the reset's own window; of a control, reset_id @ hours
--     of distance or @ peer
-- Column: reset_id | VARCHAR | - | reset or stall that the window belongs to
-- Column: window_kind | VARCHAR | - | reset, same_host (another time) or peer (another host, same time)
-- Column: host_id | VARCHAR | - | host to look at
-- Column: window_start_at | TIMESTAMP | UTC | start of the window
-- Column: window_end_at | TIMESTAMP | UTC | end of the window
-- Column: window_s | DOUBLE | second | length of the window
-- Column: has_clock_doubt | BOOLEAN | - | the clock may be off by more than the window
-- Check: kind_is_known | window_kind in ('reset', 'same_host', 'peer')
-- Check: lengths_match | abs(window_s - epoch_us(window_end_at - window_start_at) / 1e6) < 1e-6
-- Source: docs/method.md#control-windows

with day_resets as (
    select
        reset_id,
        kind,
        host_id,
        window_start_at,
        window_end_at,
        epoch_us(window_end_at - window_start_at) / 1e6 as window_s,
        coalesce(
            clock_error_s > epoch_us(window_end_at - window_start_at) / 1e6, false
        ) as has_clock_doubt
    from resets
),

-- Minutes in which a driver complained or reset its device. Lines of other roles are no trouble of
-- a device: what a driver prints as it loads, and what other parts of the kernel print.
troubled_minutes as (
    select distinct
        host_id,
        unnest(
            generate_series(
                date_trunc('minute', began_at), date_trunc('minute', ended_at), interval 1 minute
            )
        ) as minute_at
    from (
        select
            host_id,
            event_at as began_at,
            coalesce(last_event_at, event_at) as ended_at
        from kernel_events
        where role not in ('cause', 'context', 'probe')
        union all
        select
            host_id,
            window_start_at as began_at,
            window_end_at as ended_at
        from day_resets
    )
),

-- Silence of the log is no peace: half of the hour must have been observed.
observed_hours as (
    select
        host_id,
        hour_at
    from log_coverage
    where observed_s >= 1800
),

-- The day before is seen, too: what counts is whether a host has samples on the day of the window.
-- A day's first sample ends after midnight at the earliest, and its middle lies on the day.
sampled_hosts as (
    select distinct
        host_id,
        cast(first_at - to_microseconds(cast(5e5 * interval_s as bigint)) as date) as sampled_date
    from cpu_coverage
    where samples > 0
),

-- Whole hours alone would keep the phase of whatever runs every few minutes and meet it always or
-- never; up to 25 minutes, drawn from the id, break the phase and never let two controls overlap.
same_host as (
    select
        day_resets.reset_id || ' @ ' || printf('%+d h', hours) as window_id,
        day_resets.reset_id,
        'same_host' as window_kind,
        day_resets.host_id,
        to_seconds(
            3600 * hours
            + cast(md5_number_lower(day_resets.reset_id || hours) % 3000 as bigint) - 1500
        ) as distance,
        day_resets.window_start_at + distance as window_start_at,
        day_resets.window_end_at + distance as window_end_at,
        day_resets.window_s,
        0 as draw
    from day_resets
    cross join (values (-24), (-3), (-2), (-1), (1), (2), (3)) as distances (hours)
    where day_resets.kind = 'reset' and not day_resets.has_clock_doubt
),

-- Eight hosts of each family and image stand for their kind that day: however many resets there
-- are, only these are read beside the hosts that reset.
panel as (
    select
        hosts.host_id,
        hosts.instance_family,
        hosts.ami_id,
        sampled_hosts.sampled_date,
        row_number() over (
            partition by sampled_hosts.sampled_date, hosts.instance_family, hosts.ami_id
            order by md5_number_lower(hosts.host_id || sampled_hosts.sampled_date), hosts.host_id
        ) as place
    from hosts
    inner join sampled_hosts
        on sampled_hosts.host_id = hosts.host_id
    where hosts.instance_family is not null and hosts.ami_id is not null
    qualify place <= 8
),

peers as (
    select
        day_resets.reset_id || ' @ ' || panel.host_id as window_id,
        day_resets.reset_id,
        'peer' as window_kind,
        panel.host_id,
        day_resets.window_start_at,
        day_resets.window_end_at,
        day_resets.window_s,
        (panel.place + md5_number_lower(day_resets.reset_id) % 8) % 8 as draw
    from day_resets
    inner join hosts
        on hosts.host_id = day_resets.host_id
    inner join panel
        on panel.instance_family = hosts.instance_family
        and panel.ami_id = hosts.ami_id
        and panel.sampled_date = cast(day_resets.window_start_at as date)
        and panel.host_id <> day_resets.host_id
    where day_resets.kind = 'reset' and not day_resets.has_clock_doubt
),

candidates as (
    select * exclude (distance)
    from same_host
    union all
    select *
    from peers
),

-- Each in an observed hour and at least ten minutes away from any trouble of its host.
quiet as (
    select candidates.*
    from candidates
    inner join observed_hours
        on observed_hours.host_id = candidates.host_id
        and observed_hours.hour_at = date_trunc('hour', candidates.window_end_at)
    where
        candidates.window_end_at < cast($as_of as timestamp) + interval 1 day
        and not exists (
            select 1
            from troubled_minutes
            where
                troubled_minutes.host_id = candidates.host_id
                and troubled_minutes.minute_at
                between candidates.window_start_at - interval 11 minute
                and candidates.window_end_at + interval 10 minute
        )
),

controls as (
    select *
    from quiet
    where window_kind = 'same_host'
    union all
    select *
    from quiet
    where window_kind = 'peer'
    qualify row_number() over (partition by reset_id order by draw, host_id) <= 3
)

select
    reset_id as window_id,
    reset_id,
    'reset' as window_kind,
    host_id,
    window_start_at,
    window_end_at,
    window_s,
    has_clock_doubt
from day_resets
union all
select
    window_id,
    reset_id,
    window_kind,
    host_id,
    window_start_at,
    window_end_at,
    window_s,
    false as has_clock_doubt
from controls
order by window_id
