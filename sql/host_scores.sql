-- What: Every host, ranked by how surely it resets more often than its peers, and why.
-- Grain: host_id
-- Span: window
-- Input: host_days, host_episodes, log_coverage, reset_verdicts
-- Param: as_of | DATE | - | last day of the window
-- Param: memory_h | DOUBLE | hour | an episode of this age counts 1/e, and so does an hour
-- Param: prior_per_1000h | DOUBLE | 1/1000 h | episode rate of a fleet about which nothing is known
-- Param: family_weight | DOUBLE | count | episodes that a family needs to speak for itself
-- Param: min_host_exposure_h | DOUBLE | hour | hosts observed for less are not scored
-- Param: elevated_score | DOUBLE | ratio | a host with this score or more is elevated
-- Column: host_id | VARCHAR | - | host
-- Column: rank | BIGINT | - | 1 is the first to look at
-- Column: score | DOUBLE | ratio | we are 95 % sure that the host resets at least so many times as
--     often as its peers; null if it was hardly observed
-- Column: standing | VARCHAR | - | elevated, normal, quiet (no episode) or unobserved (no score)
-- Column: reasons | VARCHAR | - | the reasons in words
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
-- Check: rank_is_positive | rank >= 1
-- Check: score_needs_exposure | (score is null) = (standing = 'unobserved')
-- Check: score_below_ratio | coalesce(0 <= score and score <= rate_ratio, true)
-- Check: has_reasons | length(reasons) > 0
-- Warn: resets_have_exposure | resets = 0 or exposure_h > 0
-- Source: docs/method.md#score, docs/method.md#cadence, docs/method.md#episodes

with hosts as (
    select
        host_id,
        coalesce(arg_max(instance_family, host_date), '?') as instance_family,
        coalesce(arg_max(availability_zone, host_date), '?') as availability_zone,
        coalesce(arg_max(ami_id, host_date), '?') as ami_id
    from host_days
    group by all
),

-- An hour is short against the memory: its middle stands for all of it.
hours as (
    select
        host_id,
        least(observed_s, 3600) / 3600 as observed_h,
        epoch_us(cast($as_of as timestamp) + interval 1 day - hour_at) / 3.6e9 - 0.5 as age_h
    from log_coverage
),

exposures as (
    select
        host_id,
        sum(observed_h) as exposure_h,
        sum(observed_h) filter (where age_h < 168) as exposure_7d_h,
        sum(observed_h) filter (where age_h < 24) as exposure_1d_h,
        sum(observed_h * exp(-age_h / cast($memory_h as double))) as recent_exposure_h
    from hours
    group by all
),

ages as (
    select
        *,
        epoch_us(cast($as_of as timestamp) + interval 1 day - episode_at) / 3.6e9 as age_h,
        epoch_us(episode_at - lag(episode_at) over (partition by host_id order by episode_at))
        / 3.6e9 as gap_h
    from host_episodes
),

episodes as (
    select
        host_id,
        count(*) as episodes,
        count(*) filter (where age_h <= 168) as episodes_7d,
        count(*) filter (where age_h <= 24) as episodes_1d,
        sum(exp(-age_h / cast($memory_h as double))) as recent_episodes,
        cast(sum(resets) as bigint) as resets,
        min(episode_at) as first_reset_at,
        max(last_reset_at) as last_reset_at,
        count(gap_h) as gaps,
        median(gap_h) as median_gap_h,
        stddev_pop(gap_h) / avg(gap_h) as gap_cv,
        -- Bartlett's test of equal gaps: chi-square with gaps - 1 degrees if they are exponential.
        2 * count(gap_h) * greatest(ln(avg(gap_h)) - avg(ln(gap_h)), 0)
        / (1 + (count(gap_h) + 1) / (6 * count(gap_h))) / (count(gap_h) - 1) as gap_statistic,
        2 / (9 * (count(gap_h) - 1)) as gap_variance
    from ages
    group by all
),

