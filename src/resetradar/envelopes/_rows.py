"""Files whose records are no lines, made into lines that an envelope takes.

JSON documents over many lines, JSON lines that hold several records, the journal's export format
and container lines in parts. Each row keeps the number of the line it began on.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from resetradar.envelopes._export import export_rows, is_export, is_verbose, verbose_rows

# A document is parsed whole, so its size is bounded; more is read record by record.
_MAX_DOCUMENT = 64 << 20
_MAX_DEPTH = 4
_BATCH_MARKS = (b'"logEvents"', b'"values"', b'"Output"', b'"dmesg"', b'"events"', b'"results"',
                b'"hits"', b'"records"')  # fmt: skip
_BATCH_HEAD = 1 << 16
_LISTS = ("dmesg", "events", "results", "streams", "data", "result", "hits", "records")
# Objects without objects inside: the records of a document that is cut or too large.
_FLAT_OBJECT = re.compile(rb'\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}', re.DOTALL)
# The journal writes a message that does not print as the values of its bytes.
_BYTES = re.compile(rb'"MESSAGE"\s*:\s*\[')
_PART = re.compile(
    rb"(?m)^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr)) ([PF]) ([^\n]*)$"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line to parse, without its end, and the line of the file it stands on.

    ``flaw`` says what is wrong with the document from here on.
    """

    text: bytes
    number: int
    flaw: str | None = None


def document_rows(head: bytes, pieces: Iterable[bytes]) -> Iterator[Row] | None:
    """Rows of a file that is no file of lines; None when it is one.

    Args:
        head: First piece.
        pieces: All pieces, the first among them.
    """
    if is_export(head):
        return (Row(text, number) for text, number in export_rows(pieces))
    if is_verbose(head):
        return (Row(text, number) for text, number in verbose_rows(pieces))
    if _is_document(head):
        return _json_rows(pieces)
    return None


def regroup(data: bytes, first_line: int) -> list[Row] | None:
    """Rows of a block of lines some of which hold several records or parts of one; None if none."""
    if data.startswith((b"{", b"[")) and _is_batch(data):
        return [
            Row(text, number)
            for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), start=first_line)
            for text in _singles(line)
        ]
    if _PART.match(data) and b" P " in data:
        return list(_joined_parts(data.removesuffix(b"\n"), first_line))
    return None


def _is_document(head: bytes) -> bool:
    """A JSON value begins here and does not end on this line."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not re.match(rb'\{\s*["}\r\n]|\[\s*[{\[\r\n]', text):
        return False
    line, end, _ = text.partition(b"\n")
    if not end and len(head) < 1 << 16:
        return False
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return _looks_like_json(text)
    return False


def _looks_like_json(text: bytes) -> bool:
    """Behind the bracket stands a name or another bracket, not a log line."""
    return re.match(rb'[\[{\s]*(?:"[^"\n]{1,200}"\s*:|[\[{"])', text) is not None


def _json_rows(pieces: Iterable[bytes]) -> Iterator[Row]:
    data, rest = _gathered(pieces)
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        problem = "more than 64 MiB" if len(data) > _MAX_DOCUMENT else str(error)
        flaw = f"document: expected one JSON value, found {problem}; read record by record"
        yield Row(b"", 1, flaw)
        yield from _flat_rows(chain([data], rest))
        return
    place, number = 0, 1
    for entry in _records(document, 0):
        needle = _needle(entry)
        # Writers escape differently; a record that is not found stays on the line before.
        found = data.find(needle, place, place + (1 << 20)) if needle else -1
        if found >= 0:
            number += data.count(b"\n", place, found)
            place = found
        yield Row(orjson.dumps(entry), number)


def _gathered(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    rest = iter(pieces)
    found = bytearray()
    for piece in rest:
        found += piece
        if len(found) > _MAX_DOCUMENT:
            break
    return bytes(found), rest


def _needle(entry: dict[str, Any]) -> bytes:
    """The beginning of an entry's line as it stands in the document."""
    text = next(
        (entry[name] for name in ("msg", "MESSAGE", "message", "@message", "Output")
         if isinstance(entry.get(name), str)),
        "",
    )  # fmt: skip
    return orjson.dumps(text[:80])[1:-1]


