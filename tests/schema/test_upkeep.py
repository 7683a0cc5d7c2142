"""What `triadic doctor` checks is everything that the database does not check itself."""

import pytest

from triadic.schema.tables import TABLES
from triadic.schema.upkeep import POINTERS, examine

KEYS = {
    next(iter(table.__table__.primary_key)).name: table.__tablename__
    for table in TABLES
    if len(table.__table__.primary_key) == 1
}


def test_every_key_of_another_table_without_a_foreign_key_is_checked():
    named = {
        (table.__tablename__, column.name, KEYS[column.name], column.name)
        for table in TABLES
        for column in table.__table__.columns
        if column.name in KEYS and KEYS[column.name] != table.__tablename__ and not column.foreign_keys
    }
    assert named <= set(POINTERS)


@pytest.mark.parametrize("table", ["response", "refit"])
def test_rows_that_point_nowhere_are_told(empty_lab, table):
    assert examine(empty_lab) == []
    rows = {
        "response": "INSERT INTO response (run_id, triplet_no, flipped, repeat) VALUES ('lost', 0, false, 0)",
        "refit": "INSERT INTO refit VALUES ('lost', 'coin_flips', 0, 0, 0, true, [1.0])",
    }
    with empty_lab.store.transaction() as con:
        con.execute(rows[table])
    assert examine(empty_lab)[0].startswith(f"{table}: 1 rows name a ")
