"""From kernel events to episodes: what one device printed about one reset or stall, as one record.

A state machine per boot and device. Symptoms wait for a reset to begin; a begin line always opens
a new episode; a done line, silence or the end of the boot closes it. docs/method.md#episodes states
the rules and the time limits.
"""

from collections.abc import Iterable

from resetradar.catalogue import UNKNOWN_DRIVER, Match, load_catalogue
from resetradar.catalogue.prefix import is_interface
from resetradar.clock import SECOND_US
from resetradar.device import (
    Device,
    Episode,
    gap_us,
    is_back,
    is_later_stall,
    is_precursor,
    is_repeated,
    is_same_reset,
    is_same_stall,
)
from resetradar.scan import ADJACENT_LINES, Event

SYMPTOM_GAP_US = 60 * SECOND_US
RESET_GAP_US = 120 * SECOND_US

_SYMPTOM_ROLES = {"symptom", "reset_deferred", "recovered_without_reset"}
_WIDESPREAD = "widespread"
_DEVICE_ROLES = _SYMPTOM_ROLES | {
    "reset_begin", "stats_dump", "reset_progress", "reset_done", "reset_failed", "reset_cancelled",
}  # fmt: skip


def episodes(boot: Iterable[Event]) -> list[Episode]:
    """Episodes of one boot of one host, in the order in which they end.

    Args:
        boot: Events in the kernel's order, as ``timeline.boots`` gives them.
    """
    return _Boot().run(boot)


def _is_network(event: Event) -> bool:
    """Storage controllers speak of resets in the same words; they are events, not episodes."""
    match = event.match
    facts = load_catalogue().drivers.get(match.driver)
    if facts is None and match.message.driver == _WIDESPREAD:
        # Of a driver that nobody knows only the interface tells that it is one of the network.
        return match.interface is not None and (
            match.pci_address is not None or is_interface(match.interface)
        )
    return facts is None or facts.is_network


