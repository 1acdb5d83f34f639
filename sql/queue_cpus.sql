-- What: Which CPU served the queue that the reset names, in each window, and whether it moved.
-- Grain: window_id
-- Span: day
-- Input: host_facts, resets, windows
-- Column: window_id | VARCHAR | - | window
-- Column: reset_id | VARCHAR | - | reset or stall that the window belongs to
-- Column: host_id | VARCHAR | - | host of the window
-- Column: queue | INTEGER | - | lowest queue that the reset names; null if it names none
-- Column: queue_cpu | INTEGER | - | CPU that served it; null if unknown
-- Column: queue_cpu_basis | VARCHAR | - | driver (it printed the CPU), interrupts (they were counted
--     there), affinity (they are bound there) or none
-- Column: queue_cpus | INTEGER[] | - | CPUs of all queues that the reset names, ascending
-- Column: map_age_s | DOUBLE | second | age of the observation at the end of the window; null if the
--     driver printed the CPU
-- Column: queues_on_cpu | BIGINT | count | queues of the interface that share queue_cpu; null without
--     a map
-- Column: queue_cpu_after | INTEGER | - | CPU of the queue at the first observation after the window
-- Column: is_affinity_lost | BOOLEAN | - | after the window all queues of the interface are on CPU 0,
--     and were not before; null without a map on both sides
-- Check: basis_is_known | queue_cpu_basis in ('driver', 'interrupts', 'affinity', 'none')
-- Check: none_means_null | (queue_cpu_basis = 'none') = (queue_cpu is null)
-- Check: map_is_older | coalesce(map_age_s >= 0, true)
-- Source: docs/method.md#cpu-of-the-queue

with asked as (
    select
        windows.window_id,
        windows.reset_id,
        windows.host_id,
        windows.window_kind,
        windows.window_end_at,
        resets.interface,
        resets.driver,
        resets.queues,
        list_min(resets.queues) as queue,
        -- What the driver printed holds for its own host: a peer has its own map.
        if(windows.window_kind = 'peer', null, resets.napi_cpu) as napi_cpu
    from windows
    inner join resets
        on resets.reset_id = windows.reset_id
),

-- Counted interrupts say where a queue was served, the affinity where it may be.
interrupts as (
    select
        host_id,
        subject,
        observed_at,
        cast(
            coalesce(any_value(value) filter (where fact = 'irq_cpu'), any_value(value)) as integer
        ) as cpu,
        if(bool_or(fact = 'irq_cpu'), 'interrupts', 'affinity') as basis
    from host_facts
    where fact in ('irq_cpu', 'irq_affinity_cpu') and value is not null
    group by all
),

-- An interrupt is named after its interface and queue, by some drivers after the driver first.
vectors as (
    select
        host_id,
        subject,
        regexp_extract(subject, '^(.+)-(?:Tx-?Rx|rx-tx)-(\d+)$', 1) as device,
        try_cast(regexp_extract(subject, '^(.+)-(?:Tx-?Rx|rx-tx)-(\d+)$', 2) as integer) as queue
    from (select distinct host_id, subject from interrupts)
    where queue is not null
),

slots as (
    select
        asked.window_id,
        asked.queue as asked_queue,
        asked.window_kind,
        vectors.queue,
        vectors.host_id,
        vectors.subject,
        list_contains(asked.queues, vectors.queue) as is_named,
        asked.window_end_at
    from asked
    inner join vectors
        on vectors.host_id = asked.host_id
        and (
            vectors.device = asked.interface
            or vectors.device = asked.driver || '-' || asked.interface
        )
),

maps as (
    select
        slots.*,
        before.cpu,
        before.basis,
        before.observed_at,
        after.cpu as cpu_after
    from slots
    asof left join interrupts as before
        on before.host_id = slots.host_id
        and before.subject = slots.subject
        and slots.window_end_at >= before.observed_at
    asof left join interrupts as after
        on after.host_id = slots.host_id
        and after.subject = slots.subject
        and slots.window_end_at < after.observed_at
),

of_windows as (
    select
        window_id,
        any_value(cpu) filter (where queue = asked_queue) as map_cpu,
        any_value(basis) filter (where queue = asked_queue) as map_basis,
        any_value(observed_at) filter (where queue = asked_queue) as map_at,
        any_value(cpu_after) filter (where queue = asked_queue) as map_cpu_after,
        list_sort(list(distinct cpu) filter (where is_named and cpu is not null)) as named_cpus,
        list(cpu) filter (where cpu is not null) as all_cpus,
        count(cpu) as mapped,
        count(cpu_after) as mapped_after,
        count(*) filter (where cpu = 0) as on_first,
        count(*) filter (where cpu_after = 0) as on_first_after
    from maps
    group by window_id
)

select
    asked.window_id,
    asked.reset_id,
    asked.host_id,
    asked.queue,
    coalesce(asked.napi_cpu, of_windows.map_cpu) as queue_cpu,
    case
        when asked.napi_cpu is not null then 'driver'
        else coalesce(of_windows.map_basis, 'none')
    end as queue_cpu_basis,
    list_sort(
        list_distinct(
            list_concat(
                coalesce(of_windows.named_cpus, []),
                if(asked.napi_cpu is null, [], [asked.napi_cpu])
            )
        )
    ) as queue_cpus,
    if(
        asked.napi_cpu is null, epoch_us(asked.window_end_at - of_windows.map_at) / 1e6, null
    ) as map_age_s,
    if(
        of_windows.mapped > 0,
        len(
            list_filter(
                of_windows.all_cpus,
                lambda cpu: cpu = coalesce(asked.napi_cpu, of_windows.map_cpu)
            )
        ),
        null
    ) as queues_on_cpu,
    of_windows.map_cpu_after as queue_cpu_after,
    -- One queue alone may well be served by CPU 0.
    if(
        of_windows.mapped >= 2 and of_windows.mapped_after >= 2,
        of_windows.on_first < of_windows.mapped
        and of_windows.on_first_after = of_windows.mapped_after,
        null
    ) as is_affinity_lost
from asked
left join of_windows
    on of_windows.window_id = asked.window_id
order by asked.window_id
