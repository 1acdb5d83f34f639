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
-- Column: by_uptime | VARCHAR | - | how its rate depends on the time since boot; empty if it does not

select
    cohort_verdicts.resets_of,
    cohort_verdicts.tier,
    cohort_verdicts.cohort_id,
    cohort_verdicts.aliases,
    cohort_verdicts.hosts,
    cohort_verdicts.affected_hosts,
    cohort_verdicts.episodes,
    cohort_verdicts.rate_ratio,
    cohort_verdicts.rate_ratio_low,
    cohort_verdicts.rate_ratio_high,
    cohort_verdicts.p_value,
    coalesce(uptime_patterns.sentence, '') as by_uptime
from cohort_verdicts
left join uptime_patterns
    on uptime_patterns.resets_of = cohort_verdicts.resets_of
    and uptime_patterns.cohort_id = cohort_verdicts.cohort_id
where $resets_of in ('', cohort_verdicts.resets_of)
order by cohort_verdicts.resets_of, cohort_verdicts.place
