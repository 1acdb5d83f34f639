-- What: The inventory row of each host that was valid on the day: the newest of that day's rows.
create table hosts as
select *
from host_periods
where
    (valid_from_at is null or valid_from_at < cast($as_of as timestamp) + interval 1 day)
    and (valid_to_at is null or valid_to_at > cast($as_of as timestamp))
qualify row_number() over (partition by host_id order by valid_from_at desc nulls last) = 1
