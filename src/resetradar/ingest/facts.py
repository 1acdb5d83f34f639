"""Facts of the hosts of one day and shard to ``host_facts``."""

from collections import defaultdict
from datetime import date

from resetradar.clock import day_bounds
from resetradar.facts import Section, facts_table, parse_facts, split_sections, thinned
from resetradar.files import Reject, read_bounded
from resetradar.ingest.partition import Ingested, Part, once, sources_of_shard, write
from resetradar.settings import Settings
from resetradar.tables import HOST_FACTS


def ingest_facts(settings: Settings, day: date, shard: int) -> Ingested:
    """Write ``host_facts`` and its ``rejects`` of one day and shard.

    Files of the neighbouring days are read too: what an interrupt did is told from two snapshots.
    """
    first, last = day_bounds(day)
    sections: dict[str, list[Section]] = defaultdict(list)
    rejects: list[Reject] = []
    sources = sources_of_shard(settings, settings.inputs.facts, day, shard)
    for source in sources:
        if source.host_id is None:
            reason = "host: expected {host_id} in the path template of facts, found none"
            rejects += once([Reject(source.name, None, reason)], source, settings, shard)
            continue
        data, damage = read_bounded(source)
        found, stray = split_sections(data, source.name, source.host_id)
        rejects += [*damage, *stray]
        sections[source.host_id] += found
    facts = {}
    for host_id in sorted(sections):
        parsed = parse_facts(sections[host_id])
        rejects += [r for r in parsed.rejects if r.at_us is None or first <= r.at_us < last]
        facts[host_id] = thinned(fact for fact in parsed.facts if first <= fact.at_us < last)
    part = Part(day, shard, "facts")
    return write(settings, part, {HOST_FACTS.name: facts_table(facts)}, rejects, len(sources))
