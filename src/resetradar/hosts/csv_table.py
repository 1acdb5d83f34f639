"""Inventory as a table of text: a header with names of ``hosts`` columns, one host per line.

``host_id`` is required; a column that ``hosts`` does not have becomes an attribute of its name.
Cells are parted by comma, semicolon or tab.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final

from resetradar.files import Reject
from resetradar.hosts._contract import (
    INSTANTS,
    TEXTS,
    Context,
    ParsedHosts,
    instant,
    is_host_id,
    table,
)

NAME: Final = "CSV with a host_id column"

_DELIMITERS: Final = ",;\t"


def recognise(head: bytes) -> bool:
    """Whether the first line is a header that names ``host_id``."""
    return "host_id" in _header(head.decode("utf-8-sig", "replace"))[1]


def parse(data: bytes, context: Context) -> ParsedHosts:
    """All hosts of the table.

    Returns:
        ``hosts`` in file order; an empty cell is null. A line with another number of cells than the
        header, without a host or with a time that is none gives a reject.
    """
    text = data.decode("utf-8-sig", "replace")
    delimiter, names = _header(text)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        reason = f"header: expected each column once, found {', '.join(repeated)} again"
        return ParsedHosts(table([]), [Reject(context.source, 1, reason)], context.source)
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for line, cells in _lines(text, delimiter):
        if len(cells) != len(names):
            problems = [f"line: expected {len(names)} cells, found {len(cells)}; left out"]
        else:
            row, problems = _row(dict(zip(names, cells, strict=True)))
            rows += [row] if row else []
        sample = delimiter.join(cells)[:80]
        rejects += [Reject(context.source, line, problem, sample) for problem in problems]
    return ParsedHosts(table(rows), rejects, context.source)


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records below the header, each with the line that it begins in."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    is_header = True
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            # A cell of more than 128 KiB, as after a quote that is never closed.
            cells = ["(unreadable)"]
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            if not is_header:
                yield line, [cell.strip() for cell in cells]
            is_header = False


def _row(cells: dict[str, str]) -> tuple[dict[str, Any] | None, list[str]]:
    """Row of ``hosts``, None without a host, and what is wrong with the cells."""
    host_id = cells["host_id"]
    if not is_host_id(host_id):
        return None, ["host_id: expected a name, found none that is printable; left out"]
    row: dict[str, Any] = {"host_id": host_id}
    attributes: dict[str, str] = {}
    problems = []
    for name, cell in cells.items():
        if not cell or not name or name == "host_id":
            continue
        if name in INSTANTS:
            row[name] = instant(cell)
            if row[name] is None:
                problems.append(
                    f"{name}: expected an ISO 8601 time, found {cell[:40]!r}; left null"
                )
        elif name in TEXTS:
            row[name] = cell
        else:
            attributes[name] = cell
    return {**row, "attributes": attributes}, problems


def _header(text: str) -> tuple[str, list[str]]:
    """Delimiter and column names of the first line."""
    first = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        cells = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        cells = []
    return delimiter, [cell.strip() for cell in cells]
