"""What the episode builder keeps: episodes in the making and the devices they belong to."""

from dataclasses import dataclass, field

from resetradar.clock import SECOND_US
from resetradar.scan import ADJACENT_LINES, Event, duration_us

# Two watchdog lines of one stall state durations that lead back to one start.
_SAME_START_US = 2 * SECOND_US
# Two sentences about one reset follow each other within this.
_SAME_RESET_US = SECOND_US
_SETTLED_US = 2 * SECOND_US
# The network core looks at a queue that stands still no sooner than after this time.
_WATCHDOG_US = 4 * SECOND_US


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
        begin = [self.begin] if self.begin and self.begin not in self.symptoms[-1:] else []
        done = [self.done] if self.done else []
        return [*self.symptoms, *begin, *self.after, *done]

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


def is_later_stall(earlier: Event, event: Event) -> bool:
    """A line of the watchdog about a stall that began after an earlier line.

    The stated duration tells; where none is stated, the core waits for seconds before it complains.
    """
    stalled_us = duration_us(event, "stall")
    if stalled_us is None and event.match.message.driver == "netdev_watchdog":
        if earlier.match.message.role not in ("reset_begin", "reset_progress"):
            return False
        stalled_us = _WATCHDOG_US
    return stalled_us is not None and gap_us(earlier, event) > stalled_us + SECOND_US


def is_back(pending: Episode, event: Event) -> bool:
    """The link came up after what is pending, so that a new symptom is news.

    A queue that stops again is noticed after seconds; sooner, it is the same flapping.
    """
    last = pending.last
    if not last.match.message.id.endswith(".link_up"):
        return False
    has_clock = last.monotonic_us is not None or last.at_us is not None
    return not has_clock or gap_us(last, event) > _SETTLED_US


def is_same_reset(reset: Episode, event: Event) -> bool:
    """A begin line that says in other words what the one just before it said.

    The same words twice are two resets, however near.
    """
    begin = reset.begin
    if begin is None or begin.match.message.id == event.match.message.id:
        return False
    if begin.monotonic_us is None and begin.at_us is None:
        return begin.source_path == event.source_path and (
            0 < event.line_number - begin.line_number <= ADJACENT_LINES
        )
    return gap_us(begin, event) < _SAME_RESET_US