def _flat_rows(pieces: Iterable[bytes]) -> Iterator[Row]:
    """Records of a document that does not parse: every object that has none inside."""
    pending, number = b"", 1
    for piece in pieces:
        pending += piece
        done = 0
        for match in _FLAT_OBJECT.finditer(pending):
            number += pending.count(b"\n", done, match.start())
            done = match.start()
            for text in _singles(b" ".join(match[0].splitlines())):
                yield Row(text, number)
            number += pending.count(b"\n", done, match.end())
            done = match.end()
        # An object that does not end within a megabyte is none of a log.
        keep = max(done, len(pending) - (1 << 20))
        number += pending.count(b"\n", done, keep)
        pending = pending[keep:]
    place = pending.find(b"{")
    if place >= 0:
        # The last record, cut behind its message.
        number += pending.count(b"\n", 0, place)
        text = b" ".join(pending[place:].rstrip(b", \t\r\n").splitlines()) + b"}"
        yield from (Row(single, number) for single in _singles(text))


def _singles(line: bytes) -> list[bytes]:
    """A JSON line as lines of one record each; any other line as it is."""
    if not _is_batch(line):
        return [line]
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return [line]
    records = list(_records(value, 0))
    return [orjson.dumps(record) for record in records] or [line]


def _records(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Single records of a JSON value that may be a batch, in order."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        if value and all(_is_field(item) for item in value):
            yield {item["field"]: item.get("value") for item in value}
            return
        for item in value:
            yield from _records(item, depth + 1)
    elif isinstance(value, dict):
        message = value.get("MESSAGE")
        if isinstance(message, list) and all(_is_byte(item) for item in message):
            value = {**value, "MESSAGE": bytes(message).decode("utf-8", "replace")}
        yield from _of_object(value, depth)


def _is_batch(data: bytes) -> bool:
    # One writer wraps all its lines alike, so the first of a block speak for the others.
    head = data[:_BATCH_HEAD]
    return any(mark in head for mark in _BATCH_MARKS) or _BYTES.search(data) is not None


def _is_byte(item: Any) -> bool:
    return isinstance(item, int) and 0 <= item < 256


def _is_field(item: Any) -> bool:
    """A field of a result of CloudWatch Insights."""
    return isinstance(item, dict) and isinstance(item.get("field"), str) and "value" in item


def _of_object(entry: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    output, values, events = (entry.get(name) for name in ("Output", "values", "logEvents"))
    if isinstance(entry.get("InstanceId"), str) and isinstance(output, str):
        for line in _console_text(output).split("\n"):
            yield {"InstanceId": entry["InstanceId"], "Output": line.rstrip("\r")}
    elif isinstance(entry.get("stream"), dict) and isinstance(values, list):
        yield from ({"stream": entry["stream"], "values": [value]} for value in values)
    elif isinstance(events, list):
        stream = {"logStream": entry.get("logStream")}
        yield from ({**event, **stream} for event in events if isinstance(event, dict))
    elif isinstance(entry.get("_source"), dict):
        yield entry["_source"]
    else:
        yield from _inside(entry, depth)


def _inside(entry: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """Records of the lists in an object, or the object where it has none."""
    inner = [entry[name] for name in _LISTS if isinstance(entry.get(name), list | dict)]
    if not inner:
        yield entry
    for value in inner:
        yield from _records(value, depth + 1)


def _console_text(output: str) -> str:
    """Console output, decoded where the API's encoding was kept."""
    if " " in output[:200] or "\n" in output[:60]:
        return output
    try:
        return base64.b64decode("".join(output.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return output


def _joined_parts(data: bytes, first_line: int) -> Iterator[Row]:
    """Container lines, those in parts joined to the line of their first part."""
    opened: tuple[bytes, int] | None = None
    for number, line in enumerate(data.split(b"\n"), start=first_line):
        match = _PART.match(line)
        if match is None:
            yield Row(line, number)
            continue
        text = match[3]
        if opened is not None:
            head, number_of_head = opened
            text, number_of_row = head + text, number_of_head
        else:
            text, number_of_row = match[1] + b" F " + text, number
        if match[2] == b"P" and len(text) < _MAX_DOCUMENT:
            opened = (text, number_of_row)
            continue
        opened = None
        yield Row(text, number_of_row)
    if opened is not None:
        yield Row(*opened)
