-- What: How often each cohort resets at each time since boot, against all others at that time.
-- Grain: resets_of, cohort_id, uptime_from_h
-- Span: window
-- Input: cohort_members, uptime_members, uptime_patterns
-- Column: resets_of | VARCHAR | - | what is counted: any, host_starved or device_fault episodes
-- Column: cohort_id | VARCHAR | - | fleet, or attributes and values, as in uptime_patterns
-- Column: uptime_from_h | DOUBLE | hour | time since boot at which the bin begins; -1 if unknown
-- Column: uptime_to_h | DOUBLE | hour | where the next one begins; null if unknown or the last
-- Column: hosts | BIGINT | count | hosts that were observed at that time since boot
-- Column: affected_hosts | BIGINT | count | of these, hosts with such an episode then
-- Column: episodes | BIGINT | count | such episodes
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: resets_per_1000h | DOUBLE | 1/1000 h | episodes per 1,000 observed host-hours
-- Column: per_1000h_low | DOUBLE | 1/1000 h | lower 95 % bound; hosts differ, and it knows
-- Column: per_1000h_high | DOUBLE | 1/1000 h | upper 95 % bound
-- Column: rest_per_1000h | DOUBLE | 1/1000 h | all other hosts at the same time since boot; null if
--     there are none
-- Column: expected_episodes | DOUBLE | count | what that rate would give the cohort
-- Check: affected_are_members | affected_hosts <= hosts
-- Check: interval_holds_rate | coalesce(
--     per_1000h_low <= resets_per_1000h and resets_per_1000h <= per_1000h_high, true)
-- Check: rate_needs_exposure | (resets_per_1000h is null) = (exposure_h = 0)
-- Source: docs/method.md#uptime

with cohorts as (
    select
        cohort_id,
        any_value(conditions) as conditions
    from uptime_patterns
    group by all
),

members as (
    select
        cohorts.cohort_id,
        cohort_members.host_id,
        cohort_members.first_date
    from cohorts
    inner join cohort_members
        on len(list_filter(
            map_entries(cohorts.conditions),
            lambda pair: coalesce(cohort_members.attributes[pair.key], '?') <> pair.value
        )) = 0
),

by_host as (
    select
        host_id,
        first_date,
        uptime_from_h,
        any_value(uptime_to_h) as uptime_to_h,
        sum(exposure_h) as exposure_h,
        sum(episodes) as any_episodes,
        sum(host_starved_episodes) as host_starved,
        sum(device_fault_episodes) as device_fault
    from uptime_members
    group by host_id, first_date, uptime_from_h
),

counted as (
    select
        members.cohort_id,
        kinds.resets_of,
        by_host.uptime_from_h,
        by_host.uptime_to_h,
        by_host.host_id,
        by_host.exposure_h,
        cast(
            case kinds.resets_of
                when 'any' then by_host.any_episodes
                when 'host_starved' then by_host.host_starved
                else by_host.device_fault
            end as double
        ) as episodes
    from members
    inner join by_host
        on by_host.host_id = members.host_id
        and by_host.first_date = members.first_date
    cross join unnest(['any', 'host_starved', 'device_fault']) as kinds (resets_of)
),

-- Sums over hosts; the squares tell how much more the hosts differ than chance would make them.
sums as (
    select
        resets_of,
        cohort_id,
        uptime_from_h,
        any_value(uptime_to_h) as uptime_to_h,
        count(distinct host_id) as hosts,
        count(distinct host_id) filter (where episodes > 0) as affected_hosts,
        sum(episodes) as n,
        sum(exposure_h) as e,
        sum(episodes * episodes) as nn,
        sum(episodes * exposure_h) as ne,
        sum(exposure_h * exposure_h) as ee
    from counted
    group by resets_of, cohort_id, uptime_from_h
),

spread as (
    select
        *,
        if(e > 0, n / e, null) as rate,
        greatest(n, nn - 2 * n / nullif(e, 0) * ne + pow(n / nullif(e, 0), 2) * ee) as variance
    from sums
),

-- Subtracting sums of hours leaves dust: nobody outside means no hours outside.
compared as (
    select
        spread.*,
        if(
            fleet.e - spread.e > 1e-6,
            greatest(fleet.n - spread.n, 0) / (fleet.e - spread.e),
            null
        ) as rest_rate
    from spread
    inner join spread as fleet
        on fleet.cohort_id = 'fleet'
        and fleet.resets_of = spread.resets_of
        and fleet.uptime_from_h = spread.uptime_from_h
)

select
    resets_of,
    cohort_id,
    uptime_from_h,
    uptime_to_h,
    hosts,
    affected_hosts,
    cast(n as bigint) as episodes,
    round(e, 6) as exposure_h,
    round(1000 * rate, 6) as resets_per_1000h,
    round(1000 * if(n > 0, rate * exp(-1.96 * sqrt(variance) / n), 0 * rate), 6) as per_1000h_low,
    -- No episode: the rate that would give none in one case of forty.
    round(1000 * if(n > 0, rate * exp(1.96 * sqrt(variance) / n), -ln(0.025) / nullif(e, 0)), 6)
        as per_1000h_high,
    round(1000 * rest_rate, 6) as rest_per_1000h,
    round(rest_rate * e, 6) as expected_episodes
from compared
order by resets_of, cohort_id, uptime_from_h
