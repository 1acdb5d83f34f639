"""The JSON tree that sadf and mpstat share: hosts, their samples, the CPUs of a sample.

A file is read sample by sample. A cut file, a torn sample, several documents in one file and a
comment with bare quotes (sadf does not escape them) cost the sample they hit and no other, and one
sample is the most that is held as Python objects.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pyarrow as pa

from resetradar.cpu._contract import Parsed
from resetradar.cpu._hosts import host_named
from resetradar.cpu._problems import Problems
from resetradar.cpu._rows import Run
from resetradar.cpu._samples import distinct
from resetradar.tables import CPU_SAMPLES

# 4,096 CPUs print 0.8 MB; a longer stretch without a sample is not sysstat's.
_MAX_SAMPLE: Final = 8 << 20
_MAX_HEADER: Final = 64 << 10
_SPACE: Final = b" \t\r\n\0"


def runs(data: bytes, problems: Problems) -> Iterator[tuple[str, Run]]:
    """Host and samples of every host block in a file, in file order."""
    is_closed = re.search(rb"\}\s*\}$", data.rstrip(_SPACE)[-200:]) is not None
    has_several = _has_several_hosts(data)
    torn: int | None = None
    for start, stop in _blocks(data):
        if problems.is_hopeless:
            problems.at(start, "file: expected few damaged samples, found 1000; rest not read")
            return
        is_last = stop == len(data)
        run, torn = _read(data, start, stop, problems)
        if torn is not None and (is_closed or not is_last):
            problems.at(torn, "sample: expected complete JSON, found it damaged; left out")
        if run is None:
            continue
        name = run.header.get("nodename")
        host_id = host_named(name, problems.context, has_several=has_several)
        if host_id is None:
            problems.at(start, "host: expected a name in the path or the file, found none")
        else:
            yield host_id, run
    if not is_closed:
        problems.at(
            len(data) if torn is None else torn,
            "file: expected its closing brackets, found its end; complete samples before were kept",
        )


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    mark = b'"nodename"'
    start = data.find(mark)
    while start >= 0:
        following = data.find(mark, start + len(mark))
        yield start, following if following >= 0 else len(data)
        start = following


def _has_several_hosts(data: bytes) -> bool:
    first = None
    for start, stop in _blocks(data):
        name = data[start : min(stop, start + 300)].partition(b",")[0]
        first = first or name
        if name != first:
            return True
    return False


def _read(data: bytes, start: int, stop: int, problems: Problems) -> tuple[Run | None, int | None]:
    """One host block, and where it is torn."""
    opening = data.find(b'"statistics"', start, min(stop, start + _MAX_HEADER))
    try:
        header = orjson.loads(b"{" + data[start : max(opening, start)].rstrip(b" \t\r\n,") + b"}")
    except orjson.JSONDecodeError:
        header = None
    if opening < 0 or header is None:
        return None, start
    run = Run(header, start)
    torn: int | None = None
    for begin, end in _samples(data, opening, stop):
        if problems.is_hopeless:
            break
        if torn is not None:
            problems.at(torn, "sample: expected complete JSON, found it damaged; left out")
        sample = _decode(data, begin, end)
        torn = begin if sample is None else None
        run.add(begin, sample, problems)
    run.flush(problems)
    if not run.stamps and torn is None:
        problems.at(start, "samples: expected at least one, found none")
    return run, torn


def _samples(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    mark = b'"timestamp"'
    place = data.find(mark, start, stop)
    begin = data.rfind(b"{", start, place) if place >= 0 else -1
    while place >= 0:
        following = data.find(mark, place + len(mark), stop)
        end = data.rfind(b"{", place, following) if following >= 0 else stop
        end = end if end >= 0 else following
        yield (begin if begin >= 0 else place), end
        place, begin = following, end


def _decode(data: bytes, begin: int, end: int) -> Any:
    """One sample, whatever follows it; None if it is not complete."""
    text = data[begin : min(end, begin + _MAX_SAMPLE)]
    try:
        return orjson.loads(text.rstrip(b" \t\r\n,"))
    except orjson.JSONDecodeError:
        pass
    try:
        return json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))[0]
    except (ValueError, RecursionError):
        return None


def finish(tables: list[pa.Table], problems: Problems) -> Parsed:
    """All blocks of a file as one table in key order, each sample once."""
    samples = distinct(pa.concat_tables([CPU_SAMPLES.empty(), *(t for t in tables if t.num_rows)]))
    if not samples.num_rows and not problems.rejects():
        problems.at(0, "samples: expected at least one, found none")
    return Parsed(samples, problems.rejects())
