"""Questions in SQL: the saved ones run in any lab, rows keep their types, mistakes are one line with the way out."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from triadic.reports import sql
from triadic.reports.formats import FORMATS
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab

OLD_LAB = Path(__file__).parents[1] / "schema" / "data" / "lab_0.1.0.tar.gz"


@pytest.fixture(scope="module")
def small_lab(tmp_path_factory):
    """A lab with answers, fits and figures. Tests only read it."""
    folder = tmp_path_factory.mktemp("small")
    with tarfile.open(OLD_LAB) as archive:
        archive.extractall(folder, filter="data")
    return Lab.open(folder / "lab")


def test_there_are_fifteen_saved_queries_each_with_its_question():
    found = sql.examples()
    assert len(found) == 15
    assert all(
        each.name == name and each.question[-1] in "?." and each.sql.endswith(";") for name, each in found.items()
    )
    assert not any("-- " in each.sql for each in found.values())


@pytest.mark.parametrize("name", sql.examples())
def test_a_saved_query_answers_and_answers_alike_each_time(small_lab, name):
    rows = sql.ask(small_lab, sql.examples()[name].sql)
    assert 0 < len(rows) <= 40
    pd.testing.assert_frame_equal(rows, sql.ask(small_lab, sql.examples()[name].sql))


@pytest.mark.parametrize("name", sql.examples())
def test_a_saved_query_runs_in_a_lab_without_rows(empty_lab, name):
    assert len(sql.ask(empty_lab, sql.examples()[name].sql)) == 0


def test_what_saved_queries_say_is_what_the_tables_hold(small_lab):
    """Against plain sums in Python."""
    answers = small_lab.store.read("FROM judgment WHERE framing = 'anchored'")
    valid = answers[answers.choice.notna()]
    pull = sql.ask(small_lab, sql.examples()["first-option"].sql)
    for row in pull.itertuples():
        chosen = valid[(valid.rater_name == row.rater_name) & (valid.answer == row.answer)].chose_first
        assert (row.n_answers, row.first_option_rate) == (len(chosen), pytest.approx(chosen.astype(bool).mean()))
    reasons = sql.ask(small_lab, sql.examples()["invalid-reasons"].sql)
    assert reasons.groupby(["rater_name", "answer"]).share.sum().tolist() == pytest.approx([1.0] * 6)
    paired = sql.ask(small_lab, sql.examples()["paired-draws"].sql)
    draws = small_lab.store.read(
        "SELECT a.rater_name, a.reference, d.draw, d.value FROM metric_draw d JOIN alignment a "
        "ON a.run_id = d.run_id AND a.metric_name = d.name WHERE d.kind = 'bootstrap_answers' AND is_shown "
        "AND metric_name = 'procrustes_r2' AND method = 'ckl-5-hard, 5D, anchored, score'"
    )
    wide = draws.pivot(index=["reference", "draw"], columns="rater_name", values="value")
    expected = (wide["gemma-3-270m"] - wide["all-MiniLM-L6-v2"]).groupby("reference").mean()
    assert dict(zip(paired.reference, paired.difference, strict=True)) == pytest.approx(expected.to_dict())


def test_integers_stay_integers_where_some_are_missing(empty_lab):
    big = 2**62 + 1
    query = f"SELECT * FROM (VALUES ({big}, 1), (NULL, 2)) AS t(hash, n) ORDER BY n"
    assert json.loads(_rendered(sql.ask(empty_lab, query), "json"))[0]["hash"] == big
    assert _rendered(sql.ask(empty_lab, query), "csv") == f"hash,n\n{big},1\n,2\n"
    assert sql.ask(empty_lab, "SELECT sum(n) AS n FROM range(4) t(n)").n.tolist() == [6]


def _rendered(frame, form):
    from triadic.reports.output import render_text

    return render_text(frame, form)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT rater, count(*) FROM judgment GROUP BY ALL",
            r'"rater" not found.*"rater_name".*rater_name is the name',
        ),
        ("SELECT metric FROM alignment", r"it is metric_name"),
        ("SELECT concept FROM concept_quality", r"it is anchor in views"),
        ("SELECT is_newest FROM fit", r"it is is_shown"),
        ("SELECT choise FROM judgment", r'Candidate bindings: .*"choice"'),
        ("FROM judgement", r'Did you mean "judgment"'),
        ("SELECT 1; SELECT 2", r"one query at a time: these are 2"),
        ("", r"give one query"),
        ("SELEC 1", r"SQL: Parser Error"),
        ("DELETE FROM rater", r"read-only"),
        ("CREATE TABLE t AS SELECT 1", r"read-only"),
    ],
)
def test_a_mistake_is_one_line_with_what_is_near_it(small_lab, query, message):
    with pytest.raises(BadInput, match=message) as caught:
        sql.ask(small_lab, query)
    assert "\n" not in str(caught.value)
    assert "LINE 1" not in str(caught.value)


def test_no_column_of_any_view_has_the_name_of_a_table(small_lab):
    """`SELECT rater` gave structs where a table of that name was in the query, and no error."""
    names = set(small_lab.store.read("SELECT table_name FROM duckdb_tables()").table_name)
    columns = small_lab.store.read(
        "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_views() ON view_name = table_name WHERE NOT duckdb_views.internal"
    )
    assert [tuple(row) for row in columns.to_numpy() if row[1] in names] == []


def test_an_unknown_example_names_those_near_it():
    with pytest.raises(NotFound, match=r"no example 'anchr' \(did you mean anchor\?\): `triadic sql --examples` lists"):
        sql.find_example("anchr")


def test_the_command_takes_queries_from_the_argument_stdin_and_the_saved_ones(call, small_lab, monkeypatch):
    at = ("--lab", small_lab.path, "sql")
    query = "SELECT count(*) AS n FROM judgment"
    assert call(*at, query)[1].split() == ["n", "----", "1700"]
    monkeypatch.setattr("sys.stdin", io.StringIO(query))
    assert call(*at, "-", "--format", "csv")[1] == "n\n1700\n"
    listed = call(*at, "--examples", "--format", "csv")[1]
    assert [line.partition(",")[0] for line in listed.splitlines()[1:]] == list(sql.examples())
    for flag in ("--examples", "--example"):
        code, out, err = call(*at, flag, "question-sets")
        assert code == 0
        assert "things-128-200" in out
        assert err.startswith("SELECT")  # what was asked, to learn from
    code, _, err = call(*at)
    assert (code, err.strip().count("\n")) == (2, 0)
    assert "--examples" in err


def test_no_rows_are_said_so(call, small_lab):
    code, out, err = call("--lab", small_lab.path, "sql", "FROM rater WHERE rater_id = 'nobody'")
    assert (code, out) == (0, "")
    assert err.startswith("no rows")
    code, out, err = call(
        "--lab", small_lab.path, "sql", "SELECT rater_id FROM rater WHERE kind = 'x'", "--format", "csv"
    )
    assert (code, out) == (0, "rater_id\n")
    assert err.startswith("no rows")


@pytest.mark.parametrize("suffix", FORMATS.values())
def test_rows_go_into_a_file_of_the_format_its_name_says(call, small_lab, tmp_path, suffix):
    file = tmp_path / f"rows.{suffix}"
    query = "SELECT rater_name, avg(preference) AS preference FROM judgment GROUP BY ALL ORDER BY ALL"
    code, out, err = call("--lab", small_lab.path, "sql", query, "--output", file)
    assert (code, out) == (0, "")
    assert err == f"5 rows in {file}\n"
    expected = small_lab.store.read(query)
    if suffix == "csv":
        pd.testing.assert_frame_equal(pd.read_csv(file), expected, check_dtype=False)
    elif suffix == "parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(file), expected)
    elif suffix == "json":
        assert [row["preference"] for row in json.loads(file.read_text())][:1] == [None]
    else:
        assert {"txt": "-----", "md": "|:---", "tex": r"\toprule"}[suffix] in file.read_text()


def test_a_file_without_a_known_suffix_is_refused_before_anything_is_asked(call, small_lab, tmp_path):
    code, _, err = call("--lab", small_lab.path, "sql", "nonsense", "--output", tmp_path / "rows.xlsx")
    assert code == 2
    assert "end it in one of" in err
    out = tmp_path / "rows.dat"
    assert call("--lab", small_lab.path, "sql", "SELECT 1 AS a", "--output", out, "--format", "csv")[0] == 0
    assert out.read_text() == "a\n1\n"


def test_a_table_fits_the_terminal_that_columns_states(call, small_lab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    query = "FROM judgment LIMIT 3"
    out = call("--lab", small_lab.path, "sql", query)[1]
    assert max(map(len, out.splitlines())) <= 80
    assert "left out to fit 80 columns:" in out
    whole = call("--lab", small_lab.path, "sql", query, "--columns", "all")[1]
    assert "left out" not in whole
    assert "right_position" in whole
    some = call("--lab", small_lab.path, "sql", query, "--columns", "choice,anchor")[1]
    assert re.split(r"\s+", some)[:2] == ["choice", "anchor"]
    monkeypatch.delenv("COLUMNS")
    assert call("--lab", small_lab.path, "sql", query)[1] == whole  # no terminal: whole
