-- What: How long each host was observed on the day, what it reset and what it was.
-- Grain: host_id, host_date
-- Span: day
-- Input: hosts, host_uptimes, log_coverage, reset_verdicts
-- Param: as_of | DATE | - | the day
-- Column: host_id | VARCHAR | - | host in the inventory, the logs or both
-- Column: host_date | DATE | UTC | the day
-- Column: exposure_h | DOUBLE | hour | time in which a reset would have been seen
-- Column: lines | BIGINT | count | log lines
-- Column: rejected | BIGINT | count | log lines or file parts that could not be read
-- Column: lost_messages | BIGINT | count | messages that the host says were dropped
-- Column: boot_at | TIMESTAMP | UTC | last boot that the day's log tells; null if it tells none
-- Column: boots | BIGINT | count | boots of this day, the first one of a new host included
-- Column: resets | BIGINT | count | resets of all verdicts
-- Column: stalls | BIGINT | count | complaints of a driver without a reset
-- Column: host_starved_resets | BIGINT | count | resets of a starved host
-- Column: device_fault_resets | BIGINT | count | resets of a faulty device
-- Column: interrupt_lost_resets | BIGINT | count | resets after a lost interrupt
-- Column: requested_resets | BIGINT | count | resets that were asked for
-- Column: ambiguous_resets | BIGINT | count | resets whose evidence supports no single verdict
-- Column: cpu_visible_resets | BIGINT | count | resets whose window the CPU samples can resolve
-- Column: instance_type | VARCHAR | - | EC2 instance type; null if unknown
-- Column: instance_family | VARCHAR | - | part of the type before the dot
-- Column: availability_zone | VARCHAR | - | zone name
-- Column: ami_id | VARCHAR | - | machine image
-- Column: kernel | VARCHAR | - | kernel release
-- Column: driver_version | VARCHAR | - | from the inventory, else as the day's last reset states
-- Column: is_inventoried | BOOLEAN | - | the inventory of the day knows the host
-- Check: exposure_is_a_day_at_most | exposure_h between 0 and 24.000001
-- Check: verdicts_add_up | resets = host_starved_resets + device_fault_resets
--     + interrupt_lost_resets + requested_resets + ambiguous_resets
-- Warn: resets_have_exposure | resets = 0 or exposure_h > 0
-- Source: docs/method.md#exposure, docs/method.md#uptime, docs/method.md#verdicts

with coverage as (
    select
        host_id,
        sum(least(observed_s, 3600)) / 3600 as exposure_h,
        cast(sum(lines) as bigint) as lines,
        cast(sum(rejected) as bigint) as rejected,
        cast(sum(lost_messages) as bigint) as lost_messages
    from log_coverage
    where cast(hour_at as date) = cast($as_of as date)
    group by all
),

resets as (
    select
        host_id,
        count(*) filter (where kind = 'reset') as resets,
        count(*) filter (where kind = 'stall') as stalls,
        count(*) filter (where kind = 'reset' and verdict = 'host_starved') as host_starved,
        count(*) filter (where kind = 'reset' and verdict = 'device_fault') as device_fault,
        count(*) filter (where kind = 'reset' and verdict = 'interrupt_lost') as interrupt_lost,
        count(*) filter (where kind = 'reset' and verdict = 'requested') as requested,
        count(*) filter (where kind = 'reset' and verdict = 'ambiguous') as ambiguous,
        count(*) filter (where kind = 'reset' and is_visible) as cpu_visible,
        arg_max(driver_version, (started_at, reset_id)) as driver_version
    from reset_verdicts
    group by all
),

uptimes as (
    select
        host_id,
        max(boot_at) as boot_at,
        count(distinct boot_at) filter (where cast(boot_at as date) = cast($as_of as date)) as boots
    from host_uptimes
    group by all
),

known as (
    select host_id from coverage
    union
    select host_id from resets
    union
    select host_id from hosts
)

select
    known.host_id,
    cast($as_of as date) as host_date,
    round(coalesce(coverage.exposure_h, 0), 6) as exposure_h,
    coalesce(coverage.lines, 0) as lines,
    coalesce(coverage.rejected, 0) as rejected,
    coalesce(coverage.lost_messages, 0) as lost_messages,
    uptimes.boot_at,
    coalesce(uptimes.boots, 0) as boots,
    coalesce(resets.resets, 0) as resets,
    coalesce(resets.stalls, 0) as stalls,
    coalesce(resets.host_starved, 0) as host_starved_resets,
    coalesce(resets.device_fault, 0) as device_fault_resets,
    coalesce(resets.interrupt_lost, 0) as interrupt_lost_resets,
    coalesce(resets.requested, 0) as requested_resets,
    coalesce(resets.ambiguous, 0) as ambiguous_resets,
    coalesce(resets.cpu_visible, 0) as cpu_visible_resets,
    hosts.instance_type,
    hosts.instance_family,
    hosts.availability_zone,
    hosts.ami_id,
    hosts.kernel,
    coalesce(hosts.driver_version, resets.driver_version) as driver_version,
    hosts.host_id is not null as is_inventoried
from known
left join coverage
    on coverage.host_id = known.host_id
left join resets
    on resets.host_id = known.host_id
left join uptimes
    on uptimes.host_id = known.host_id
left join hosts
    on hosts.host_id = known.host_id
order by known.host_id
