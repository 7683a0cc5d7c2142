"""Writes docs/schema.md, commands.md and sql.md, and the outputs in README.md, from what is live. A test fails when they are out of date: `make docs`."""

from __future__ import annotations

import re
import shlex
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import duckdb
from click.testing import CliRunner

from triadic.cli import cli
from triadic.reports.output import render_text
from triadic.reports.sql import ask, examples
from triadic.schema.commands import CONTEXT
from triadic.schema.lab import Lab
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


SQL = """# Questions in SQL

Every answer, vector and figure of a lab is a row; [the schema](schema.md) says what each column is. `triadic sql` asks, reads
only, and works while a judge runs. `triadic sql --examples` lists the queries below, `triadic sql --examples NAME` runs one
on your lab, `triadic sql -` takes one on stdin, and `--output FILE.csv` (.parquet, .json, .md, .tex) keeps the rows.

The file itself opens in any DuckDB client. Open it read-only, and close it again: DuckDB lets nobody write while it is open.

```python
import duckdb

with duckdb.connect("lab/lab.duckdb", read_only=True) as con:
    answers = con.sql("FROM judgment WHERE anchor = 'butterfly'").df()
```

A query that keeps its lab closed to nobody, with the columns as a pandas frame:

```python
from triadic.schema.lab import Lab

answers = Lab.open("lab").store.read("FROM judgment WHERE anchor = 'butterfly'")
```

What follows is asked of a small lab: 200 questions to gemma-3-270m, to a sentence embedding and to raters that answer by
a rule, and odd-one-out answers and a reference of random numbers. Put your own raters and words in."""


@contextmanager
def small_lab() -> Iterator[Lab]:
    """A copy of the small lab of the tests."""
    with TemporaryDirectory() as folder:
        with tarfile.open(HERE.parent / "tests" / "schema" / "data" / "lab_0.1.0.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        yield Lab.open(Path(folder) / "lab")


def readme() -> str:
    """The README, what stands below each `$ triadic …` being what that prints on the small lab."""
    with small_lab() as lab:

        def printed(block: re.Match[str]) -> str:
            words = shlex.split(block.group(1))[1:]
            done = CliRunner().invoke(cli, ["--lab", str(lab.path), *words], env={"COLUMNS": "118"})
            if done.exit_code:
                raise SystemExit(f"{block.group(1)}: {done.output}{done.exception}")
            return f"```text\n$ {block.group(1)}\n{done.stdout.rstrip()}\n```"

        text = (HERE.parent / "README.md").read_text(encoding="utf-8")
        return re.sub(r"```text\n\$ (triadic [^\n]*)\n.*?```", printed, text, flags=re.DOTALL)


def sql() -> str:
    """The saved queries with what they answer on the small lab of the tests."""
    with small_lab() as lab:
        parts = [
            f"## {each.name}\n\n{each.question}\n\n```sql\n{each.sql}\n```\n\n```text\n{render_text(ask(lab, each.sql))}```"
            for each in examples().values()
        ]
    return "\n\n".join([SQL, *parts]) + "\n"


if __name__ == "__main__":
    (HERE / "schema.md").write_text(schema(), encoding="utf-8")
    (HERE / "commands.md").write_text(commands(), encoding="utf-8")
    (HERE / "sql.md").write_text(sql(), encoding="utf-8")
    (HERE.parent / "README.md").write_text(readme(), encoding="utf-8")
