"""What the assets tell Dagster of themselves: schemas, counts and small tables to look at."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from resetradar.ingest import Ingested
from resetradar.mart_headers import Field

_ROWS, _COLUMNS, _CELL = 10, 8, 60


def column_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """Definition metadata that shows each column with its type, unit and meaning."""
    columns = [
        dg.TableColumn(
            field.name,
            field.kind,
            field.meaning if field.unit == "-" else f"{field.meaning} [{field.unit}]",
        )
        for field in fields
    ]
    return {"dagster/column_schema": dg.TableSchema(columns)}


def ingested(table: str, folder: Path, parts: Mapping[date, list[Ingested]]) -> dict[str, Any]:
    """Metadata of a base table: rows, rejects and files per day."""
    rows = [
        {
            "day": day,
            "rows": sum(part.rows.get(table, 0) for part in day_parts),
            "rejects": sum(part.rejects for part in day_parts),
            "files": sum(part.files for part in day_parts),
        }
        for day, day_parts in parts.items()
    ]
    return {
        "dagster/row_count": sum(row["rows"] for row in rows),
        "rejects": sum(row["rejects"] for row in rows),
        "path": dg.MetadataValue.path(str(folder)),
        "found": dg.MetadataValue.md(markdown(rows)),
    }


def built(paths: list[Path]) -> dict[str, Any]:
    """Metadata of a mart: rows of all days, and the first rows of the last day."""
    rows = pq.ParquetFile(paths[-1]).read()
    if "rank" in rows.column_names:
        rows = rows.sort_by("rank")
    return {
        "dagster/row_count": sum(pq.read_metadata(path).num_rows for path in paths),
        "path": dg.MetadataValue.path(str(paths[-1])),
        "found": dg.MetadataValue.md(markdown(rows.slice(0, _ROWS).to_pylist())),
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """A table of the first columns; text from logs cannot leave its cell."""
    if not rows:
        return "no rows"
    names = list(rows[0])[:_COLUMNS]
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str("" if value is None else value)
    plain = "".join(c if c.isalnum() or c in " .:,;%/=+-_" else "·" for c in text)
    return plain[:_CELL].replace("_", r"\_")
