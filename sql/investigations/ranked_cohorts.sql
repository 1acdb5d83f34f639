-- What: Cohorts that surely reset more often than the rest, the best explanation first.
-- Param: cohorts | BIGINT | count | cohorts to show
-- Column: attributes | VARCHAR | - | attributes that the cohort shares
-- Column: cohort_values | VARCHAR | - | their values
-- Column: hosts | BIGINT | count | members
-- Column: affected_hosts | BIGINT | count | members with a reset
-- Column: resets_per_1000h | DOUBLE | 1/1000 h | rate
-- Column: rest_per_1000h | DOUBLE | 1/1000 h | rate of all other hosts
-- Column: rate_ratio | DOUBLE | ratio | the one over the other
-- Column: rate_ratio_low | DOUBLE | ratio | lower bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper bound

select
    attributes,
    cohort_values,
    hosts,
    affected_hosts,
    resets_per_1000h,
    rest_per_1000h,
    rate_ratio,
    rate_ratio_low,
    rate_ratio_high
from cohort_rates
where alias_of is null
    and rate_ratio_low > 1
order by likelihood_gain desc, cohort_values
limit cast($cohorts as bigint)
