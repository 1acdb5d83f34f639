"""What treated hosts had before and after, and untreated hosts of theirs in the same days."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from resetradar.scoring.columns import Codes
from resetradar.scoring.distributions import Flags, Floats
from resetradar.scoring.rate_changes import Spans
from resetradar.scoring.treatments import Calendar, Limits, Treatment

# Treated hosts without a control are left out; that may be a few only.
_COVERED = 0.8


def sum_by(hosts: Codes, values: Floats) -> Floats:
    """Sum of a value over the rows of each host, by the host's number."""
    return np.bincount(hosts, values).astype(np.float64)


@dataclass(frozen=True)
class Controls:
    """Untreated hosts in the days of the treated ones.

    ``spans``, ``host`` and ``weight`` have a row per untreated host and day of a treatment: as many
    of each group and day as there are treated hosts, together. ``is_covered`` tells which treated
    hosts have such controls.
    """

    group: str
    is_covered: Flags
    spans: Spans
    host: Codes
    weight: Floats

    def by_host(self) -> Spans:
        """Weighted sums of each untreated host, no weight above 1."""
        weight = self.weight / self.weight.max(initial=1e-300)
        spans = self.spans
        parts = (spans.before, spans.before_h, spans.after, spans.after_h)
        return Spans(*(sum_by(self.host, weight * part) for part in parts))


def treated_spans(treatment: Treatment, days: Calendar) -> Spans:
    """Episodes and hours of each treated host, before and after its own time."""
    places = np.array(
        [(each.host, each.before, each.at, each.start, each.end) for each in treatment.members]
    ).reshape(-1, 5)
    host, before, at, start, end = places.T
    return Spans(*days.sums(host, before, at), *days.sums(host, start, end))


def controls(
    treatment: Treatment, days: Calendar, groups: dict[str, Codes], limits: Limits, before_days: int
) -> Controls | None:
    """Untreated hosts of the family and zone, or of the family; none if there are too few.

    A host is untreated on a day if it kept its value in the days before and on that day. Its days
    after end when it changes, too.

    Args:
        treatment: Who was treated.
        days: The calendar.
        groups: Group of each host, the closest first.
        limits: Length of the span after, and fewest untreated hosts of a group.
        before_days: Length of the span before.
    """
    rows = {
        at: _untreated(treatment, days, at, (before_days, limits.days))
        for at in sorted({each.at for each in treatment.members})
    }
    for name, numbers in groups.items():
        strata = Counter((int(numbers[each.host]), each.at) for each in treatment.members)
        found = {
            (group, at): rows[at].where(numbers[rows[at].host] == group) for group, at in strata
        }
        is_covered = np.array(
            [
                len(found[int(numbers[each.host]), each.at].host) >= limits.hosts
                for each in treatment.members
            ]
        )
        if is_covered.mean() >= _COVERED:
            used = [key for key in sorted(strata) if len(found[key].host) >= limits.hosts]
            return _joined(name, is_covered, [(found[key], strata[key]) for key in used])
    return None


@dataclass(frozen=True)
class _Rows:
    """Untreated hosts around one day."""

    host: Codes
    spans: Spans

    def where(self, rows: Flags) -> "_Rows":
        return _Rows(self.host[rows], self.spans.where(rows))


def _untreated(treatment: Treatment, days: Calendar, at: int, lengths: tuple[int, int]) -> _Rows:
    before_days, after_days = lengths
    first = max(at - before_days, 0)
    host = np.flatnonzero(
        treatment.controls & ~treatment.is_turn[:, first + 1 : at + 1].any(axis=1)
    )
    # In place, the day of the change is left out.
    start = at + int(treatment.is_in_place)
    later = np.where(treatment.is_turn[host, start:], np.arange(start, days.days), days.days)
    turn = later.min(axis=1, initial=days.days)
    after = days.sums(host, start, np.minimum(turn, start + after_days))
    spans = Spans(*days.sums(host, first, at), *after)
    return _Rows(host, spans).where((spans.before_h > 0) & (spans.after_h > 0))


def _joined(name: str, is_covered: Flags, parts: list[tuple[_Rows, int]]) -> Controls:
    spans = [
        np.concatenate([getattr(rows.spans, part) for rows, _ in parts])
        for part in ("before", "before_h", "after", "after_h")
    ]
    host = np.concatenate([rows.host for rows, _ in parts])
    weight = [np.full(len(rows.host), treated / len(rows.host)) for rows, treated in parts]
    return Controls(name, is_covered, Spans(*spans), host, np.concatenate(weight))
