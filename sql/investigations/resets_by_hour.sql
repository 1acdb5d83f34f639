-- What: Resets by hour of the day in UTC, against the time that was observed in that hour.
-- Param: verdict | VARCHAR | - | one verdict, or empty for all that nobody asked for
-- Column: utc_hour | BIGINT | - | 0 to 23
-- Column: resets | BIGINT | count | resets
-- Column: hosts | BIGINT | count | hosts with one
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: resets_per_1000h | DOUBLE | 1/1000 h | rate; null without observed time

with observed as (
    select
        extract(hour from hour_at) as utc_hour,
        sum(observed_s) / 3600 as exposure_h
    from log_coverage
    group by all
),

counted as (
    select
        extract(hour from reset_at) as utc_hour,
        count(*) as resets,
        count(distinct host_id) as hosts
    from reset_verdicts
    where
        kind = 'reset'
        and reset_at is not null
        and if($verdict = '', verdict <> 'requested', verdict = $verdict)
    group by all
)

select
    coalesce(observed.utc_hour, counted.utc_hour) as utc_hour,
    coalesce(counted.resets, 0) as resets,
    coalesce(counted.hosts, 0) as hosts,
    coalesce(observed.exposure_h, 0) as exposure_h,
    1000 * coalesce(counted.resets, 0) / nullif(observed.exposure_h, 0) as resets_per_1000h
from observed
full join counted
    on counted.utc_hour = observed.utc_hour
order by utc_hour
