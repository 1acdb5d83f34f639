-- What: Every host, ranked by how surely it resets more often than its peers, and why.
-- Grain: host_id
-- Span: window
-- Input: cohort_members, cohort_verdicts, host_days, host_episodes, host_rates, reset_verdicts,
--     shared_episodes
-- Param: memory_h | DOUBLE | hour | a host has recovered if it was as usual for so long
-- Param: abnormal_score | DOUBLE | ratio | a host needs this score to be abnormal
-- Param: abnormal_q | DOUBLE | ratio | false alarms that are accepted among abnormal hosts
-- Column: host_id | VARCHAR | - | host
-- Column: rank | BIGINT | - | 1 is the first to look at
-- Column: score | DOUBLE | ratio | we are 95 % sure that the host resets at least so many times as
--     often as its peers; null if it was hardly observed
-- Column: standing | VARCHAR | - | abnormal; recovered: was so until recovered_at; watch: the test
--     agrees, the score is low (faded, mild or one storm); normal; quiet: no episode;
--     insufficient_exposure: no score
-- Column: reasons | VARCHAR | - | the reasons in words
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
-- Check: rank_is_positive | rank >= 1
-- Check: score_needs_exposure | (score is null) = (standing = 'insufficient_exposure')
-- Check: score_below_ratio | coalesce(0 <= score and score <= rate_ratio, true)
-- Check: recovered_has_a_moment | standing <> 'recovered' or recovered_at is not null
-- Check: has_reasons | length(reasons) > 0
-- Warn: resets_have_exposure | resets = 0 or exposure_h > 0
-- Source: docs/method.md#score, docs/method.md#cadence, docs/method.md#episodes

with ages as (
    select
        host_episodes.*,
        shared_episodes.host_id is not null as is_shared,
        cast(host_episodes.episode_at as date) as host_date
    from host_episodes
    left join shared_episodes
        on shared_episodes.host_id = host_episodes.host_id
        and shared_episodes.episode_at = host_episodes.episode_at
),

gaps as (
    select
        host_id,
        count(gap_h) as gaps,
        median(gap_h) as median_gap_h,
        stddev_pop(gap_h) / avg(gap_h) as gap_cv,
        -- Bartlett's test of equal gaps: chi-square with gaps - 1 degrees if they are exponential.
        2 * count(gap_h) * greatest(ln(avg(gap_h)) - avg(ln(gap_h)), 0)
        / (1 + (count(gap_h) + 1) / (6 * count(gap_h))) / (count(gap_h) - 1) as gap_statistic,
        2 / (9 * (count(gap_h) - 1)) as gap_variance
    from (
        select
            host_id,
            epoch_us(episode_at - lag(episode_at) over (partition by host_id order by episode_at))
            / 3.6e9 as gap_h
        from ages
        where not is_shared
    )
    group by all
),

times as (
    select
        host_id,
        cast(sum(resets) as bigint) as resets,
        min(episode_at) as first_reset_at,
        max(last_reset_at) as last_reset_at
    from ages
    group by all
),

-- Observed hours before each day: rates before and after a moment are of observed time. Hosts with
-- fewer than three episodes have no onset.
clocks as (
    select
        host_id,
        host_date,
        exposure_h,
        sum(exposure_h) over (partition by host_id order by host_date) - exposure_h as before_h,
        sum(exposure_h) over (partition by host_id) as all_h
    from host_days
    where host_id in (
        select host_id
        from ages
        where not is_shared
        group by host_id
        having count(*) >= 3
    )
),

-- Each episode with the observed time before and after it.
moments as (
    select
        *,
        greatest(all_h - before_h, 1) as after_h
    from (
        select
            ages.host_id,
            ages.episode_at,
            clocks.all_h,
            row_number() over by_time as place,
            count(*) over (partition by ages.host_id) as episodes,
            clocks.before_h
            + clocks.exposure_h * epoch_us(ages.episode_at - ages.host_date) / 8.64e10
                as before_h
        from ages
        inner join clocks
            on clocks.host_id = ages.host_id
            and clocks.host_date = ages.host_date
        where not ages.is_shared
        window by_time as (partition by ages.host_id order by ages.episode_at)
    )
),

-- Each is asked whether the rate rose with it or fell after it. The gain in likelihood of two rates
-- over one must be 6: a single test would err once in two thousand, the best of some tens far below
-- once in twenty.
changes as (
    select
        *,
        if(earlier > 0, earlier * ln(earlier / before_h), 0)
        + if(later > 0, later * ln(later / after_h), 0)
        - (earlier + later) * ln((earlier + later) / all_h) as gain
    from (
        select
            moments.*,
            is_rise,
            if(is_rise, place - 1, place) as earlier,
            if(is_rise, episodes - place + 1, episodes - place) as later
        from moments
        cross join unnest([true, false]) as sides (is_rise)
    )
    where before_h > 0
),

onsets as (
    select
        host_id,
        arg_max(episode_at, (gain, episode_at)) as onset_at
    from changes
    where
        is_rise and gain >= 6
        and before_h >= 24 and later >= 3 and later / after_h > earlier / before_h
    group by all
),

