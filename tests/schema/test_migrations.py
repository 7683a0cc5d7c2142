"""The numbered migrations and the SQLModel tables describe one schema, and every lab gets there or is refused."""

import hashlib

import duckdb
import pytest
from duckdb_sqlalchemy import Dialect
from sqlalchemy.schema import CreateTable
from sqlmodel import SQLModel

from triadic.schema import migrate as migrating
from triadic.schema.errors import Conflict
from triadic.schema.lab import Lab
from triadic.schema.tables import TABLES, Rater

# A migration that was released is never edited: what it does is done in somebody's lab. A new one is entered here.
RELEASED = {
    "initial": "0e36a75d180f566953420243a1d478adc20abde0f08d16d835869370b8461a6a",
    "mouse": "1b1a9b8d05ad9252d50dd5291f8646eaaaefc4103e2c0bd5fa1de24e0eac79f5",
    "names_and_refits": "eabe30f7ed06de9e89f42af73c8925f09bc772771029777757e0b83efe6fd3fc",
}
COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
    "WHERE schema_name = 'main' AND table_name NOT LIKE 'schema_%' AND table_name IN (SELECT table_name FROM duckdb_tables()) "
    "ORDER BY ALL"
)
KEYS = (
    "SELECT table_name, constraint_type, constraint_column_names FROM duckdb_constraints() "
    "WHERE table_name NOT LIKE 'schema_%' AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') ORDER BY ALL"
)


def ddl() -> str:
    """CREATE TABLE statements for all tables, as DuckDB takes them."""
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in TABLES]
    return ";\n".join(str(CreateTable(table).compile(dialect=Dialect())) for table in tables)


@pytest.fixture
def migrated():
    con = duckdb.connect()
    migrating.migrate(con)
    return con


def test_migrations_amount_to_the_tables(migrated):
    declared = duckdb.connect()
    declared.execute(ddl())
    assert migrated.execute(COLUMNS).fetchall() == declared.execute(COLUMNS).fetchall()
    assert migrated.execute(KEYS).fetchall() == declared.execute(KEYS).fetchall()


def test_released_migrations_are_as_they_were_released():
    digests = {name: hashlib.sha256(sql.encode()).hexdigest() for _, name, sql in migrating.migrations()}
    assert {name: digests[name] for name in RELEASED} == RELEASED


def test_every_column_is_described_and_every_float_is_double(migrated):
    rows = migrated.execute(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE NOT internal AND table_name NOT LIKE 'schema_%'"
    ).fetchall()
    assert {model.__tablename__ for model in TABLES} < {row[0] for row in rows}  # tables, and views beside them
    for table, column, kind, comment in rows:
        assert comment, f"{table}.{column} has no description"
        if (table, column) != ("refit", "vector"):  # draws: half the room, and seven digits are plenty
            assert kind not in ("FLOAT", "REAL", "FLOAT[]"), f"{table}.{column} is four bytes"
    undescribed = migrated.execute(
        "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL UNION ALL "
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') = ''"
    ).fetchall()
    assert undescribed == []


def test_comments_are_those_of_the_tables_whatever_the_migrations_said(migrated):
    declared = {
        (table.name, column.name): column.comment
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
    }
    found = migrated.execute("SELECT table_name, column_name, comment FROM duckdb_columns()").fetchall()
    assert {(table, column): text for table, column, text in found if (table, column) in declared} == declared


def test_migrations_are_numbered_without_gaps():
    assert [number for number, _, _ in migrating.migrations()] == list(range(1, len(migrating.migrations()) + 1))


def test_migrating_twice_changes_nothing(tmp_path):
    lab = Lab.create(tmp_path / "lab")
    before = lab.store.read("SELECT * FROM schema_version")
    Lab.create(tmp_path / "lab")
    assert lab.store.read("SELECT * FROM schema_version").equals(before)


def test_an_older_lab_is_brought_up_to_date_with_its_rows(tmp_path, monkeypatch):
    lab = Lab.create(tmp_path / "lab")
    lab.store.insert(Rater, [Rater(rater_id="someone", kind="human")])
    number = migrating.newest_version() + 1
    newer = [*migrating.migrations(), (number, "extra", "ALTER TABLE rater ADD COLUMN shoe_size INTEGER;")]
    monkeypatch.setattr(migrating, "migrations", lambda: newer)
    assert lab.store.row("SELECT rater_id, shoe_size FROM rater") == ("someone", None)
    assert lab.store.row("SELECT max(version) FROM schema_version") == (number,)


def test_changed_views_and_comments_are_replaced_on_the_next_opening(tmp_path):
    lab = Lab.create(tmp_path / "lab")
    with lab.store.transaction() as con:
        con.execute("CREATE OR REPLACE VIEW run_status AS SELECT 1 AS old")
        con.execute("COMMENT ON COLUMN rater.kind IS 'of an older Triadic'")
        con.execute("UPDATE schema_views SET digest = 'of an older Triadic'")
    assert "status" in lab.store.read("SELECT * FROM run_status").columns
    text = "SELECT comment FROM duckdb_columns() WHERE table_name = 'rater' AND column_name = 'kind'"
    assert lab.store.value(text).startswith("llm, human")


def test_a_lab_of_a_newer_triadic_is_refused(tmp_path):
    lab = Lab.create(tmp_path / "lab")
    with lab.store.transaction() as con:
        con.execute("INSERT INTO schema_version VALUES (999, 'future', '9.9', now())")
    with pytest.raises(Conflict, match="written by a newer Triadic"):
        Lab.open(tmp_path / "lab")


def test_a_database_that_is_no_lab_is_refused(tmp_path):
    (tmp_path / "lab").mkdir()
    duckdb.connect(str(tmp_path / "lab" / "lab.duckdb")).close()
    with pytest.raises(Conflict, match="not a Triadic lab"):
        Lab.open(tmp_path / "lab")
