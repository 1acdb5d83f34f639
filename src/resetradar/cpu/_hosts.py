"""The host of a metrics file."""

import re
from typing import Final

from resetradar.cpu._contract import Context

_PORT: Final = re.compile(r":\d{1,5}$", re.ASCII)
_ADDRESS: Final = re.compile(r"\[?[0-9a-f]*:[0-9a-f:.]{1,45}\]?|\d{1,3}(\.\d{1,3}){3}", re.ASCII)


def host_named(name: object, context: Context, *, has_several: bool = False) -> str | None:
    """The path's host; the file's own name for it where it holds several or the path has none.

    The kernel log prints the first label only, so that is what a name is cut to.
    """
    if context.host_id and not has_several:
        return context.host_id
    return _first_label(name) if isinstance(name, str) else None


def host_of_instance(label: object, context: Context) -> str | None:
    """The path's host, or that of Prometheus' label ``instance``, without its port.

    An address stays whole, as its first part names no host.
    """
    if context.host_id:
        return context.host_id
    name = _PORT.sub("", label) if isinstance(label, str) else ""
    return name if _ADDRESS.fullmatch(name) else _first_label(name)


def _first_label(name: str) -> str | None:
    label = name.split(".", maxsplit=1)[0]
    return label if label and len(label) < 256 and label.isprintable() else None
