"""Why a device was reset: the trigger class and the driver's own reason, from what the lines say.

docs/method.md#triggers states the order of the evidence. Counters are cumulative, so only what
grew between two dumps counts, never a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resetradar.catalogue import Driver, load_catalogue
from resetradar.clock import SECOND_US
from resetradar.scan import Event, duration_us

_STARVED = "poll_starvation"
# The timeout of drivers that do not state theirs (ENA and the network core: 5 s).
_TIMEOUT_US = 5 * SECOND_US
_OLDER_COUNTERS = {
    "tx_timeout": "netdev_watchdog",
    "wd_expired": "missing_keep_alive",
    "admin_q_pause": "unresponsive_device",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Trigger class, the driver's reason and the evidence for both; None where nothing tells."""

    trigger: str | None
    reset_reason: str | None
    basis: str | None


def classify(
    driver: str,
    symptoms: Sequence[Event],
    counters: dict[str, int],
    earlier: dict[str, int] | None,
) -> Verdict:
    """Trigger and reason of one episode.

    Args:
        driver: Driver name.
        symptoms: Lines before the reset began, in order.
        counters: Counters of the episode's dump; empty without one.
        earlier: Counters of the dump before it in the same boot; None without one.
    """
    facts = load_catalogue().drivers.get(driver)
    reasons = {reason.name: reason for reason in facts.reasons} if facts else {}
    grown = _grown(facts, counters, earlier)
    if len(grown) == 1 and reasons[grown[0]].trigger:
        return Verdict(reasons[grown[0]].trigger, grown[0], "counter")
    trigger, basis, event = _from_lines(symptoms)
    if trigger is None:
        trigger, basis = _from_older_counters(counters, earlier)
    if trigger is None:
        return Verdict(None, None, None)
    return Verdict(trigger, _reason(facts, trigger, event), basis)


def _grown(
    facts: Driver | None, counters: dict[str, int], earlier: dict[str, int] | None
) -> list[str]:
    """Reasons whose own counter grew by one reset since the dump before."""
    if facts is None or earlier is None:
        return []
    return [
        reason.name
        for reason in facts.reasons
        if reason.counter in counters
        and reason.counter in earlier
        and counters[reason.counter] > earlier[reason.counter]
    ]


def _from_lines(symptoms: Sequence[Event]) -> tuple[str | None, str | None, Event | None]:
    for event in symptoms:
        if event.match.message.refines:
            return event.match.message.refines, "refining line", event
    for event in symptoms:
        if is_starved(event):
            return _STARVED, "napi scheduled and late", event
    for event in symptoms:
        if event.match.message.is_decisive and event.match.message.trigger:
            return event.match.message.trigger, "decisive line", event
    for event in symptoms:
        if event.match.message.trigger:
            return event.match.message.trigger, "first symptom", event
    return None, None, None


def _from_older_counters(
    counters: dict[str, int], earlier: dict[str, int] | None
) -> tuple[str | None, str | None]:
    """Trigger class from counters that older drivers have too, where no line tells it."""
    grown = [
        trigger
        for name, trigger in _OLDER_COUNTERS.items()
        if earlier and name in earlier and counters.get(name, 0) > earlier[name]
    ]
    return (grown[0], "counter") if len(grown) == 1 else (None, None)


def is_starved(event: Event) -> bool:
    """The line states that NAPI was scheduled and did not run for as long as the timeout."""
    if event.match.fields.get("napi_scheduled") != 1:
        return False
    silent_us = duration_us(event, "since_napi")
    timeout_us = duration_us(event, "threshold") or duration_us(event, "tx_timeout")
    return silent_us is not None and silent_us > (timeout_us or _TIMEOUT_US)


def _reason(facts: Driver | None, trigger: str, event: Event | None) -> str | None:
    """Reason that the wording settles, else the first of the driver's enum with this trigger."""
    if facts is None or not facts.reasons:
        return None
    if event is not None and event.match.message.reason:
        return event.match.message.reason
    return next((reason.name for reason in facts.reasons if reason.trigger == trigger), None)
