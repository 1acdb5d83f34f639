"""The header of a SQL file as typed data: ``-- Key: value`` lines, then one SELECT.

A line that starts with ``--`` and at least two spaces continues the line before it. ``Then`` names
a Python function, ``module:function``, that makes the mart of the rows of the SELECT. ``Windows``
says how many times ``history_days`` a window mart looks back.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from resetradar.errors import ContractError

Span = Literal["day", "window"]

_KEY = re.compile(r"-- (?P<key>[A-Z][a-z]+): (?P<value>.+)")
_CONTINUATION = re.compile(r"--\s{2,}(?P<value>\S.*)")
_SINGLE = ("What", "Grain", "Span", "Input", "Source")
_OPTIONAL = ("Then", "Windows")
_REPEATED = {"Param": 4, "Column": 4, "Check": 2, "Warn": 2}


@dataclass(frozen=True)
class Field:
    """A parameter or a column: its name, DuckDB type, unit and meaning."""

    name: str
    kind: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Check:
    """An expression that must be true of every row; a null counts as false."""

    name: str
    expression: str


@dataclass(frozen=True)
class Mart:
    """One derived table: what its header promises and the query that makes it."""

    name: str
    what: str
    span: Span
    grain: tuple[str, ...]
    inputs: tuple[str, ...]
    params: tuple[Field, ...]
    columns: tuple[Field, ...]
    checks: tuple[Check, ...]
    warns: tuple[Check, ...]
    source: str
    then: str | None
    sql: str
    path: Path
    windows: int = 1


@dataclass(frozen=True)
class Investigation:
    """One parameterised question that a person asks of the tables."""

    name: str
    what: str
    params: tuple[Field, ...]
    columns: tuple[Field, ...]
    sql: str
    path: Path


def read_mart(path: Path) -> Mart:
    """The mart that a file describes; only the form of the header is looked at.

    Raises:
        ContractError: A key is missing, unknown or has the wrong number of parts.
    """
    single, repeated, sql = _split(path, required=_SINGLE)
    span = single["Span"]
    if span not in ("day", "window"):
        raise ContractError(f"{path}: expected Span day or window, found {span!r}")
    mart = Mart(
        name=path.stem,
        what=single["What"],
        span=cast("Span", span),
        grain=_names(single["Grain"]),
        inputs=_names(single["Input"]),
        params=tuple(Field(*parts) for parts in repeated["Param"]),
        columns=tuple(Field(*parts) for parts in repeated["Column"]),
        checks=tuple(Check(*parts) for parts in repeated["Check"]),
        warns=tuple(Check(*parts) for parts in repeated["Warn"]),
        source=single["Source"],
        then=single.get("Then"),
        sql=sql,
        path=path,
        windows=_windows(path, span, single.get("Windows", "1")),
    )
    columns = [column.name for column in mart.columns]
    if unknown := [name for name in mart.grain if name not in columns]:
        raise ContractError(f"{path}: header says Grain {unknown}, expected one of {columns}")
    return mart


def read_investigation(path: Path) -> Investigation:
    """The investigation that a file describes.

    Raises:
        ContractError: A key is missing, unknown or has the wrong number of parts.
    """
    single, repeated, sql = _split(path, required=("What",))
    return Investigation(
        name=path.stem,
        what=single["What"],
        params=tuple(Field(*parts) for parts in repeated["Param"]),
        columns=tuple(Field(*parts) for parts in repeated["Column"]),
        sql=sql,
        path=path,
    )


def _windows(path: Path, span: str, text: str) -> int:
    if text == "1" or (span == "window" and text.isdecimal() and int(text) > 0):
        return int(text)
    raise ContractError(f"{path}: expected Windows to be a number of a window mart, found {text!r}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _split(
    path: Path, required: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, list[list[str]]], str]:
    header, separator, sql = path.read_text(encoding="utf-8").partition("\n\n")
    if not separator:
        raise ContractError(f"{path}: expected a blank line between header and SELECT, found none")
    single: dict[str, str] = {}
    repeated: dict[str, list[list[str]]] = {key: [] for key in _REPEATED}
    for number, (key, value) in _entries(path, header):
        if key in _REPEATED:
            parts = [part.strip() for part in value.split(" | ")]
            if len(parts) != _REPEATED[key]:
                raise ContractError(
                    f"{path}:{number}: expected {_REPEATED[key]} parts in {key}, "
                    f"found {len(parts)}: {value}"
                )
            repeated[key].append(parts)
        elif key not in (*_SINGLE, *_OPTIONAL) or key in single:
            raise ContractError(
                f"{path}:{number}: expected each of {', '.join((*_SINGLE, *_OPTIONAL))} once and "
                f"{', '.join(_REPEATED)}, found {key}"
            )
        else:
            single[key] = value
    if missing := [key for key in required if key not in single]:
        raise ContractError(f"{path}: expected {', '.join(missing)} in the header, found none")
    return single, repeated, sql.strip()


def _entries(path: Path, header: str) -> list[tuple[int, tuple[str, str]]]:
    entries: list[tuple[int, tuple[str, str]]] = []
    for number, line in enumerate(header.splitlines(), 1):
        if found := _KEY.fullmatch(line):
            entries.append((number, (found["key"], found["value"].strip())))
        elif entries and (more := _CONTINUATION.fullmatch(line)):
            start, (key, value) = entries[-1]
            entries[-1] = (start, (key, f"{value} {more['value'].strip()}"))
        else:
            raise ContractError(f"{path}:{number}: expected '-- Key: value', found {line!r}")
    return entries