-- A fall is a recovery if what followed is no longer unusual, for as long as the memory goes.
recoveries as (
    select
        changes.host_id,
        arg_max(changes.episode_at, (changes.gain, changes.episode_at)) as recovered_at
    from changes
    inner join host_rates
        on host_rates.host_id = changes.host_id
    where
        not changes.is_rise and changes.gain >= 6
        and changes.after_h >= cast($memory_h as double) and changes.earlier >= 3
        and changes.later / changes.after_h < changes.earlier / changes.before_h
        and (1 + changes.later) / (1 + host_rates.peers_per_1000h * changes.after_h / 1000)
        < cast($abnormal_score as double)
    group by all
),

-- A cohort that explains its hosts: all that its name says is true of the host as it is last known.
explained as (
    select
        members.host_id,
        arg_min(
            cohort_verdicts.cohort_id,
            (cohort_verdicts.resets_of, cohort_verdicts.place)
        ) as explained_by
    from cohort_members as members
    inner join (
        select host_id, max(first_date) as first_date
        from cohort_members
        group by all
    ) as latest
        on latest.host_id = members.host_id
        and latest.first_date = members.first_date
    inner join cohort_verdicts
        on cohort_verdicts.tier = 'convicted'
        and list_bool_and(list_transform(
            map_entries(cohort_verdicts.conditions),
            lambda pair: coalesce(members.attributes[pair.key], '?') = pair.value
        ))
    group by all
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

ranks as (
    select
        host_id,
        row_number() over (order by score desc nulls last, host_id) as rank
    from host_rates
),

terms as (
    select
        host_rates.*,
        ranks.rank,
        coalesce(times.resets, 0) as resets,
        times.first_reset_at,
        times.last_reset_at,
        gaps.median_gap_h,
        gaps.gap_cv,
        if(
            gaps.gaps >= 3,
            (cbrt(gaps.gap_statistic) - (1 - gaps.gap_variance)) / sqrt(gaps.gap_variance),
            null
        ) as regularity_z,
        onsets.onset_at,
        recoveries.recovered_at,
        explained.explained_by,
        verdicts.verdict,
        verdicts.verdict_resets,
        hot_cpus.hot_cpu,
        hot_cpus.hot_cpu_resets
    from host_rates
    inner join ranks
        on ranks.host_id = host_rates.host_id
    left join times
        on times.host_id = host_rates.host_id
    left join gaps
        on gaps.host_id = host_rates.host_id
    left join onsets
        on onsets.host_id = host_rates.host_id
    left join recoveries
        on recoveries.host_id = host_rates.host_id
    left join explained
        on explained.host_id = host_rates.host_id
    left join verdicts
        on verdicts.host_id = host_rates.host_id
    left join hot_cpus
        on hot_cpus.host_id = host_rates.host_id
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
            when score is null then 'insufficient_exposure'
            when episodes = 0 then 'quiet'
            when q_value > cast($abnormal_q as double) then 'normal'
            when score < cast($abnormal_score as double) then 'watch'
            when recovered_at is not null then 'recovered'
            else 'abnormal'
        end as standing,
        printf(if(exposure_h < 10, '%.1f h observed', '%.0f h observed'), exposure_h) as observed
    from terms
)

select
    host_id,
    rank,
    score,
    standing,
    concat_ws(
        '; ',
        if(score is null, 'only ' || observed || ': not scored', null),
        case
            when resets = 0 then 'no reset in ' || observed
            else printf('%d %s in ', resets, if(resets = 1, 'reset', 'resets')) || observed
            || case
                when episodes + shared_episodes = resets then ''
                else printf(
                    ' (%d %s)',
                    episodes + shared_episodes,
                    if(episodes + shared_episodes = 1, 'episode', 'episodes')
                )
            end
            || coalesce(printf(' where peers have %.1f', peers_per_1000h * exposure_h / 1000), '')
        end,
        case cadence
            when 'regular' then printf('every %.1f h', median_gap_h)
            when 'bursty' then printf('in bursts, median gap %.1f h', median_gap_h)
            when 'irregular' then printf('irregular, median gap %.1f h', median_gap_h)
        end,
        'more often since ' || strftime(onset_at, '%Y-%m-%d %H:%M'),
        'as rarely as peers since ' || strftime(recovered_at, '%Y-%m-%d %H:%M'),
        printf('%d of %d %s', verdict_resets, resets, verdict),
        printf('CPU %d was busy in kernel mode in %d', hot_cpu::integer, hot_cpu_resets),
        if(
            shared_episodes > 0,
            printf('%d of these with many other hosts at once', shared_episodes),
            null
        ),
        'as its whole cohort ' || explained_by
    ) as reasons,
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
    round(peers_per_1000h * exposure_h / 1000, 6) as expected_episodes,
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
    round(median_gap_h, 6) as median_gap_h,
    round(gap_cv, 6) as gap_cv,
    round(regularity_z, 6) as regularity_z,
    onset_at,
    recovered_at,
    explained_by,
    first_reset_at,
    last_reset_at,
    instance_family,
    availability_zone,
    ami_id
from labelled
order by host_id