counted as (
    select
        hosts.*,
        coalesce(exposures.exposure_h, 0) as exposure_h,
        coalesce(exposures.exposure_7d_h, 0) as exposure_7d_h,
        coalesce(exposures.exposure_1d_h, 0) as exposure_1d_h,
        coalesce(exposures.recent_exposure_h, 0) as recent_exposure_h,
        coalesce(episodes.recent_episodes, 0) as recent_episodes,
        coalesce(exposures.exposure_h, 0) >= cast($min_host_exposure_h as double)
        and coalesce(exposures.exposure_h, 0) > 0 as is_observed
    from hosts
    left join exposures
        on exposures.host_id = hosts.host_id
    left join episodes
        on episodes.host_id = hosts.host_id
),

-- The peers' rate is looked at twice. The first look finds hosts far above it; in the second they
-- count as what was expected of them, so that one bad host does not make the others look good.
first_fleet_look as (
    select
        *,
        (sum(recent_episodes) over fleet - recent_episodes + 0.5)
        / (
            sum(recent_exposure_h) over fleet - recent_exposure_h
            + 500 / cast($prior_per_1000h as double)
        ) as fleet_rate
    from counted
    where is_observed
    window fleet as ()
),

first_look as (
    select
        *,
        recent_exposure_h
        * (sum(recent_episodes) over family - recent_episodes + cast($family_weight as double))
        / (
            sum(recent_exposure_h) over family - recent_exposure_h
            + cast($family_weight as double) / fleet_rate
        ) as expected
    from first_fleet_look
    window family as (partition by instance_family)
),

capped as (
    select
        *,
        if(
            recent_episodes > expected + 1 + 4 * sqrt(expected + expected * expected),
            expected,
            recent_episodes
        ) as capped_episodes
    from first_look
),

fleet_look as (
    select
        * exclude (fleet_rate),
        (sum(capped_episodes) over fleet - capped_episodes + 0.5)
        / (
            sum(recent_exposure_h) over fleet - recent_exposure_h
            + 500 / cast($prior_per_1000h as double)
        ) as fleet_rate
    from capped
    window fleet as ()
),

peers as (
    select
        host_id,
        count(*) over family - 1 as peers,
        (sum(capped_episodes) over family - capped_episodes + cast($family_weight as double))
        / (
            sum(recent_exposure_h) over family - recent_exposure_h
            + cast($family_weight as double) / fleet_rate
        ) as peers_rate
    from fleet_look
    window family as (partition by instance_family)
),

-- Gamma(1, 1) before the data; Gamma(shape, rate) after them, in multiples of the peers' rate.
posteriors as (
    select
        counted.host_id,
        peers.peers,
        peers.peers_rate,
        1 + counted.recent_episodes as shape,
        1 + peers.peers_rate * counted.recent_exposure_h as rate
    from counted
    inner join peers
        on peers.host_id = counted.host_id
),

-- Wilson and Hilferty: the cube root of a gamma variable is nearly normal; 1.645 is its 95 % point.
bounds as (
    select
        *,
        round(shape * pow(1 - 1 / (9 * shape) - 1.645 / (3 * sqrt(shape)), 3) / rate, 6) as score,
        round(shape / rate, 6) as rate_ratio,
        round(shape * pow(1 - 1 / (9 * shape) + 1.645 / (3 * sqrt(shape)), 3) / rate, 6)
            as rate_ratio_high
    from posteriors
),

verdicts as (
    select
        host_id,
        verdict,
        count(*) as verdict_resets
    from reset_verdicts
    where kind = 'reset' and verdict <> 'requested'
    group by host_id, verdict
    qualify row_number() over (partition by host_id order by count(*) desc, verdict) = 1
),

