"""Numbered migrations, from the first day. `migrations/NNNN_name.sql` runs once, in order, each in a transaction of its own.

The SQLModel tables say what the newest schema is; the migrations say how a lab gets there. A test builds a lab from the
migrations and compares it with the tables, column by column, so that neither can drift from the other. A migration that
was released is never edited (a test holds the digest of each); comments and views are applied apart from them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import triadic
from triadic.schema.comments import apply_views_and_comments, edition
from triadic.schema.errors import Conflict

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def migrations() -> list[tuple[int, str, str]]:
    """All migrations as (number, name, sql), in order."""
    found = [file for file in files("triadic.schema.migrations").iterdir() if file.name.endswith(".sql")]
    return sorted((int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8")) for file in found)


def newest_version() -> int:
    return migrations()[-1][0]


def schema_version(con: DuckDBPyConnection) -> int | None:
    """The lab's schema version; None when this is no lab at all."""
    if not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_version'").fetchall():
        return None
    return int(con.execute("SELECT max(version) FROM schema_version").fetchall()[0][0])


def is_current(con: DuckDBPyConnection, path: Path) -> bool:
    """Whether the lab needs nothing done to it. Raises Conflict when it is no lab or was written by a newer Triadic."""
    version = schema_version(con)
    if version is None:
        raise Conflict(
            f"{path} is a DuckDB file, but not a Triadic lab: point --lab at a folder made by `triadic init`"
        )
    if version > newest_version():
        raise Conflict(
            f"{path} has schema version {version}, written by a newer Triadic; this one ({triadic.__version__}) "
            f"reads up to {newest_version()}: upgrade Triadic to open it"
        )
    applied = con.execute("SELECT digest FROM schema_views ORDER BY applied_at DESC LIMIT 1").fetchall()
    return version == newest_version() and applied == [(edition(),)]


def migrate(con: DuckDBPyConnection) -> None:
    """Bring an empty or older database to the newest schema, and its views and comments to this version's."""
    current = schema_version(con) or 0
    for number, name, sql in migrations():
        if number > current:
            con.begin()
            con.execute(sql)
            con.execute("INSERT INTO schema_version VALUES (?, ?, ?, now())", [number, name, triadic.__version__])
            con.commit()
    con.begin()
    apply_views_and_comments(con)
    con.execute("INSERT INTO schema_views VALUES (?, now()) ON CONFLICT DO UPDATE SET applied_at = now()", [edition()])
    con.commit()
