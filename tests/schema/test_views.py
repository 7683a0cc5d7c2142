"""All views: the folder is the list, each is made after what it reads, each column says what it is."""

from pathlib import Path

import pytest

from triadic.schema import views as room
from triadic.schema.views import View, views

SQL = """-- One row per thing.
-- Of its kind.
CREATE OR REPLACE VIEW things AS
WITH part AS (
    SELECT a, b FROM source
)
SELECT
    a,                              -- the first
    greatest(b, [1, 2][1]) AS large, -- the larger
    CASE WHEN a THEN b
        ELSE a END
        AS chosen,                  -- whichever
    part.b,
    *                               -- the rest
FROM part
JOIN other USING (a)
UNION ALL
SELECT c, d -- not the view's own columns
FROM more;
"""


def test_the_views_are_the_folders_files_each_after_what_it_reads():
    names = [view.name for view in views()]
    assert sorted(names) == sorted(file.stem for file in Path(room.__file__).parent.glob("*.sql"))
    for place, view in enumerate(views()):
        assert view.reads & set(names) <= set(names[:place]), view.name
        assert f"CREATE OR REPLACE VIEW {view.name} AS" in view.sql


def test_a_file_is_taken_apart():
    view = View("things", SQL)
    assert view.comment == "One row per thing. Of its kind."
    assert view.reads == {"source", "part", "other", "more"}
    assert view.column_comments == {"a": "the first", "large": "the larger", "chosen": "whichever", "b": ""}


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_every_column_that_is_selected_by_name_says_what_it_is(empty_lab, view):
    assert [column for column, text in view.column_comments.items() if not text] == []
    columns = list(empty_lab.store.read(f"SELECT * FROM {view.name}").columns)
    by_name = [column for column in columns if column in view.column_comments]
    assert by_name == list(view.column_comments)
    if "*" not in view.sql.partition("AS\nSELECT")[2]:
        assert columns == by_name