hot_cpus as (
    select
        host_id,
        hot_cpu,
        count(*) as hot_cpu_resets
    from reset_verdicts
    where kind = 'reset' and verdict <> 'requested' and is_cpu_starved
    group by host_id, hot_cpu
    qualify row_number() over (partition by host_id order by count(*) desc, hot_cpu) = 1
),

terms as (
    select
        counted.*,
        bounds.* exclude (host_id),
        coalesce(episodes.episodes, 0) as episodes,
        coalesce(episodes.episodes_7d, 0) as episodes_7d,
        coalesce(episodes.episodes_1d, 0) as episodes_1d,
        coalesce(episodes.resets, 0) as resets,
        episodes.first_reset_at,
        episodes.last_reset_at,
        episodes.median_gap_h,
        episodes.gap_cv,
        if(
            episodes.gaps >= 3,
            (cbrt(episodes.gap_statistic) - (1 - episodes.gap_variance))
            / sqrt(episodes.gap_variance),
            null
        ) as regularity_z,
        verdicts.verdict,
        verdicts.verdict_resets,
        hot_cpus.hot_cpu,
        hot_cpus.hot_cpu_resets
    from counted
    left join bounds
        on bounds.host_id = counted.host_id
    left join episodes
        on episodes.host_id = counted.host_id
    left join verdicts
        on verdicts.host_id = counted.host_id
    left join hot_cpus
        on hot_cpus.host_id = counted.host_id
),

labelled as (
    select
        *,
        case
            when regularity_z is null then 'too_few'
            when regularity_z < -3.09 then 'regular'
            when regularity_z > 3.09 then 'bursty'
            else 'irregular'
        end as cadence,
        case
            when score is null then 'unobserved'
            when episodes = 0 then 'quiet'
            when score >= cast($elevated_score as double) then 'elevated'
            else 'normal'
        end as standing,
        printf(if(exposure_h < 10, '%.1f h observed', '%.0f h observed'), exposure_h) as observed
    from terms
)

select
    host_id,
    row_number() over (order by score desc nulls last, host_id) as rank,
    score,
    standing,
    concat_ws(
        '; ',
        if(score is null, 'only ' || observed || ': not scored', null),
        case
            when resets = 0 then 'no reset in ' || observed
            else printf('%d %s in ', resets, if(resets = 1, 'reset', 'resets')) || observed
            || case
                when episodes = resets then ''
                else printf(' (%d %s)', episodes, if(episodes = 1, 'episode', 'episodes'))
            end
            || coalesce(printf(' where peers have %.1f', peers_rate * exposure_h), '')
        end,
        case cadence
            when 'regular' then printf('every %.1f h', median_gap_h)
            when 'bursty' then printf('in bursts, median gap %.1f h', median_gap_h)
            when 'irregular' then printf('irregular, median gap %.1f h', median_gap_h)
        end,
        printf('%d of %d %s', verdict_resets, resets, verdict),
        printf('CPU %d was busy in kernel mode in %d', hot_cpu::integer, hot_cpu_resets)
    ) as reasons,
    rate_ratio,
    rate_ratio_high,
    episodes,
    episodes_7d,
    episodes_1d,
    round(exposure_h, 6) as exposure_h,
    round(exposure_7d_h, 6) as exposure_7d_h,
    round(exposure_1d_h, 6) as exposure_1d_h,
    round(peers_rate * exposure_h, 6) as expected_episodes,
    round(recent_episodes, 6) as recent_episodes,
    round(recent_exposure_h, 6) as recent_exposure_h,
    round(1000 * peers_rate, 6) as peers_per_1000h,
    coalesce(peers, 0) as peers,
    resets,
    verdict,
    verdict_resets,
    hot_cpu,
    hot_cpu_resets,
    cadence,
    round(median_gap_h, 6) as median_gap_h,
    round(gap_cv, 6) as gap_cv,
    round(regularity_z, 6) as regularity_z,
    first_reset_at,
    last_reset_at,
    instance_family,
    availability_zone,
    ami_id
from labelled
order by host_id
