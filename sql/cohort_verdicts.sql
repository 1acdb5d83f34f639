-- What: Cohorts that explain why hosts reset more than the rest, each after those that explain more.
-- Grain: resets_of, cohort_id
-- Span: window
-- Input: cohort_members
-- Then: resetradar.scoring.cohorts:explain_away
-- Param: min_cohort_hosts | BIGINT | count | cohorts of fewer hosts are not compared
-- Param: max_attribute_levels | BIGINT | count | labels with more values are names, not cohorts
-- Column: resets_of | VARCHAR | - | what was compared: any, host_starved or device_fault episodes
-- Column: cohort_id | VARCHAR | - | attributes and values, e.g. ami_id=ami-1 × instance_family=p5
-- Column: place | BIGINT | - | 1 explains most
-- Column: tier | VARCHAR | - | convicted: its rate is above 1.25 times that of others, whichever
--     cohort was looked at; suspect: it is above theirs
-- Column: conditions | MAP(VARCHAR, VARCHAR) | - | attributes and values; members have all of them
-- Column: attributes | VARCHAR | - | names of the attributes
-- Column: cohort_values | VARCHAR | - | their values, in the same order; ? if unknown
-- Column: aliases | VARCHAR | - | other names of exactly the same hosts: no statistic can tell
--     them apart; empty if there are none
-- Column: hosts | BIGINT | count | hosts of the cohort
-- Column: affected_hosts | BIGINT | count | of these, hosts with such an episode
-- Column: episodes | BIGINT | count | such episodes
-- Column: exposure_h | DOUBLE | hour | observed time of the cohort
-- Column: expected_episodes | DOUBLE | count | what the rest of the fleet predicts
-- Column: rate_ratio | DOUBLE | ratio | rate against all others, with the other named cohorts
--     accounted for and no host counting for more than one in a hundred does
-- Column: rate_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound
-- Column: p_value | DOUBLE | - | probability by chance that any cohort stands out so much
-- Column: likelihood_gain | DOUBLE | - | how much better two rates explain the episodes than one
-- Check: tier_is_known | tier in ('convicted', 'suspect')
-- Check: affected_are_members | affected_hosts <= hosts
-- Check: interval_holds_ratio | rate_ratio_low <= rate_ratio and rate_ratio <= rate_ratio_high
-- Source: docs/method.md#cohorts

select
    host_id,
    attributes,
    exposure_h,
    episodes,
    host_starved_episodes,
    device_fault_episodes
from cohort_members
order by host_id, first_date
