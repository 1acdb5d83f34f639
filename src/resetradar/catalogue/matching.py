"""Lines to messages: the one place that decides what a kernel line is."""

from __future__ import annotations

import re
from collections.abc import Collection

from resetradar.catalogue.model import Driver, Match, Message
from resetradar.catalogue.prefix import MAX_LINE, Prefix, first_row, is_placeholder, parse_prefix
from resetradar.catalogue.template import fields_of

_VERSION = re.compile(r"\bv([0-9][\w.~+-]{0,40})", re.ASCII)
# As quoted-printable mail writes it.
_BLANK_AT_END = "=20"
UNKNOWN_DRIVER = "unknown"


def _is_prose(found: re.Match[str]) -> bool:
    """The line stands for any line of its kind, as prose and source text quote it."""
    return is_placeholder(found["interface"] or "")


def _is_plain(text: str) -> bool:
    """`first_row` would give it back as it is; most are so, and it takes a third of the time."""
    return (
        len(text) <= MAX_LINE
        and text.isprintable()
        and "#" not in text
        and "\\" not in text
        and "//" not in text
        and "  " not in text
        and text == text.strip()
    )


class Catalogue:
    """All known messages; `messages[i].index` is `i`."""

    def __init__(self, messages: tuple[Message, ...], drivers: dict[str, Driver]) -> None:
        self.messages = messages
        self.drivers = drivers
        self._canonical = {n: d.name for d in drivers.values() for n in d.kernel_names}
        self._wording = dict(self._canonical)
        self._wording |= {n: d.name for d in drivers.values() for n in d.same_wording}
        self.programs = {name: driver.programs for name, driver in drivers.items()}
        self._scopes = {name: driver.scope for name, driver in drivers.items()}
        self._everywhere = [m.index for m in messages if self._scopes[m.driver] != "device"]
        self._by_driver = {
            name: sorted([m.index for m in messages if m.driver == name] + self._everywhere)
            for name, scope in self._scopes.items()
            if scope == "device"
        }
        self._without_driver = [
            m.index for m in messages if self._scopes[m.driver] != "device" or not m.needs_driver
        ]

    def expressions(self) -> list[bytes]:
        """Byte expressions for a multi-pattern scan of whole log files, one per message.

        Position in the list is the message index. '.' must not match a line end. A line that
        `match` would accept is hit, blanks as the kernel writes them, also when it stands inside a
        JSON string; a hit proves nothing.
        """
        return [message.hyperscan for message in self.messages]

    def match(self, text: str, candidates: Collection[int] | None = None) -> Match | None:
        """Return what the line says, or None; bounded time, never raises.

        Args:
            text: kernel message behind the log envelope, with its device prefix.
            candidates: message indices to consider, the preferred first; all if None.
        """
        row = text if _is_plain(text) else first_row(text)
        prefix = parse_prefix(row, self._wording)
        for index in self._plausible(prefix) if candidates is None else candidates:
            message = self.messages[index]
            for body in self._bodies(message, row, prefix):
                found = message.pattern.fullmatch(body)
                if found and not (message.kinds.get("interface") and _is_prose(found)):
                    # "EDAC MC0: …" looks like a device prefix, but is part of the message.
                    speaker = prefix if body == prefix.body else Prefix(None, None, None, row)
                    return self._told(message, found, speaker)
        if not row.endswith(_BLANK_AT_END):
            return None
        while row.endswith(_BLANK_AT_END):
            row = row.removesuffix(_BLANK_AT_END).rstrip()
        return self.match(row, candidates)

    def _plausible(self, prefix: Prefix) -> list[int]:
        if prefix.driver is not None:
            return self._by_driver.get(self._wording.get(prefix.driver, ""), self._everywhere)
        return self._without_driver if prefix.interface else self._everywhere

    def _bodies(self, message: Message, row: str, prefix: Prefix) -> tuple[str, ...]:
        """Return the parts of the row that the message may be; none if another driver speaks."""
        scope = self._scopes[message.driver]
        if scope == "any_device":
            return (row, prefix.body)
        if scope == "line":
            bare = row
            for words in self.drivers[message.driver].words_before:
                bare = bare.removeprefix(words)
            return (bare.lstrip(), prefix.body) if prefix.pci_address else (bare.lstrip(),)
        if prefix.driver is not None:
            is_ours = self._wording.get(prefix.driver) == message.driver
            return (prefix.body,) if is_ours else ()
        is_interface = prefix.interface is not None and not self._is_unit(prefix.interface)
        return (prefix.body,) if is_interface and not message.needs_driver else ()

    def _is_unit(self, name: str) -> bool:
        """BSD kernels name an interface by driver and unit number: not a Linux line."""
        return name.rstrip("0123456789") in self._wording and name[-1].isdigit()

    def _told(self, message: Message, found: re.Match[str], prefix: Prefix) -> Match:
        fields = fields_of(message.kinds, found)
        named, of_line = fields.pop("driver", None), fields.pop("interface", None)
        info = fields.get("driver_info")
        version = _VERSION.search(str(info)) if info else None
        driver_version = version[1] if version else fields.pop("driver_version", None)
        scope = self._scopes[message.driver]
        speaker = str(named or prefix.driver or "")
        if scope == "line":
            if prefix.pci_address and speaker:
                fields["device_driver"] = self._canonical.get(speaker, speaker)
            driver = message.driver
        elif speaker:
            driver = self._canonical.get(speaker, speaker)
        else:
            driver = message.driver if scope == "device" else UNKNOWN_DRIVER
        interface = str(of_line or prefix.interface or "") or None
        if scope == "line" and not prefix.pci_address:
            interface = None
        return Match(
            message=message,
            driver=driver,
            pci_address=prefix.pci_address,
            interface=interface,
            fields=fields,
            driver_version=None if driver_version is None else str(driver_version),
        )
