-- What: What goes with the resets of each named cohort and each host that stands out, and what not.
-- Grain: subject_kind, subject_id, resets_of, cause, cause_of
-- Span: window
-- Input: host_sign_counts, window_sign_counts
-- Column: subject_kind | VARCHAR | - | cohort (of cohort_verdicts) or host (abnormal, watch, or one
--     of the first 50)
-- Column: subject_id | VARCHAR | - | its cohort_id or host_id
-- Column: resets_of | VARCHAR | - | episodes that were looked at: any, host_starved or device_fault
-- Column: cause | VARCHAR | - | memory_cgroups, crash_looping_unit, lockup, console_flood,
--     affinity_lost, steal, paused_vcpu, oom_kill, memory_pressure or hardware_error
-- Column: cause_of | VARCHAR | - | the unit of a crash_looping_unit; else -
-- Column: place | BIGINT | - | 1 is the first to look at
-- Column: finding | VARCHAR | - | goes_with: surely more often with episodes than without; seen:
--     with episodes, but not surely more often; not_seen: looked for; unknown: cannot be told
-- Column: compared | VARCHAR | - | windows (of episodes and their controls) or hosts (with episodes
--     and without)
-- Column: seen | BIGINT | count | of these, episodes or hosts with episodes that have the sign
-- Column: looked_at | BIGINT | count | episodes, or hosts with episodes, of which it is known
-- Column: control_seen | BIGINT | count | controls, or hosts without episodes, that have the sign
-- Column: controls | BIGINT | count | controls, or hosts without episodes, of which it is known
-- Column: ratio | DOUBLE | ratio | how much more often; null if no control has the sign
-- Column: ratio_low | DOUBLE | ratio | lower 95 % bound; null without controls
-- Column: ratio_high | DOUBLE | ratio | upper 95 % bound; null where the ratio is
-- Column: p_value | DOUBLE | - | probability by chance, times the units looked at; null for windows
-- Column: excess_ratio | DOUBLE | ratio | share that has the sign, above that of the controls
-- Column: evidence_for | VARCHAR | - | in words; null if there is none
-- Column: evidence_against | VARCHAR | - | in words, also what is not known; null if there is none
-- Column: next_command | VARCHAR | - | what to run, or what to collect
-- Column: example | VARCHAR | - | file and line of one such line; null if no line says so
-- Check: finding_is_known | finding in ('goes_with', 'seen', 'not_seen', 'unknown')
-- Check: counts_fit | seen <= looked_at and control_seen <= controls
-- Check: goes_with_needs_controls | finding <> 'goes_with' or controls > 0
-- Check: says_why | length(concat(evidence_for, evidence_against)) > 0 and length(next_command) > 0
-- Source: docs/method.md#suspected-causes

with counts as (
    select
        subject_kind,
        subject_id,
        resets_of,
        sign as cause,
        '-' as cause_of,
        'windows' as compared,
        seen,
        looked_at,
        control_seen,
        controls,
        null as hosts,
        matched,
        hosts as matched_hosts,
        share,
        control_share,
        host_variance,
        lost_after,
        null as value,
        null as control_value,
        null as rising,
        example
    from window_sign_counts
    union all
    select
        subject_kind,
        subject_id,
        resets_of,
        sign as cause,
        sign_of as cause_of,
        'hosts' as compared,
        seen,
        looked_at,
        control_seen,
        controls,
        hosts,
        null as matched,
        null as matched_hosts,
        null as share,
        null as control_share,
        null as host_variance,
        null as lost_after,
        value,
        control_value,
        rising,
        null as example
    from host_sign_counts
),

tested as (
    select
        *,
        count(*) filter (where cause_of <> '-') over of_cause as tests,
        seen + control_seen as all_seen,
        -- Half a window with the sign is added, so that a share of 0 or 1 has a width, too.
        (coalesce(share * matched, seen) + 0.5) / (coalesce(matched, looked_at) + 1) as case_share,
        (coalesce(control_share * controls, control_seen) + 0.5) / (controls + 1) as other_share
    from counts
    window of_cause as (partition by subject_kind, subject_id, resets_of, cause)
),

