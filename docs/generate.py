"""Writes docs/schema.md and docs/commands.md from what is live. A test fails when they are out of date."""

from __future__ import annotations

from pathlib import Path

import click
import duckdb

HERE = Path(__file__).parent


def schema() -> str:
    """Tables and views as a new lab has them, with their comments."""
    from triadic.schema.migrate import migrate
    from triadic.schema.tables import TABLES
    from triadic.schema.views import ORDER

    con = duckdb.connect()
    migrate(con)
    parts = ["# The schema", "Every table and view of a lab, in the order in which data flows.", "## Tables"]
    for table in TABLES:
        name = table.__tablename__
        (about,) = con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
        columns = con.execute(
            "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index",
            [name],
        ).fetchall()
        keys = {column.name for column in table.__table__.primary_key}
        rows = [f"| {'**' + c + '**' if c in keys else c} | {kind} | {text} |" for c, kind, text in columns]
        parts.append(f"### {name}\n\n{about}\n\n| column | type | |\n|---|---|---|\n" + "\n".join(rows))
    parts.append(
        "Bold columns are the primary key.\n\n## Views\n\nEach is one file in `schema/views`, with a comment per column."
    )
    for name in ORDER:
        columns = ", ".join(f"`{row[0]}`" for row in con.execute(f"DESCRIBE {name}").fetchall())
        first = (HERE.parent / "schema" / "views" / f"{name}.sql").read_text().splitlines()[0].removeprefix("-- ")
        parts.append(f"### {name}\n\n{first}\n\n{columns}")
    return "\n\n".join(parts) + "\n"


def commands() -> str:
    """The help of every command."""
    from triadic.cli import CONTEXT, cli

    parts = ["# The commands"]

    def walk(command, path):
        context = click.Context(command, info_name=" ".join(path), **CONTEXT, terminal_width=100)
        parts.append(f"## {' '.join(path)}\n\n```text\n{command.get_help(context)}\n```")
        for name, child in getattr(command, "commands", {}).items():
            walk(child, [*path, name])

    walk(cli, ["triadic"])
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    (HERE / "schema.md").write_text(schema(), encoding="utf-8")
    (HERE / "commands.md").write_text(commands(), encoding="utf-8")
