"""``host_facts`` as a whole: what did not change is told once an hour, not at every observation."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from resetradar.clock import HOUR_US
from resetradar.facts._contract import Fact
from resetradar.tables import HOST_FACTS


def thinned(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Facts, in order of time, without those that repeat a value within one UTC hour.

    A map of 64 queues that is read every minute would be 92,160 rows a day and says nothing new.
    """
    last: dict[tuple[str, str], tuple[int, float]] = {}
    for fact in facts:
        key, told = (fact.fact, fact.subject), (fact.at_us // HOUR_US, fact.value)
        if last.get(key) != told:
            last[key] = told
            yield fact


def facts_table(facts: Mapping[str, Iterable[Fact]]) -> pa.Table:
    """Rows of ``host_facts`` of facts by host; of two values of one moment the larger is kept."""
    unique = {
        (host_id, fact.at_us, fact.fact, fact.subject): fact.value
        for host_id, of_host in facts.items()
        for fact in sorted(of_host)
    }
    columns = [*(zip(*unique, strict=True) if unique else [[]] * 4), list(unique.values())]
    return pa.Table.from_arrays(
        [
            pa.array(column, field.type)
            for column, field in zip(columns, HOST_FACTS.schema, strict=True)
        ],
        schema=HOST_FACTS.schema,
    )
