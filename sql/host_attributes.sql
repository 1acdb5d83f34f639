-- What: What was known of each host on the day: labels of the inventory and states of its units.
-- Grain: host_id, host_date
-- Span: day
-- Input: host_facts, hosts
-- Param: as_of | DATE | - | the day
-- Column: host_id | VARCHAR | - | host in the inventory, the facts or both
-- Column: host_date | DATE | UTC | the day
-- Column: inventory | MAP(VARCHAR, VARCHAR) | - | attributes and labels that can make a cohort; null
--     if the inventory of the day does not know the host
-- Column: units | MAP(VARCHAR, VARCHAR) | - | last state of its systemd units; null if none was seen
-- Check: is_known | inventory is not null or units is not null
-- Source: docs/method.md#changes

-- Only what somebody configured: counters of the network are the effect, not the cause.
with unit_facts as (
    select
        host_id,
        fact || '{' || subject || '}' as attribute,
        case
            when fact <> 'unit_restarts' then cast(cast(max_by(value, observed_at) as bigint) as varchar)
            when max_by(value, observed_at) >= 10 then '10 or more'
            else 'below 10'
        end as level
    from host_facts
    where starts_with(fact, 'unit_') and cast(observed_at as date) = cast($as_of as date)
    group by host_id, fact, subject
),

units as (
    select
        host_id,
        map_from_entries(list({'k': attribute, 'v': level} order by attribute)) as units
    from unit_facts
    group by all
),

inventory as (
    select
        host_id,
        map_concat(
            coalesce(attributes, map {}),
            map {
                'ami_id': coalesce(ami_id, '?'),
                'availability_zone': coalesce(availability_zone, '?'),
                'driver_version': coalesce(driver_version, '?'),
                'instance_family': coalesce(instance_family, '?'),
                'kernel': coalesce(kernel, '?')
            }
        ) as inventory
    from hosts
)

select
    coalesce(inventory.host_id, units.host_id) as host_id,
    cast($as_of as date) as host_date,
    inventory.inventory,
    units.units
from inventory
full join units
    on units.host_id = inventory.host_id
order by 1
