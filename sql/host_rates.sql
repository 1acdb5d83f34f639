-- What: Every host's rate of episodes against that of its peers: bounds of the ratio, and a test.
-- Grain: host_id
-- Span: window
-- Input: host_days, host_episodes, shared_episodes
-- Then: resetradar.scoring.hosts:against_peers
-- Param: as_of | DATE | - | last day of the window
-- Param: memory_h | DOUBLE | hour | an episode of this age counts 1/e, and so does an hour
-- Param: prior_per_1000h | DOUBLE | 1/1000 h | episode rate of a fleet about which nothing is known
-- Param: family_weight | DOUBLE | count | episodes that a family needs to speak for itself
-- Param: min_host_exposure_h | DOUBLE | hour | hosts observed for less are not scored
-- Column: host_id | VARCHAR | - | host
-- Column: instance_family | VARCHAR | - | last known; ? if never known
-- Column: availability_zone | VARCHAR | - | last known; ? if never known
-- Column: ami_id | VARCHAR | - | last known; ? if never known
-- Column: episodes | BIGINT | count | episodes of the window, without shared incidents
-- Column: episodes_7d | BIGINT | count | of these, in the last 7 days
-- Column: episodes_1d | BIGINT | count | of these, on the last day
-- Column: recent_episodes | DOUBLE | count | episodes, each forgotten with age
-- Column: shared_episodes | BIGINT | count | episodes that were part of a shared incident
-- Column: exposure_h | DOUBLE | hour | observed time of the window
-- Column: exposure_7d_h | DOUBLE | hour | of this, in the last 7 days
-- Column: exposure_1d_h | DOUBLE | hour | of this, on the last day
-- Column: recent_exposure_h | DOUBLE | hour | observed time, forgotten in the same way
-- Column: score | DOUBLE | ratio | we are 95 % sure that the host resets at least so many times as
--     often as its peers of the instance family; null if it was hardly observed
-- Column: score_fleet | DOUBLE | ratio | the same against the whole fleet
-- Column: score_cohort | DOUBLE | ratio | the same against hosts of its family, image and zone
-- Column: rate_ratio | DOUBLE | ratio | expected value of the ratio to the family
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound of that ratio
-- Column: p_value | DOUBLE | - | probability of as many episodes in the worst of 1, 7 and all days
-- Column: q_value | DOUBLE | - | share of false alarms if hosts up to this one are reported
-- Column: peers_per_1000h | DOUBLE | 1/1000 h | rate of the peers, without this host
-- Column: recent_peers_per_1000h | DOUBLE | 1/1000 h | the same, forgotten with age
-- Column: dispersion | DOUBLE | - | how much hosts differ: variance = mean + dispersion × mean²
-- Column: peers | BIGINT | count | other observed hosts of the instance family
-- Check: bounds_in_order | coalesce(score <= rate_ratio and rate_ratio <= rate_ratio_high, true)
-- Check: probabilities | coalesce(p_value between 0 and 1 and q_value between p_value and 1, true)
-- Check: score_needs_exposure | exposure_h > 0 or score is null
-- Source: docs/method.md#score, docs/method.md#exposure, docs/method.md#shared-incidents

-- A day is short against the memory: its middle stands for all of it.
with exposures as (
    select
        host_id,
        coalesce(arg_max(instance_family, host_date), '?') as instance_family,
        coalesce(arg_max(availability_zone, host_date), '?') as availability_zone,
        coalesce(arg_max(ami_id, host_date), '?') as ami_id,
        sum(exposure_h) as exposure_h,
        sum(exposure_h) filter (where host_date > cast($as_of as date) - 7) as exposure_7d_h,
        sum(exposure_h) filter (where host_date = cast($as_of as date)) as exposure_1d_h,
        sum(
            exposure_h * exp(
                -((cast($as_of as date) - host_date) * 24 + 12) / cast($memory_h as double)
            )
        ) as recent_exposure_h
    from host_days
    group by all
),

aged as (
    select
        host_episodes.host_id,
        shared_episodes.host_id is not null as is_shared,
        epoch_us(
            cast($as_of as timestamp) + interval 1 day - host_episodes.episode_at
        ) / 3.6e9 as age_h
    from host_episodes
    left join shared_episodes
        on shared_episodes.host_id = host_episodes.host_id
        and shared_episodes.episode_at = host_episodes.episode_at
),

episodes as (
    select
        host_id,
        count(*) filter (where not is_shared) as episodes,
        count(*) filter (where not is_shared and age_h <= 168) as episodes_7d,
        count(*) filter (where not is_shared and age_h <= 24) as episodes_1d,
        sum(exp(-age_h / cast($memory_h as double))) filter (where not is_shared)
            as recent_episodes,
        count(*) filter (where is_shared) as shared_episodes
    from aged
    group by all
)

select
    exposures.host_id,
    exposures.instance_family,
    exposures.availability_zone,
    exposures.ami_id,
    coalesce(episodes.episodes, 0) as episodes,
    coalesce(episodes.episodes_7d, 0) as episodes_7d,
    coalesce(episodes.episodes_1d, 0) as episodes_1d,
    round(coalesce(episodes.recent_episodes, 0), 6) as recent_episodes,
    coalesce(episodes.shared_episodes, 0) as shared_episodes,
    round(exposures.exposure_h, 6) as exposure_h,
    round(coalesce(exposures.exposure_7d_h, 0), 6) as exposure_7d_h,
    round(coalesce(exposures.exposure_1d_h, 0), 6) as exposure_1d_h,
    round(exposures.recent_exposure_h, 6) as recent_exposure_h
from exposures
left join episodes
    on episodes.host_id = exposures.host_id
order by exposures.host_id
