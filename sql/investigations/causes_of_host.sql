-- What: What goes with the resets of a host and of the named cohorts that its resets belong to.
-- Param: host_id | VARCHAR | - | host
-- Column: subject_kind | VARCHAR | - | cohort or host
-- Column: subject_id | VARCHAR | - | its cohort_id or host_id
-- Column: resets_of | VARCHAR | - | which episodes: any, host_starved or device_fault
-- Column: place | BIGINT | - | 1 is the first to look at
-- Column: cause | VARCHAR | - | what was looked for
-- Column: cause_of | VARCHAR | - | the unit; - if it is none
-- Column: finding | VARCHAR | - | goes_with, seen, unknown or not_seen
-- Column: evidence_for | VARCHAR | - | in words; null if there is none
-- Column: evidence_against | VARCHAR | - | in words; null if there is none
-- Column: next_command | VARCHAR | - | what to run, or what to collect
-- Column: example | VARCHAR | - | file and line of one such line; null if no line says so

select
    suspected_causes.subject_kind,
    suspected_causes.subject_id,
    suspected_causes.resets_of,
    suspected_causes.place,
    suspected_causes.cause,
    suspected_causes.cause_of,
    suspected_causes.finding,
    suspected_causes.evidence_for,
    suspected_causes.evidence_against,
    suspected_causes.next_command,
    suspected_causes.example
from suspected_causes
inner join (
    select distinct
        subject_kind,
        subject_id,
        resets_of
    from subject_episodes
    where host_id = $host_id
) as subjects
    on subjects.subject_kind = suspected_causes.subject_kind
    and subjects.subject_id = suspected_causes.subject_id
    and subjects.resets_of = suspected_causes.resets_of
order by
    suspected_causes.subject_kind desc,
    suspected_causes.subject_id,
    suspected_causes.resets_of,
    suspected_causes.place
