"""All lines of one host in time order, boot after boot."""

import heapq
from collections.abc import Iterator, Sequence

from resetradar.simulate.boot_lines import boot_lines, reconfiguration_lines
from resetradar.simulate.chatter import chatter, crash_loops, cron_line, workqueue_line
from resetradar.simulate.floods import floods
from resetradar.simulate.incidents import Boot, Incident, logs_end_us
from resetradar.simulate.kernel_lines import DriverState, Line, incident_lines
from resetradar.simulate.plan import HOUR, MINUTE, SECOND, Fleet, Host


def timeline(
    fleet: Fleet, host: Host, lives: Sequence[Boot], happened: Sequence[Incident]
) -> Iterator[tuple[Boot, Line]]:
    """Lines of the simulated days; dmesg also holds what its boot printed before them."""
    first = 0 if host.log_style == "dmesg" else fleet.start_us
    last = logs_end_us(fleet, host)
    dice = fleet.dice(host.host_id, "chatter")
    for life in lives:
        begin, end = max(life.started_us + MINUTE, first), min(life.ended_us, last)
        streams: list[Iterator[Line]] = [
            boot_lines(host, life),
            chatter(host, fleet.volume.lines_per_hour, begin, end, dice),
            _incidents(host, life, happened),
        ]
        streams += crash_loops(fleet, host, life, end)
        streams += (
            flood.lines()
            for flood in floods(fleet, host, happened)
            if life.started_us + MINUTE <= flood.started_us < end
        )
        if "reconfigured" in host.features:
            streams.append(reconfiguration_lines(host, begin + 5 * HOUR))
        for line in heapq.merge(*streams, key=lambda line: line.at_us):
            if first <= line.at_us < end:
                yield life, line


def _incidents(host: Host, life: Boot, happened: Sequence[Incident]) -> Iterator[Line]:
    """Lines of the incidents of one boot; the driver forgets its counters at the next."""
    state = DriverState()
    for incident in happened:
        if not life.started_us <= incident.symptom_us < life.ended_us:
            continue
        pinned_from = incident.symptom_us - (incident.since_napi_us or 0)
        if incident.pinned == "softirq":
            yield from cron_line(host, pinned_from - 2 * SECOND)
        if incident.pinned == "system":
            yield from workqueue_line(host, pinned_from, state)
        yield from incident_lines(host, incident, state)
