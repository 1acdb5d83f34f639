-- What: On how many of a subject's hosts with episodes a sign is seen, and on how many without.
-- Grain: subject_kind, subject_id, resets_of, sign, sign_of
-- Span: window
-- Input: host_days, host_episodes, host_signs, shared_episodes, subject_episodes
-- Param: min_host_exposure_h | DOUBLE | hour | hosts that were observed less are not compared with
-- Column: subject_kind | VARCHAR | - | cohort or host
-- Column: subject_id | VARCHAR | - | its cohort_id or host_id
-- Column: resets_of | VARCHAR | - | which episodes: any, host_starved or device_fault
-- Column: sign | VARCHAR | - | memory_cgroups or crash_looping_unit
-- Column: sign_of | VARCHAR | - | the unit; - for any unit and for other signs
-- Column: seen | BIGINT | count | hosts with episodes that have the sign
-- Column: looked_at | BIGINT | count | hosts with episodes of which it is known
-- Column: control_seen | BIGINT | count | hosts of the fleet without such an episode that have the
--     sign
-- Column: controls | BIGINT | count | hosts of the fleet without, of which it is known
-- Column: hosts | BIGINT | count | hosts with episodes
-- Column: value | DOUBLE | count | median of the hosts with episodes, on the days of these; null if
--     unknown
-- Column: control_value | DOUBLE | count | median of the hosts without; null if unknown
-- Column: rising | BIGINT | count | hosts with episodes that have it and on which it rose by
--     a hundredth in a day
-- Check: counts_fit | seen <= looked_at and control_seen <= controls and looked_at <= hosts
-- Source: docs/method.md#suspected-causes

with cases as (
    select distinct
        subject_kind,
        subject_id,
        resets_of,
        host_id,
        cast(episode_at as date) as host_date
    from subject_episodes
),

-- Of hosts with episodes the days of these count, of other hosts all days.
others as (
    select
        classes.resets_of,
        host_days.host_id
    from host_days
    cross join (select distinct resets_of from subject_episodes) as classes
    left join (
        select
            host_episodes.host_id,
            unnest(['any', host_episodes.verdict]) as resets_of
        from host_episodes
        anti join shared_episodes
            on shared_episodes.host_id = host_episodes.host_id
            and shared_episodes.episode_at = host_episodes.episode_at
    ) as episodes
        on episodes.host_id = host_days.host_id
        and episodes.resets_of = classes.resets_of
    where episodes.host_id is null
    group by classes.resets_of, host_days.host_id
    having sum(host_days.exposure_h) >= cast($min_host_exposure_h as double)
),

days as (
    select
        cases.subject_kind,
        cases.subject_id,
        cases.resets_of,
        host_signs.*
    from cases
    inner join host_signs
        on host_signs.host_id = cases.host_id
        and host_signs.host_date = cases.host_date
    union all
    select
        'other' as subject_kind,
        '' as subject_id,
        others.resets_of,
        host_signs.*
    from others
    inner join host_signs
        on host_signs.host_id = others.host_id
),

of_hosts as (
    select
        subject_kind,
        subject_id,
        resets_of,
        host_id,
        sign,
        sign_of,
        count(*) filter (where is_seen) as seen_days,
        count(*) as days,
        median(value) as value,
        bool_or(is_seen and growth > 0.01 * value) as is_rising
    from days
    group by all
),

-- A host has the sign if it has it on half of these days or more.
counts as (
    select
        of_hosts.subject_kind,
        of_hosts.subject_id,
        of_hosts.resets_of,
        of_hosts.sign,
        of_hosts.sign_of,
        count(*) filter (where of_hosts.seen_days > 0 and 2 * of_hosts.seen_days >= known.days)
            as seen,
        median(of_hosts.value) as value,
        count(*) filter (where of_hosts.is_rising) as rising
    from of_hosts
    inner join of_hosts as known
        on known.subject_kind = of_hosts.subject_kind
        and known.subject_id = of_hosts.subject_id
        and known.resets_of = of_hosts.resets_of
        and known.host_id = of_hosts.host_id
        and known.sign = of_hosts.sign
        and known.sign_of = '-'
    group by all
),

known as (
    select
        subject_kind,
        subject_id,
        resets_of,
        sign,
        count(*) as hosts
    from of_hosts
    where sign_of = '-'
    group by all
),

asked as (
    select
        subject_kind,
        subject_id,
        resets_of,
        unnest(['memory_cgroups', 'crash_looping_unit']) as sign,
        count(distinct host_id) as hosts
    from cases
    group by subject_kind, subject_id, resets_of
)

select
    asked.subject_kind,
    asked.subject_id,
    asked.resets_of,
    asked.sign,
    coalesce(counts.sign_of, '-') as sign_of,
    coalesce(counts.seen, 0) as seen,
    coalesce(known.hosts, 0) as looked_at,
    coalesce(other_counts.seen, 0) as control_seen,
    coalesce(other_known.hosts, 0) as controls,
    asked.hosts,
    counts.value,
    other_counts.value as control_value,
    coalesce(counts.rising, 0) as rising
from asked
left join counts
    on counts.subject_kind = asked.subject_kind
    and counts.subject_id = asked.subject_id
    and counts.resets_of = asked.resets_of
    and counts.sign = asked.sign
left join known
    on known.subject_kind = asked.subject_kind
    and known.subject_id = asked.subject_id
    and known.resets_of = asked.resets_of
    and known.sign = asked.sign
left join counts as other_counts
    on other_counts.subject_kind = 'other'
    and other_counts.resets_of = asked.resets_of
    and other_counts.sign = asked.sign
    and other_counts.sign_of = coalesce(counts.sign_of, '-')
left join known as other_known
    on other_known.subject_kind = 'other'
    and other_known.resets_of = asked.resets_of
    and other_known.sign = asked.sign
order by asked.subject_kind, asked.subject_id, asked.resets_of, asked.sign, sign_of
