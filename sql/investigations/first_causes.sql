-- What: The first cause that goes with the resets of each named cohort.
-- Param: resets_of | VARCHAR | - | any, host_starved, device_fault, or empty for all three
-- Column: cohort_id | VARCHAR | - | attributes and values
-- Column: resets_of | VARCHAR | - | which episodes
-- Column: cause | VARCHAR | - | what goes with them
-- Column: cause_of | VARCHAR | - | the unit; - if it is none
-- Column: evidence_for | VARCHAR | - | in words
-- Column: evidence_against | VARCHAR | - | in words; null if there is none
-- Column: next_command | VARCHAR | - | what to run

select
    subject_id as cohort_id,
    resets_of,
    cause,
    cause_of,
    evidence_for,
    evidence_against,
    next_command
from suspected_causes
where
    subject_kind = 'cohort' and finding = 'goes_with' and place = 1
    and $resets_of in ('', resets_of)
order by subject_id, resets_of
