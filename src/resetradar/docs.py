"""Generated pages: ``python -m resetradar.docs`` rewrites docs/tables.md from the contracts."""

from collections.abc import Iterable
from pathlib import Path

from resetradar.mart_headers import Field, Mart
from resetradar.mart_session import arrow_fields
from resetradar.marts import load_investigations, load_marts, sql_folder
from resetradar.settings import Parameters
from resetradar.tables import BASE_TABLES, Table

_OPENING = """\
# Tables

This page is generated from `src/resetradar/tables.py` and the headers of `sql/*.sql` by
`python -m resetradar.docs`. Times are UTC instants in microseconds without a zone. Base tables are
written from the input files, one partition per day and shard; marts are made from them by the query
of the same name. The published catalogue shows all of them under these names."""


def tables_page() -> str:
    """The text of docs/tables.md: every table, parameter and investigation, with each column."""
    marts = load_marts()
    parts = [
        _OPENING,
        "## Base tables",
        *(_base_table(table) for table in BASE_TABLES.values()),
        "## Marts",
        *(_mart(mart) for mart in marts),
        "## Parameters",
        "Values of the section `[parameters]` of `resetradar.toml`.",
        _parameters(marts),
        "## Investigations",
        "Questions for `resetradar sql NAME`, each a file in `sql/investigations/`.",
        _grid(
            ("question", "parameters", "answer"),
            (
                (f"`{each.name}`", ", ".join(f"`{p.name}`" for p in each.params), each.what)
                for each in load_investigations()
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _base_table(table: Table) -> str:
    where = "day and shard" if table.is_sharded else "day"
    return "\n\n".join(
        (
            f"### {table.name}",
            f"One row per {table.what}. Partitioned by {where}, sorted by {_code(table.key)}.",
            _columns(arrow_fields(table.schema)),
        )
    )


def _mart(mart: Mart) -> str:
    rows = "rows of one day" if mart.span == "day" else "state as of a day, looking back"
    reads = _code(mart.inputs)
    links = ", ".join(f"[{s.partition('#')[2]}]({s[5:]})" for s in mart.source.split(", "))
    return "\n\n".join(
        (
            f"### {mart.name}",
            f"{mart.what} One row per {_code(mart.grain)}; {rows}.",
            f"Reads {reads}. Method: {links}.",
            _columns(mart.columns),
        )
    )


def _parameters(marts: Iterable[Mart]) -> str:
    headers: dict[str, tuple[Field, list[str]]] = {}
    for mart in marts:
        for param in mart.params:
            headers.setdefault(param.name, (param, []))[1].append(mart.name)
    rows = []
    for name, setting in Parameters.model_fields.items():
        unit, meaning, users = "-", setting.description or "", ""
        if name in headers:
            field, names = headers[name]
            unit, meaning, users = field.unit, field.meaning, _code(names)
        rows.append((f"`{name}`", str(setting.default), unit, meaning, users))
    return _grid(("parameter", "default", "unit", "meaning", "used by"), rows)


def _columns(columns: Iterable[Field]) -> str:
    return _grid(
        ("column", "type", "unit", "meaning"),
        ((f"`{c.name}`", c.kind, c.unit, c.meaning) for c in columns),
    )


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def page_path() -> Path:
    """Where the page stands in a checkout; an installed package has none."""
    return sql_folder().parent / "docs" / "tables.md"


if __name__ == "__main__":
    page_path().write_text(tables_page(), encoding="utf-8")