bounds as (
    select
        *,
        if(
            compared = 'windows',
            share / nullif(control_share, 0),
            seen / nullif(looked_at, 0) / nullif(control_seen / nullif(controls, 0), 0)
        ) as ratio,
        ln(case_share / other_share) as log_ratio,
        sqrt(
            greatest(
                (1 - case_share) / ((coalesce(matched, looked_at) + 1) * case_share)
                + (1 - other_share) / ((controls + 1) * other_share),
                if(
                    matched_hosts > 1 and share > 0 and control_share > 0,
                    host_variance * matched_hosts / (matched_hosts - 1),
                    0
                )
            )
        ) as log_error,
        -- Fisher's exact test: so many of the hosts with the sign have episodes, or more.
        list_sum(list_transform(
            range(seen, least(all_seen, looked_at) + 1),
            lambda n: exp(
                lgamma(looked_at + 1.0) - lgamma(n + 1.0) - lgamma(looked_at - n + 1.0)
                + lgamma(controls + 1.0) - lgamma(all_seen - n + 1.0)
                - lgamma(controls - all_seen + n + 1.0)
                - lgamma(looked_at + controls + 1.0) + lgamma(all_seen + 1.0)
                + lgamma(looked_at + controls - all_seen + 1.0)
            )
        )) as p
    from tested
),

found as (
    select
        *,
        if(
            looked_at > 0 and controls > 0,
            least(exp(log_ratio - 1.96 * log_error), coalesce(ratio, exp(log_ratio))),
            null
        ) as ratio_low,
        if(ratio > 0, greatest(exp(log_ratio + 1.96 * log_error), ratio), null) as ratio_high,
        if(
            compared = 'hosts' and looked_at > 0 and controls > 0,
            cast(printf('%.6g', least(p * greatest(tests, 1), 1)) as double),
            null
        ) as p_value,
        case
            when looked_at = 0 then 'unknown'
            when seen = 0 then 'not_seen'
            when controls = 0 then 'unknown'
            -- Eight signs are looked at: the bound for the word is that of 99 %.
            when
                compared = 'windows' and ratio_low > 1 and log_ratio > 2.58 * log_error
                then 'goes_with'
            -- One host proves little: whatever is rare about it would seem to go with its resets.
            when compared = 'hosts' and p_value <= 0.05 and seen >= 3 then 'goes_with'
            else 'seen'
        end as finding
    from bounds
),

-- Of units only those that go with the episodes are listed, and of a host those that few others
-- have; else one row for all of them.
listed as (
    select * exclude (is_told)
    from (
        select
            *,
            cause_of <> '-' and (
                finding = 'goes_with'
                or coalesce(subject_kind = 'host' and seen > 0 and ratio_low > 1, false)
            ) as is_told
        from found
    )
    window of_cause as (partition by subject_kind, subject_id, resets_of, cause)
    qualify
        cause <> 'crash_looping_unit'
        or if(bool_or(is_told) over of_cause, is_told, cause_of = '-')
),

worded as (
    select
        *,
        seen / nullif(looked_at, 0) - coalesce(control_seen / nullif(controls, 0), 0)
            as excess_ratio,
        if(compared = 'hosts', 'hosts', 'episodes') as units,
        if(compared = 'hosts', 'on', 'with') as word,
        subject_kind = 'host' and compared = 'hosts' as is_one_host,
        cause = 'affinity_lost' and coalesce(lost_after > 0, false) as is_lost_after,
        if(
            compared = 'hosts',
            'hosts without such an episode',
            'other windows of these hosts and their peers'
        ) as control_units,
        concat_ws(
            ', ',
            if(cause = 'memory_cgroups', printf('median %.0f', value), null),
            if(cause = 'memory_cgroups', printf('%.0f on hosts without', control_value), null),
            if(
                cause = 'memory_cgroups' and rising > 0,
                if(subject_kind = 'host', 'rising', printf('rising on %d of them', rising)),
                null
            )
        ) as detail,
        if(
            compared = 'hosts' and hosts > looked_at and looked_at > 0,
            printf('not known of %d hosts with episodes', hosts - looked_at),
            null
        ) as doubt,
        if(regexp_full_match(cause_of, '[A-Za-z0-9:_.@-]+'), cause_of, '<unit>') as safe_unit
    from listed
)

