-- What: Cohorts that are new, gone, worse or better than before, those that explain others first.
-- Param: period_days | BIGINT | day | 1, 7 or 28
-- Column: cohort_id | VARCHAR | - | attributes and values; fleet is all hosts
-- Column: change | VARCHAR | - | worse, first_resets, better, new or gone
-- Column: since_date | DATE | UTC | first day of the new rate, of a new cohort, or without a gone one
-- Column: hosts | BIGINT | count | hosts observed in the period
-- Column: episodes | BIGINT | count | their episodes
-- Column: episodes_per_1000h | DOUBLE | 1/1000 h | rate in the period
-- Column: before_per_1000h | DOUBLE | 1/1000 h | rate before
-- Column: rate_ratio | DOUBLE | ratio | the one over the other, what all others did taken off
-- Column: rate_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound
-- Column: explained_by | VARCHAR | - | cohort without whose members it would not have changed

select
    cohort_id,
    change,
    since_date,
    hosts,
    episodes,
    episodes_per_1000h,
    before_per_1000h,
    rate_ratio,
    rate_ratio_low,
    rate_ratio_high,
    explained_by
from changes
where period_days = cast($period_days as bigint) and change not in ('steady', 'not_comparable')
order by
    explained_by is not null,
    array_position(['worse', 'first_resets', 'better', 'new', 'gone'], change),
    p_value,
    cohort_id
