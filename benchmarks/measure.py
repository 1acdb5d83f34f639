"""Side-by-side measurements: fresh processes, alternated, medians and ratios.

CPU seconds (user and system, children included) are the main figure, because machines are shared.
"""

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# The kernel counts the memory of whoever starts a process as its own, up to the moment of exec. So
# a bare interpreter of some 10 MB starts the contender, not this process and all that it holds.
_START: Final = """
import os, sys, time
started = time.monotonic()
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(process, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime,
      time.monotonic() - started, usage.ru_maxrss / 1024)
"""


@dataclass(frozen=True)
class Median:
    """Medians of one contender; the largest memory of any of its processes."""

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
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _START, *command],
        capture_output=True, check=False, text=True, errors="replace",
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name}: could not be started: {done.stderr[-400:]}")
    code, cpu_s, wall_s, rss_mb = done.stdout.split()
    # grep and ripgrep say with 1 that nothing matched.
    if code not in {"0", "1"} or (code == "1" and done.stderr):
        raise RuntimeError(f"{name}: exit {code}: {done.stderr[-400:]}")
    return float(cpu_s), float(wall_s), float(rss_mb)
