-- What: Cohorts that explain why hosts reset more than the rest, the best explanation first.
-- Param: resets_of | VARCHAR | - | any, host_starved, device_fault, or empty for all three
-- Column: resets_of | VARCHAR | - | what was compared
-- Column: tier | VARCHAR | - | convicted or suspect
-- Column: cohort_id | VARCHAR | - | attributes and values
-- Column: aliases | VARCHAR | - | other names of the same hosts
-- Column: hosts | BIGINT | count | members
-- Column: affected_hosts | BIGINT | count | members with such an episode
-- Column: episodes | BIGINT | count | such episodes
-- Column: rate_ratio | DOUBLE | ratio | rate against all others
-- Column: rate_ratio_low | DOUBLE | ratio | lower bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper bound
-- Column: p_value | DOUBLE | - | probability by chance that any cohort stands out so much

select
    resets_of,
    tier,
    cohort_id,
    aliases,
    hosts,
    affected_hosts,
    episodes,
    rate_ratio,
    rate_ratio_low,
    rate_ratio_high,
    p_value
from cohort_verdicts
where $resets_of in ('', resets_of)
order by resets_of, place
