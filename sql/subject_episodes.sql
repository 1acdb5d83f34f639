-- What: The episodes of each named cohort and of each host that stands out.
-- Grain: subject_kind, subject_id, resets_of, host_id, episode_at
-- Span: window
-- Input: cohort_members, cohort_verdicts, host_episodes, host_scores, reset_verdicts,
--     shared_episodes
-- Column: subject_kind | VARCHAR | - | cohort (of cohort_verdicts) or host (abnormal, watch, or one
--     of the first 50)
-- Column: subject_id | VARCHAR | - | its cohort_id or host_id
-- Column: resets_of | VARCHAR | - | which episodes: any, host_starved or device_fault
-- Column: host_id | VARCHAR | - | host
-- Column: episode_at | TIMESTAMP | UTC | first reset
-- Column: reset_id | VARCHAR | - | that reset, the first by name if several devices reset at once
-- Column: is_affinity_lost_after | BOOLEAN | - | all queues are on CPU 0 since; null if unknown
-- Check: has_reset | reset_id is not null
-- Source: docs/method.md#suspected-causes, docs/method.md#shared-incidents

with episodes as (
    select
        host_episodes.host_id,
        host_episodes.episode_at,
        cast(host_episodes.episode_at as date) as episode_date,
        -- An episode counts for all of them and for those of its verdict.
        unnest(['any', host_episodes.verdict]) as resets_of
    from host_episodes
    anti join shared_episodes
        on shared_episodes.host_id = host_episodes.host_id
        and shared_episodes.episode_at = host_episodes.episode_at
),

members as (
    select
        'cohort' as subject_kind,
        cohort_verdicts.cohort_id as subject_id,
        cohort_verdicts.resets_of,
        cohort_members.host_id,
        cohort_members.first_date,
        cohort_members.last_date
    from cohort_verdicts
    inner join cohort_members
        on list_bool_and(list_transform(
            map_entries(cohort_verdicts.conditions),
            lambda pair: coalesce(cohort_members.attributes[pair.key], '?') = pair.value
        ))
    union all
    select
        'host' as subject_kind,
        host_id as subject_id,
        'any' as resets_of,
        host_id,
        null as first_date,
        null as last_date
    from host_scores
    where standing in ('abnormal', 'watch') or rank <= 50
),

-- A storm of twenty resets is not twenty pieces of evidence: its first one stands for it.
first_resets as (
    select
        host_id,
        coalesce(reset_at, started_at) as episode_at,
        min(reset_id) as reset_id,
        bool_or(is_affinity_lost) as is_affinity_lost_after
    from reset_verdicts
    where kind = 'reset' and verdict <> 'requested'
    group by all
)

select distinct
    members.subject_kind,
    members.subject_id,
    members.resets_of,
    episodes.host_id,
    episodes.episode_at,
    first_resets.reset_id,
    first_resets.is_affinity_lost_after
from members
inner join episodes
    on episodes.host_id = members.host_id
    and episodes.resets_of = members.resets_of
    and episodes.episode_date between coalesce(members.first_date, episodes.episode_date)
    and coalesce(members.last_date, episodes.episode_date)
inner join first_resets
    on first_resets.host_id = episodes.host_id
    and first_resets.episode_at = episodes.episode_at
order by all