class _Boot:
    """All devices of one boot of one host."""

    def __init__(self) -> None:
        self.devices: list[Device] = []
        self.closed: list[Episode] = []
        self.resumed: Event | None = None

    def run(self, events: Iterable[Event]) -> list[Episode]:
        for event in events:
            message = event.match.message
            if message.role == "detail":
                self._add_detail(event)
            elif message.role in _DEVICE_ROLES and _is_network(event):
                device = self._device(event)
                if device is not None:
                    self._expire(device, event)
                    self._step(device, event)
            elif message.trigger == "suspend_resume":
                self.resumed = event
            elif event.match.driver_version and (device := self._device(event)):
                device.driver_version = event.match.driver_version
        for device in self.devices:
            self._close_reset(device, is_cut=True)
            self._close_pending(device)
        return self.closed

    def _add_detail(self, event: Event) -> None:
        """Give a row that names no device to the symptom that it stands below."""
        above = [
            symptom
            for device in self.devices if device.pending
            for symptom in device.pending.symptoms[-1:]
            if symptom.source_path == event.source_path
            and 0 < event.line_number - symptom.line_number <= ADJACENT_LINES
        ]  # fmt: skip
        if above:
            nearest = max(above, key=lambda symptom: symptom.line_number)
            nearest.match.fields.setdefault("queue", event.match.fields["queue"])

    def _device(self, event: Event) -> Device | None:
        """Device that a line speaks of: by bus address, else by interface, else the only one."""
        match = event.match
        same = [
            device for device in self.devices
            if UNKNOWN_DRIVER in (match.driver, device.driver) or device.driver == match.driver
        ]  # fmt: skip
        if match.pci_address:
            self._join_by_name(match, same)
            at_address = [d for d in same if d.pci_address == match.pci_address]
            named = [d for d in at_address if d.interface == match.interface]
            # A name may change after probe, but not in mid-episode: then it is another port.
            idle = [
                d for d in at_address
                if None in (match.interface, d.interface) or not (d.reset or d.pending)
            ]  # fmt: skip
            found = named or idle
        elif match.interface:
            found = [device for device in same if device.interface == match.interface]
            nameless = [device for device in same if device.interface is None]
            found = found or (nameless if len(nameless) == 1 else [])
        else:
            busy = [device for device in same if device.reset or device.pending]
            found = busy if len(busy) == 1 else same[:1] if len(same) == 1 else []
        if not found:
            found = [Device(match.driver)]
            self.devices += found
        device = found[0]
        if device.driver == UNKNOWN_DRIVER:
            device.driver = match.driver
        device.pci_address = match.pci_address or device.pci_address
        device.interface = match.interface or device.interface
        device.driver_version = match.driver_version or device.driver_version
        return device

    def _join_by_name(self, match: Match, same: list[Device]) -> None:
        """Give a device that was known by its name alone the address that a line adds."""
        for device in same:
            if device.pci_address is None and device.interface == match.interface is not None:
                known = [d for d in same if d.pci_address == match.pci_address]
                if known and known[0].pending is None and known[0].reset is None:
                    self.devices.remove(known[0])
                    same.remove(known[0])
                    device.counters = device.counters or known[0].counters
                    device.driver_version = device.driver_version or known[0].driver_version
                if not known or known[0] not in self.devices:
                    device.pci_address = match.pci_address
                return

    def _expire(self, device: Device, event: Event) -> None:
        """Close what has been silent for too long before this line."""
        if device.reset and gap_us(device.reset.last, event) > RESET_GAP_US:
            self._close_reset(device, is_cut=False)
        pending = device.pending
        if pending is None:
            return
        is_old = gap_us(pending.last, event) > SYMPTOM_GAP_US
        if (
            (is_old and not is_same_stall(pending, event))
            or is_repeated(pending, event)
            or is_later_stall(pending.last, event)
        ):
            self._close_pending(device)

    def _step(self, device: Device, event: Event) -> None:
        role = event.match.message.role
        if role in _SYMPTOM_ROLES:
            self._symptom(device, event)
        elif role == "reset_begin":
            self._begin(device, event)
        elif role == "stats_dump":
            self._dump(device, event)
        elif role == "reset_done":
            self._done(device, event)
        elif role == "reset_cancelled":
            self._cancel(device, event)
        else:
            self._progress(device, event)

    def _symptom(self, device: Device, event: Event) -> None:
        reset = device.reset
        if reset is not None and not event.match.message.is_decisive:
            is_news = reset.begin is not None and is_later_stall(reset.begin, event)
            if not is_news:
                reset.after.append(event)
                return
        if device.pending is not None and is_back(device.pending, event):
            self._close_pending(device)
        if device.pending is None:
            device.pending = Episode(device.driver)
        device.pending.symptoms.append(event)

    def _begin(self, device: Device, event: Event) -> None:
        if device.reset is not None and is_same_reset(device.reset, event):
            device.reset.after.append(event)
            return
        self._close_reset(device, is_cut=False)
        device.reset = device.pending or Episode(device.driver)
        device.pending = None
        device.reset.begin = event
        if event.match.message.trigger:
            # It states the cause, and often the queue, that other drivers state before it.
            device.reset.symptoms.append(event)

    def _dump(self, device: Device, event: Event) -> None:
        if device.reset is None:
            device.reset = device.pending or Episode(device.driver)
            device.reset.is_begin_missing = True
            device.pending = None
        device.reset.after.append(event)
        name, value = event.match.fields.get("counter"), event.match.fields.get("value")
        kept = (
            load_catalogue().drivers[device.driver].counters
            if (device.driver in load_catalogue().drivers)
            else ()
        )
        if isinstance(value, int) and name in kept:
            device.reset.counters[str(name)] = value

    def _progress(self, device: Device, event: Event) -> None:
        is_failure = event.match.message.role == "reset_failed"
        if device.reset is not None:
            device.reset.after.append(event)
            device.reset.is_failed |= is_failure
        elif device.pending is not None:
            device.pending.after.append(event)
            device.pending.is_failed |= is_failure

    def _done(self, device: Device, event: Event) -> None:
        if device.reset is None:
            if self.resumed is not None and gap_us(self.resumed, event) <= SYMPTOM_GAP_US:
                return
            device.reset = device.pending or Episode(device.driver)
            device.reset.is_begin_missing = True
            device.pending = None
        elif device.pending is not None:
            # The reset ended, so what was reported meanwhile was part of it.
            device.reset.after += device.pending.symptoms
            device.pending = None
        device.reset.done = event
        status = event.match.fields.get("status", 0)
        device.reset.is_failed |= status != 0
        self._close_reset(device, is_cut=False)

    def _cancel(self, device: Device, event: Event) -> None:
        episode = device.reset or device.pending
        if episode is not None:
            episode.after.append(event)
            episode.outcome = "cancelled"
            device.reset = device.pending = None
            self._close(device, episode)

    def _close_reset(self, device: Device, *, is_cut: bool) -> None:
        reset = device.reset
        if reset is None:
            return
        device.reset = None
        facts = load_catalogue().drivers.get(device.driver)
        if reset.is_failed:
            reset.outcome = "failed"
        elif reset.done is not None:
            reset.outcome = "ok"
        elif facts is not None and facts.has_done_line:
            reset.outcome = "unfinished"
        else:
            reset.outcome = "unfinished" if is_cut and facts is None else "assumed_ok"
        self._close(device, reset)

    def _close_pending(self, device: Device) -> None:
        pending, device.pending = device.pending, None
        if pending is None or all(is_precursor(event) for event in pending.symptoms):
            return
        is_deferred = any(e.match.message.role == "reset_deferred" for e in pending.symptoms)
        is_decisive = any(e.match.message.is_decisive for e in pending.symptoms)
        is_recovered = any(
            e.match.message.role == "recovered_without_reset" for e in pending.symptoms
        )
        is_unconfirmed = is_decisive and not is_deferred and not is_recovered
        pending.outcome = "reset_unconfirmed" if is_unconfirmed else "stall_no_reset"
        self._close(device, pending)

    def _close(self, device: Device, episode: Episode) -> None:
        episode.driver = device.driver
        episode.pci_address = device.pci_address
        episode.interface = device.interface
        episode.driver_version = device.driver_version
        episode.earlier_counters = device.counters
        device.counters = episode.counters or device.counters
        self.closed.append(episode)
