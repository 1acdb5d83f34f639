"""Side-by-side measurements: fresh processes, alternated, medians and ratios.

CPU seconds (user and system, children included) are the main figure, because machines are shared.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Median:
    """Medians of one contender."""

    cpu_s: float
    wall_s: float
    rss_mb: float


def measure(contenders: Mapping[str, Sequence[str]], rounds: int = 5) -> dict[str, Median]:
    """Medians over rounds; within a round every contender runs once, in rotated order.

    Args:
        contenders: Command line by name; output is thrown away.
        rounds: Runs of each.

    Raises:
        RuntimeError: A contender failed; its name and exit status are told.
    """
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            runs[name].append(_run(name, contenders[name]))
    return {
        name: Median(*(statistics.median(values) for values in zip(*found, strict=True)))
        for name, found in runs.items()
    }


def _run(name: str, command: Sequence[str]) -> tuple[float, float, float]:
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # grep and ripgrep say with 1 that nothing matched.
    if process.returncode not in {0, 1} or (process.returncode == 1 and error):
        raise RuntimeError(f"{name}: exit {process.returncode}: {error.decode()[-400:]}")
    wall = time.monotonic() - started
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024
