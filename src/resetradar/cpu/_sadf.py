"""sysstat archives of a layout that is not known here, by way of the sadf of this machine."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from resetradar.cpu import sadf_csv
from resetradar.cpu._contract import Context, Parsed
from resetradar.files import Reject
from resetradar.tables import CPU_SAMPLES

_TIMEOUT_S: Final = 300
_EXPORT: Final = ("-d", "-U")
_WHAT: Final = ("--", "-u", "ALL", "-P", "ALL")


def parse(data: bytes, context: Context, difference: str) -> Parsed:
    """Samples as sadf exports them, after ``sadf -c`` where it asks for that.

    Args:
        data: The archive.
        context: What is known of the file.
        difference: In what the archive is not of the known layout.
    """
    sadf = shutil.which("sadf")
    if sadf is None:
        return _failed(context, f"{difference}; install sysstat to have its sadf read it")
    with tempfile.TemporaryDirectory(prefix="resetradar-") as folder:
        archive, converted = Path(folder, "sa"), Path(folder, "converted")
        archive.write_bytes(data)
        exported, why = _run([sadf, *_EXPORT, str(archive), *_WHAT])
        if not exported:
            copy, _ = _run([sadf, "-c", str(archive)])
            if copy:
                converted.write_bytes(copy)
                exported, why = _run([sadf, *_EXPORT, str(converted), *_WHAT])
    if not exported:
        return _failed(context, f"{difference}; sadf says: {why}")
    return sadf_csv.parse(exported, context)


def _run(command: list[str]) -> tuple[bytes, str]:
    """What a command printed, and if that is nothing, why."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and a path of our own
            command,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            env={"LC_ALL": "C", "TZ": "UTC"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return b"", type(error).__name__
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return done.stdout, (said or [f"exit code {done.returncode}"])[0][:120]


def _failed(context: Context, why: str) -> Parsed:
    reject = Reject(context.source, None, f"sysstat archive: {why}", host_id=context.host_id)
    return Parsed(CPU_SAMPLES.empty(), [reject])
