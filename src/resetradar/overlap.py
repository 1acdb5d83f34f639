"""The ledgers of several files as one: what was delivered twice counts once.

A rotated log continues where the other ended; a copy, a longer copy or a second collector of the
same host covers the same time. Within an hour, spans that overlap are one delivery, and the fullest
of them counts; spans that follow each other add up.
"""

from collections import defaultdict
from collections.abc import Iterable

from resetradar.coverage import Ledger, Tally


def merged(ledgers: Iterable[Ledger], start_us: int, end_us: int) -> Ledger:
    """One ledger over ``[start_us, end_us)``; the order of the files does not matter."""
    ledgers = list(ledgers)
    found: dict[tuple[str, int], list[Tally]] = defaultdict(list)
    for ledger in ledgers:
        for key, tally in ledger.tallies.items():
            found[key].append(tally)
    one = Ledger(start_us, end_us)
    for key in sorted(found):
        one.tallies[key] = _sum(found[key])
    for ledger in ledgers:
        for burst, lines in ledger.bursts.items():
            one.bursts[burst] = max(one.bursts.get(burst, 0), lines)
    return one


def _sum(tallies: list[Tally]) -> Tally:
    timed = [t for t in tallies if t.first_us is not None and t.last_us is not None]
    timed.sort(key=lambda t: (t.first_us, t.last_us, -t.lines, -t.bytes))
    total = Tally(
        rejected=sum(t.rejected for t in tallies),
        lost_messages=sum(t.lost_messages for t in tallies),
    )
    kept: list[Tally] = []
    for tally in timed:
        if kept and _is_same_delivery(kept[-1], tally):
            kept[-1] = max(kept[-1], tally, key=lambda t: (t.lines, t.bytes, t.kernel_lines))
        else:
            kept.append(tally)
        total.saw(tally.first_us or 0, tally.last_us or 0)
        if tally.stated_us is not None and tally.boot_us is not None:
            total.state(tally.stated_us, tally.boot_us)
    for tally in kept:
        total.lines += tally.lines
        total.kernel_lines += tally.kernel_lines
        total.bytes += tally.bytes
    return total


def _is_same_delivery(earlier: Tally, later: Tally) -> bool:
    """Spans share more than half of the shorter; stamps of whole seconds may touch."""
    first, last = (
        (earlier.first_us or 0, later.first_us or 0),
        (
            earlier.last_us or 0,
            later.last_us or 0,
        ),
    )
    shared = min(last) - max(first)
    shorter = min(last[0] - first[0], last[1] - first[1])
    if shorter == 0:
        return shared == 0 and first[0] == first[1] and last[0] == last[1]
    return shared * 2 > shorter
