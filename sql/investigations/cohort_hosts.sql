-- What: Hosts of one cohort with their observed time and resets; an empty value means any.
-- Param: instance_family | VARCHAR | - | instance family, or empty
-- Param: availability_zone | VARCHAR | - | zone name, or empty
-- Param: ami_id | VARCHAR | - | machine image, or empty
-- Column: host_id | VARCHAR | - | host
-- Column: days | BIGINT | count | days on which it was a member
-- Column: exposure_h | DOUBLE | hour | observed time on these days
-- Column: resets | BIGINT | count | resets that nobody asked for
-- Column: host_starved_resets | BIGINT | count | of these, with a starved host
-- Column: resets_per_1000h | DOUBLE | 1/1000 h | rate; null without observed time

select
    host_id,
    count(*) as days,
    sum(exposure_h) as exposure_h,
    cast(sum(resets - requested_resets) as bigint) as resets,
    cast(sum(host_starved_resets) as bigint) as host_starved_resets,
    1000 * sum(resets - requested_resets) / nullif(sum(exposure_h), 0) as resets_per_1000h
from host_days
where
    ($instance_family = '' or instance_family = $instance_family)
    and ($availability_zone = '' or availability_zone = $availability_zone)
    and ($ami_id = '' or ami_id = $ami_id)
group by host_id
order by resets_per_1000h desc nulls last, host_id
