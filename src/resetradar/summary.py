"""What a night found, for people: hosts, cohorts and why, what changed, and what was not seen."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from resetradar.published import investigate
from resetradar.settings import Settings
from resetradar.terminal import cause_text, cohort_table, host_table

_PERIODS = (1, 7, 28)
_MOVED = {"worse", "first_resets", "better"}


def summary_of(settings: Settings, hosts: int) -> Iterator[Table | str]:
    """Tables and lines of the last published run, in the order in which they are read.

    Args:
        settings: Says where the publication is.
        hosts: Ranked hosts to show.

    Raises:
        InputError: Nothing was published.
    """
    ranked = investigate(settings, "ranked_hosts", {"host_id": "", "hosts": hosts})
    yield host_table(ranked.records())
    cohorts = investigate(settings, "ranked_cohorts", {"cohorts": 3}).records()
    if cohorts:
        yield cohort_table(cohorts)
    yield from _named(settings)
    yield from _changed(settings)
    yield from _seen(settings)


def boots_of(settings: Settings, host: str) -> Iterator[str]:
    """A line per boot of a host: how long it was seen, and how long it went without a reset."""
    for row in investigate(settings, "uptime_of_host", {"host_id": host}).records():
        booted = "boot unknown" if row["boot_at"] is None else f"booted {row['boot_at']:%F %T}"
        free = row["first_episode_h"]
        is_told = free is not None and row["boot_at"] is not None
        since = f", none in the first {free:.0f} h of uptime" if is_told else ""
        yield f"{booted}: {row['episodes']} episodes in {row['exposure_h']:.0f} h observed{since}"


def _named(settings: Settings) -> Iterator[str]:
    causes = investigate(settings, "first_causes", {"resets_of": ""}).records()
    first = {(row["resets_of"], row["cohort_id"]): row for row in causes}
    for named in investigate(settings, "named_cohorts", {"resets_of": ""}).records():
        same = f"; the very same hosts: {named['aliases']}" if named["aliases"] else ""
        yield f"{named['tier']} for {named['resets_of']} resets: {named['cohort_id']}{same}"
        if cause := first.get((named["resets_of"], named["cohort_id"])):
            yield f"    goes with: {cause_text(cause)}"
        if named["by_uptime"]:
            yield f"    by uptime: {named['by_uptime']}"


def _changed(settings: Settings) -> Iterator[str]:
    """A line per cohort that moved, over the shortest period that shows it, and per roll-out."""
    told = set()
    for period in _PERIODS:
        for row in investigate(settings, "what_changed", {"period_days": period}).records():
            if row["change"] not in _MOVED or row["explained_by"] or row["cohort_id"] in told:
                continue
            told.add(row["cohort_id"])
            yield (
                f"{row['change'].replace('_', ' ')} since {row['since_date']}: {row['cohort_id']}"
                f"{_times(row)} as before, all others considered"
            )
    for row in investigate(settings, "did_it_help", {"attribute": ""}).records():
        if row["verdict"] in {"improved", "worsened"}:
            yield (
                f"{row['verdict']} by {row['roll_out']} from {row['first_date']} on"
                f"{_times(row)} as to be expected without it"
            )


def _times(row: dict[str, Any]) -> str:
    ratio, low, high = row["rate_ratio"], row["rate_ratio_low"], row["rate_ratio_high"]
    if None not in (ratio, low, high):
        return f": {ratio:.2g} times as often ({low:.2g} to {high:.2g})"
    bound = ("at least", low) if low is not None else ("at most", high)
    return ": not as often" if bound[1] is None else f": {bound[0]} {bound[1]:.2g} times as often"


def _seen(settings: Settings) -> Iterator[str]:
    seen = investigate(settings, "seen", {}).records()[0]
    yield (
        f"seen: {seen['resets']} resets on {seen['hosts_with_resets']} of {seen['hosts']} hosts in "
        f"{seen['exposure_h']:,.0f} host-hours, CPU visible in {seen['cpu_visible_resets']}"
    )
    unobserved = seen["unobserved_share"]
    share = "all" if unobserved is None else f"{unobserved:.1%}"
    yield (
        f"not seen: {share} of the host-hours, hosts without logs: {seen['silent_hosts']}, "
        f"rejects: {seen['rejected']}, messages lost by hosts: {seen['lost_messages']}"
    )