select
    subject_kind,
    subject_id,
    resets_of,
    cause,
    cause_of,
    row_number() over (
        partition by subject_kind, subject_id, resets_of
        order by
            list_position(['goes_with', 'seen', 'unknown', 'not_seen'], finding),
            round(excess_ratio, 1) desc nulls last,
            list_position(
                [
                    'memory_cgroups', 'crash_looping_unit', 'lockup', 'console_flood',
                    'affinity_lost', 'steal', 'paused_vcpu', 'oom_kill', 'memory_pressure',
                    'hardware_error'
                ],
                cause
            ),
            cause_of
    ) as place,
    finding,
    compared,
    seen,
    looked_at,
    control_seen,
    controls,
    round(ratio, 6) as ratio,
    round(ratio_low, 6) as ratio_low,
    round(ratio_high, 6) as ratio_high,
    p_value,
    round(excess_ratio, 6) as excess_ratio,
    case
        when seen > 0
            then concat_ws(
                '; ',
                if(
                    is_one_host,
                    'on this host',
                    printf('%s %d of %d %s', word, seen, looked_at, units)
                )
                || if(
                    controls > 0, printf(', %d of %d %s', control_seen, controls, control_units), ''
                ),
                if(ratio_low > 1, printf('at least %.1f times as often', ratio_low), null),
                nullif(detail, '')
            )
        when is_lost_after
            then printf('all queues are on CPU 0 after %d of %d episodes', lost_after, looked_at)
    end as evidence_for,
    nullif(concat_ws(
        '; ',
        case
            when looked_at = 0
                then 'not known of ' || if(is_one_host, 'this host', 'any of the ' || units)
            when seen = 0 and is_one_host then 'not on this host'
            when seen = 0 then printf('%s none of %d %s', word, looked_at, units)
            when seen < looked_at then printf('not %s %d of %d', word, looked_at - seen, looked_at)
        end,
        if(looked_at > 0 and controls = 0, 'nothing to compare with', null),
        if(
            control_seen > 0 and seen > 0,
            printf('also %s %d of %d %s', word, control_seen, controls, control_units),
            null
        ),
        if(
            finding = 'goes_with' and subject_kind = 'cohort' and compared = 'hosts'
            and seen = looked_at and control_seen = 0,
            'splits the hosts as the cohort does: whatever else its hosts share goes with it, too',
            null
        ),
        doubt
    ), '') as evidence_against,
    case
        when finding = 'unknown' and looked_at > 0 then 'wait for hosts or windows to compare with'
        when finding = 'unknown' and cause = 'memory_cgroups'
            then 'collect /proc/cgroups and /sys/fs/cgroup/cgroup.stat'
        when finding = 'unknown' and cause = 'crash_looping_unit'
            then 'collect systemctl show ''*.service'' -p Id,NRestarts,ActiveState'
        when finding = 'unknown' and cause = 'affinity_lost'
            then 'collect /proc/interrupts and /proc/irq/*/effective_affinity_list'
        when finding = 'unknown' and cause = 'steal' then 'sample every CPU: mpstat -P ALL 10'
        when finding = 'not_seen' and not is_lost_after then 'nothing to do'
        when cause = 'memory_cgroups'
            then 'grep memory /proc/cgroups; perf record -F 97 -g -a -- sleep 120'
        when cause = 'crash_looping_unit' and cause_of = '-'
            then 'systemctl list-units --state=activating,failed'
        when cause = 'crash_looping_unit'
            then 'systemctl status ' || safe_unit || '; journalctl -u ' || safe_unit || ' -n 50'
        when cause = 'lockup' then 'journalctl -k -g "lockup|stall|blocked for more|hogged CPU"'
        when cause = 'console_flood' then 'cat /proc/sys/kernel/printk /proc/cmdline'
        when cause = 'affinity_lost'
            then 'grep . /proc/irq/*/effective_affinity_list; systemctl status irqbalance'
        when cause = 'steal' then 'mpstat -P ALL 1 60'
        when cause = 'paused_vcpu' then 'journalctl -k -g "clocksource|tsc"'
        when cause = 'oom_kill' then 'journalctl -k -g "oom-kill|Killed process"'
        when cause = 'memory_pressure' then 'cat /proc/pressure/memory; free -m'
        else 'journalctl -k -g "Hardware Error|PCIe Bus Error|AER"'
    end as next_command,
    example
from worded
order by subject_kind, subject_id, resets_of, cause, cause_of
