-- What: Each host by day with its attributes, time and episodes, as far back as changes are looked for.
-- Grain: host_id, host_date
-- Span: window
-- Windows: 2
-- Input: host_attributes, host_days, host_episodes, shared_episodes
-- Column: host_id | VARCHAR | - | host
-- Column: host_date | DATE | UTC | day
-- Column: attributes | MAP(VARCHAR, VARCHAR) | - | all that can make a cohort, as of the day; what the
--     day does not tell is that of the nearest day before, else after
-- Column: is_inventoried | BOOLEAN | - | the inventory of the day knows the host
-- Column: is_rebooted | BOOLEAN | - | it was booted on this day; null if its logs do not tell
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: episodes | BIGINT | count | episodes that began, without shared incidents
-- Column: host_starved_episodes | BIGINT | count | of these, with a starved host
-- Column: device_fault_episodes | BIGINT | count | of these, with a faulty device
-- Check: exposure_is_a_day_at_most | exposure_h between 0 and 24.000001
-- Check: verdicts_are_part | host_starved_episodes + device_fault_episodes <= episodes
-- Source: docs/method.md#changes, docs/method.md#shared-incidents

with episodes as (
    select
        host_episodes.host_id,
        cast(host_episodes.episode_at as date) as host_date,
        count(*) as episodes,
        count(*) filter (where host_episodes.verdict = 'host_starved') as host_starved,
        count(*) filter (where host_episodes.verdict = 'device_fault') as device_fault
    from host_episodes
    anti join shared_episodes
        on shared_episodes.host_id = host_episodes.host_id
        and shared_episodes.episode_at = host_episodes.episode_at
    group by all
),

-- An inventory or a fact that was not delivered for a day is no change.
filled as (
    select
        host_days.host_id,
        host_days.host_date,
        host_days.exposure_h,
        host_days.is_inventoried,
        if(host_days.boot_at is null, null, host_days.boots > 0) as is_rebooted,
        coalesce(
            last_value(host_attributes.inventory ignore nulls) over before,
            first_value(host_attributes.inventory ignore nulls) over after
        ) as inventory,
        coalesce(
            last_value(host_attributes.units ignore nulls) over before,
            first_value(host_attributes.units ignore nulls) over after
        ) as units
    from host_days
    left join host_attributes
        on host_attributes.host_id = host_days.host_id
        and host_attributes.host_date = host_days.host_date
    window
        before as (
            partition by host_days.host_id order by host_days.host_date
            rows between unbounded preceding and current row
        ),
        after as (
            partition by host_days.host_id order by host_days.host_date
            rows between current row and unbounded following
        )
)

select
    filled.host_id,
    filled.host_date,
    map_concat(coalesce(filled.inventory, map {}), coalesce(filled.units, map {})) as attributes,
    filled.is_inventoried,
    filled.is_rebooted,
    filled.exposure_h,
    coalesce(episodes.episodes, 0) as episodes,
    coalesce(episodes.host_starved, 0) as host_starved_episodes,
    coalesce(episodes.device_fault, 0) as device_fault_episodes
from filled
left join episodes
    on episodes.host_id = filled.host_id
    and episodes.host_date = filled.host_date
order by filled.host_id, filled.host_date
