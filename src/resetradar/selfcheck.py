"""What `resetradar check` verifies before anything runs, and what a run would read."""

from collections.abc import Iterator

from resetradar.catalogue import load_catalogue
from resetradar.docs import page_path, tables_page
from resetradar.envelopes import load_envelopes
from resetradar.errors import ContractError
from resetradar.files import find
from resetradar.marts import load_investigations, load_marts
from resetradar.settings import Settings


def verify_contracts() -> Iterator[str]:
    """One line per contract that holds.

    Raises:
        ContractError: A data file, a SQL header or a generated page breaks its contract.
    """
    catalogue = load_catalogue()
    yield f"catalogue: {len(catalogue.messages)} messages of {len(catalogue.drivers)} drivers"
    yield f"envelopes: {len(load_envelopes())}"
    yield f"sql: {len(load_marts())} marts, {len(load_investigations())} investigations"
    page = page_path()
    if page.is_file():
        if page.read_text(encoding="utf-8") != tables_page():
            raise ContractError(f"{page}: expected the generated page, found another; `make docs`")
        yield f"docs: {page.name} is fresh"


def preview_inputs(settings: Settings) -> Iterator[str]:
    """One line per kind of input: files and hosts that the templates match."""
    inputs = settings.inputs
    for name, templates in (
        ("logs", inputs.logs),
        ("cpu", inputs.cpu),
        ("inventory", inputs.inventory),
        ("facts", inputs.facts),
    ):
        found = find(settings.root, templates)
        hosts = {source.host_id for source in found if source.host_id}
        of_hosts = f" of {len(hosts)} hosts" if hosts else ""
        yield f"inputs.{name}: {len(found)} files{of_hosts} match {len(templates)} templates"
