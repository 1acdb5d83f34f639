"""Kernel lines as a host's own logging writes them: envelope, clock, rotation, damage."""

import gzip
import os
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import gmtime
from typing import BinaryIO, cast

import orjson
import zstandard

from resetradar.simulate.incidents import Boot
from resetradar.simulate.kernel_lines import Line
from resetradar.simulate.plan import DAY, MINUTE, SECOND, Fleet, Host

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROTATED_AT = 6 * 60 * MINUTE + 25 * MINUTE
STARTED_AFTER = 9 * SECOND  # the logging daemon reads what the kernel printed before it ran
CUT_BYTES = 20
_JOURNAL = (
    *("__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "_MACHINE_ID"),
    *("_HOSTNAME", "_TRANSPORT", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "MESSAGE"),
)

Format = Callable[[Boot, Line, int], bytes]


@dataclass(frozen=True)
class _Logger:
    """How one host writes: its format and the delays with which lines reach the daemon."""

    host: Host
    format: Format
    dice: random.Random


def write_logs(
    fleet: Fleet, host: Host, lines: Iterable[tuple[Boot, Line]], folder: Path
) -> list[Path]:
    """Write all log files of one host; returns them from the oldest to the current one.

    Lines must come in time order; only one is held at a time.
    """
    if host.log_style == "none":
        return []
    logger = _logger(host, fleet.dice(host.host_id, "logs"))
    written: list[Path] = []
    for path, part in _parts(fleet, host, lines, folder):
        is_current = path.suffix not in {".gz", ".zst", ".1"}
        with _opened(path) as file:
            _write_part(file, logger, part, is_current=is_current)
        written.append(path)
    if "cut_file" in host.features:
        os.truncate(written[-1], written[-1].stat().st_size - CUT_BYTES)
    return written


def _parts(
    fleet: Fleet, host: Host, lines: Iterable[tuple[Boot, Line]], folder: Path
) -> Iterator[tuple[Path, Iterator[tuple[Boot, Line]]]]:
    """Files with their lines: rotated every morning, dmesg never."""
    rest = iter(lines)
    pending = next(rest, None)
    cuts = [fleet.start_us + day * DAY + ROTATED_AT for day in range(fleet.days)]
    bounds = [fleet.end_us] if host.log_style == "dmesg" else [*cuts, fleet.end_us]

    def until(bound: int) -> Iterator[tuple[Boot, Line]]:
        nonlocal pending
        while pending is not None and pending[1].at_us < bound:
            yield pending
            pending = next(rest, None)

    for number, bound in enumerate(bounds):
        if pending is not None and pending[1].at_us < bound:
            age = len(bounds) - 1 - number
            yield folder / _file_name(fleet, host, age), until(bound)


def _file_name(fleet: Fleet, host: Host, age: int) -> str:
    if host.log_style == "dmesg":
        return "dmesg"
    if host.log_style == "journal":
        if age == 0:
            return "journal.json"
        return f"journal-{fleet.day(fleet.days - age)}.json.{host.older_logs}"
    if age == 0:
        return "kern.log"
    is_packed = age > 1 or host.older_logs == "zst"  # logrotate's delaycompress keeps the first
    return f"kern.log.{age}.{host.older_logs}" if is_packed else f"kern.log.{age}"


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file to write, compressed as its name says, with nothing in it that changes by the day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                yield cast("BinaryIO", packed)
        elif path.suffix == ".zst":
            with zstandard.ZstdCompressor(level=10).stream_writer(file) as writer:
                yield writer
        else:
            yield file


def _write_part(
    file: BinaryIO, logger: _Logger, part: Iterator[tuple[Boot, Line]], *, is_current: bool
) -> None:
    features = logger.host.features if is_current else ()
    received = 0
    for number, (boot, line) in enumerate(part, start=1):
        delay = logger.dice.randrange(50_000)
        received = max(received, line.at_us + delay, boot.started_us + STARTED_AFTER)
        record = logger.format(boot, line, received)
        if number == 10 and "invalid_bytes" in features:
            record = record[:60] + b"\xff\xfe\x00" + record[60:]
        if "crlf" in features:
            record = record.replace(b"\n", b"\r\n")
        file.write(record)


def _logger(host: Host, dice: random.Random) -> _Logger:
    formats: dict[str, Format] = {
        "traditional": lambda boot, line, at: _rsyslog(host, _traditional_stamp(at), boot, line),
        "iso": lambda boot, line, at: _rsyslog(host, _iso_stamp(at), boot, line),
        "dmesg": lambda boot, line, _: f"{_uptime(boot, line)} {line.text}\n".encode(),
        "journal": _Journal(host, dice),
    }
    return _Logger(host, formats[host.log_style], dice)


def _uptime(boot: Boot, line: Line) -> str:
    seconds, micros = divmod(line.at_us - boot.started_us, SECOND)
    return f"[{seconds:5d}.{micros:06d}]"


def _traditional_stamp(at_us: int) -> str:
    at = gmtime(at_us // SECOND)
    return (
        f"{MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    )


def _iso_stamp(at_us: int) -> str:
    at = gmtime(at_us // SECOND)
    return (
        f"{at.tm_year}-{at.tm_mon:02d}-{at.tm_mday:02d}T{at.tm_hour:02d}:{at.tm_min:02d}:"
        f"{at.tm_sec:02d}.{at_us % SECOND:06d}+00:00"
    )


def _rsyslog(host: Host, stamp: str, boot: Boot, line: Line) -> bytes:
    if line.writer == "systemd":
        return f"{stamp} {host.host_id} systemd[1]: {line.text}\n".encode()
    start = f"{stamp} {host.host_id} kernel: {_uptime(boot, line)} "
    record = f"{start}{line.text.rstrip()}\n"
    if line.text.endswith("\n") and host.log_style == "traditional":
        record += f"{start}\n"  # imklog makes a record of what follows the driver's own newline
    return record.encode()


class _Journal:
    """``journalctl -o json``: one object per line, strings only, keys in no order."""

    def __init__(self, host: Host, dice: random.Random) -> None:
        self._host = host
        self._machine = f"{dice.getrandbits(128):032x}"
        self._orders = [dice.sample(_JOURNAL, len(_JOURNAL)) for _ in range(6)]
        self._number = 0

    def __call__(self, boot: Boot, line: Line, received: int) -> bytes:
        self._number += 1
        is_kernel = line.writer == "kernel"
        uptime = received - boot.started_us
        values = {
            "__CURSOR": f"s={self._machine};i={self._number:x};b={boot.boot_id};m={uptime:x};"
            f"t={received:x};x={line.at_us ^ 0x5A5A5A5A5A:x}",
            "__REALTIME_TIMESTAMP": str(received),
            "__MONOTONIC_TIMESTAMP": str(uptime),
            "_BOOT_ID": boot.boot_id,
            "_MACHINE_ID": self._machine,
            "_HOSTNAME": self._host.host_id,
            "_TRANSPORT": "kernel" if is_kernel else "journal",
            "PRIORITY": str(line.level),
            "SYSLOG_FACILITY": "0" if is_kernel else "3",
            "SYSLOG_IDENTIFIER": line.writer,
            "MESSAGE": line.text,
        }
        order = self._orders[self._number % len(self._orders)]
        record = {name: values[name] for name in order}
        if is_kernel:
            record["_SOURCE_MONOTONIC_TIMESTAMP"] = str(line.at_us - boot.started_us)
        else:
            record["_PID"] = "1"
        return orjson.dumps(record) + b"\n"
