"""A report as text, CSV, JSON, LaTeX, Markdown or Parquet. Files and JSON hold full precision; the rest is rounded."""

import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triadic.reports.report import Report, Table
from triadic.schema.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {"text": "txt", "csv": "csv", "json": "json", "latex": "tex", "markdown": "md", "parquet": "parquet"}


def render(report: Report, form: str = "text", table: str | None = None) -> str | bytes:
    """A report, or one of its tables, in one format. Parquet (bytes) holds one table, so it must be named.

    Raises BadInput for an unknown format, or Parquet without a table.
    """
    _known(form)
    chosen = report.tables if table is None else [Table(table, "", report.frame(table))]
    if form == "json":
        return _json(report, chosen, whole=table is None)
    if form == "parquet":
        if table is None and len(report.tables) != 1:
            raise BadInput(f"Parquet holds one table: name one of {', '.join(t.name for t in report.tables)}")
        return render_frame(chosen[0].frame, "parquet")
    if form == "csv":
        if len(chosen) == 1:
            return render_frame(chosen[0].frame, "csv")
        return "\n".join(f"# {t.name}: {t.caption}\n{render_frame(t.frame, 'csv')}" for t in chosen)
    if form == "latex":
        return _latex(report, chosen)
    parts = [f"# {report.title}" if form == "markdown" else f"{report.title}\n{'=' * len(report.title)}"]
    for each in chosen:
        if each.preview == 0 and table is None:
            parts.append(f"{each.caption} [{each.name}]: {len(each.frame)} rows with --table {each.name}")
            continue
        shown = each.frame if each.preview is None or table else each.frame.head(each.preview)
        said, shown = _hoisted(shown)
        head = f"{each.caption or each.name} [{each.name}{said}]"
        parts.append((f"## {head}\n\n" if form == "markdown" else f"{head}\n") + render_frame(shown, form).rstrip())
        if len(shown) < len(each.frame):
            parts[-1] += f"\n… {len(each.frame) - len(shown)} more rows: --format csv --table {each.name}"
    if table is None and report.notes:
        parts.append("\n".join(f"- {note}" for note in report.notes))
    return "\n\n".join(parts) + "\n"


def write(report: Report, folder: Path | str, formats: tuple[str, ...] = tuple(FORMATS)) -> list[Path]:
    """Every format of a report into `folder`: one file each for text, JSON, LaTeX and Markdown, one per table else."""
    folder = Path(folder)
    for form in formats:
        _known(form)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for form in formats:
        suffix = FORMATS[form]
        if form in ("csv", "parquet"):
            for table in report.tables:
                written.append(folder / f"{report.name}_{table.name}.{suffix}")
                _save(written[-1], render_frame(table.frame, form))
        else:
            written.append(folder / f"{report.name}.{suffix}")
            _save(written[-1], render(report, form))
    return written


def render_frame(frame: "pd.DataFrame", form: str = "text") -> str | bytes:
    """One table of rows in one format."""
    _known(form)
    if form == "csv":
        return frame.to_csv(index=False, lineterminator="\n")
    if form == "json":
        return json.dumps(_records(frame), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    if form == "parquet":
        out = io.BytesIO()
        frame.to_parquet(out, index=False)
        return out.getvalue()
    cells = [[cell(value, name) for name, value in zip(frame.columns, row, strict=True)]
             for row in frame.itertuples(index=False, name=None)]  # fmt: skip
    names, right = [str(name) for name in frame.columns], [_is_number(frame[name]) for name in frame.columns]
    if form == "latex":
        return _tabular(names, cells, right)
    if form == "markdown":
        lines = [names, ["---:" if r else "---" for r in right], *cells]
        return "\n".join("| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in lines) + "\n"
    widths = [max([len(name), *(len(row[j]) for row in cells)]) for j, name in enumerate(names)]
    lines = [names, ["-" * w for w in widths], *cells]
    return "\n".join(
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    ) + "\n"  # fmt: skip


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


def _hoisted(frame: "pd.DataFrame") -> tuple[str, "pd.DataFrame"]:
    """What is the same in every row about where figures come from moves from columns into the heading."""
    same = [
        name for name in ("origin", "metric", "reference", "method") if name in frame and frame[name].nunique() == 1
    ]
    return "".join(f"; {name}: {frame[name].iloc[0]}" for name in same), frame.drop(columns=same)


def _missing(value: Any) -> bool:
    # pandas' NA answers neither True nor False when compared, so it is asked for by name.
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _known(form: str) -> None:
    if form not in FORMATS:
        raise BadInput(f"format {form!r}: choose one of {', '.join(FORMATS)}")


def _save(path: Path, content: str | bytes) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8", newline="\n")
    else:
        path.write_bytes(content)


def _is_number(column: "pd.Series") -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def _records(frame: "pd.DataFrame") -> list[dict]:
    def plain(value: Any) -> Any:
        if _missing(value):
            return None
        value = value.item() if hasattr(value, "item") else value
        return str(value) if isinstance(value, float) and math.isinf(value) else value

    rows = frame.astype(object).itertuples(index=False, name=None)
    return [{str(name): plain(value) for name, value in zip(frame.columns, row, strict=True)} for row in rows]


def _json(report: Report, tables: list[Table], whole: bool) -> str:
    content: dict[str, Any] = {table.name: _records(table.frame) for table in tables}
    if whole:
        content = {"report": report.name, "title": report.title, "tables": content, "notes": report.notes}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _latex(report: Report, tables: list[Table]) -> str:
    """booktabs tables, one float each; the notes follow as a list. Needs \\usepackage{booktabs}."""
    parts = [f"% {report.title}. Needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}."]
    for table in tables:
        if table.preview == 0 and len(tables) > 1:
            continue
        said, shown = _hoisted(table.frame if table.preview is None else table.frame.head(table.preview))
        parts.append(
            "\\begin{table}\n\\centering\n"
            f"\\caption{{{_escape((table.caption or table.name) + said)}}}\n\\label{{tab:{report.name}-{table.name}}}\n"
            "\\resizebox{\\textwidth}{!}{%\n" + render_frame(shown, "latex") + "}\n\\end{table}"
        )
    if report.notes:
        parts.append("\\begin{itemize}\n" + "".join(f"\\item {_escape(n)}\n" for n in report.notes) + "\\end{itemize}")
    return "\n\n".join(parts) + "\n"


def _tabular(names: list[str], cells: list[list[str]], right: list[bool]) -> str:
    rows = [" & ".join(_escape(c) for c in row) + r" \\" for row in [names, *cells]]
    columns = "".join("r" if r else "l" for r in right)
    return "\n".join([f"\\begin{{tabular}}{{{columns}}}", r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule",
                      r"\end{tabular}"]) + "\n"  # fmt: skip


def _escape(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {c: "\\" + c for c in "&%$#_{}"}
    special |= {"<": r"\textless{}", ">": r"\textgreater{}", "−": "$-$", "→": r"$\to$", "²": r"$^2$", "×": r"$\times$",
                "β": r"$\beta$", "≥": r"$\ge$", "–": "--", "…": r"\dots{}", "±": r"$\pm$"}  # fmt: skip
    return "".join(special.get(c, c) for c in text)
