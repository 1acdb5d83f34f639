-- What: Each host with its attributes for as long as they stayed the same, its time and episodes.
-- Grain: host_id, first_date
-- Span: window
-- Input: host_attributes, host_days, host_episodes, hosts, shared_episodes
-- Column: host_id | VARCHAR | - | host
-- Column: first_date | DATE | UTC | first day with these attributes
-- Column: last_date | DATE | UTC | last day with these attributes
-- Column: instance_family | VARCHAR | - | ? if unknown
-- Column: availability_zone | VARCHAR | - | ? if unknown
-- Column: ami_id | VARCHAR | - | ? if unknown
-- Column: attributes | MAP(VARCHAR, VARCHAR) | - | these and all others that can make a cohort
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: episodes | BIGINT | count | episodes, without shared incidents
-- Column: host_starved_episodes | BIGINT | count | of these, with a starved host
-- Column: device_fault_episodes | BIGINT | count | of these, with a faulty device
-- Check: has_attributes | cardinality(attributes) >= 4
-- Check: verdicts_are_part | host_starved_episodes + device_fault_episodes <= episodes
-- Source: docs/method.md#cohorts, docs/method.md#shared-incidents

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

spells as (
    select
        host_days.host_id,
        coalesce(host_days.instance_family, '?') as instance_family,
        coalesce(host_days.availability_zone, '?') as availability_zone,
        coalesce(host_days.ami_id, '?') as ami_id,
        coalesce(host_days.kernel, '?') as kernel,
        min(host_days.host_date) as first_date,
        max(host_days.host_date) as last_date,
        round(sum(host_days.exposure_h), 6) as exposure_h,
        cast(coalesce(sum(episodes.episodes), 0) as bigint) as episodes,
        cast(coalesce(sum(episodes.host_starved), 0) as bigint) as host_starved,
        cast(coalesce(sum(episodes.device_fault), 0) as bigint) as device_fault
    from host_days
    left join episodes
        on episodes.host_id = host_days.host_id
        and episodes.host_date = host_days.host_date
    group by all
),

units as (
    select
        host_id,
        max_by(units, host_date) filter (where units is not null) as attributes
    from host_attributes
    group by all
)

select
    spells.host_id,
    spells.first_date,
    spells.last_date,
    spells.instance_family,
    spells.availability_zone,
    spells.ami_id,
    map_from_entries(list_concat(
        list_filter(
            map_entries(
                map_concat(
                    coalesce(hosts.attributes, map {}), coalesce(units.attributes, map {})
                )
            ),
            lambda pair: pair.key not in (
                'ami_id', 'availability_zone', 'instance_family', 'kernel', 'driver_version'
            )
        ),
        [
            {'key': 'ami_id', 'value': spells.ami_id},
            {'key': 'availability_zone', 'value': spells.availability_zone},
            {'key': 'instance_family', 'value': spells.instance_family},
            {'key': 'kernel', 'value': spells.kernel},
            -- What resets state is not used: only hosts with resets would have a version.
            {'key': 'driver_version', 'value': coalesce(hosts.driver_version, '?')}
        ]
    )) as attributes,
    spells.exposure_h,
    spells.episodes,
    spells.host_starved as host_starved_episodes,
    spells.device_fault as device_fault_episodes
from spells
left join hosts
    on hosts.host_id = spells.host_id
left join units
    on units.host_id = spells.host_id
order by spells.host_id, spells.first_date
