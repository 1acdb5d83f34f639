-- What: Episodes that many hosts of a zone or of the fleet had at once: an incident of their own.
-- Grain: host_id, episode_at
-- Span: window
-- Input: host_days, host_episodes
-- Param: shared_bucket_s | DOUBLE | second | episodes that begin within this time are at once
-- Param: shared_min_hosts | BIGINT | count | fewer hosts are no shared incident
-- Column: host_id | VARCHAR | - | host
-- Column: episode_at | TIMESTAMP | UTC | first reset of the episode
-- Column: scope | VARCHAR | - | fleet or availability_zone=…: where it stands out most
-- Column: incident_at | TIMESTAMP | UTC | first episode of the incident
-- Column: hosts | BIGINT | count | hosts of the scope that had an episode then
-- Column: expected_hosts | DOUBLE | count | what the hours around it would give
-- Column: p_value | DOUBLE | - | probability of so many by chance, in any of the buckets looked at
-- Check: many_hosts | hosts >= 2
-- Check: is_unlikely | p_value < 1e-6
-- Source: docs/method.md#shared-incidents

with placed as (
    select
        host_episodes.host_id,
        host_episodes.episode_at,
        coalesce(host_days.availability_zone, '?') as availability_zone
    from host_episodes
    left join host_days
        on host_days.host_id = host_episodes.host_id
        and host_days.host_date = cast(host_episodes.episode_at as date)
),

-- Two grids, half a bucket apart: what an edge of one cuts, the other holds.
bucketed as (
    select
        host_id,
        episode_at,
        scope,
        grid,
        cast(
            floor(epoch_us(episode_at) / 1e6 / cast($shared_bucket_s as double) + grid / 2)
            as bigint
        ) as bucket
    from placed
    cross join unnest(['fleet', 'availability_zone=' || availability_zone]) as scopes (scope)
    cross join unnest([0, 1]) as grids (grid)
),

counted as (
    select
        scope,
        grid,
        bucket,
        count(distinct host_id) as hosts,
        min(episode_at) as incident_at
    from bucketed
    group by all
),

zones as (
    select
        host_id,
        host_date,
        coalesce(availability_zone, '?') as availability_zone
    from host_days
),

-- Hosts and days of each scope; both grids are looked at.
spans as (
    select
        scope,
        max(hosts) as scope_hosts,
        2 * max(days) * 86400 / cast($shared_bucket_s as double) as buckets
    from (
        select
            if(grouping(availability_zone) = 1, 'fleet', 'availability_zone=' || availability_zone)
                as scope,
            count(distinct host_id) as hosts,
            0 as days
        from (select distinct host_id, availability_zone from zones)
        group by rollup (availability_zone)
        union all
        select
            if(grouping(availability_zone) = 1, 'fleet', 'availability_zone=' || availability_zone)
                as scope,
            0 as hosts,
            count(distinct host_date) as days
        from (select distinct host_date, availability_zone from zones)
        group by rollup (availability_zone)
    )
    group by all
),

-- A bad day is no incident: the twelve hours before and after tell what is usual.
expected as (
    select
        counted.*,
        spans.buckets,
        greatest(
            (sum(hosts) over whole - hosts) / (spans.buckets / 2),
            (sum(hosts) over around - hosts) * cast($shared_bucket_s as double) / 86400
        ) as expected_hosts
    from counted
    inner join spans
        on spans.scope = counted.scope
    window
        whole as (partition by counted.scope, grid),
        around as (
            partition by counted.scope, grid
            order by bucket * cast($shared_bucket_s as double)
            range between 43200 preceding and 43200 following
        )
),

-- The upper tail of a Poisson distribution, as a sum that starts at the count.
judged as (
    select
        *,
        least(1, buckets * list_sum(list_transform(
            range(hosts, hosts + 200),
            lambda n: exp(n * ln(expected_hosts + 1e-9) - expected_hosts - lgamma(n + 1))
        ))) as p_value
    from expected
    where hosts >= cast($shared_min_hosts as bigint) and hosts > expected_hosts
),

together as (
    select
        bucketed.host_id,
        bucketed.episode_at,
        judged.scope,
        judged.incident_at,
        judged.hosts,
        judged.expected_hosts,
        judged.p_value
    from bucketed
    inner join judged
        on judged.scope = bucketed.scope
        and judged.grid = bucketed.grid
        and judged.bucket = bucketed.bucket
    where judged.p_value < 1e-6
    qualify row_number() over (
        partition by bucketed.host_id, bucketed.episode_at
        order by judged.p_value, judged.scope, judged.grid
    ) = 1
),

-- In how many incidents a host would be if each struck hosts of its scope at random.
chances as (
    select
        incidents.scope,
        sum(incidents.hosts / spans.scope_hosts) as expected_incidents
    from (select distinct scope, incident_at, hosts from together) as incidents
    inner join spans
        on spans.scope = incidents.scope
    group by all
),

-- Who is in many more is no bystander: its episodes stay its own.
bystanders as (
    select
        together.host_id,
        together.scope
    from together
    inner join chances
        on chances.scope = together.scope
    group by together.host_id, together.scope, chances.expected_incidents
    having
        count(*) < 3
        or list_sum(list_transform(
            range(count(*), count(*) + 200),
            lambda n: exp(
                n * ln(chances.expected_incidents) - chances.expected_incidents - lgamma(n + 1)
            )
        )) > 1e-3
)

select
    together.host_id,
    together.episode_at,
    together.scope,
    together.incident_at,
    together.hosts,
    round(together.expected_hosts, 6) as expected_hosts,
    together.p_value
from together
inner join bystanders
    on bystanders.host_id = together.host_id
    and bystanders.scope = together.scope
order by together.host_id, together.episode_at
