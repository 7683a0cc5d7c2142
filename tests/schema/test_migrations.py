"""The numbered migrations and the SQLModel tables describe one schema, and every lab gets there or is refused."""

import duckdb
import pytest

from triadic.schema import migrate as migrating
from triadic.schema.ddl import ddl
from triadic.schema.errors import Conflict
from triadic.schema.lab import Lab
from triadic.schema.tables import TABLES

COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() "
    "WHERE schema_name = 'main' AND table_name NOT LIKE 'schema_%' AND table_name IN (SELECT table_name FROM duckdb_tables()) "
    "ORDER BY ALL"
)
KEYS = (
    "SELECT table_name, constraint_type, constraint_column_names FROM duckdb_constraints() "
    "WHERE table_name NOT LIKE 'schema_%' AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') ORDER BY ALL"
)


def test_migrations_amount_to_the_tables():
    declared, migrated = duckdb.connect(), duckdb.connect()
    declared.execute(ddl())
    migrating.migrate(migrated)
    assert migrated.execute(COLUMNS).fetchall() == declared.execute(COLUMNS).fetchall()
    assert migrated.execute(KEYS).fetchall() == declared.execute(KEYS).fetchall()


def test_every_column_is_described_and_every_float_is_double():
    con = duckdb.connect()
    con.execute(ddl())
    for table, column, kind, _, comment in con.execute(COLUMNS).fetchall():
        assert comment, f"{table}.{column} has no description"
        assert kind not in ("FLOAT", "REAL", "FLOAT[]"), f"{table}.{column} is four bytes"


def test_migrations_are_numbered_without_gaps():
    assert [number for number, _, _ in migrating.migrations()] == list(range(1, len(migrating.migrations()) + 1))


def test_migrating_twice_changes_nothing(tmp_path):
    lab = Lab.create(tmp_path / "lab")
    before = lab.store.read("SELECT * FROM schema_version")
    Lab.create(tmp_path / "lab")
    assert lab.store.read("SELECT * FROM schema_version").equals(before)


def test_an_older_lab_is_brought_up_to_date_with_its_rows(tmp_path, monkeypatch):
    lab = Lab.create(tmp_path / "lab")
    lab.store.insert(TABLES[2], [TABLES[2](rater_id="someone", kind="human")])
    newer = [*migrating.migrations(), (2, "extra", "ALTER TABLE rater ADD COLUMN shoe_size INTEGER;")]
    monkeypatch.setattr(migrating, "migrations", lambda: newer)
    assert lab.store.row("SELECT rater_id, shoe_size FROM rater") == ("someone", None)
    assert lab.store.row("SELECT max(version) FROM schema_version") == (2,)


def test_a_changed_view_is_replaced_on_the_next_opening(tmp_path):
    lab = Lab.create(tmp_path / "lab")
    with lab.store.transaction() as con:
        con.execute("CREATE OR REPLACE VIEW run_status AS SELECT 1 AS old")
        con.execute("UPDATE schema_views SET digest = 'of an older Triadic'")
    assert "status" in lab.store.read("SELECT * FROM run_status").columns


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
