-- What: How much of the fleet was seen in the window, and how much was not.
-- Column: resets | BIGINT | count | resets
-- Column: hosts | BIGINT | count | hosts of the inventory, the logs or both
-- Column: hosts_with_resets | BIGINT | count | hosts with a reset
-- Column: silent_hosts | BIGINT | count | hosts without any observed time
-- Column: exposure_h | DOUBLE | hour | observed time
-- Column: unobserved_share | DOUBLE | ratio | unobserved part of all hours of all
--     hosts; null without hosts
-- Column: cpu_visible_resets | BIGINT | count | resets whose window the CPU samples can resolve
-- Column: rejected | BIGINT | count | things that could not be read
-- Column: lost_messages | BIGINT | count | messages that hosts say were dropped

with by_host as (
    select
        host_id,
        sum(exposure_h) as exposure_h,
        sum(resets) as resets
    from host_days
    group by all
)

select
    cast(coalesce(sum(resets), 0) as bigint) as resets,
    count(*) as hosts,
    count(*) filter (where resets > 0) as hosts_with_resets,
    count(*) filter (where exposure_h = 0) as silent_hosts,
    coalesce(sum(exposure_h), 0) as exposure_h,
    1 - sum(exposure_h) / nullif(count(*) * 24 * (select count(*) from fleet_days), 0) as unobserved_share,
    (select cast(coalesce(sum(cpu_visible_resets), 0) as bigint) from fleet_days) as cpu_visible_resets,
    (select cast(coalesce(sum(rejected), 0) as bigint) from fleet_days) as rejected,
    (select cast(coalesce(sum(lost_messages), 0) as bigint) from fleet_days) as lost_messages
from by_host
