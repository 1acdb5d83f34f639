"""Catalogue files to catalogue: reads one TOML file per driver and refuses what is wrong in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from resetradar.catalogue.matching import Catalogue
from resetradar.catalogue.model import LEVELS, ROLES, SCOPES, TRIGGERS, Driver, Message, Reason
from resetradar.catalogue.template import (
    compile_pattern,
    compile_text,
    scan_expression,
    with_driver,
)
from resetradar.errors import ContractError

_DRIVER_KEYS = {
    "driver", "scope", "kernel_names", "same_wording", "words_before", "programs", "is_network",
    "has_done_line", "counters", "note", "reason", "message",
}  # fmt: skip
_REASON_KEYS = {"value", "name", "trigger", "since", "counter", "counter_since"}
_MESSAGE_KEYS = {
    "id", "text", "pattern", "scan", "role", "trigger", "reason", "refines", "level",
    "is_decisive", "is_once_per_boot", "is_visible_by_default", "needs_driver", "versions",
    "kernels", "source", "sample", "note",
}  # fmt: skip


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue that comes with the package.

    Raises:
        ContractError: a catalogue file is wrong; names the file and the message.
    """
    return read_catalogue(resources.files("resetradar.catalogue"))


def read_catalogue(folder: Traversable) -> Catalogue:
    """Return the catalogue of a folder with one `<driver>.toml` each, in order of file name.

    Raises:
        ContractError: a file is wrong; names the file and the message.
    """
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    drivers: dict[str, Driver] = {}
    messages: list[Message] = []
    for file in files:
        document = _document(file)
        driver = _driver(document, file.name)
        if driver.name in drivers:
            raise _wrong("driver", file.name, "a new driver", driver.name, "remove one file")
        drivers[driver.name] = driver
        for entry in document.get("message", []):
            messages.append(replace(_message(entry, driver, file.name), index=len(messages)))
    seen: set[str] = set()
    for message in messages:
        if message.id in seen:
            where = f"{message.driver}.toml"
            raise _wrong("id", where, "an id used once", message.id, "rename one")
        seen.add(message.id)
    catalogue = Catalogue(tuple(messages), drivers)
    _check_samples(catalogue)
    return catalogue


def _document(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong("file", file.name, "TOML in UTF-8", str(error), "correct it") from error


def _driver(document: Mapping[str, Any], where: str) -> Driver:
    _only(document, _DRIVER_KEYS, where)
    name = _text(document, "driver", where)
    if where != f"{name}.toml":
        raise _wrong("driver", where, "the name of the file without .toml", name, "rename one")
    scope = document.get("scope", "device")
    _one_of(scope, SCOPES, "scope", where)
    return Driver(
        name=name,
        scope=scope,
        kernel_names=tuple(document.get("kernel_names", [name])),
        same_wording=tuple(document.get("same_wording", [])),
        words_before=tuple(document.get("words_before", [])),
        programs=tuple(document.get("programs", [])),
        is_network=document.get("is_network", scope != "line"),
        has_done_line=document.get("has_done_line", False),
        counters=tuple(document.get("counters", [])),
        reasons=tuple(_reason(entry, where) for entry in document.get("reason", [])),
        note=document.get("note", ""),
    )


def _reason(entry: Mapping[str, Any], where: str) -> Reason:
    where = f"{where}, reason {entry.get('name', '?')}"
    _only(entry, _REASON_KEYS, where)
    trigger = entry.get("trigger")
    if trigger is not None:
        _one_of(trigger, TRIGGERS, "trigger", where)
    name, since = _text(entry, "name", where), _text(entry, "since", where)
    counter, counter_since = entry.get("counter"), entry.get("counter_since")
    return Reason(int(entry["value"]), name, trigger, since, counter, counter_since)


def _message(entry: Mapping[str, Any], driver: Driver, where: str) -> Message:
    where = f"{where}, message {entry.get('id', '?')}"
    _only(entry, _MESSAGE_KEYS, where)
    identity = _text(entry, "id", where)
    if not identity.startswith(f"{driver.name}."):
        raise _wrong("id", where, f"{driver.name}.…", identity, "begin it with the driver")
    if ("text" in entry) == ("pattern" in entry):
        raise _wrong("message", where, "either text or pattern", "both or none", "give one")
    for key in ("trigger", "refines"):
        if key in entry:
            _one_of(entry[key], TRIGGERS, key, where)
    if "reason" in entry:
        _one_of(entry["reason"], tuple(r.name for r in driver.reasons), "reason", where)
    _one_of(_text(entry, "role", where), ROLES, "role", where)
    _one_of(_text(entry, "level", where), LEVELS, "level", where)
    needs_driver = entry.get("needs_driver", False)
    if "pattern" in entry:
        pattern, kinds = compile_pattern(entry["pattern"], where)
        expression = _text(entry, "scan", where)
    else:
        pattern, kinds = compile_text(entry["text"], where)
        expression = entry.get("scan") or scan_expression(
            entry["text"], where, needs_driver=needs_driver
        )
    if needs_driver:
        expression = with_driver(expression, driver.kernel_names + driver.same_wording)
    return Message(
        index=0,
        id=identity,
        driver=driver.name,
        role=entry["role"],
        trigger=entry.get("trigger"),
        reason=entry.get("reason"),
        refines=entry.get("refines"),
        level=entry["level"],
        is_decisive=entry.get("is_decisive", False),
        is_once_per_boot=entry.get("is_once_per_boot", False),
        is_visible_by_default=entry.get("is_visible_by_default", True),
        needs_driver=needs_driver,
        pattern=pattern,
        kinds=kinds,
        hyperscan=expression.encode(),
        versions=entry.get("versions", ""),
        kernels=entry.get("kernels", ""),
        source=_text(entry, "source", where),
        sample=_text(entry, "sample", where),
        note=entry.get("note", ""),
    )


def _check_samples(catalogue: Catalogue) -> None:
    for message in catalogue.messages:
        found = catalogue.match(message.sample)
        if found is None or found.message is not message:
            where = f"{message.driver}.toml, message {message.id}"
            what = found.message.id if found else "no match"
            raise _wrong(
                "sample", where, "to match its own message", what, "correct text or sample"
            )


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(key, where, "a text", repr(value), "add it")
    return value


def _only(entry: Mapping[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(entry.keys() - keys)
    if unknown:
        raise _wrong("keys", where, ", ".join(sorted(keys)), ", ".join(unknown), "remove them")


def _one_of(value: Any, known: tuple[str, ...], what: str, where: str) -> None:
    if value not in known:
        raise _wrong(what, where, "one of " + ", ".join(known), repr(value), "correct it")


def _wrong(what: str, where: str, expected: str, found: str, hint: str) -> ContractError:
    return ContractError(f"{what} in {where}: expected {expected}, found {found}; {hint}")
