-- What: Hosts that were observed once and fell silent before the newest hour of the fleet.
-- Param: silent_h | DOUBLE | hour | shorter silences are not listed
-- Column: host_id | VARCHAR | - | host
-- Column: last_observed_at | TIMESTAMP | UTC | end of its last observed hour
-- Column: silent_h | DOUBLE | hour | from there to the end of the fleet's newest hour
-- Column: exposure_h | DOUBLE | hour | time that was observed before
-- Column: resets | BIGINT | count | resets that were seen before
-- Column: last_reset_at | TIMESTAMP | UTC | last of these

with observed as (
    select
        host_id,
        max(hour_at) + interval 1 hour as last_observed_at,
        sum(observed_s) / 3600 as exposure_h
    from log_coverage
    where observed_s > 0
    group by all
),

seen as (
    select
        host_id,
        count(*) as resets,
        max(reset_at) as last_reset_at
    from resets
    where kind = 'reset'
    group by all
),

measured as (
    select
        *,
        epoch_us(max(last_observed_at) over () - last_observed_at) / 3.6e9 as silent_h
    from observed
)

select
    measured.host_id,
    measured.last_observed_at,
    measured.silent_h,
    measured.exposure_h,
    coalesce(seen.resets, 0) as resets,
    seen.last_reset_at
from measured
left join seen
    on seen.host_id = measured.host_id
where measured.silent_h >= cast($silent_h as double)
order by measured.silent_h desc, measured.host_id
