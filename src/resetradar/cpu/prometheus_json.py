"""Replies of a Prometheus about node_cpu_seconds_total, as ``/api/v1/query_range`` gives them.

A file holds one reply. The fetching of replies is in ``_prometheus.py``, which reads them here.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from resetradar.cpu._contract import Context, Parsed
from resetradar.cpu._counters import from_series
from resetradar.cpu._hosts import host_of_instance
from resetradar.cpu._problems import Problems
from resetradar.cpu._shares import MODES
from resetradar.tables import CPU_SAMPLES

NAME: Final = "Prometheus reply (query_range over node_cpu_seconds_total)"


def recognise(head: bytes) -> bool:
    """Whether the file begins as a reply of Prometheus' HTTP API does."""
    text = head.lstrip()
    return text.startswith(b'{"status":') and (b'"resultType"' in head or b'"errorType"' in head)


def parse(data: bytes, context: Context) -> Parsed:
    """The totals of all series, as counters; hosts are the label ``instance`` without its port."""
    return parse_reply(
        data, context, lambda labels: host_of_instance(labels.get("instance"), context)
    )


def parse_reply(
    data: bytes, context: Context, host_of: Callable[[dict[str, Any]], str | None]
) -> Parsed:
    """The totals of all series, as counters.

    Args:
        data: The body of the reply.
        context: What is known of it.
        host_of: Host of a series, from its labels; None leaves the series out.
    """
    problems = Problems(context, data)
    empty = CPU_SAMPLES.empty()
    try:
        reply = orjson.loads(data)
        result = reply["data"]["result"]
    except (ValueError, KeyError, TypeError):
        problems.at(0, "reply: expected JSON with data and result, found others")
        return Parsed(empty, problems.rejects())
    hosts: dict[str, int] = {}
    parts = []
    for each in result if isinstance(result, list) else []:
        part = _series(each, hosts, host_of)
        if part is None:
            problems.count("series: expected a host, a CPU, a known mode and values, found others")
        else:
            parts.append(part)
    if not parts:
        if not problems.rejects():
            problems.at(0, "reply: expected series, found none")
        return Parsed(empty, problems.rejects())
    series, at_us, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    counters = from_series(list(hosts), context.source, series, at_us, values)
    return Parsed(empty, problems.rejects(), counters)


def _series(
    found: Any, hosts: dict[str, int], host_of: Callable[[dict[str, Any]], str | None]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
    try:
        labels = found["metric"]
        cpu, mode = str(labels["cpu"]).removeprefix("cpu"), MODES.index(labels["mode"])
        pairs = found["values"] if "values" in found else [found["value"]]
        stamps, totals = zip(*pairs, strict=True)
        seconds = np.array(stamps, np.float64)
        values = np.array(list(map(float, totals)), np.float64)
        host_id = host_of(labels)
        number = int(cpu) if len(cpu) < 6 else -1
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    if host_id is None or not len(pairs):
        return None
    kept = np.isfinite(values) & (seconds > 0) & (seconds < 1e10)
    series = np.array([[hosts.setdefault(host_id, len(hosts)), number, mode]], np.int64)
    at_us = np.rint(seconds[kept] * 1e6).astype(np.int64)
    return np.repeat(series, int(kept.sum()), axis=0), at_us, values[kept]
