"""Reading CSV files: the package's own figures, and the user's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from triadic.schema.errors import BadInput, NotFound

TRUE, FALSE = {"true", "1", "yes"}, {"false", "0", "no"}
Row = dict[str, Any]  # column → text, or None for an empty cell


def shipped(name: str) -> list[Row]:
    """Rows of one of the package's own files in `ingest/data`; empty cells are None."""
    text = (files("triadic.ingest.data") / name).read_text(encoding="utf-8")
    return _rows(csv.DictReader(io.StringIO(text, newline="")))


def read_csv(path: Path | str, required: Iterable[str]) -> list[Row]:
    """Rows of a user's CSV file, which must have the columns `required`; empty cells are None.

    Raises NotFound without the file, BadInput when it is not a UTF-8 CSV, lacks a column, or has no rows.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFound(f"no file {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, header = _rows(reader), reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} is not a CSV file in UTF-8: {error}") from error
    missing = [name for name in required if name not in header]
    if missing:
        raise BadInput(f"{path} has no column {', '.join(missing)}; its columns are: {', '.join(header) or 'none'}")
    if not rows:
        raise BadInput(f"{path} has a header and no rows")
    return rows


def truth(text: str | None) -> bool | None:
    """true/false as written in CSV files; None for an empty cell. Raises BadInput for anything else."""
    if text is None:
        return None
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise BadInput(f"expected true or false, got {text!r}")


def _rows(reader: csv.DictReader[str]) -> list[Row]:
    return [{k: (v.strip() or None) if v is not None else None for k, v in row.items() if k} for row in reader]
