-- What: The headline numbers of the fleet, one row for the day.
-- Grain: fleet_date
-- Span: day
-- Input: host_days, rejects
-- Param: as_of | DATE | - | the day
-- Column: fleet_date | DATE | UTC | the day
-- Column: hosts | BIGINT | count | hosts in the inventory, the logs or both
-- Column: observed_hosts | BIGINT | count | hosts with any observed time
-- Column: silent_hosts | BIGINT | count | hosts in the inventory without any observed time
-- Column: exposure_h | DOUBLE | hour | observed time of all hosts
-- Column: boots | BIGINT | count | boots of hosts, the first ones of new hosts included
-- Column: resets | BIGINT | count | resets of all verdicts
-- Column: stalls | BIGINT | count | complaints of a driver without a reset
-- Column: host_starved_resets | BIGINT | count | resets of a starved host
-- Column: device_fault_resets | BIGINT | count | resets of a faulty device
-- Column: interrupt_lost_resets | BIGINT | count | resets after a lost interrupt
-- Column: requested_resets | BIGINT | count | resets that were asked for
-- Column: ambiguous_resets | BIGINT | count | resets whose evidence supports no single verdict
-- Column: hosts_with_resets | BIGINT | count | hosts with a reset that nobody asked for
-- Column: resets_per_1000h | DOUBLE | 1/1000 h | such resets per 1,000 observed host-hours; null
--     without exposure
-- Column: rejected | BIGINT | count | things that could not be read
-- Column: lost_messages | BIGINT | count | messages that hosts say were dropped
-- Column: cpu_visible_resets | BIGINT | count | resets whose window the CPU samples can resolve
-- Check: hosts_add_up | observed_hosts + silent_hosts <= hosts
-- Check: rate_needs_exposure | (resets_per_1000h is null) = (exposure_h = 0)
-- Source: docs/method.md#exposure, docs/method.md#uptime, docs/method.md#verdicts

select
    cast($as_of as date) as fleet_date,
    count(*) as hosts,
    count(*) filter (where exposure_h > 0) as observed_hosts,
    count(*) filter (where is_inventoried and exposure_h = 0) as silent_hosts,
    round(coalesce(sum(exposure_h), 0), 6) as exposure_h,
    cast(coalesce(sum(boots), 0) as bigint) as boots,
    cast(coalesce(sum(resets), 0) as bigint) as resets,
    cast(coalesce(sum(stalls), 0) as bigint) as stalls,
    cast(coalesce(sum(host_starved_resets), 0) as bigint) as host_starved_resets,
    cast(coalesce(sum(device_fault_resets), 0) as bigint) as device_fault_resets,
    cast(coalesce(sum(interrupt_lost_resets), 0) as bigint) as interrupt_lost_resets,
    cast(coalesce(sum(requested_resets), 0) as bigint) as requested_resets,
    cast(coalesce(sum(ambiguous_resets), 0) as bigint) as ambiguous_resets,
    count(*) filter (where resets > requested_resets) as hosts_with_resets,
    round(1000 * sum(resets - requested_resets) / nullif(sum(exposure_h), 0), 6)
        as resets_per_1000h,
    (select count(*) from rejects) as rejected,
    cast(coalesce(sum(lost_messages), 0) as bigint) as lost_messages,
    cast(coalesce(sum(cpu_visible_resets), 0) as bigint) as cpu_visible_resets
from host_days
order by fleet_date
