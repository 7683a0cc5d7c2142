"""Writes docs/schema.md and docs/commands.md from what is live. A test fails when they are out of date: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import duckdb

from triadic.cli import cli
from triadic.reports.console import CONTEXT
from triadic.schema.migrate import migrate
from triadic.schema.tables import TABLES
from triadic.schema.views import views

HERE = Path(__file__).parent
COLUMNS = "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index"


def schema() -> str:
    """Tables and views as a new lab has them, with their comments."""
    con = duckdb.connect()
    migrate(con)
    comments = dict(con.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
    comments |= dict(con.execute("SELECT view_name, comment FROM duckdb_views()").fetchall())

    def section(name: str, keys: frozenset[str] = frozenset()) -> str:
        columns = con.execute(COLUMNS, [name]).fetchall()
        rows = [
            f"| {f'**{column}**' if column in keys else column} | {kind} | {text} |" for column, kind, text in columns
        ]
        return f"### {name}\n\n{comments[name]}\n\n| column | type | |\n|---|---|---|\n" + "\n".join(rows)

    parts = ["# The schema", "Every table and view of a lab, in the order in which data flows.", "## Tables"]
    parts += [section(t.__tablename__, frozenset(column.name for column in t.__table__.primary_key)) for t in TABLES]
    parts += [
        "Bold columns are the primary key.",
        "## Views",
        "Each is one file in `schema/views`, after those it reads.",
    ]
    parts += [section(view.name) for view in views()]
    return "\n\n".join(parts) + "\n"


def commands() -> str:
    """The help of every command."""

    def sections(command: click.Command, path: str) -> Iterator[str]:
        context = click.Context(command, info_name=path, **CONTEXT, terminal_width=100)
        yield f"## {path}\n\n```text\n{command.get_help(context)}\n```"
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                yield from sections(command.get_command(context, name), f"{path} {name}")

    return "\n\n".join(["# The commands", *sections(cli, "triadic")]) + "\n"


if __name__ == "__main__":
    (HERE / "schema.md").write_text(schema(), encoding="utf-8")
    (HERE / "commands.md").write_text(commands(), encoding="utf-8")
