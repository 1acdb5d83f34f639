-- What: Whether cohorts reset more, or less, from some time since boot on, in figures and in words.
-- Grain: resets_of, cohort_id
-- Span: window
-- Input: cohort_members, cohort_verdicts, uptime_members
-- Then: resetradar.scoring.uptime:patterns
-- Param: min_cohort_hosts | BIGINT | count | cohorts of fewer hosts are not looked at
-- Param: max_attribute_levels | BIGINT | count | labels with more values are names, not cohorts
-- Column: resets_of | VARCHAR | - | what was looked at: any, host_starved or device_fault episodes
-- Column: cohort_id | VARCHAR | - | fleet, or attributes and values as in cohort_verdicts
-- Column: conditions | MAP(VARCHAR, VARCHAR) | - | attributes and values; members have all of them
-- Column: pattern | VARCHAR | - | rises_from_day, early (fewer later on), none, or unknown_uptime
-- Column: sentence | VARCHAR | - | the pattern in words; empty if there is none
-- Column: hosts | BIGINT | count | hosts of the cohort
-- Column: affected_hosts | BIGINT | count | of these, hosts with such an episode at a known uptime
-- Column: episodes | BIGINT | count | such episodes
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: known_ratio | DOUBLE | ratio | part of it of which the time since boot is known
-- Column: change_h | DOUBLE | hour | time since boot at which the rate changes; null without pattern
-- Column: change_low_h | DOUBLE | hour | earliest time that explains the episodes nearly as well
-- Column: change_high_h | DOUBLE | hour | latest such time
-- Column: before_per_1000h | DOUBLE | 1/1000 h | episodes per 1,000 h before the change, all hosts
-- Column: after_per_1000h | DOUBLE | 1/1000 h | the same from the change on
-- Column: rate_ratio | DOUBLE | ratio | the second over the first; bad old hosts raise it, too
-- Column: within_host_ratio | DOUBLE | ratio | the same ratio of each host to itself
-- Column: within_host_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: within_host_ratio_high | DOUBLE | ratio | upper 95 % bound
-- Column: compared_hosts | BIGINT | count | hosts with an episode that were seen before and after
-- Column: returned_hosts | BIGINT | count | hosts that reset after the change, were free after a
--     reboot, and reset after the change again
-- Column: p_value | DOUBLE | - | probability that chance links any cohort's episodes so much to the
--     time since boot
-- Check: pattern_is_known | pattern in ('rises_from_day', 'early', 'none', 'unknown_uptime')
-- Check: change_needs_pattern | (change_h is not null) = (pattern in ('rises_from_day', 'early'))
-- Check: interval_holds_change | coalesce(
--     change_low_h <= change_h and change_h <= change_high_h, true)
-- Check: is_told | (sentence = '') = (pattern = 'none')
-- Source: docs/method.md#uptime

with named as (
    select list(conditions order by cohort_id) as named
    from (
        select
            cohort_id,
            any_value(conditions) as conditions
        from cohort_verdicts
        group by all
    )
),

members as (
    select
        uptime_members.host_id,
        uptime_members.first_date,
        any_value(cohort_members.attributes) as attributes,
        list(
            {
                'day': epoch(cast(uptime_members.host_date as timestamp)),
                'boot': epoch(uptime_members.boot_at),
                'uptime_from_h': uptime_members.uptime_from_h,
                'exposure_h': uptime_members.exposure_h,
                'any': uptime_members.episodes,
                'host_starved': uptime_members.host_starved_episodes,
                'device_fault': uptime_members.device_fault_episodes
            }
            order by uptime_members.host_date, uptime_members.boot_at, uptime_members.uptime_from_h
        ) as pieces
    from uptime_members
    inner join cohort_members
        on cohort_members.host_id = uptime_members.host_id
        and cohort_members.first_date = uptime_members.first_date
    group by uptime_members.host_id, uptime_members.first_date
)

select
    members.host_id,
    members.attributes,
    named.named,
    list_transform(members.pieces, lambda piece: piece.day) as days,
    list_transform(members.pieces, lambda piece: piece.boot) as boots,
    list_transform(members.pieces, lambda piece: piece.uptime_from_h) as uptime_from_h,
    list_transform(members.pieces, lambda piece: piece.exposure_h) as exposure_h,
    list_transform(members.pieces, lambda piece: piece['any']) as episodes,
    list_transform(members.pieces, lambda piece: piece.host_starved) as host_starved_episodes,
    list_transform(members.pieces, lambda piece: piece.device_fault) as device_fault_episodes
from members
cross join named
order by members.host_id, members.first_date
