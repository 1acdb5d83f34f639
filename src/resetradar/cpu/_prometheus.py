"""CPU totals of a fleet from the HTTP API of a Prometheus: one host and one page of time at once.

With a step of 0 the API is asked for what was scraped, each value at its own time. With a step it
is asked for ``query_range``, which repeats the last value at every step: stamps are then late by up
to a scrape, and an interval without a new scrape counts no ticks.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from ssl import create_default_context
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import (
    BaseHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

import orjson
import pyarrow as pa

from resetradar.cpu._contract import Context
from resetradar.cpu._counters import COUNTERS
from resetradar.cpu.prometheus_json import parse_reply
from resetradar.errors import SettingsError
from resetradar.files import Reject
from resetradar.settings import authorization
from resetradar.sources import Prometheus

_METRIC: Final = "node_cpu_seconds_total"
# 512 CPUs with 8 modes at 240 points are some 30 MB.
_MAX_REPLY: Final = 256 << 20
_FIRST_PAUSE_S: Final = 0.25
# A server that failed so many hosts in a row, each with all its attempts, is away.
_GIVE_UP: Final = 3
# The server refuses more points of one series.
_MAX_POINTS: Final = 11_000
# Replies that another attempt may better.
_RETRIED: Final = (408, 425, 429, 500, 502, 503, 504)


@dataclass
class Fetched:
    """Totals of the hosts that answered, as ``COUNTERS``, and what could not be had."""

    tables: list[pa.Table] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    replies: int = 0

    @property
    def counters(self) -> pa.Table:
        """All totals, in the order they came in."""
        return pa.concat_tables([COUNTERS.empty_table(), *self.tables])


class ReplyError(Exception):
    """The server gave no usable reply."""


def targets(
    server: Prometheus, start_s: float, end_s: float
) -> tuple[dict[str, list[str]], list[Reject]]:
    """Label values by host, for all hosts with CPU metrics in a span of time, hosts ascending.

    Label values that name no host, by ``hosts`` or ``host_pattern``, are rejects.
    """
    path = f"/api/v1/label/{server.host_label}/values"
    asked = {"match[]": _selector(server, None), "start": f"{start_s:.3f}", "end": f"{end_s:.3f}"}
    try:
        reply = orjson.loads(_get(server, path, asked))
        values = sorted(str(value) for value in reply["data"])
    except (ReplyError, ValueError, KeyError, TypeError) as error:
        return {}, [_reject(server, f"list of hosts: {error}")]
    hosts: dict[str, list[str]] = {}
    rejects = []
    for value in values:
        host_id = _host(server, value)
        if host_id:
            hosts.setdefault(host_id, []).append(value)
        else:
            reason = f"label {server.host_label}: expected {server.host_pattern}, found another"
            rejects.append(Reject(_name(server), None, reason, sample=value[:80]))
    return dict(sorted(hosts.items())), rejects


def fetch(server: Prometheus, hosts: dict[str, list[str]], start_s: float, end_s: float) -> Fetched:
    """Totals of some hosts in ``[start_s, end_s]``.

    Args:
        server: Where and how to ask.
        hosts: Label values by host, of ``targets``.
        start_s: Seconds of the epoch.
        end_s: Seconds of the epoch.

    Returns:
        What came in. A page that failed all its attempts is a reject of its host; after three
        hosts without any reply the rest is one reject.
    """
    found = Fetched()
    in_vain = 0
    for done, (host_id, values) in enumerate(hosts.items()):
        before = found.replies
        for page in _pages(server, start_s, end_s):
            _fetch_page(server, host_id, values, page, found)
            if found.replies == before:
                break
        in_vain = 0 if found.replies > before else in_vain + 1
        if in_vain == _GIVE_UP and done + 1 < len(hosts):
            reason = f"expected replies, found none for {_GIVE_UP} hosts in a row; "
            reason += f"{len(hosts) - done - 1} further hosts not asked for"
            found.rejects.append(_reject(server, reason))
            break
    return found


def _fetch_page(
    server: Prometheus, host_id: str, values: list[str], page: tuple[float, float], found: Fetched
) -> None:
    begin, end = page
    selector = _selector(server, values)
    if server.step_s:
        path = "/api/v1/query_range"
        asked = {"query": selector, "start": f"{begin:.3f}", "end": f"{end:.3f}",
                 "step": f"{server.step_s:g}"}  # fmt: skip
    else:
        path = "/api/v1/query"
        # The range is open at its start in version 3: a millisecond more includes it.
        span_ms = round((end - begin) * 1000) + 1
        asked = {"query": f"{selector}[{span_ms}ms]", "time": f"{end:.3f}"}
    try:
        reply = _get(server, path, asked)
    except ReplyError as error:
        found.rejects.append(_reject(server, str(error), host_id))
        return
    found.replies += 1
    if b'"result":[]' in reply[:200]:
        return
    parsed = parse_reply(reply, Context(host_id, _name(server)), lambda _: host_id)
    found.rejects += parsed.rejects
    if parsed.counters is not None:
        found.tables.append(parsed.counters)


def _pages(server: Prometheus, start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    span = min(server.page_s, server.step_s * (_MAX_POINTS - 1) or server.page_s)
    edges = [start_s]
    while edges[-1] + span < end_s:
        edges.append(edges[-1] + span)
    return pairwise([*edges, end_s])


def _selector(server: Prometheus, values: list[str] | None) -> str:
    """The series of some label values, or of all."""
    parts = [server.matchers.strip().strip(",")] if server.matchers.strip() else []
    if values is not None:
        # JSON's escapes are also PromQL's.
        pattern = "|".join(re.escape(value) for value in values)
        parts.append(f"{server.host_label}=~{json.dumps(pattern)}")
    return f"{_METRIC}{{{','.join(parts)}}}"


def _host(server: Prometheus, value: str) -> str | None:
    if value in server.hosts:
        return server.hosts[value]
    match = re.fullmatch(server.host_pattern, value)
    host_id = match["host_id"] if match else None
    return host_id if host_id and len(host_id) < 256 and host_id.isprintable() else None


def _get(server: Prometheus, path: str, asked: dict[str, str]) -> bytes:
    """Body of a reply, after as many attempts as it takes and is allowed."""
    url = server.url.rstrip("/") + path + "?" + urlencode(asked)
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - http by settings
    if (permit := authorization(server)) is not None:
        # A redirect may lead to another server, which is to learn nothing.
        request.add_unredirected_header("Authorization", permit)
    opener = _opener(server.ca_file)
    pause_s = _FIRST_PAUSE_S
    for attempt in range(1, server.attempts + 1):
        try:
            with opener.open(request, timeout=server.timeout_s) as reply:
                body: bytes = reply.read(_MAX_REPLY + 1)
        except HTTPError as error:
            with error:
                why = f"HTTP {error.code}: {_message(error.read(4096), permit)}"
            if error.code not in _RETRIED:
                raise ReplyError(f"expected a reply, found {why}") from None
        except (HTTPException, OSError, ValueError) as error:
            why = str(getattr(error, "reason", error))
        else:
            if len(body) <= _MAX_REPLY:
                return body
            raise ReplyError(
                f"expected at most {_MAX_REPLY} bytes, found more; make page_s smaller"
            )
        if attempt < server.attempts:
            time.sleep(pause_s)
            pause_s *= 2
    raise ReplyError(f"expected a reply in {server.attempts} attempts, found {why}")


@cache
def _opener(ca_file: Path | None) -> OpenerDirector:
    # Proxies would come from the environment, and a Prometheus stands in the house.
    handlers: list[BaseHandler] = [ProxyHandler({})]
    if ca_file is not None:
        try:
            handlers.append(HTTPSHandler(context=create_default_context(cafile=ca_file)))
        except OSError as error:
            raise SettingsError(
                f"inputs.prometheus.ca_file: {ca_file}: expected certificates in PEM, "
                f"found {error.strerror or error}"
            ) from error
    return build_opener(*handlers)


def _message(body: bytes, permit: str | None) -> str:
    """What the server says of an error; some proxies repeat the headers that they were sent."""
    try:
        text = str(orjson.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        text = body.decode("utf-8", "replace").strip()
    secret = permit.partition(" ")[2] if permit else ""
    return text.replace(secret, "…")[:160] if secret else text[:160]


def _name(server: Prometheus) -> str:
    return f"prometheus:{server.url}"


def _reject(server: Prometheus, reason: str, host_id: str | None = None) -> Reject:
    return Reject(_name(server), None, f"Prometheus: {reason}", host_id=host_id)
