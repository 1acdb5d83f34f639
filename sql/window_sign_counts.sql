-- What: How often each sign is seen in the windows of a subject's episodes, and how often in
--     controls.
-- Grain: subject_kind, subject_id, resets_of, sign
-- Span: window
-- Input: subject_episodes, window_signs
-- Column: subject_kind | VARCHAR | - | cohort or host
-- Column: subject_id | VARCHAR | - | its cohort_id or host_id
-- Column: resets_of | VARCHAR | - | which episodes: any, host_starved or device_fault
-- Column: sign | VARCHAR | - | lockup, console_flood, affinity_lost, steal, paused_vcpu, oom_kill,
--     memory_pressure or hardware_error
-- Column: seen | BIGINT | count | episodes with the sign
-- Column: looked_at | BIGINT | count | episodes of which it is known
-- Column: control_seen | BIGINT | count | their controls with the sign
-- Column: controls | BIGINT | count | their controls of which it is known
-- Column: matched | BIGINT | count | episodes of which it is known, with such a control
-- Column: hosts | BIGINT | count | hosts of these
-- Column: share | DOUBLE | ratio | weighted share of these with the sign; null without controls
-- Column: control_share | DOUBLE | ratio | the same of their controls; null without controls
-- Column: host_variance | DOUBLE | - | variance of the logarithm of share over control_share,
--     between hosts; null without controls
-- Column: lost_after | BIGINT | count | episodes after which all queues are on CPU 0
-- Column: example | VARCHAR | - | file and line of one such line; null if no line says so
-- Check: counts_fit | seen <= looked_at and control_seen <= controls and matched <= looked_at
-- Check: shares_need_controls | (matched = 0) = (share is null)
-- Source: docs/method.md#suspected-causes, docs/method.md#lift

with signs as (
    select
        reset_id,
        window_kind,
        examples,
        unnest(
            [
                {'sign': 'lockup', 'is_seen': has_lockup},
                {'sign': 'console_flood', 'is_seen': has_console_flood},
                {'sign': 'affinity_lost', 'is_seen': has_affinity_lost},
                {'sign': 'steal', 'is_seen': has_steal},
                {'sign': 'paused_vcpu', 'is_seen': has_paused_vcpu},
                {'sign': 'oom_kill', 'is_seen': has_oom_kill},
                {'sign': 'memory_pressure', 'is_seen': has_memory_pressure},
                {'sign': 'hardware_error', 'is_seen': has_hardware_error}
            ],
            recursive := true
        )
    from window_signs
    where reset_id in (select reset_id from subject_episodes)
),

-- Each episode with its own controls; one of which the sign is unknown has none to compare with.
episodes as (
    select
        *,
        -- Weight of Mantel and Haenszel: one control tells half as much as many.
        controls / (controls + 1) as weight
    from (
        select
            reset_id,
            sign,
            any_value(is_seen) filter (where window_kind = 'reset') as is_seen,
            count(is_seen) filter (where window_kind <> 'reset') as controls,
            count(*) filter (where is_seen and window_kind <> 'reset') as control_seen,
            min(examples[sign]) filter (where window_kind = 'reset') as example
        from signs
        group by all
    )
    where is_seen is not null
),

asked as (
    select
        subject_episodes.*,
        unnest([
            'lockup', 'console_flood', 'affinity_lost', 'steal', 'paused_vcpu', 'oom_kill',
            'memory_pressure', 'hardware_error'
        ]) as sign
    from subject_episodes
),

of_hosts as (
    select
        asked.subject_kind,
        asked.subject_id,
        asked.resets_of,
        asked.sign,
        asked.host_id,
        count(*) filter (where episodes.is_seen) as seen,
        count(episodes.is_seen) as looked_at,
        coalesce(sum(episodes.control_seen), 0) as control_seen,
        coalesce(sum(episodes.controls), 0) as controls,
        count(*) filter (where episodes.controls > 0) as matched,
        coalesce(sum(episodes.weight), 0) as weights,
        coalesce(sum(episodes.weight * episodes.is_seen::integer), 0) as weighted,
        coalesce(sum(episodes.weight * episodes.control_seen / nullif(episodes.controls, 0)), 0)
            as control_weighted,
        count(*) filter (where asked.is_affinity_lost_after) as lost_after,
        min(episodes.example) as example
    from asked
    left join episodes
        on episodes.reset_id = asked.reset_id
        and episodes.sign = asked.sign
    group by all
)

select
    subject_kind,
    subject_id,
    resets_of,
    sign,
    cast(sum(seen) as bigint) as seen,
    cast(sum(looked_at) as bigint) as looked_at,
    cast(sum(control_seen) as bigint) as control_seen,
    cast(sum(controls) as bigint) as controls,
    cast(sum(matched) as bigint) as matched,
    count(*) filter (where matched > 0) as hosts,
    round(sum(weighted) / nullif(sum(weights), 0), 9) as share,
    round(sum(control_weighted) / nullif(sum(weights), 0), 9) as control_share,
    round(
        sum(
            (
                coalesce(weighted / nullif(all_weighted, 0), 0)
                - coalesce(control_weighted / nullif(all_control_weighted, 0), 0)
            ) ** 2
        ) filter (where matched > 0),
        9
    ) as host_variance,
    cast(sum(lost_after) as bigint) as lost_after,
    min(example) as example
from (
    select
        *,
        sum(weighted) over of_subject as all_weighted,
        sum(control_weighted) over of_subject as all_control_weighted
    from of_hosts
    window of_subject as (partition by subject_kind, subject_id, resets_of, sign)
)
group by all
order by subject_kind, subject_id, resets_of, sign
