"""The small language of message texts: literal wording with typed placeholders.

`TX q <queue:int> is paused` matches any queue number and names it. Every placeholder is bounded,
so the time to match a line is bounded too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from resetradar.errors import ContractError

TYPES = {
    "int": "-?[0-9]{1,20}",
    "uint": "[0-9]{1,20}",
    "thousands": "[0-9]{4,20}",
    "hex": " ?(?:0x)?[0-9a-fA-F]{1,16}",
    "name": "[A-Za-z_][A-Za-z0-9_]{0,63}",
    "mac": "[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}",
    "word": r"\S{1,128}?",
    "text": ".{1,256}?",
}

_PLACEHOLDER = re.compile(r"<([a-z][a-z0-9_]*):([a-z]+|\([^<>()]+\))>")
_FORBIDDEN = re.compile(r"\(\?(?:P[<=]|<?[=!])|\\[1-9]")
# JSON writers escape these bytes, each in its own way: a literal must not contain them.
_ESCAPED_IN_JSON = re.compile(r"""["'<>&\\/\t]|  +""")
_MIN_LITERAL = 10
_MIN_LITERAL_WITH_DRIVER = 6
_MAX_PREFIX = 160
_INT64_MAX = 2**63 - 1


def compile_text(text: str, where: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return the pattern of a literal text with placeholders, and the kind of each field.

    Raises:
        ContractError: a placeholder has an unknown type or a name that occurs twice.
    """
    return _compile(" ".join(text.split()), where, is_regex=False)


def compile_pattern(pattern: str, where: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return the pattern of a regular expression with placeholders, and the kind of each field.

    Raises:
        ContractError: it does not compile, or uses look-around, back-references or raw groups.
    """
    if _FORBIDDEN.search(pattern):
        msg = (
            f"pattern in {where}: expected no look-around, back-reference or named group, "
            f"found {pattern!r}; use typed placeholders"
        )
        raise ContractError(msg)
    return _compile(pattern, where, is_regex=True)


def scan_expression(text: str, where: str, *, needs_driver: bool) -> str:
    """Return the longest stretch of the text that stands in every form of the line, escaped.

    Args:
        text: wording with placeholders.
        where: file and message, for the error.
        needs_driver: the driver name will be asked for as well, so less is enough.

    Raises:
        ContractError: no stretch is long enough to be rare.
    """
    pieces = [
        piece
        for part in _PLACEHOLDER.sub("\0", text).split("\0")
        for piece in _ESCAPED_IN_JSON.split(part)
    ]
    longest = max(pieces, key=len)
    enough = _MIN_LITERAL_WITH_DRIVER if needs_driver else _MIN_LITERAL
    if len(longest) < enough:
        msg = (
            f"text in {where}: expected {enough} literal characters in a row, "
            f"found {longest!r}; give a `scan` expression"
        )
        raise ContractError(msg)
    return re.escape(longest)


def with_driver(expression: str, names: tuple[str, ...]) -> str:
    """Return the expression for lines that also carry one of the driver names before it."""
    alternatives = "|".join(re.escape(name) for name in names)
    return f"(?:{alternatives})[ :].{{0,{_MAX_PREFIX}}}{expression}"


def fields_of(kinds: Mapping[str, str], found: re.Match[str]) -> dict[str, int | str]:
    """Return the fields that a text states; numbers beyond 64 bits become the largest one."""
    fields: dict[str, int | str] = {}
    for name, raw in found.groupdict().items():
        kind = kinds[name]
        if raw is None or kind == "str":
            fields |= {} if raw is None else {name: raw}
            continue
        number = int(raw, 10 if kind == "int" else 16)
        fields[name] = max(-_INT64_MAX, min(number, _INT64_MAX))
    return fields


def _compile(source: str, where: str, *, is_regex: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    kinds: dict[str, str] = {}
    out: list[str] = []
    at = 0
    for found in _PLACEHOLDER.finditer(source):
        name, kind = found.groups()
        if name in kinds:
            msg = f"placeholder in {where}: expected {name} once, found it twice; rename one"
            raise ContractError(msg)
        literal = source[at : found.start()]
        out += [literal if is_regex else re.escape(literal), f"(?P<{name}>{_type(kind, where)})"]
        kinds[name] = {"int": "int", "uint": "int", "thousands": "int", "hex": "hex"}.get(
            kind, "str"
        )
        at = found.end()
    out.append(source[at:] if is_regex else re.escape(source[at:]))
    try:
        return re.compile("".join(out), re.ASCII), kinds
    except re.error as error:
        msg = f"pattern in {where}: expected a regular expression, found {error}; correct it"
        raise ContractError(msg) from error


def _type(kind: str, where: str) -> str:
    if kind.startswith("("):
        return "|".join(re.escape(choice) for choice in kind[1:-1].split("|"))
    if kind not in TYPES:
        known = ", ".join(TYPES)
        msg = f"placeholder in {where}: expected a type of {known}, found {kind!r}; correct it"
        raise ContractError(msg)
    return TYPES[kind]
