-- What: How often hosts that share attribute values reset, against all other hosts.
-- Grain: cohort_id
-- Span: window
-- Input: cohort_members
-- Param: min_cohort_exposure_h | DOUBLE | hour | cohorts observed for less get no ratio
-- Param: min_cohort_hosts | BIGINT | count | fewer hosts, in it or outside, get no ratio
-- Param: max_attribute_levels | BIGINT | count | labels with more values are names, not cohorts
-- Column: cohort_id | VARCHAR | - | attributes and values, e.g. ami_id=ami-1 × instance_family=p5
-- Column: attributes | VARCHAR | - | names of the attributes
-- Column: cohort_values | VARCHAR | - | their values, in the same order; ? if unknown
-- Column: instance_family | VARCHAR | - | null if not part of the cohort, ? if unknown
-- Column: availability_zone | VARCHAR | - | null if not part of the cohort, ? if unknown
-- Column: ami_id | VARCHAR | - | null if not part of the cohort, ? if unknown
-- Column: hosts | BIGINT | count | hosts of the cohort
-- Column: affected_hosts | BIGINT | count | of these, hosts with an episode
-- Column: resets | BIGINT | count | episodes: resets that follow each other closely count once
-- Column: exposure_h | DOUBLE | hour | observed time of the cohort
-- Column: resets_per_1000h | DOUBLE | 1/1000 h | episodes per 1,000 observed host-hours
-- Column: rest_per_1000h | DOUBLE | 1/1000 h | the same of all others; null if there are none
-- Column: rate_ratio | DOUBLE | ratio | the first rate over the second, no host counting for more
--     than a few episodes; null if too little was seen
-- Column: rate_ratio_low | DOUBLE | ratio | lower 95 % bound
-- Column: rate_ratio_high | DOUBLE | ratio | upper 95 % bound
-- Column: dispersion | DOUBLE | ratio | variance of hosts' counts over that of chance; 1 or more
-- Column: likelihood_gain | DOUBLE | - | how much better two rates explain the same episodes than
--     one; the cohort with most of it names the difference best
-- Column: alias_of | VARCHAR | - | simpler cohort of the very same hosts and days; null if there
--     is none
-- Check: affected_are_members | affected_hosts <= hosts
-- Check: interval_holds_ratio | coalesce(
--     rate_ratio_low <= rate_ratio and rate_ratio <= rate_ratio_high, true)
-- Check: rate_needs_exposure | (resets_per_1000h is null) = (exposure_h = 0)
-- Source: docs/method.md#cohorts

with spells as (
    select
        *,
        -- One text is hashed for both: DuckDB's hash of two values is linear, and would cancel out.
        hash(host_id || ' ' || first_date) as spell_hash
    from cohort_members
),

-- A host that changed its image within the window is a member of both cohorts, each with its days.
combined as (
    select
        host_id,
        instance_family,
        availability_zone,
        ami_id,
        concat_ws(
            ' × ',
            if(grouping(ami_id) = 0, 'ami_id', null),
            if(grouping(availability_zone) = 0, 'availability_zone', null),
            if(grouping(instance_family) = 0, 'instance_family', null)
        ) as attributes,
        concat_ws(' × ', ami_id, availability_zone, instance_family) as cohort_values,
        concat_ws(
            ' × ',
            'ami_id=' || ami_id,
            'availability_zone=' || availability_zone,
            'instance_family=' || instance_family
        ) as cohort_id,
        3 - grouping(ami_id) - grouping(availability_zone) - grouping(instance_family)
            as attribute_count,
        sum(exposure_h) as exposure_h,
        sum(episodes) as episodes,
        bit_xor(spell_hash) as spell_hash
    from spells
    group by grouping sets (
        (host_id),
        (host_id, instance_family),
        (host_id, availability_zone),
        (host_id, ami_id),
        (host_id, instance_family, availability_zone),
        (host_id, instance_family, ami_id),
        (host_id, availability_zone, ami_id),
        (host_id, instance_family, availability_zone, ami_id)
    )
),

labels as (
    select attribute
    from (
        select
            unnest(map_keys(attributes)) as attribute,
            unnest(map_values(attributes)) as cohort_value
        from spells
    )
    where attribute not in ('ami_id', 'availability_zone', 'instance_family')
    group by attribute
    having
        count(distinct cohort_value) <= cast($max_attribute_levels as bigint)
        or attribute in ('driver_version', 'kernel')
),

labelled as (
    select
        spells.host_id,
        cast(null as varchar) as instance_family,
        cast(null as varchar) as availability_zone,
        cast(null as varchar) as ami_id,
        labels.attribute as attributes,
        coalesce(spells.attributes[labels.attribute], '?') as cohort_values,
        labels.attribute || '=' || coalesce(spells.attributes[labels.attribute], '?') as cohort_id,
        1 as attribute_count,
        sum(spells.exposure_h) as exposure_h,
        sum(spells.episodes) as episodes,
        bit_xor(spells.spell_hash) as spell_hash
    from spells
    cross join labels
    group by all
),

