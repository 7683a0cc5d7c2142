"""The tables as DDL: what a migration to the newest schema must amount to.

Why this dialect and these types. duckdb-engine stores floats in four bytes, turns integer keys into SERIAL (refused by
DuckDB) and cannot reflect; duckdb-sqlalchemy, its maintained successor, does all three right, and holds DuckDB below 2,
whose files version 1.5 cannot open. Keys are text or natural integers given by us, never sequences: the same work must
have the same id everywhere. Floats say DOUBLE, positions INTEGER, small counters SMALLINT, vectors DOUBLE[].
"""

from __future__ import annotations

from triadic.schema.tables import TABLES


def ddl() -> str:
    """CREATE TABLE and COMMENT statements for all tables, as DuckDB takes them."""
    from duckdb_sqlalchemy import Dialect
    from sqlalchemy.schema import CreateTable

    dialect, parts = Dialect(), []
    for model in TABLES:
        table = model.__table__
        parts.append(str(CreateTable(table).compile(dialect=dialect)).strip() + ";")
        parts.append(f"COMMENT ON TABLE {table.name} IS {_quote((model.__doc__ or '').strip().splitlines()[0])};")
        parts += [f'COMMENT ON COLUMN {table.name}."{c.name}" IS {_quote(c.comment)};' for c in table.columns]
    return "\n".join(line.replace("\t", "    ").rstrip() for line in "\n".join(parts).splitlines()) + "\n"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
