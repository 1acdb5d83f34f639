"""sysstat's archive as lines: ``sadf -d FILE -- -u ALL -P ALL``, with ``-U`` or ``-T`` if you like.

Fields are parted by semicolons. A line that begins with ``#`` names the columns of those below it;
there may be many, of CPU and of other statistics. Time is UTC where the stamp says so, seconds of
the epoch with ``-U``, and otherwise local.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from resetradar.clock import zone_named
from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._hosts import host_named
from resetradar.cpu._problems import Problems
from resetradar.cpu._samples import distinct
from resetradar.cpu._shares import FULL, MAX_CPUS, samples_table
from resetradar.cpu._times import DAY_S, count_steps_back, instant
from resetradar.tables import CPU_SAMPLES

NAME: Final = "sadf lines (sadf -d FILE -- -u ALL -P ALL)"

_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)( UTC)?", re.ASCII)
# Which printed columns add up to which share: guests are printed apart from user and nice.
_SUMS: Final = (
    ("%usr", "%user", "%guest"),
    ("%nice", "%gnice"),
    ("%sys", "%system"),
    ("%irq",),
    ("%soft",),
    ("%steal",),
    ("%iowait",),
)
_HEAD: Final = re.compile(rb"^# ?hostname;interval;timestamp;", re.MULTILINE)


def recognise(head: bytes) -> bool:
    """Whether the file begins as ``sadf -d`` does: with the names of its columns."""
    return _HEAD.match(head) is not None


def parse(data: bytes, context: Context) -> Parsed:
    """All samples of all hosts in the file, in key order, each once.

    Lines about starts of the machine and comments are no samples. The average of all CPUs, which
    sadf numbers -1, is none either, and a CPU whose shares are all zero was offline.
    """
    problems = Problems(context, data)
    tables = []
    found_cpu = False
    for start, names, lines in _parts(data):
        if "CPU" not in names or not {"%idle", "%usr", "%user"} & set(names):
            continue
        found_cpu = True
        tables += _tables(_frame(lines, names, start, problems), problems)
    samples = distinct(pa.concat_tables([CPU_SAMPLES.empty(), *tables]))
    if not samples.num_rows and not problems.rejects():
        problems.at(0, "CPUs: expected each, found only their average; export with -P ALL"
                    if found_cpu else "lines: expected CPU statistics, found others")  # fmt: skip
    return Parsed(samples, problems.rejects())


def _parts(data: bytes) -> Iterator[tuple[int, list[str], bytes]]:
    """Where each header stands, the columns that it names, and the lines below it."""
    starts = [match.start() for match in _HEAD.finditer(data)]
    for start, stop in pairwise([*starts, len(data)]):
        header, _, lines = data[start:stop].partition(b"\n")
        names = header.decode("ascii", "replace").strip("# \r").split(";")
        if len(set(names)) == len(names):
            yield start, names, lines


def _frame(lines: bytes, names: list[str], start: int, problems: Problems) -> pl.DataFrame:
    """CPU lines below one header, as numbers; the rest is reported."""
    # A locale may print decimal commas, and fields are parted by semicolons.
    text = lines.replace(b",", b".").replace(b"\r\n", b"\n")
    # Lines of starts and comments have fewer fields and no CPU; polars fills them with nulls.
    try:
        rows = pl.read_csv(
            text, has_header=False, separator=";", new_columns=names, quote_char=None,
            schema=dict.fromkeys(names, pl.String), truncate_ragged_lines=True,
            encoding="utf8-lossy", raise_if_empty=False,
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        problems.at(start, "lines: expected fields parted by semicolons, found others")
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    is_mark = pl.col("CPU").fill_null("").str.contains(r"^(LINUX-RESTART|COM\b)")
    rows = rows.filter(~is_mark & ~pl.col("hostname").fill_null("").str.starts_with("#"))
    numbers = [name for name in names if name.startswith("%")]
    typed = rows.with_columns(
        pl.col(*numbers).cast(pl.Float64, strict=False),
        pl.col("CPU").str.replace("^all$", "-1").cast(pl.Int64, strict=False),
        pl.col("interval").cast(pl.Float64, strict=False),
    )
    is_whole = pl.all_horizontal(pl.col("CPU", "interval", *numbers).is_not_null())
    is_whole &= pl.all_horizontal(pl.col(*numbers).is_between(-1e6, 1e6))
    is_whole &= pl.col("CPU").is_between(-1, MAX_CPUS - 1)
    whole = typed.filter(is_whole)
    problems.count("line: expected a CPU number and percentages, found others",
                   typed.height - whole.height)  # fmt: skip
    is_online = pl.any_horizontal(pl.col(*numbers) != 0)
    return whole.filter((pl.col("CPU") >= 0) & is_online)


def _tables(rows: pl.DataFrame, problems: Problems) -> list[pa.Table]:
    """Rows of ``cpu_samples`` by host."""
    tables = []
    names = rows["hostname"].unique(maintain_order=True).to_list()
    for name in names:
        host_id = host_named(name, problems.context, has_several=len(names) > 1)
        if host_id is None:
            problems.count("host: expected a name in the path or the line, found none")
            continue
        of_host = rows.filter(pl.col("hostname") == name)
        stamps = of_host["timestamp"].unique(maintain_order=True)
        instants = _instants(stamps.to_list(), problems)
        at = pl.DataFrame({"timestamp": stamps, "at": pl.Series(instants, dtype=pl.Int64)})
        timed = of_host.join(at, on="timestamp", maintain_order="left").filter(
            pl.col("at").is_not_null()
        )
        has_interval = (pl.col("interval") > 0) & (pl.col("interval") <= DAY_S)
        good = timed.filter(has_interval)
        problems.count("line: expected an interval of up to a day, found none; left out",
                       timed.height - good.height)  # fmt: skip
        tables.append(
            samples_table(
                host_id,
                good["at"].to_numpy(),
                good["interval"].to_numpy().astype(np.float32),
                good["CPU"].to_numpy().astype(np.int16),
                _shares(good, problems),
            )
        )
    return tables


def _shares(rows: pl.DataFrame, problems: Problems) -> npt.NDArray[np.uint8]:
    numbers: Any = rows.select(name for name in rows.columns if name.startswith("%"))
    outside = numbers.select((pl.any_horizontal((pl.all() < 0) | (pl.all() > 100))).sum()).item()
    problems.count("line: expected 0 to 100 percent, found others; clipped", outside or 0)
    shares = np.zeros((len(_SUMS), rows.height))
    for number, parts in enumerate(_SUMS):
        for name in parts:
            if name in rows.columns:
                shares[number] += 2 * rows[name].to_numpy()
    return np.rint(shares).clip(0, FULL).astype(np.uint8)


def _instants(stamps: list[str | None], problems: Problems) -> list[int | None]:
    zone = zone_named(problems.context.timezone)
    instants: list[int | None] = []
    last: int | None = None
    for stamp in stamps:
        found = None
        text = stamp or ""
        if text.isascii() and text.isdigit() and 9 <= len(text) <= 10:
            found = int(text) * 1_000_000
        elif match := _ISO.fullmatch(text):
            try:
                moment = datetime.fromisoformat(f"{match[1]}T{match[2]}")
                found = instant(moment, None if match[3] else zone, last)
            except ValueError:
                found = None
        if found is None:
            problems.count("line: expected a date and a time, found none; left out")
        last = last if found is None else found
        instants.append(found)
    count_steps_back(instants, problems)
    return instants
