-- What: Resets and stalls of one host in time order, with what its CPUs did.
-- Param: host_id | VARCHAR | - | host to look at
-- Column: began_at | TIMESTAMP | UTC | line that starts the reset, else the first symptom
-- Column: kind | VARCHAR | - | reset or stall
-- Column: interface | VARCHAR | - | network interface
-- Column: trigger | VARCHAR | - | trigger class
-- Column: verdict | VARCHAR | - | what the evidence supports
-- Column: evidence | VARCHAR | - | the evidence in words
-- Column: hot_cpu | SMALLINT | - | CPU with the most kernel time in the window
-- Column: hot_busy_s | DOUBLE | second | that time
-- Column: queue_cpu | INTEGER | - | CPU that served the queue
-- Column: queue_cpu_busy_s | DOUBLE | second | its kernel time in the window
-- Column: pinned_controls | BIGINT | count | other windows of the host with a CPU as busy
-- Column: controls | BIGINT | count | other windows of the host that were looked at
-- Column: any_mode_cpu | SMALLINT | - | busiest CPU in any mode
-- Column: saturated_cpus | BIGINT | count | CPUs that were saturated in any mode
-- Column: mean_busy_pct | DOUBLE | percent | mean over all CPUs
-- Column: next_command | VARCHAR | - | what to run next
-- Column: source_path | VARCHAR | - | file of the first line
-- Column: line_number | BIGINT | - | its line

select
    coalesce(reset_verdicts.reset_at, reset_verdicts.started_at) as began_at,
    reset_verdicts.kind,
    reset_verdicts.interface,
    reset_verdicts.trigger,
    reset_verdicts.verdict,
    reset_verdicts.evidence,
    reset_verdicts.hot_cpu,
    reset_verdicts.hot_busy_s,
    reset_cpus.queue_cpu,
    reset_cpus.queue_cpu_busy_s,
    reset_cpus.pinned_controls,
    reset_cpus.controls,
    reset_cpus.any_mode_cpu,
    reset_cpus.saturated_cpus,
    reset_cpus.mean_busy_pct,
    reset_verdicts.next_command,
    reset_verdicts.source_path,
    reset_verdicts.line_number
from reset_verdicts
left join reset_cpus
    on reset_cpus.reset_id = reset_verdicts.reset_id
where reset_verdicts.host_id = $host_id
order by began_at, reset_verdicts.reset_id