members as (
    select * from combined
    union all
    select * from labelled
),

-- A host counts and a monster does not: one bad host must not make its zone look bad. Two
-- deviations above the fleet's rate are enough, if counts of hosts scatter as much as their mean.
capped_members as (
    select
        members.*,
        least(episodes, 1 + expected + 2 * sqrt(expected + expected * expected)) as capped_episodes
    from (
        select
            members.*,
            exposure_h * (select sum(episodes) / nullif(sum(exposure_h), 0) from spells)
                as expected
        from members
    ) as members
),

-- Sums over hosts; the squares tell how much more the hosts differ than chance would make them.
sums as (
    select
        instance_family,
        availability_zone,
        ami_id,
        attributes,
        cohort_values,
        cohort_id,
        attribute_count,
        count(*) as hosts,
        count(*) filter (where episodes > 0) as affected_hosts,
        sum(episodes) as all_n,
        sum(capped_episodes) as n,
        sum(exposure_h) as e,
        sum(capped_episodes * capped_episodes) as nn,
        sum(capped_episodes * exposure_h) as ne,
        sum(exposure_h * exposure_h) as ee,
        bit_xor(spell_hash) as member_hash
    from capped_members
    group by all
),

fleet as (
    select
        hosts as fleet_hosts,
        all_n as fleet_all_n,
        n as fleet_n,
        e as fleet_e,
        nn as fleet_nn,
        ne as fleet_ne,
        ee as fleet_ee
    from sums
    where attribute_count = 0
),

rests as (
    select
        *,
        fleet_all_n - all_n as rest_all_n,
        -- Subtracting sums of fractions leaves dust.
        if(fleet_n - n < 1e-9, 0, fleet_n - n) as rest_n,
        fleet_e - e as rest_e,
        fleet_nn - nn as rest_nn,
        fleet_ne - ne as rest_ne,
        fleet_ee - ee as rest_ee,
        -- Subtracting sums of hours leaves dust: nobody outside means no hours outside.
        fleet_hosts > hosts and fleet_e - e > 1e-6 as has_rest
    from sums
    cross join fleet
    where sums.attribute_count > 0
),

-- Variance over mean of the hosts' counts around their side's own rate.
variances as (
    select
        *,
        (nn - 2 * n / nullif(e, 0) * ne + pow(n / nullif(e, 0), 2) * ee) / nullif(n, 0)
            as inner_variance,
        (
            rest_nn - 2 * rest_n / nullif(rest_e, 0) * rest_ne
            + pow(rest_n / nullif(rest_e, 0), 2) * rest_ee
        ) / nullif(rest_n, 0) as rest_variance,
        has_rest and e >= cast($min_cohort_exposure_h as double)
        and least(hosts, fleet_hosts - hosts) >= cast($min_cohort_hosts as bigint)
            as is_comparable
    from rests
),

-- One dispersion for both sides: one host alone could not show any. A side without episodes
-- cannot either. Half an episode on either side keeps a rate of zero comparable.
ratios as (
    select
        *,
        greatest(
            1,
            (
                if(n > 0, hosts * inner_variance, 0)
                + if(rest_n > 0 and has_rest, (fleet_hosts - hosts) * rest_variance, 0)
            ) / nullif(
                if(n > 0, hosts - 1, 0)
                + if(rest_n > 0 and has_rest, fleet_hosts - hosts - 1, 0),
                0
            )
        ) as dispersion,
        if(is_comparable, ((n + 0.5) / e) / ((rest_n + 0.5) / rest_e), null) as rate_ratio,
        if(
            is_comparable,
            if(n > 0, n * ln(n / e * fleet_e / fleet_n), 0)
            + if(rest_n > 0, rest_n * ln(rest_n / rest_e * fleet_e / fleet_n), 0),
            null
        ) as likelihood_gain
    from variances
),

intervals as (
    select
        *,
        1.96 * sqrt(dispersion * (1 / (n + 0.5) + 1 / (rest_n + 0.5))) as half_width,
        first_value(cohort_id) over (
            partition by member_hash, hosts order by attribute_count, cohort_id
        ) as simplest
    from ratios
)

select
    cohort_id,
    attributes,
    cohort_values,
    instance_family,
    availability_zone,
    ami_id,
    hosts,
    affected_hosts,
    cast(all_n as bigint) as resets,
    round(e, 6) as exposure_h,
    round(1000 * all_n / nullif(e, 0), 6) as resets_per_1000h,
    if(has_rest, round(1000 * rest_all_n / rest_e, 6), null) as rest_per_1000h,
    round(rate_ratio, 6) as rate_ratio,
    round(rate_ratio / exp(half_width), 6) as rate_ratio_low,
    round(rate_ratio * exp(half_width), 6) as rate_ratio_high,
    round(dispersion, 6) as dispersion,
    round(likelihood_gain, 6) as likelihood_gain,
    nullif(simplest, cohort_id) as alias_of
from intervals
order by cohort_id
