"""Reading CSV files: the package's own figures, and the user's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Table:
    """A user's table: its header, its rows (cells by column, None for an empty one) and the line each stands in, from 1."""

    path: Path
    header: list[str]
    rows: list[Row]
    lines: list[int]
    separator: str

    def column(self, name: str) -> list[str | None]:
        """The cells of one column."""
        return [row[name] for row in self.rows]

    def named(self, names: Iterable[str]) -> str | None:
        """The first column called one of `names`, in any case; None where there is none."""
        by_name = {column.lower(): column for column in reversed(self.header)}
        return next((by_name[name] for name in names if name in by_name), None)


def read_csv(path: Path | str, required: Iterable[str]) -> list[Row]:
    """Rows of a user's CSV file, which must have the columns `required`; empty cells are None.

    Raises NotFound without the file, BadInput when it is not a UTF-8 CSV, lacks a column, or has no rows.
    """
    return read_table(path, required).rows


def read_table(path: Path | str, required: Iterable[str] = ()) -> Table:
    """A user's table with a header, its cells between commas, semicolons or tabs; wholly empty lines are left out.

    Raises NotFound without the file, BadInput when it is no such text in UTF-8, lacks a column of `required`, has two of
    one name, or no rows.
    """
    path = Path(path)
    text = read_text(path)
    separator = separator_of(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip() for name in next(reader, [])]
        found = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BadInput(f"{path} is not a CSV file in UTF-8: {error}") from error
    missing = [name for name in required if name not in header]
    if missing:
        raise BadInput(f"{path} has no column {', '.join(missing)}; its columns are: {', '.join(header) or 'none'}")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise BadInput(f"{path} has two columns called {', '.join(sorted(twice))}: give each its own name")
    if not found:
        raise BadInput(f"{path} has a header and no rows")
    rows = []
    for line, cells in found:
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            raise BadInput(
                f"{path} row {line} has {len(cells)} cells and the header {len(header)}: quote what has a comma"
            )
        filled = [*cells, *[""] * (len(header) - len(cells))]
        rows.append({name: cell.strip() or None for name, cell in zip(header, filled, strict=False)})
    return Table(path, header, rows, [line for line, _ in found], separator)


def read_text(path: Path) -> str:
    """The text of a user's file. Raises NotFound without it, BadInput when it is not UTF-8."""
    if not path.is_file():
        raise NotFound(f"no file {path}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a CSV file in UTF-8: {error}") from error


def separator_of(line: str) -> str:
    """What stands between the cells of a line: a tab, a semicolon or a comma, whichever it has most of."""
    return max(",;\t", key=line.count)


def truth(text: str | None) -> bool | None:
    """true/false as written in CSV files; None for an empty cell. Raises BadInput for anything else."""
    if text is None:
        return None
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise BadInput(f"expected true or false, got {text!r}")


def _rows(reader: csv.DictReader[str]) -> list[Row]:
    return [{k: (v.strip() or None) if v is not None else None for k, v in row.items() if k} for row in reader]
