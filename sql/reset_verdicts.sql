-- What: What the evidence of each reset or stall supports, in words, and what to run next.
-- Grain: reset_id
-- Span: day
-- Input: hosts, reset_cpus, resets
-- Param: starved_ratio | DOUBLE | ratio | kernel-mode share of the window that means starvation
-- Column: reset_id | VARCHAR | - | reset or stall
-- Column: host_id | VARCHAR | - | host
-- Column: kind | VARCHAR | - | reset or stall
-- Column: reset_at | TIMESTAMP | UTC | line that starts the reset; null for a stall
-- Column: started_at | TIMESTAMP | UTC | first symptom
-- Column: driver | VARCHAR | - | kernel driver of the device
-- Column: driver_version | VARCHAR | - | stated by the episode, else by the inventory
-- Column: pci_address | VARCHAR | - | bus address
-- Column: interface | VARCHAR | - | network interface
-- Column: outcome | VARCHAR | - | how it ended
-- Column: trigger | VARCHAR | - | trigger class
-- Column: reset_reason | VARCHAR | - | the driver's own reason, inferred
-- Column: reason_basis | VARCHAR | - | what the reason was inferred from
-- Column: verdict | VARCHAR | - | host_starved, device_fault, interrupt_lost, requested or
--     ambiguous
-- Column: evidence | VARCHAR | - | every piece of evidence, in words
-- Column: next_command | VARCHAR | - | what to run next
-- Column: napi_scheduled | BOOLEAN | - | NAPI was scheduled but had not run, as stated
-- Column: window_s | DOUBLE | second | length of the starvation window
-- Column: hot_cpu | SMALLINT | - | CPU with the most system, irq and softirq time in the window
-- Column: hot_busy_s | DOUBLE | second | that time
-- Column: hot_busy_ratio | DOUBLE | ratio | that time per covered second
-- Column: is_visible | BOOLEAN | - | the samples are fine enough to show a pin of this length
-- Column: queue_cpu | INTEGER | - | CPU that served the queue; null if unknown
-- Column: queue_cpu_busy_s | DOUBLE | second | its system, irq and softirq time in the window
-- Column: is_affinity_lost | BOOLEAN | - | after the reset all queues are on CPU 0, and were not before
-- Column: is_cpu_starved | BOOLEAN | - | the samples alone show a starved CPU: the queue's if it is
--     known, else any, and not so at most other times; null without samples
-- Column: source_path | VARCHAR | - | file of the first line
-- Column: line_number | BIGINT | - | its line
-- Column: first_line | VARCHAR | - | first line, as logged
-- Check: verdict_is_known | verdict in
--     ('host_starved', 'device_fault', 'interrupt_lost', 'requested', 'ambiguous')
-- Check: has_evidence | length(evidence) > 0 and length(next_command) > 0
-- Check: kind_is_known | kind in ('reset', 'stall')
-- Warn: has_line | source_path is not null and line_number >= 1
-- Source: docs/method.md#verdicts

with facts as (
    select
        resets.*,
        coalesce(resets.driver_version, hosts.driver_version) as known_version,
        reset_cpus.window_s,
        reset_cpus.cpu_source,
        reset_cpus.has_clock_doubt,
        reset_cpus.samples_interval_s,
        reset_cpus.covered_s,
        reset_cpus.hot_cpu,
        reset_cpus.hot_system_s,
        reset_cpus.hot_softirq_s,
        reset_cpus.hot_busy_s,
        reset_cpus.hot_busy_ratio,
        reset_cpus.smallest_visible_s,
        reset_cpus.is_visible,
        reset_cpus.queue_cpu,
        reset_cpus.queue_cpu_basis,
        reset_cpus.map_age_s,
        reset_cpus.queue_cpu_busy_s,
        reset_cpus.queues_on_cpu,
        reset_cpus.is_affinity_lost,
        reset_cpus.controls,
        reset_cpus.pinned_controls,
        reset_cpus.peers,
        reset_cpus.pinned_peers,
        -- irqbalance may have moved the queue since an old map; the driver's own word never ages.
        reset_cpus.queue_cpu_basis = 'driver' or coalesce(reset_cpus.map_age_s <= 3600, false)
            as is_queue_cpu_sure,
        -- Only the CPU that serves the queue can keep it waiting, if it is known. And a host whose
        -- CPUs are as busy at most other times does not reset because of that.
        if(
            is_queue_cpu_sure and reset_cpus.queue_cpu_busy_s is not null,
            reset_cpus.queue_cpu_busy_s / nullif(reset_cpus.covered_s, 0),
            reset_cpus.hot_busy_ratio
        ) >= cast($starved_ratio as double)
        and reset_cpus.is_visible
        and coalesce(
            reset_cpus.controls = 0 or 2 * reset_cpus.pinned_controls < reset_cpus.controls, true
        )
            as is_cpu_starved
    from resets
    left join reset_cpus
        on reset_cpus.reset_id = resets.reset_id
    left join hosts
        on hosts.host_id = resets.host_id
),

-- Since ENA 2.12 a keep-alive or admin timeout whose interrupt was merely not served has a reason
-- of its own; 2.2.12 is a later backport of that code. Other drivers never mixed the two.
versions as (
    select
        *,
        driver <> 'ena'
        or coalesce(
            1000 * try_cast(regexp_extract(known_version, '^(\d+)\.(\d+)', 1) as integer)
            + try_cast(regexp_extract(known_version, '^(\d+)\.(\d+)', 2) as integer)
            >= 2012
            or regexp_matches(known_version, '^2\.2\.12\D?'),
            false
        ) as is_timeout_specific
    from facts
),

