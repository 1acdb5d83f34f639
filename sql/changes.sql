-- What: Cohorts now and before: what is new, gone, worse or better than in its own past and than others.
-- Grain: cohort_id, period_days
-- Span: window
-- Input: cohort_verdicts, host_history
-- Then: resetradar.scoring.changes:changes
-- Param: as_of | DATE | - | the last day
-- Param: history_days | BIGINT | day | longest span before
-- Param: min_cohort_hosts | BIGINT | count | fewer hosts in a span are not compared
-- Param: min_cohort_exposure_h | DOUBLE | hour | less observed time in a span is not compared
-- Param: max_attribute_levels | BIGINT | count | labels with more values are names, not cohorts
-- Param: change_q | DOUBLE | - | share of false alarms up to which a change is told
-- Column: cohort_id | VARCHAR | - | attributes and values, e.g. ami_id=ami-1; fleet is all hosts
-- Column: period_days | BIGINT | day | length of now, the last day included: 1, 7 or 28
-- Column: change | VARCHAR | - | worse, better, steady; first_resets: worse, and none before; new, gone:
--     its first or last hosts were seen in the period; not_comparable: too little was observed before
--     or now, or too few hosts
-- Column: since_date | DATE | UTC | first day of the new rate, of a new cohort, or without a gone one
-- Column: attributes | VARCHAR | - | names of the attributes; empty for the fleet
-- Column: cohort_values | VARCHAR | - | their values, in the same order
-- Column: before_days | BIGINT | day | length of before: history_days, or what there is of them
-- Column: hosts | BIGINT | count | hosts observed now
-- Column: hosts_before | BIGINT | count | hosts observed before
-- Column: same_hosts | BIGINT | count | hosts observed in both spans
-- Column: exposure_h | DOUBLE | hour | observed time now
-- Column: exposure_before_h | DOUBLE | hour | observed time before
-- Column: episodes | BIGINT | count | episodes now, without shared incidents
-- Column: episodes_before | BIGINT | count | episodes before
-- Column: episodes_per_1000h | DOUBLE | 1/1000 h | rate now; null if nothing was observed
-- Column: before_per_1000h | DOUBLE | 1/1000 h | rate before; null if nothing was observed
-- Column: own_ratio | DOUBLE | ratio | rate now over rate before; null if not comparable
-- Column: others_ratio | DOUBLE | ratio | the same of all other hosts: what the fleet did meanwhile
-- Column: rate_ratio | DOUBLE | ratio | the first over the second
-- Column: rate_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound; null if the data set none
-- Column: same_hosts_ratio | DOUBLE | ratio | rate_ratio over hosts that were observed in both spans
-- Column: is_by_same_hosts | BOOLEAN | - | these hosts hold half of the time or more, so that the ratios
--     are theirs and hosts that came or went change nothing
-- Column: p_value | DOUBLE | - | probability by chance of such a change, from its past and from others
-- Column: q_value | DOUBLE | - | share of false alarms if cohorts up to this one are told
-- Column: explained_by | VARCHAR | - | cohort without whose members this one would not have changed;
--     null if there is none
-- Check: change_is_known | change in
--     ('worse', 'better', 'steady', 'first_resets', 'new', 'gone', 'not_comparable')
-- Check: interval_holds_ratio | coalesce(rate_ratio_low <= rate_ratio, true)
--     and coalesce(rate_ratio <= rate_ratio_high, true)
-- Check: change_was_compared | (q_value is null) = (change in ('new', 'gone', 'not_comparable'))
-- Source: docs/method.md#changes

-- Lists are not ordered: each day is told by its age, and sorting millions of them costs memory.
select
    host_id,
    attributes,
    list(date_diff('day', host_date, cast($as_of as date))) as ages,
    list(exposure_h) as hours,
    list(episodes) as episodes,
    list(is_inventoried) as inventoried,
    list(coalesce(cast(is_rebooted as integer), -1)) as reboots,
    (select list(conditions order by cohort_id) from cohort_verdicts) as named
from host_history
group by host_id, attributes
order by host_id, min(host_date)
