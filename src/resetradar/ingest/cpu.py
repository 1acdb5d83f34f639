"""Per-CPU metrics of one day and shard to ``cpu_samples`` and ``cpu_minutes``."""

from datetime import date

import pyarrow as pa

from resetradar.cpu import Context, distinct, minutes, parse_cpu, split_days
from resetradar.files import Reject, read_bounded
from resetradar.ingest.partition import Ingested, Part, of_hosts, once, sources_of_shard, write
from resetradar.settings import Settings
from resetradar.tables import CPU_MINUTES, CPU_SAMPLES


def ingest_cpu(settings: Settings, day: date, shard: int) -> Ingested:
    """Write ``cpu_samples``, ``cpu_minutes`` and ``rejects`` of one day and shard."""
    parts: list[pa.Table] = []
    rejects: list[Reject] = []
    sources = sources_of_shard(settings, settings.inputs.cpu, day, shard)
    for source in sources:
        data, damage = read_bounded(source)
        parsed = parse_cpu(data, Context(source.host_id, source.name, settings.inputs.timezone))
        rejects += once([*damage, *parsed.rejects], source, settings, shard)
        of_day = split_days(parsed.samples).get(day)
        if of_day is not None:
            parts.append(of_hosts(of_day, shard, settings.shards))
    samples = distinct(pa.concat_tables([CPU_SAMPLES.empty(), *parts]))
    tables = {CPU_SAMPLES.name: samples, CPU_MINUTES.name: minutes(samples)}
    return write(settings, Part(day, shard, "cpu"), tables, rejects, len(sources))
