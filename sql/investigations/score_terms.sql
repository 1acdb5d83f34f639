-- What: Every term of one host's score.
-- Param: host_id | VARCHAR | - | host
-- Column: host_id | VARCHAR | - | host
-- Column: rank | BIGINT | - | 1 is the first to look at
-- Column: score | DOUBLE | ratio | we are 95 % sure that the host resets at least so many times as
--     often as its peers; null if it was hardly observed
-- Column: standing | VARCHAR | - | abnormal; recovered: was so until recovered_at; watch: the test
--     agrees, the score is low (faded, mild or one storm); normal; quiet: no episode;
--     insufficient_exposure: no score
-- Column: rate_ratio | DOUBLE | ratio | expected value of the same ratio
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound of the same ratio
-- Column: score_fleet | DOUBLE | ratio | the score against the whole fleet
-- Column: score_cohort | DOUBLE | ratio | the score against hosts of its family, image and zone; far
--     below the score if the whole cohort is bad
-- Column: p_value | DOUBLE | - | probability of as many episodes in the worst of 1, 7 and all days
-- Column: q_value | DOUBLE | - | share of false alarms if hosts up to this one are reported
-- Column: episodes | BIGINT | count | episodes of the window, without shared incidents
-- Column: episodes_7d | BIGINT | count | of these, in the last 7 days
-- Column: episodes_1d | BIGINT | count | of these, on the last day
-- Column: shared_episodes | BIGINT | count | episodes that were part of a shared incident
-- Column: exposure_h | DOUBLE | hour | observed time of the window
-- Column: exposure_7d_h | DOUBLE | hour | of this, in the last 7 days
-- Column: exposure_1d_h | DOUBLE | hour | of this, on the last day
-- Column: expected_episodes | DOUBLE | count | what peers would have had in the same hours
-- Column: recent_episodes | DOUBLE | count | episodes, each forgotten with age
-- Column: recent_exposure_h | DOUBLE | hour | observed time, forgotten in the same way
-- Column: peers_per_1000h | DOUBLE | 1/1000 h | rate of the peers, without this host
-- Column: peers | BIGINT | count | other observed hosts of the instance family
-- Column: dispersion | DOUBLE | - | how much hosts differ: variance = mean + dispersion × mean²
-- Column: resets | BIGINT | count | resets of the window that nobody asked for
-- Column: verdict | VARCHAR | - | most frequent verdict of these; null without resets
-- Column: verdict_resets | BIGINT | count | resets with that verdict
-- Column: hot_cpu | SMALLINT | - | CPU that most often was starved; null if none was seen
-- Column: hot_cpu_resets | BIGINT | count | resets in which it was
-- Column: cadence | VARCHAR | - | regular, irregular, bursty or too_few
-- Column: median_gap_h | DOUBLE | hour | median time from one episode to the next
-- Column: gap_cv | DOUBLE | ratio | standard deviation of these times over their mean
-- Column: regularity_z | DOUBLE | - | below -3.09 regular, above 3.09 bursty; null if too few
-- Column: onset_at | TIMESTAMP | UTC | since when it resets more often than before; null if it does
--     not, or always did
-- Column: recovered_at | TIMESTAMP | UTC | last episode of a time in which it reset more often than
--     since then, if what followed is as usual; else null
-- Column: explained_by | VARCHAR | - | convicted cohort that the host is a member of; null if none
-- Column: first_reset_at | TIMESTAMP | UTC | first reset of the window
-- Column: last_reset_at | TIMESTAMP | UTC | last reset of the window
-- Column: instance_family | VARCHAR | - | last known; ? if never known
-- Column: availability_zone | VARCHAR | - | last known; ? if never known
-- Column: ami_id | VARCHAR | - | last known; ? if never known

select
    host_id,
    rank,
    score,
    standing,
    rate_ratio,
    rate_ratio_high,
    score_fleet,
    score_cohort,
    p_value,
    q_value,
    episodes,
    episodes_7d,
    episodes_1d,
    shared_episodes,
    exposure_h,
    exposure_7d_h,
    exposure_1d_h,
    expected_episodes,
    recent_episodes,
    recent_exposure_h,
    peers_per_1000h,
    peers,
    dispersion,
    resets,
    verdict,
    verdict_resets,
    hot_cpu,
    hot_cpu_resets,
    cadence,
    median_gap_h,
    gap_cv,
    regularity_z,
    onset_at,
    recovered_at,
    explained_by,
    first_reset_at,
    last_reset_at,
    instance_family,
    availability_zone,
    ami_id
from host_scores
where host_id = $host_id
