-- What: Every boot of one host: how long it was observed, and how long it went without a reset.
-- Param: host_id | VARCHAR | - | host
-- Column: boot_at | TIMESTAMP | UTC | boot; null if no line tells it
-- Column: observed_from_at | DATE | UTC | first day on which it was observed
-- Column: observed_to_at | DATE | UTC | last such day
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: episodes | BIGINT | count | episodes in it, without shared incidents
-- Column: first_episode_h | DOUBLE | hour | time since boot, at least, of the first of them; null
--     without one
-- Column: free_h | DOUBLE | hour | observed time before that, without an episode

with pieces as (
    select
        *,
        min(uptime_from_h) filter (where episodes > 0) over (partition by boot_at) as first_episode_h
    from uptime_members
    where host_id = $host_id
)

select
    nullif(boot_at, timestamp '1970-01-01') as boot_at,
    min(host_date) as observed_from_at,
    max(host_date) as observed_to_at,
    sum(exposure_h) as exposure_h,
    cast(sum(episodes) as bigint) as episodes,
    nullif(any_value(first_episode_h), -1) as first_episode_h,
    sum(exposure_h) filter (where first_episode_h is null or uptime_from_h < first_episode_h)
        as free_h
from pieces
group by boot_at
order by boot_at
