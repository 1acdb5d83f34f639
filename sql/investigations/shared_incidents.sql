-- What: Resets of different hosts that follow each other within seconds: one cause for all.
-- Param: within_s | DOUBLE | second | longest pause inside one incident
-- Param: min_hosts | INTEGER | count | fewer hosts are not an incident
-- Column: incident_at | TIMESTAMP | UTC | first reset
-- Column: last_reset_at | TIMESTAMP | UTC | last reset
-- Column: hosts | BIGINT | count | hosts that reset
-- Column: resets | BIGINT | count | resets
-- Column: host_ids | VARCHAR[] | - | these hosts, by name
-- Column: verdicts | VARCHAR[] | - | verdicts that occur

with counted as (
    select
        host_id,
        reset_id,
        verdict,
        coalesce(reset_at, started_at) as began_at
    from reset_verdicts
    where kind = 'reset' and verdict <> 'requested'
),

marked as (
    select
        *,
        coalesce(
            epoch_us(began_at - lag(began_at) over (order by began_at, reset_id))
            > cast($within_s as double) * 1e6,
            true
        ) as is_first
    from counted
),

numbered as (
    select
        *,
        count(*) filter (where is_first) over (
            order by began_at, reset_id rows between unbounded preceding and current row
        ) as incident
    from marked
)

select
    min(began_at) as incident_at,
    max(began_at) as last_reset_at,
    count(distinct host_id) as hosts,
    count(*) as resets,
    list_sort(list(distinct host_id)) as host_ids,
    list_sort(list(distinct verdict)) as verdicts
from numbered
group by incident
having count(distinct host_id) >= cast($min_hosts as integer)
order by incident_at
