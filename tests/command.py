"""The command, run as a user runs it, and the bundled fleet."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FLEET = REPOSITORY / "data" / "samples" / "fleet"
DAYS = "2026-11-15..2026-11-21"


def resetradar(*arguments, check=True, cwd=None):
    """Run the command as a user does; standard output and error as text."""
    return subprocess.run(
        [sys.executable, "-m", "resetradar", *map(str, arguments)],
        capture_output=True, text=True, check=check, cwd=cwd or REPOSITORY,
    )  # fmt: skip
