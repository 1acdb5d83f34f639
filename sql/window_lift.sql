-- What: How much more often a sign is seen in the windows of resets than in their control windows.
-- Grain: sign, control_kind, attribute, attribute_value
-- Span: window
-- Input: host_days, reset_verdicts, window_cpus
-- Param: starved_ratio | DOUBLE | ratio | kernel-mode share of a window that counts as pinned
-- Column: sign | VARCHAR | - | any_cpu_saturated (in any mode), kernel_pinned (system, irq and softirq
--     of one CPU) or queue_cpu_pinned (and that CPU serves the queue)
-- Column: control_kind | VARCHAR | - | same_host (another time) or peer (another host, same time)
-- Column: attribute | VARCHAR | - | fleet, instance_family, availability_zone, ami_id or
--     samples_interval_s
-- Column: attribute_value | VARCHAR | - | its value; ? if unknown
-- Column: resets | BIGINT | count | resets whose window can show the sign, with a control or without
-- Column: matched_resets | BIGINT | count | of these, with at least one control
-- Column: hosts | BIGINT | count | hosts of the matched resets
-- Column: controls | BIGINT | count | their control windows
-- Column: reset_ratio | DOUBLE | ratio | share of matched resets with the sign
-- Column: control_ratio | DOUBLE | ratio | share of controls with the sign, each reset with one weight
-- Column: lift | DOUBLE | ratio | the first over the second; null without controls, or if none of them
--     has the sign: lift_low is then all that can be said
-- Column: lift_low | DOUBLE | ratio | lower 95 % bound; null without controls
-- Column: lift_high | DOUBLE | ratio | upper 95 % bound; null where lift is
-- Column: is_finding | BOOLEAN | - | the sign goes with resets: lift_low is above 1; null without
--     controls
-- Check: matched_are_resets | matched_resets <= resets
-- Check: no_finding_without_controls | (controls = 0) = (is_finding is null)
-- Check: interval_holds_lift | coalesce(lift_low <= lift and lift <= lift_high, true)
-- Source: docs/method.md#lift

with resets as (
    select
        reset_verdicts.reset_id,
        reset_verdicts.host_id,
        coalesce(host_days.instance_family, '?') as instance_family,
        coalesce(host_days.availability_zone, '?') as availability_zone,
        coalesce(host_days.ami_id, '?') as ami_id
    from reset_verdicts
    left join host_days
        on host_days.host_id = reset_verdicts.host_id
        and host_days.host_date = cast(reset_verdicts.reset_at as date)
    where reset_verdicts.kind = 'reset' and reset_verdicts.verdict <> 'requested'
),

-- One row per window and sign; a window that cannot tell is left out.
signs as (
    select
        reset_id,
        window_kind,
        unnest(
            [
                {'sign': 'any_cpu_saturated', 'is_seen': saturated_cpus > 0},
                {'sign': 'kernel_pinned', 'is_seen': if(can_show, is_pinned, null)},
                {
                    'sign': 'queue_cpu_pinned',
                    'is_seen': if(
                        can_show and is_hot_queue_cpu is not null,
                        is_pinned and is_hot_queue_cpu,
                        null
                    )
                }
            ],
            recursive := true
        ),
        samples_interval_s
    from (
        select
            *,
            hot_busy_ratio >= cast($starved_ratio as double) as is_pinned,
            -- A pin that the samples of the reset cannot show says nothing about its controls.
            window_kind <> 'reset' or is_visible as can_show
        from window_cpus
        where cpu_source = 'samples'
    )
),

-- Each reset with its own controls: hosts that always look saturated cancel out.
matched as (
    select
        own.sign,
        kinds.control_kind,
        own.reset_id,
        own.is_seen::integer as is_seen,
        any_value(own.samples_interval_s) as samples_interval_s,
        count(others.is_seen) as controls,
        count(*) filter (where others.is_seen) as seen_controls
    from signs as own
    cross join (values ('same_host'), ('peer')) as kinds (control_kind)
    left join signs as others
        on others.reset_id = own.reset_id
        and others.sign = own.sign
        and others.window_kind = kinds.control_kind
    where own.window_kind = 'reset' and own.is_seen is not null
    group by all
),

