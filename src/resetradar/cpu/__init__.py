"""Per-CPU metrics: one module of this folder is one format, found by scanning the folder.

To add a format, add a module with ``NAME``, ``recognise`` and ``parse`` (``_contract.Format``).
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from resetradar.cpu._contract import Context, Format, Parsed
from resetradar.cpu._counters import COUNTERS, to_samples
from resetradar.cpu._samples import distinct, minutes, split_days
from resetradar.files import Reject
from resetradar.tables import CPU_SAMPLES

__all__ = [
    "COUNTERS",
    "FORMATS",
    "Context",
    "Format",
    "Parsed",
    "distinct",
    "minutes",
    "parse_cpu",
    "read_cpu",
    "split_days",
    "to_samples",
]

_HEAD = 4096

FORMATS: tuple[Format, ...] = tuple(
    cast("Format", import_module(f"{__name__}.{name}"))
    for name in sorted(module.name for module in iter_modules(__path__))
    if not name.startswith("_")
)


def parse_cpu(data: bytes, context: Context) -> Parsed:
    """Samples of one file in any known format, and what could not be read of it.

    Args:
        data: The file, decompressed.
        context: Its name, and the host and zone that are known from elsewhere.

    Returns:
        ``cpu_samples``, in key order, each sample once. Shares are half percents of one CPU. A file
        of no known format gives no rows and one reject.
    """
    parsed = read_cpu(data, context)
    if parsed.counters is None:
        return parsed
    samples, rejects = to_samples(parsed.counters)
    return Parsed(samples, [*parsed.rejects, *rejects])


def read_cpu(data: bytes, context: Context) -> Parsed:
    """As ``parse_cpu``, but totals stay totals, to be joined with those of other files."""
    for form in FORMATS:
        if form.recognise(data[:_HEAD]):
            return form.parse(data, context)
    known = " or ".join(form.NAME for form in FORMATS)
    found = "another format" if data.strip(b" \t\r\n\0") else "an empty file"
    sample = repr(data[:80])[2:-1]
    reject = Reject(
        context.source,
        None,
        f"CPU metrics: expected {known}, found {found}",
        sample,
        context.host_id,
    )
    return Parsed(CPU_SAMPLES.empty(), [reject])
