"""Known kernel messages around network-driver resets, one data file per driver.

A new driver is a new `<driver>.toml`, a new wording a new `[[message]]` in it: `text` with typed
placeholders such as `<queue:int>` (types in `template.py`), or `pattern` and `scan` where a text
cannot say it; `role`, `trigger` and `level` in the words of `model.py`; `sample`, a line that must
match this message and no other; `needs_driver` for words that other drivers print as well;
`reason` and `refines` where the wording settles why the driver resets. A file may name `programs`:
then these lines come from a program's log, not from the kernel.
"""

from resetradar.catalogue.matching import UNKNOWN_DRIVER, Catalogue
from resetradar.catalogue.model import Driver, Match, Message, Reason
from resetradar.catalogue.reading import load_catalogue, read_catalogue

__all__ = [
    "UNKNOWN_DRIVER",
    "Catalogue",
    "Driver",
    "Match",
    "Message",
    "Reason",
    "load_catalogue",
    "read_catalogue",
]
