-- What: Values of attributes that took the place of others, and whether hosts reset less or more since.
-- Grain: attribute, from_value, to_value, treatment
-- Span: window
-- Input: host_history
-- Then: resetradar.scoring.rollouts:rollouts
-- Param: as_of | DATE | - | the last day
-- Param: history_days | BIGINT | day | longest span before and after
-- Param: min_cohort_hosts | BIGINT | count | fewer hosts are no roll-out, and no control
-- Param: max_attribute_levels | BIGINT | count | labels with more values are names, not cohorts
-- Param: change_q | DOUBLE | - | share of false alarms up to which an effect is told
-- Column: attribute | VARCHAR | - | what changed
-- Column: from_value | VARCHAR | - | its value before
-- Column: to_value | VARCHAR | - | its value after
-- Column: treatment | VARCHAR | - | in_place: on the same hosts; replaced: new hosts took the place of
--     others of their family and zone
-- Column: verdict | VARCHAR | - | improved, worsened, no_difference_seen: see detectable_ratio; or
--     no_controls: too few untreated hosts, so that anything else may be the cause
-- Column: first_date | DATE | UTC | day on which the first host changed
-- Column: last_date | DATE | UTC | day on which the last host changed
-- Column: hosts_before | BIGINT | count | treated hosts that were observed before
-- Column: hosts | BIGINT | count | treated hosts that were observed after
-- Column: exposure_before_h | DOUBLE | hour | their observed time before
-- Column: exposure_h | DOUBLE | hour | their observed time after, the day of the change left out
-- Column: episodes_before | BIGINT | count | their episodes before, without shared incidents
-- Column: episodes | BIGINT | count | their episodes after
-- Column: before_per_1000h | DOUBLE | 1/1000 h | rate before
-- Column: episodes_per_1000h | DOUBLE | 1/1000 h | rate after
-- Column: per_1000h_high | DOUBLE | 1/1000 h | upper 95 % bound of the rate after; without any
--     episode 3 over the observed time
-- Column: rebooted_ratio | DOUBLE | ratio | share of the hosts that were booted on the day of the change
--     or the day before or after: their uptime began anew, too; null if unknown or replaced
-- Column: control_group | VARCHAR | - | family_and_zone or family: what untreated hosts share with
--     treated ones; null if there are too few
-- Column: control_hosts | BIGINT | count | untreated hosts
-- Column: control_ratio | DOUBLE | ratio | what untreated hosts did in the same days; in place, over
--     what their counts before let expect
-- Column: regression_ratio | DOUBLE | ratio | what the rate would have become by chance alone, over the
--     rate before: below 1 if hosts with bad luck were chosen; null if hosts were replaced
-- Column: expected_episodes | DOUBLE | count | episodes after if the treatment did nothing
-- Column: rate_ratio | DOUBLE | ratio | episodes over expected ones, half of one added to both
-- Column: rate_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound; null if the data set none
-- Column: p_value | DOUBLE | - | probability by chance of such a difference or a larger one
-- Column: q_value | DOUBLE | - | share of false alarms if effects up to this one are told
-- Column: detectable_ratio | DOUBLE | ratio | smallest improvement that would have been told in four
--     cases of five: 0.4 means that a fall to 0.5 may have been missed
-- Column: also_changed | VARCHAR | - | other roll-outs of the same hosts; empty if there are none
-- Check: verdict_is_known | verdict in
--     ('improved', 'worsened', 'no_difference_seen', 'no_controls')
-- Check: interval_holds_ratio | coalesce(rate_ratio_low <= rate_ratio, true)
--     and coalesce(rate_ratio <= rate_ratio_high, true)
-- Check: effect_needs_controls | (verdict = 'no_controls') = (rate_ratio is null)
-- Source: docs/method.md#roll-outs

-- Lists are not ordered: each day is told by its age, and sorting millions of them costs memory.
select
    host_id,
    attributes,
    list(date_diff('day', host_date, cast($as_of as date))) as ages,
    list(exposure_h) as hours,
    list(episodes) as episodes,
    list(is_inventoried) as inventoried,
    list(coalesce(cast(is_rebooted as integer), -1)) as reboots
from host_history
group by host_id, attributes
order by host_id, min(host_date)
