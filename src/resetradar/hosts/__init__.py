"""Inventories: one module of this folder is one format, found by scanning the folder.

To add a format, add a module with ``NAME``, ``recognise`` and ``parse`` (``_contract.Format``).
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from resetradar.files import Reject
from resetradar.hosts._contract import Context, Format, ParsedHosts
from resetradar.hosts._merge import merge_hosts
from resetradar.tables import HOSTS

__all__ = ["FORMATS", "Context", "Format", "ParsedHosts", "merge_hosts", "parse_hosts"]

_HEAD = 16384

FORMATS: tuple[Format, ...] = tuple(
    cast("Format", import_module(f"{__name__}.{name}"))
    for name in sorted(module.name for module in iter_modules(__path__))
    if not name.startswith("_")
)


def parse_hosts(data: bytes, context: Context) -> ParsedHosts:
    """Hosts of a file in any known format, and what could not be read of it.

    Returns:
        ``hosts``, as many rows per host as the file has, in file order; ``merge_hosts`` makes them
        one. A file of no known format gives no rows and one reject.
    """
    for form in FORMATS:
        if form.recognise(data[:_HEAD]):
            return form.parse(data, context)
    known = " or ".join(form.NAME for form in FORMATS)
    found = "another format" if data.strip() else "an empty file"
    reason = f"inventory: expected {known}, found {found}"
    reject = Reject(context.source, None, reason, repr(data[:80])[2:-1])
    return ParsedHosts(HOSTS.empty(), [reject], context.source)
