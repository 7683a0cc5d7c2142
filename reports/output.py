"""Results as a table, CSV, JSON, LaTeX, Markdown or Parquet. CSV, JSON and Parquet hold full precision; the rest is rounded."""

from __future__ import annotations

import io
import json
import math
import textwrap
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tabulate

from triadic.reports.formats import FORMATS, known_format
from triadic.reports.report import Report, Row, Table
from triadic.schema.errors import BadInput

tabulate.MIN_PADDING = 0  # its two spaces beside every heading would cost a narrow terminal a column or two

BEYOND_ASCII = str.maketrans({
    "−": "$-$", "→": r"$\to$", "²": "$^2$", "×": r"$\times$", "β": r"$\beta$", "≥": r"$\ge$", "–": "--", "…": r"\dots{}",
    "±": r"$\pm$",
})  # fmt: skip


def render(report: Report, form: str = "table", table: str | None = None, width: int | None = None) -> str | bytes:
    """A report, or one of its tables, in one format. Parquet (bytes) holds one table, so it must be named.

    `width` is how many signs a line of a text table may have: columns that do not fit are left out, and named below it.
    Raises BadInput for an unknown format, or Parquet without a table.
    """
    known_format(form)
    chosen = report.tables if table is None else [replace(report.table(table), caption="")]
    if form == "parquet":
        if table is None and len(report.tables) != 1:
            raise BadInput(f"Parquet holds one table: name one of {', '.join(t.name for t in report.tables)}")
        return _parquet(chosen[0].frame)
    if form == "json":
        return _json(report, chosen, whole=table is None)
    if form == "csv":
        if len(chosen) == 1:
            return render_text(chosen[0].frame, "csv")
        return "\n".join(f"# {t.name}: {t.caption}\n{render_text(t.frame, 'csv')}" for t in chosen)
    if form == "latex":
        return _latex(report, chosen)
    parts = [f"# {report.title}" if form == "markdown" else f"{report.title}\n{'=' * len(report.title)}"]
    parts += [_section(each, form, whole=table is not None, width=width) for each in chosen]
    if table is None and report.notes:
        notes = [f"- {note}" for note in report.notes]
        if form == "table" and width:
            notes = [textwrap.fill(n, width, subsequent_indent="  ", break_on_hyphens=False) for n in notes]
        parts.append("\n".join(notes))
    return "\n\n".join(parts) + "\n"


def write(report: Report, folder: Path | str) -> list[Path]:
    """Every format of a report into `folder`: one file each for text, JSON, LaTeX and Markdown, one per table else."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[Path, str | bytes] = {}
    for form in FORMATS:
        if form in ("csv", "parquet"):
            for table in report.tables:
                contents[folder / f"{report.name}_{table.name}.{FORMATS[form]}"] = render_frame(table.frame, form)
        else:
            contents[folder / f"{report.name}.{FORMATS[form]}"] = render(report, form)
    for path, content in contents.items():
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(contents)


def render_frame(frame: pd.DataFrame, form: str = "table", width: int | None = None) -> str | bytes:
    """One table of rows in one format; `width` as in `render`."""
    return _parquet(frame) if form == "parquet" else render_text(frame, form, width)


def render_text(frame: pd.DataFrame, form: str = "table", width: int | None = None) -> str:
    """One table of rows in one of the formats that are text; `width` as in `render`."""
    known_format(form)
    if form == "csv":
        return str(frame.to_csv(index=False, lineterminator="\n"))
    if form == "json":
        return _dumped(_records(frame))
    text = _laid_out(frame, form)
    if form != "table" or not width:
        return text
    ends = np.cumsum([len(dashes) + 2 for dashes in text.splitlines()[1].split("  ")]) - 2
    fitting = max(1, int((ends <= width).sum()))
    if fitting >= frame.shape[1]:
        return text
    left_out = ", ".join(map(str, frame.columns[fitting:]))
    note = textwrap.fill(f"left out to fit {width} columns: {left_out}", width, break_on_hyphens=False)
    way_out = textwrap.fill("(`--columns all` shows every one, `--columns a,b,c` these)", width)
    return f"{_laid_out(frame.iloc[:, :fitting], form)}{note}\n{way_out}\n"


def cell(value: Any, name: str = "") -> str:
    """One value as a reader sees it: p-values to three digits and never as 0, floats to three significant places."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return f"[{', '.join(cell(each) for each in value)}]"
    if _missing(value):
        return "–"
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if not isinstance(value, float):
        return str(value).replace("\r", "").replace("\n", "↵")
    if name == "p" or name.endswith("_p") or name.startswith("p_") or name.endswith("p_holm"):
        return "<0.001" if 0 <= value < 0.001 else f"{value:.3f}"
    if name.endswith("df"):
        return f"{value:g}"
    if math.isinf(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15 and abs(value) >= 10:
        return f"{int(value)}"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.5g}"


