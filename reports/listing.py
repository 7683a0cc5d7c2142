"""One way to print a table of rows, whichever command it comes from: text for people, the rest for programs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "csv", "json", "parquet")


def listing(frame: pd.DataFrame, fmt: str = "table") -> str | bytes:
    """`frame` as text (table, csv, json with one object per row) or as the bytes of a Parquet file."""
    if fmt == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    if fmt == "json":
        return frame.to_json(orient="records", date_format="iso", force_ascii=False, indent=1)
    if fmt == "csv":
        return frame.to_csv(index=False).rstrip("\n")
    if frame.empty:
        return "(no rows)"
    cells = [[str(name) for name in frame.columns]]
    cells += [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    right = [_is_number(frame.iloc[:, i]) for i in range(frame.shape[1])]
    widths = [max(len(row[i]) for row in cells) for i in range(frame.shape[1])]
    lines = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("─" * w for w in widths), *lines[1:]])


def _cell(value) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return " ".join(str(value).split())


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "if"
