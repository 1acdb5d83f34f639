-- What: Every term of one host's score.
-- Param: host_id | VARCHAR | - | host
-- Column: host_id | VARCHAR | - | host
-- Column: rank | BIGINT | - | 1 is the first to look at
-- Column: score | DOUBLE | ratio | we are 95 % sure that the host resets at least so many times as
--     often as its peers; null if it was hardly observed
-- Column: rate_ratio | DOUBLE | ratio | expected value of the same ratio
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound of the same ratio
-- Column: episodes | BIGINT | count | episodes of the window
-- Column: episodes_7d | BIGINT | count | of these, in the last 7 days
-- Column: episodes_1d | BIGINT | count | of these, on the last day
-- Column: exposure_h | DOUBLE | hour | observed time of the window
-- Column: exposure_7d_h | DOUBLE | hour | of this, in the last 7 days
-- Column: exposure_1d_h | DOUBLE | hour | of this, on the last day
-- Column: expected_episodes | DOUBLE | count | what peers would have had in the same hours
-- Column: recent_episodes | DOUBLE | count | episodes, each forgotten with age
-- Column: recent_exposure_h | DOUBLE | hour | observed time, forgotten in the same way
-- Column: peers_per_1000h | DOUBLE | 1/1000 h | recent rate of the peers, without this host
-- Column: peers | BIGINT | count | other observed hosts of the instance family
-- Column: resets | BIGINT | count | resets of the window that nobody asked for
-- Column: verdict | VARCHAR | - | most frequent verdict of these; null without resets
-- Column: verdict_resets | BIGINT | count | resets with that verdict
-- Column: hot_cpu | SMALLINT | - | CPU that most often was starved; null if none was seen
-- Column: hot_cpu_resets | BIGINT | count | resets in which it was
-- Column: cadence | VARCHAR | - | regular, irregular, bursty or too_few
-- Column: median_gap_h | DOUBLE | hour | median time from one episode to the next
-- Column: gap_cv | DOUBLE | ratio | standard deviation of these times over their mean
-- Column: regularity_z | DOUBLE | - | below -3.09 regular, above 3.09 bursty; null if too few
-- Column: first_reset_at | TIMESTAMP | UTC | first reset of the window
-- Column: last_reset_at | TIMESTAMP | UTC | last reset of the window
-- Column: instance_family | VARCHAR | - | last known; ? if never known
-- Column: availability_zone | VARCHAR | - | last known; ? if never known
-- Column: ami_id | VARCHAR | - | last known; ? if never known

select
    host_id,
    rank,
    score,
    rate_ratio,
    rate_ratio_high,
    episodes,
    episodes_7d,
    episodes_1d,
    exposure_h,
    exposure_7d_h,
    exposure_1d_h,
    expected_episodes,
    recent_episodes,
    recent_exposure_h,
    peers_per_1000h,
    peers,
    resets,
    verdict,
    verdict_resets,
    hot_cpu,
    hot_cpu_resets,
    cadence,
    median_gap_h,
    gap_cv,
    regularity_z,
    first_reset_at,
    last_reset_at,
    instance_family,
    availability_zone,
    ami_id
from host_scores
where host_id = $host_id
