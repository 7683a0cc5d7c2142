"""What the database says of its tables, views and columns.

It is stated where tables and views are declared, and applied to a lab together with its views whenever any of it changes:
no migration has to carry a comment.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlmodel import SQLModel

from triadic.schema.keys import content_key
from triadic.schema.tables import TABLES
from triadic.schema.views import views

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@cache
def edition() -> str:
    """A digest of all views and comments, by which a lab knows whether it has these or older ones."""
    return content_key([view.sql for view in views()], [table_comment(name) for name in _columns()], _columns())


def apply_views_and_comments(con: DuckDBPyConnection) -> None:
    """Replace every view, and every comment that is another than this version's.

    A view's column that comes by `*` or `COLUMNS(…)` is described as in what the view reads.
    """
    for view in views():
        con.execute(view.sql)
    present: dict[str, dict[str, str | None]] = {}
    for name, column, text in con.execute(
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
    ).fetchall():
        present.setdefault(name, {})[column] = text
    described = _columns()
    statements = [f"COMMENT ON TABLE {name} IS {_quote(table_comment(name))}" for name in described]
    for view in views():
        texts = {column: text for source in view.reads for column, text in described.get(source, {}).items()}
        texts |= view.column_comments
        described = described | {view.name: {column: texts.get(column, "") for column in present[view.name]}}
        statements.append(f"COMMENT ON VIEW {view.name} IS {_quote(view.comment)}")
    for name, columns in described.items():
        changed = {column: text for column, text in columns.items() if present[name].get(column) != text}
        statements += [f'COMMENT ON COLUMN {name}."{column}" IS {_quote(text)}' for column, text in changed.items()]
    con.execute(";\n".join(statements))


def table_comment(name: str) -> str:
    """The first line of a table's docstring."""
    model = next(model for model in TABLES if model.__tablename__ == name)
    return (model.__doc__ or "").strip().partition("\n")[0]


def _columns() -> dict[str, dict[str, str]]:
    """Table → column → what it is."""
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in TABLES]
    return {table.name: {column.name: column.comment or "" for column in table.columns} for table in tables}


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
