"""The device prefix of a kernel line: which driver, which device, which interface speaks.

Sources: netdev_printk, dev_printk and pr_fmt of Linux 2.6 to 7.2 as seen in logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_LINE = 4096
"""Characters of a line that are looked at; no catalogued message is a quarter as long."""

_ROW_ENDS = ("\n", "#012", "\\x0a", "\\n")
_STATE = r"(?: \(\w{1,20}\))*"
# Of the names of drivers only those of the RTL8139 begin with a digit.
_DEVICE = re.compile(
    r"(?P<driver>(?:[A-Za-z]|8139)[\w.+-]{0,31}) "
    r"(?P<address>[\w.-]{1,64}(?::[\w.-]{1,64}){0,4})"
    r"(?: (?:\(unnamed net_device\)|(?P<interface>[^\s:()]{1,15})))?" + _STATE + ": ",
    re.ASCII,
)
_NAME = re.compile(r"(?P<name>(?:[A-Za-z]|8139)[\w.@-]{0,31})" + _STATE + ": ", re.ASCII)
_FUNCTION = re.compile(r"\[(?P<name>[A-Z][A-Z0-9_]{1,15}): \w{1,64}\] ", re.ASCII)
_INTERFACE = (
    r"(?P<interface>(?:eth|en|em|ib|p[0-9]+p|rename|wlan|usb|vmnic|slave|lan|wan|nic|mgmt)"
    r"[\w.-]{0,12}?[0-9][\w.-]{0,8})"
)
# After an address only a name of this shape is an interface: bodies begin with words, too.
_LATE_INTERFACE = re.compile(_INTERFACE + ": ", re.ASCII)
# Some drivers of kernel 2.6 print their interface where others have the bus address.
_NO_ADDRESS = re.compile("(?:eth|wlan)[0-9]{1,3}", re.ASCII)
_PLACEHOLDER = re.compile(r".*[<>%${}*].*|\W+|[a-z]+[A-Z](?:[a-z][A-Z])*", re.ASCII)
# Who quotes a line may leave out what stands between driver and message.
_ELIDED = re.compile(r"(?P<name>[A-Za-z][\w.+-]{0,31}) (?:\.\.\.|\u2026) ")
_COMMENT = re.compile(r"\s//")
# Phones print CPU and task before a message: "[0: ksoftirqd/0:    9] ", "(0)[9:ksoftirqd/0]".
_TASK = re.compile(r"\[\d+: *[^\]]{1,40}: *\d+\] ?|\(\d+\)\[\d+:[^\]]{1,40}\] ?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Prefix:
    """Who speaks and what is left of the line; `driver` is the name as printed."""

    driver: str | None
    pci_address: str | None
    interface: str | None
    body: str


def first_row(text: str) -> str:
    """Return the first row of a message without comment, with single blanks.

    Loggers write line ends and tabs of a record in their own escapes; a record of several rows is
    known by its first.
    """
    row = text[:MAX_LINE].lstrip()
    for end in _ROW_ENDS:
        row = row.partition(end)[0]
    row = _COMMENT.split(row, maxsplit=1)[0]
    return " ".join(row.replace("#011", " ").replace("\\x09", " ").split())


def parse_prefix(row: str, names: Mapping[str, str]) -> Prefix:
    """Return the parts of a row; a row that names no device is all body.

    Args:
        row: what `first_row` returned.
        names: driver names that need no address behind them.
    """
    task = _TASK.match(row)
    row = row[task.end() :] if task else row
    head = _DEVICE.match(row)
    if head and any(c.isdigit() for c in head["address"]):
        driver, address, interface = head["driver"], head["address"], head["interface"]
        if interface is None and _NO_ADDRESS.fullmatch(address):
            return _device(driver, None, address, row, head)
        # An RDMA device name is not a bus address.
        return _device(driver, None if driver == "infiniband" else address, interface, row, head)
    head = _ELIDED.match(row) or _FUNCTION.match(row)
    if head and head["name"] in names:
        return Prefix(head["name"], None, None, row[head.end() :])
    head = _NAME.match(row)
    if head is None:
        return Prefix(None, None, None, row)
    # "b44: eth0: …": with an interface behind it, a name that nobody knows is a driver, too.
    if head["name"] in names or _LATE_INTERFACE.match(row, head.end()):
        return _device(head["name"], None, None, row, head)
    return Prefix(None, None, head["name"], row[head.end() :])


def has_number(name: str) -> bool:
    """Whether a name has a digit, as nearly all names of interfaces have."""
    return any(c.isdigit() for c in name)


def is_placeholder(name: str) -> bool:
    """Whether prose or source text means any interface by a name: ``<name>``, ``%s``, ``ethX``.

    The kernel or its tools refuse most of these as names; nobody gives the others.
    """
    return _PLACEHOLDER.fullmatch(name) is not None


def is_interface(name: str) -> bool:
    """Whether a name is one that only interfaces have."""
    return _LATE_INTERFACE.fullmatch(name + ": ") is not None


def _device(
    driver: str, address: str | None, interface: str | None, row: str, head: re.Match[str]
) -> Prefix:
    at = head.end()
    late = _LATE_INTERFACE.match(row, at)
    if late and interface in (None, late["interface"]):
        interface, at = late["interface"], late.end()
    function = _FUNCTION.match(row, at)
    return Prefix(driver, address, interface, row[function.end() if function else at :])