def _laid_out(frame: pd.DataFrame, form: str) -> str:
    """Names, a rule and rows, as plain text, Markdown or LaTeX (booktabs)."""
    names = [str(name) for name in frame.columns]
    columns = [frame.iloc[:, j] for j in range(len(names))]  # by number: two columns of a query may have one name
    texts = [[cell(v, name) for v in _whole(column, name)] for name, column in zip(names, columns, strict=True)]
    rows = list(zip(*texts, strict=True))
    if form == "markdown":
        rows = [tuple(text.replace("|", r"\|") for text in row) for row in rows]
    text = tabulate.tabulate(
        rows or [("",) * len(names)],
        headers=names,
        tablefmt={"table": "simple", "markdown": "pipe", "latex": "latex_booktabs"}[form],
        colalign=["right" if _is_number(column) else "left" for column in columns],
        disable_numparse=True,
        preserve_whitespace=True,
    )
    if form == "latex":
        text = text.translate(BEYOND_ASCII)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _whole(column: pd.Series, name: str) -> list[Any]:
    """The values of a column; those of a count that is a float only because some are missing are integers again."""
    values, known = list(column.astype(object)), column.dropna()
    if column.dtype.kind != "f" or len(known) == len(column) or not len(known):
        return values
    whole = np.isfinite(known).all() and (known == known.round()).all()
    if not whole or not (name.startswith("n_") or (known.abs() > 1).any()):  # 0 and 1 may be shares
        return values
    return [None if _missing(value) else int(value) for value in values]


def _section(table: Table, form: str, whole: bool, width: int | None) -> str:
    """One table of a report as text or Markdown, up to its preview unless it is wanted whole."""
    if table.preview == 0 and not whole:
        return f"{table.caption} [{table.name}]: {len(table.frame)} rows with --table {table.name}"
    rows = table.frame if table.preview is None or whole else table.frame.head(table.preview)
    origin, rows = _hoisted(rows) if table.hoisted else ("", rows)
    heading = f"{table.caption or table.name} [{table.name}{origin}]"
    if form == "table" and width:
        heading = textwrap.fill(heading, width, subsequent_indent="  ", break_on_hyphens=False)
    if table.frame.empty:
        return (f"## {heading}\n\n" if form == "markdown" else f"{heading}: ") + (table.empty or "no rows")
    text = (f"## {heading}\n\n" if form == "markdown" else f"{heading}\n") + render_text(rows, form, width).rstrip()
    left = len(table.frame) - len(rows)
    return text + (f"\n… {left} more rows: --format csv --table {table.name}" if left else "")


def _hoisted(frame: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What is the same in every row about where figures come from moves from columns into the heading."""
    columns = ("origin", "metric_name", "reference", "method")
    same = [name for name in columns if name in frame and frame[name].nunique(dropna=False) == 1]
    if len(same) == len(frame.columns):
        return "", frame
    return "".join(f"; {name}: {frame[name].iloc[0]}" for name in same), frame.drop(columns=same)


def _missing(value: Any) -> bool:
    # pandas' NA answers neither True nor False when compared, so it is asked for by name.
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _is_number(column: pd.Series) -> bool:
    if column.dtype == object:  # DuckDB's sums of integers are decimals
        return pd.api.types.infer_dtype(column, skipna=True) in ("decimal", "integer", "floating")
    return bool(pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype))


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


def _records(frame: pd.DataFrame) -> list[Row]:
    rows = frame.astype(object).itertuples(index=False, name=None)
    return [{str(name): _plain(value) for name, value in zip(frame.columns, row, strict=True)} for row in rows]


def _plain(value: Any) -> Any:
    """A value as JSON has it: null for what is missing, ISO 8601 for times, text for what JSON has no word for."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(each) for each in value]
    if _missing(value):
        return None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _json(report: Report, tables: list[Table], whole: bool) -> str:
    content: Row = {table.name: _records(table.frame) for table in tables}
    if whole:
        content = {"report": report.name, "title": report.title, "tables": content, "notes": report.notes}
    return _dumped(content)


def _dumped(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _latex(report: Report, tables: list[Table]) -> str:
    """booktabs tables, one float each; the notes follow as a list. Needs \\usepackage{booktabs}."""
    parts = [f"% {report.title}. Needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}."]
    for table in tables:
        if table.preview == 0 and len(tables) > 1:
            continue
        rows = table.frame if table.preview is None else table.frame.head(table.preview)
        origin, rows = _hoisted(rows) if table.hoisted else ("", rows)
        caption = _escape((table.caption or table.name) + origin)
        if table.frame.empty:
            parts.append(f"% {table.caption or table.name}: {table.empty or 'no rows'}")
            continue
        parts.append(
            "\\begin{table}\n\\centering\n"
            f"\\caption{{{caption}}}\n\\label{{tab:{report.name}-{table.name}}}\n"
            "\\resizebox{\\textwidth}{!}{%\n" + render_text(rows, "latex") + "}\n\\end{table}"
        )
    if report.notes:
        parts.append("\\begin{itemize}\n" + "".join(f"\\item {_escape(n)}\n" for n in report.notes) + "\\end{itemize}")
    return "\n\n".join(parts) + "\n"


def _escape(text: str) -> str:
    """Text as LaTeX prints it, by the library's rules for cells."""
    return "".join(tabulate.LATEX_ESCAPE_RULES.get(sign, sign) for sign in text).translate(BEYOND_ASCII)
