-- What: The first hosts of the ranking; an empty host means all of them.
-- Param: host_id | VARCHAR | - | one host, or empty
-- Param: hosts | BIGINT | count | hosts to show
-- Column: rank | BIGINT | - | 1 is the first to look at
-- Column: host_id | VARCHAR | - | host
-- Column: instance_family | VARCHAR | - | last known
-- Column: availability_zone | VARCHAR | - | last known
-- Column: ami_id | VARCHAR | - | last known
-- Column: resets | BIGINT | count | resets of the window that nobody asked for
-- Column: exposure_h | DOUBLE | hour | observed time of the window
-- Column: verdict | VARCHAR | - | most frequent verdict
-- Column: score | DOUBLE | ratio | lower 95 % bound of the rate against peers
-- Column: reasons | VARCHAR | - | the reasons in words

select
    rank,
    host_id,
    instance_family,
    availability_zone,
    ami_id,
    resets,
    exposure_h,
    verdict,
    score,
    reasons
from host_scores
where $host_id in ('', host_id)
order by rank
limit cast($hosts as bigint)
