"""Kernel logs of one day and shard to ``kernel_events``, ``log_coverage`` and ``resets``."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from resetradar.clock import HOUR_US, SECOND_US, Calendar, day_bounds, zone_named
from resetradar.coverage import Ledger
from resetradar.episodes import episodes
from resetradar.files import Reject
from resetradar.ingest.partition import Ingested, Part, of_hosts, once, sources_of_shard, write
from resetradar.lake import shard_of
from resetradar.overlap import merged
from resetradar.records import (
    Run,
    event_runs,
    events_table,
    flood_rows,
    reset_record,
    resets_table,
)
from resetradar.scan import Event, number, scan_file
from resetradar.settings import Settings
from resetradar.tables import KERNEL_EVENTS, LOG_COVERAGE, RESETS
from resetradar.timeline import boots

# Longer than the longest wait of the episode rules and than the stretch in which the two clocks are
# compared, so that both days that see an event near midnight see it alike.
EDGE_US = 2 * HOUR_US


def ingest_logs(settings: Settings, day: date, shard: int) -> Ingested:
    """Write ``kernel_events``, ``log_coverage``, ``resets`` and ``rejects`` of a day and shard."""
    first, last = day_bounds(day)
    calendar = Calendar(day, zone=zone_named(settings.inputs.timezone))
    silence_us = round(settings.inputs.max_silence_s * SECOND_US)
    known_from = first - silence_us - HOUR_US
    shard_of_host = cache(lambda host_id: shard_of(host_id, settings.shards))
    ledgers: list[Ledger] = []
    events: dict[str, list[Event]] = defaultdict(list)
    rejects: list[Reject] = []
    sources = sources_of_shard(settings, settings.inputs.logs, day, shard)
    for source in sources:
        ledgers.append(Ledger(known_from, last))
        scanned = scan_file(source, calendar, ledgers[-1], span=(first - EDGE_US, last + EDGE_US))
        nameless = []
        for event in scanned.events:
            if event.host_id is None and event.at_us and first <= event.at_us < last:
                nameless.append(_nameless(event))
            elif event.host_id and shard_of_host(event.host_id) == shard:
                events[event.host_id].append(event)
        of_day = [r for r in scanned.rejects if r.at_us is None or first <= r.at_us < last]
        rejects += once([*of_day, *nameless], source, settings, shard)
    ledger = merged(ledgers, known_from, last)
    event_part: list[Run] = []
    reset_part: list[dict[str, Any]] = []
    for host_id in sorted(events):
        for boot in boots(events[host_id]):
            _count_losses(ledger, host_id, boot)
            today = [event for event in boot if event.at_us and first <= event.at_us < last]
            event_part += event_runs(today, host_id)
            records = (reset_record(episode, host_id) for episode in episodes(boot))
            reset_part += [row for row in records if _lies_in(row, first, last)]
    own = {key: n for key, n in ledger.bursts.items() if first <= key[1] < last}
    coverage = ledger.table(settings.inputs.max_silence_s, first, last)
    tables = {
        KERNEL_EVENTS.name: events_table(event_part, flood_rows(own)),
        LOG_COVERAGE.name: of_hosts(coverage, shard, settings.shards),
        RESETS.name: resets_table(reset_part),
    }
    return write(settings, Part(day, shard, "logs"), tables, rejects, len(sources))


def _nameless(event: Event) -> Reject:
    return Reject(
        event.source_path,
        event.line_number,
        "host: expected {host_id} in the path template or a host name in the line, found neither",
        event.first_line,
    )


def _count_losses(ledger: Ledger, host_id: str, events: Iterable[Event]) -> None:
    """Messages that the host itself says it dropped."""
    for event in events:
        if event.match.message.trigger == "log_loss" and event.at_us:
            tally = ledger.at(host_id, event.at_us)
            if tally is not None:
                tally.lost_messages += max(1, number(event, "lost_messages") or 1)


def _lies_in(row: dict[str, Any], first: int, last: int) -> bool:
    moment = row["reset_at"] if row["reset_at"] is not None else row["first_line_at"]
    return moment is not None and first <= moment < last
