"""Console floods: more lines of the kernel than a serial console can take in the time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resetradar.simulate.incidents import Incident
from resetradar.simulate.kernel_lines import WARNING, Line, kernel
from resetradar.simulate.plan import DAY, HOUR, SECOND, Fleet, Host

_SPACING = 7_000  # a line of 80 characters at 115,200 baud
_HARMLESS_LINES = 250


@dataclass(frozen=True)
class Flood:
    """A run of lines, each printed when the console has taken the one before."""

    host: Host
    started_us: int
    count: int

    def lines(self) -> Iterator[Line]:
        """The lines in time order."""
        for number in range(self.count):
            # A few addresses: a scan of the network by one neighbour.
            text = f"IPv4: martian source 10.20.{number % 4}.9 from 10.20.77.{number % 7}, on dev"
            at = self.started_us + number * _SPACING
            yield kernel(at, WARNING, f"{text} {self.host.interface}")


def floods(fleet: Fleet, host: Host, happened: Sequence[Incident]) -> tuple[Flood, ...]:
    """Floods of a host: one before each reset that it explains, and short ones that do no harm."""
    if host.role != "console_flood":
        return ()
    found = [
        Flood(
            host, incident.symptom_us - incident.since_napi_us, incident.since_napi_us // _SPACING
        )
        for incident in happened
        if incident.pinned == "console" and incident.since_napi_us
    ]
    dice = fleet.dice(host.host_id, "floods")
    for number in range(fleet.days - 1):
        at = fleet.start_us + number * DAY + int(dice.random() * 23 * HOUR) // SECOND * SECOND
        if all(abs(flood.started_us - at) > HOUR for flood in found):
            found.append(Flood(host, at, _HARMLESS_LINES))
    return tuple(sorted(found, key=lambda flood: flood.started_us))
