"""A report as text, CSV, JSON, LaTeX, Markdown or Parquet. Files and JSON hold full precision; the rest is rounded."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from triadic.reports.report import Report, Row, Table
from triadic.schema.errors import BadInput

FORMATS = {"text": "txt", "csv": "csv", "json": "json", "latex": "tex", "markdown": "md", "parquet": "parquet"}


def render(report: Report, form: str = "text", table: str | None = None) -> str | bytes:
    """A report, or one of its tables, in one format. Parquet (bytes) holds one table, so it must be named.

    Raises BadInput for an unknown format, or Parquet without a table.
    """
    _known(form)
    chosen = report.tables if table is None else [Table(table, "", report.frame(table))]
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
    parts += [_section(each, form, whole=table is not None) for each in chosen]
    if table is None and report.notes:
        parts.append("\n".join(f"- {note}" for note in report.notes))
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


def render_frame(frame: pd.DataFrame, form: str = "text") -> str | bytes:
    """One table of rows in one format."""
    return _parquet(frame) if form == "parquet" else render_text(frame, form)


def render_text(frame: pd.DataFrame, form: str = "text") -> str:
    """One table of rows in one of the formats that are text."""
    _known(form)
    if form == "csv":
        return str(frame.to_csv(index=False, lineterminator="\n"))
    if form == "json":
        return _dumped(_records(frame))
    rows = frame.itertuples(index=False, name=None)
    cells = [[cell(value, name) for name, value in zip(frame.columns, row, strict=True)] for row in rows]
    names, right = [str(name) for name in frame.columns], [_is_number(frame[name]) for name in frame.columns]
    if form == "latex":
        return _tabular(names, cells, right)
    if form == "markdown":
        lines = [names, ["---:" if r else "---" for r in right], *cells]
        return "\n".join("| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in lines) + "\n"
    widths = [max([len(name), *(len(row[j]) for row in cells)]) for j, name in enumerate(names)]
    texts = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in [names, ["-" * w for w in widths], *cells]
    ]
    return "\n".join(texts) + "\n"


def cell(value: Any, name: str = "") -> str:
    """One value as a reader sees it: p-values to three digits and never as 0, floats to three significant places."""
    if _missing(value):
        return "–"
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if name == "p" or name.endswith("_p") or name.startswith("p_") or name.endswith("p_holm"):
        return "<0.001" if 0 <= value < 0.001 else f"{value:.3f}"
    if name.endswith("df"):
        return f"{value:g}"
    if math.isinf(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15 and abs(value) >= 10:
        return f"{int(value)}"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.5g}"


def _section(table: Table, form: str, whole: bool) -> str:
    """One table of a report as text or Markdown, up to its preview unless it is wanted whole."""
    if table.preview == 0 and not whole:
        return f"{table.caption} [{table.name}]: {len(table.frame)} rows with --table {table.name}"
    rows = table.frame if table.preview is None or whole else table.frame.head(table.preview)
    origin, rows = _hoisted(rows)
    heading = f"{table.caption or table.name} [{table.name}{origin}]"
    text = (f"## {heading}\n\n" if form == "markdown" else f"{heading}\n") + render_text(rows, form).rstrip()
    left = len(table.frame) - len(rows)
    return text + (f"\n… {left} more rows: --format csv --table {table.name}" if left else "")


def _hoisted(frame: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What is the same in every row about where figures come from moves from columns into the heading."""
    columns = ("origin", "metric_name", "reference", "method")
    same = [name for name in columns if name in frame and frame[name].nunique() == 1]
    return "".join(f"; {name}: {frame[name].iloc[0]}" for name in same), frame.drop(columns=same)


def _missing(value: Any) -> bool:
    # pandas' NA answers neither True nor False when compared, so it is asked for by name.
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _known(form: str) -> None:
    if form not in FORMATS:
        raise BadInput(f"no format {form!r}: use one of {', '.join(FORMATS)}")


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype))


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


def _records(frame: pd.DataFrame) -> list[Row]:
    def plain(value: Any) -> Any:
        if _missing(value):
            return None
        value = value.item() if hasattr(value, "item") else value
        return str(value) if isinstance(value, float) and math.isinf(value) else value

    rows = frame.astype(object).itertuples(index=False, name=None)
    return [{str(name): plain(value) for name, value in zip(frame.columns, row, strict=True)} for row in rows]


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
        origin, rows = _hoisted(table.frame if table.preview is None else table.frame.head(table.preview))
        parts.append(
            "\\begin{table}\n\\centering\n"
            f"\\caption{{{_escape((table.caption or table.name) + origin)}}}\n\\label{{tab:{report.name}-{table.name}}}\n"
            "\\resizebox{\\textwidth}{!}{%\n" + render_text(rows, "latex") + "}\n\\end{table}"
        )
    if report.notes:
        parts.append("\\begin{itemize}\n" + "".join(f"\\item {_escape(n)}\n" for n in report.notes) + "\\end{itemize}")
    return "\n\n".join(parts) + "\n"


def _tabular(names: list[str], cells: list[list[str]], right: list[bool]) -> str:
    head, *rows = [" & ".join(_escape(c) for c in row) + r" \\" for row in [names, *cells]]
    columns = "".join("r" if r else "l" for r in right)
    begin, end = f"\\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", end]) + "\n"


SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "−": "$-$", "→": r"$\to$", "²": r"$^2$", "×": r"$\times$", "β": r"$\beta$", "≥": r"$\ge$",
    "–": "--", "…": r"\dots{}", "±": r"$\pm$", **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip


def _escape(text: str) -> str:
    return "".join(SPECIAL.get(sign, sign) for sign in text)
