"""What the episode builder keeps: episodes in the making and the devices they belong to."""

from dataclasses import dataclass, field

from resetradar.clock import SECOND_US
from resetradar.scan import Event

# Two watchdog lines of one stall state durations that lead back to one start.
_SAME_START_US = 2 * SECOND_US
# Rows of one report stand so close.
ADJACENT_LINES = 2


@dataclass(slots=True)
class Episode:
    """One reset or stall in the making, and then the record of it."""

    driver: str
    symptoms: list[Event] = field(default_factory=list)
    begin: Event | None = None
    after: list[Event] = field(default_factory=list)
    done: Event | None = None
    is_begin_missing: bool = False
    is_failed: bool = False
    outcome: str = ""
    pci_address: str | None = None
    interface: str | None = None
    driver_version: str | None = None
    counters: dict[str, int] = field(default_factory=dict)
    earlier_counters: dict[str, int] | None = None

    @property
    def events(self) -> list[Event]:
        """All lines of the episode, in order."""
        begin = [self.begin] if self.begin else []
        done = [self.done] if self.done else []
        return [*self.symptoms, *begin, *self.after, *done]

    @property
    def is_open(self) -> bool:
        """A reset has begun, as far as the log shows."""
        return self.begin is not None or self.is_begin_missing

    @property
    def last(self) -> Event:
        """Newest line."""
        return self.after[-1] if self.after else self.begin or self.symptoms[-1]


@dataclass(slots=True)
class Device:
    """State of one device within one boot."""

    driver: str
    pci_address: str | None = None
    interface: str | None = None
    driver_version: str | None = None
    pending: Episode | None = None
    reset: Episode | None = None
    # Of the last dump in this boot: what grew since tells the reason of the next reset.
    counters: dict[str, int] | None = None


def gap_us(earlier: Event, later: Event) -> int:
    """Time between two events of one boot; 0 when no clock tells."""
    if earlier.monotonic_us is not None and later.monotonic_us is not None:
        return later.monotonic_us - earlier.monotonic_us
    if earlier.at_us is not None and later.at_us is not None:
        return later.at_us - earlier.at_us
    return 0


def is_precursor(event: Event) -> bool:
    """A late completion that states no duration: one slow packet, no stall by itself."""
    message, fields = event.match.message, event.match.fields
    return (
        message.trigger == "tx_completion_timeout"
        and not message.is_decisive
        and not any(name.startswith("since_napi") for name in fields)
    )


def is_repeated(pending: Episode, event: Event) -> bool:
    """A watchdog line like one before it, other lines between, and no clock to tell their distance.

    A stall that lasts is reported by one line after the other; without a clock nothing else tells.
    """
    has_clock = event.monotonic_us is not None or event.at_us is not None
    if has_clock or event.match.message.driver != "netdev_watchdog":
        return False
    return any(
        earlier.match.message.id == event.match.message.id
        and earlier.match.fields.get("queue") == event.match.fields.get("queue")
        and event.line_number - earlier.line_number > ADJACENT_LINES
        for earlier in pending.symptoms[-1:]
    )


def is_same_stall(pending: Episode, event: Event) -> bool:
    """A watchdog line whose stated duration leads back to the start of the pending stall."""
    stalled_ms = event.match.fields.get("stall_ms")
    if not isinstance(stalled_ms, int):
        return False
    return any(
        isinstance(before := earlier.match.fields.get("stall_ms"), int)
        and earlier.match.fields.get("queue") == event.match.fields.get("queue")
        and abs(gap_us(earlier, event) - (stalled_ms - before) * 1000) <= _SAME_START_US
        for earlier in pending.symptoms[-64:]
    )
