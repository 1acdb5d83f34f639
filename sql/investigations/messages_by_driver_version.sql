-- What: How often each catalogued message was logged, by version of the driver.
-- Param: driver | VARCHAR | - | kernel driver, or empty for all
-- Column: driver | VARCHAR | - | kernel driver
-- Column: driver_version | VARCHAR | - | version of the day; ? if unknown
-- Column: message_id | VARCHAR | - | catalogue id
-- Column: role | VARCHAR | - | role of the message
-- Column: lines | BIGINT | count | log lines
-- Column: hosts | BIGINT | count | hosts that logged it
-- Column: version_hosts | BIGINT | count | hosts that ran this version at all

with versions as (
    select
        host_id,
        host_date,
        coalesce(driver_version, '?') as driver_version
    from host_days
),

running as (
    select
        driver_version,
        count(distinct host_id) as version_hosts
    from versions
    group by all
),

logged as (
    select
        kernel_events.driver,
        coalesce(versions.driver_version, '?') as driver_version,
        kernel_events.message_id,
        kernel_events.role,
        cast(sum(kernel_events.lines) as bigint) as lines,
        count(distinct kernel_events.host_id) as hosts
    from kernel_events
    left join versions
        on versions.host_id = kernel_events.host_id
        and versions.host_date = cast(kernel_events.event_at as date)
    where $driver = '' or kernel_events.driver = $driver
    group by all
)

select
    logged.driver,
    logged.driver_version,
    logged.message_id,
    logged.role,
    logged.lines,
    logged.hosts,
    coalesce(running.version_hosts, 0) as version_hosts
from logged
left join running
    on running.driver_version = logged.driver_version
order by logged.driver, logged.message_id, logged.driver_version
