"""The inventory as of one day to ``hosts``."""

from datetime import date

from resetradar.files import Reject, find, read_bounded
from resetradar.hosts import Context, merge_hosts, parse_hosts
from resetradar.ingest.partition import Ingested, Part, write
from resetradar.lake import UNSHARDED
from resetradar.settings import Settings
from resetradar.tables import HOSTS


def ingest_hosts(settings: Settings, day: date) -> Ingested:
    """Write ``hosts``, the inventory as of one day, and its ``rejects``."""
    rejects: list[Reject] = []
    inventories = []
    sources = find(settings.root, settings.inputs.inventory, day=day)
    for source in sources:
        data, damage = read_bounded(source)
        parsed = parse_hosts(data, Context(source.name))
        rejects += [*damage, *parsed.rejects]
        inventories.append(parsed)
    merged = merge_hosts(inventories, day)
    rejects += merged.rejects
    part = Part(day, UNSHARDED, "hosts")
    return write(settings, part, {HOSTS.name: merged.rows}, rejects, len(sources))
