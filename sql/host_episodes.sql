-- What: Resets of one host that follow each other closely, counted once: they share a cause.
-- Grain: host_id, episode_at
-- Span: window
-- Input: reset_verdicts
-- Param: episode_gap_s | DOUBLE | second | a longer pause starts a new episode
-- Column: host_id | VARCHAR | - | host
-- Column: episode_at | TIMESTAMP | UTC | first reset
-- Column: last_reset_at | TIMESTAMP | UTC | last reset
-- Column: resets | BIGINT | count | resets that nobody asked for, of all devices
-- Column: verdict | VARCHAR | - | most frequent verdict of these; the first by name if several are
-- Check: is_not_empty | resets >= 1
-- Check: ends_after_start | last_reset_at >= episode_at
-- Source: docs/method.md#episodes

with counted as (
    select host_id, reset_id, coalesce(reset_at, started_at) as reset_at, verdict
    from reset_verdicts
    where kind = 'reset' and verdict <> 'requested'
),

marked as (
    select
        *,
        coalesce(
            epoch_us(reset_at - lag(reset_at) over by_time)
            > cast($episode_gap_s as double) * 1e6,
            true
        ) as is_first
    from counted
    window by_time as (partition by host_id order by reset_at, reset_id)
),

numbered as (
    select
        *,
        count(*) filter (where is_first) over (
            partition by host_id order by reset_at, reset_id
            rows between unbounded preceding and current row
        ) as episode
    from marked
),

by_verdict as (
    select
        host_id,
        episode,
        verdict,
        min(reset_at) as first_at,
        max(reset_at) as last_at,
        count(*) as resets
    from numbered
    group by all
)

select
    host_id,
    min(first_at) as episode_at,
    max(last_at) as last_reset_at,
    cast(sum(resets) as bigint) as resets,
    arg_min(verdict, (-resets, verdict)) as verdict
from by_verdict
group by host_id, episode
order by host_id, episode_at
