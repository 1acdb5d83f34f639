-- What: Cohorts whose resets follow the time since boot, the surest first.
-- Param: resets_of | VARCHAR | - | any, host_starved, device_fault, or empty for all three
-- Column: resets_of | VARCHAR | - | what was looked at
-- Column: cohort_id | VARCHAR | - | fleet, or attributes and values
-- Column: sentence | VARCHAR | - | the pattern in words
-- Column: change_low_h | DOUBLE | hour | earliest time since boot that explains it nearly as well
-- Column: change_high_h | DOUBLE | hour | latest such time
-- Column: within_host_ratio | DOUBLE | ratio | rate after over rate before, each host to itself
-- Column: within_host_ratio_low | DOUBLE | ratio | lower bound
-- Column: within_host_ratio_high | DOUBLE | ratio | upper bound
-- Column: compared_hosts | BIGINT | count | hosts with an episode that were seen before and after
-- Column: p_value | DOUBLE | - | probability by chance

select
    resets_of,
    cohort_id,
    sentence,
    change_low_h,
    change_high_h,
    within_host_ratio,
    within_host_ratio_low,
    within_host_ratio_high,
    compared_hosts,
    p_value
from uptime_patterns
where pattern in ('rises_from_day', 'early') and $resets_of in ('', resets_of)
order by p_value, abs(ln(within_host_ratio)) desc, resets_of, cohort_id