attributes as (
    select
        matched.*,
        resets.host_id,
        -- Weight of Mantel and Haenszel: one control tells half as much as many.
        if(controls > 0, controls / (controls + 1), 0) as weight,
        unnest(
            [
                {'attribute': 'fleet', 'attribute_value': 'all'},
                {'attribute': 'instance_family', 'attribute_value': instance_family},
                {'attribute': 'availability_zone', 'attribute_value': availability_zone},
                {'attribute': 'ami_id', 'attribute_value': ami_id},
                {
                    'attribute': 'samples_interval_s',
                    'attribute_value': printf('%g', samples_interval_s)
                }
            ],
            recursive := true
        )
    from matched
    inner join resets
        on resets.reset_id = matched.reset_id
),

of_hosts as (
    select
        sign,
        control_kind,
        attribute,
        attribute_value,
        host_id,
        count(*) as resets,
        count(*) filter (where controls > 0) as matched_resets,
        cast(sum(controls) as bigint) as controls,
        sum(weight) as weights,
        sum(weight * is_seen) as seen,
        sum(weight * seen_controls / nullif(controls, 0)) as control_seen
    from attributes
    group by all
),

sums as (
    select
        sign,
        control_kind,
        attribute,
        attribute_value,
        cast(sum(resets) as bigint) as resets,
        cast(sum(matched_resets) as bigint) as matched_resets,
        count(*) filter (where matched_resets > 0) as hosts,
        cast(sum(controls) as bigint) as controls,
        sum(seen) / nullif(sum(weights), 0) as reset_ratio,
        sum(control_seen) / nullif(sum(weights), 0) as control_ratio
    from of_hosts
    group by all
),

-- Resets of one host resemble each other: the variance of the log ratio is that between hosts.
clustered as (
    select
        of_hosts.sign,
        of_hosts.control_kind,
        of_hosts.attribute,
        of_hosts.attribute_value,
        sum(
            (
                coalesce(seen / nullif(total_seen, 0), 0)
                - coalesce(control_seen / nullif(total_control_seen, 0), 0)
            ) ** 2
        ) as host_variance
    from (
        select
            *,
            sum(seen) over of_group as total_seen,
            sum(control_seen) over of_group as total_control_seen
        from of_hosts
        where matched_resets > 0
        window of_group as (partition by sign, control_kind, attribute, attribute_value)
    ) as of_hosts
    group by all
),

-- Half a window with the sign is added, so that a share of 0 or 1 has a width, too.
bounds as (
    select
        sums.*,
        (reset_ratio * matched_resets + 0.5) / (matched_resets + 1) as reset_share,
        (control_ratio * controls + 0.5) / (controls + 1) as control_share,
        ln(reset_share / control_share) as log_lift,
        sqrt(
            greatest(
                (1 - reset_share) / ((matched_resets + 1) * reset_share)
                + (1 - control_share) / ((controls + 1) * control_share),
                if(
                    hosts > 1 and reset_ratio > 0 and control_ratio > 0,
                    host_variance * hosts / (hosts - 1),
                    0
                )
            )
        ) as log_error
    from sums
    left join clustered
        on clustered.sign = sums.sign
        and clustered.control_kind = sums.control_kind
        and clustered.attribute = sums.attribute
        and clustered.attribute_value = sums.attribute_value
)

select
    sign,
    control_kind,
    attribute,
    attribute_value,
    resets,
    matched_resets,
    hosts,
    controls,
    round(reset_ratio, 6) as reset_ratio,
    round(control_ratio, 6) as control_ratio,
    round(reset_ratio / nullif(control_ratio, 0), 6) as lift,
    round(
        least(
            exp(log_lift - 1.96 * log_error),
            coalesce(reset_ratio / nullif(control_ratio, 0), exp(log_lift))
        ),
        6
    ) as lift_low,
    if(
        control_ratio > 0,
        round(greatest(exp(log_lift + 1.96 * log_error), reset_ratio / control_ratio), 6),
        null
    ) as lift_high,
    lift_low > 1 as is_finding
from bounds
order by sign, control_kind, attribute, attribute_value