verdicts as (
    select
        *,
        case
            when trigger in (
                'user_requested', 'device_requested_refresh', 'suspend_resume', 'shutdown',
                'host_servicing'
            ) then 'requested'
            when reset_reason in ('NORMAL', 'OS_TRIGGER', 'USER_TRIGGER', 'SHUTDOWN')
                then 'requested'
            when reset_reason = 'SUSPECTED_POLL_STARVATION' then 'host_starved'
            when reset_reason in
                ('MISS_INTERRUPT', 'MISSING_ADMIN_INTERRUPT', 'MISS_FIRST_INTERRUPT')
                then 'interrupt_lost'
            when trigger = 'poll_starvation' then 'host_starved'
            when trigger = 'missed_interrupt' then 'interrupt_lost'
            when trigger in (
                'device_requested', 'invalid_descriptor', 'driver_invalid_state', 'fw_error',
                'hw_error', 'pci_error'
            ) then 'device_fault'
            when trigger in ('missing_keep_alive', 'unresponsive_device') and is_timeout_specific
                then 'device_fault'
            when napi_scheduled or is_cpu_starved then 'host_starved'
            else 'ambiguous'
        end as verdict,
        -- Log text may hold anything: a name goes into a command only if it can be a name.
        if(regexp_full_match(interface, '[A-Za-z0-9_.]{1,15}'), interface, '<interface>')
            as safe_interface,
        if(is_queue_cpu_sure and queue_cpu_busy_s is not null, queue_cpu, hot_cpu) as starved_cpu,
        if(is_cpu_starved, ' -C ' || starved_cpu, ' -a') as perf_scope
    from versions
)

select
    reset_id,
    host_id,
    kind,
    reset_at,
    started_at,
    driver,
    known_version as driver_version,
    pci_address,
    interface,
    outcome,
    trigger,
    reset_reason,
    reason_basis,
    verdict,
    concat_ws(
        '; ',
        'trigger ' || coalesce(trigger, 'unknown'),
        'reason ' || reset_reason || coalesce(' from ' || reason_basis, ''),
        case
            when napi_scheduled then 'NAPI scheduled but not run'
            when not napi_scheduled then 'NAPI was not scheduled'
        end || coalesce(printf(' for %.1f s', since_napi_us / 1e6), ''),
        printf('last interrupt %.1f s before', since_interrupt_us / 1e6),
        case
            when has_clock_doubt
                then 'clock may be off by more than the window: CPU samples not joined'
            when coalesce(cpu_source, 'none') = 'none' then 'no CPU samples in the window'
            when not is_visible then printf(
                'CPU samples of %.0f s cannot show a pin of %.1f s', samples_interval_s, covered_s
            )
            else printf(
                'CPU %d spent %.1f of %.1f s in system %.1f s, interrupts %.1f s',
                hot_cpu::integer, hot_busy_s, covered_s, hot_system_s, hot_softirq_s
            )
        end,
        case
            when queue_cpu_basis = 'driver' then printf('driver says queue on CPU %d', queue_cpu)
            when queue_cpu is not null then printf(
                'queue on CPU %d by %s, seen %.0f s before', queue_cpu, queue_cpu_basis, map_age_s
            )
        end || coalesce(printf(' (%.1f s)', queue_cpu_busy_s), ''),
        if(queues_on_cpu >= 2, printf('%d queues share that CPU', queues_on_cpu), null),
        if(
            is_visible and controls > 0,
            printf('as busy in %d of %d other windows', pinned_controls, controls),
            null
        ),
        if(
            is_visible and peers > 0,
            printf('in %d of %d peers at that time', pinned_peers, peers),
            null
        ),
        if(is_affinity_lost, 'all queues on CPU 0 since', null)
    ) as evidence,
    case
        when verdict = 'requested' then 'nothing to do: someone or something asked for it'
        when verdict = 'host_starved' and hot_softirq_s > hot_system_s and is_cpu_starved
            then 'grep ' || safe_interface || ' /proc/interrupts; mpstat -P ' || starved_cpu
            || ' -I SCPU 1 60'
        when verdict = 'host_starved'
            then 'perf record -F 97 -g' || perf_scope || ' -- sleep 120'
        when verdict = 'interrupt_lost'
            then 'grep ' || safe_interface || ' /proc/interrupts; systemctl status irqbalance'
        when is_affinity_lost
            then 'grep ' || safe_interface || ' /proc/interrupts; systemctl status irqbalance'
        when verdict = 'device_fault'
            then 'ethtool -S ' || safe_interface || '; ethtool -i ' || safe_interface
        when is_visible then 'ethtool -S ' || safe_interface
        else 'sample every CPU at 10 s or finer: mpstat -P ALL 10; ethtool -S ' || safe_interface
    end as next_command,
    napi_scheduled,
    window_s,
    hot_cpu,
    hot_busy_s,
    hot_busy_ratio,
    is_visible,
    queue_cpu,
    queue_cpu_busy_s,
    is_affinity_lost,
    is_cpu_starved,
    source_path,
    line_number,
    first_line
from verdicts
order by reset_id
