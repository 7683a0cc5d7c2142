"""Reports in every format: what a reader sees, and what a program reads back."""

import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from triadic.reports import output, stages
from triadic.reports.columns import pick, pick_tables
from triadic.reports.formats import FORMATS, format_of
from triadic.reports.report import Report, Table
from triadic.schema.errors import BadInput, NotFound


@pytest.fixture
def report():
    frame = pd.DataFrame(
        {
            "origin": "published",
            "model": ["a_b", "c & d"],
            "n": [3, 4],
            "r": [0.123456, np.nan],
            "p": [1e-9, 0.04],
            "tuned": [True, False],
        }
    )
    many = pd.DataFrame({"row": range(5), "n": 5})
    notes = ["100% of R² < 1."]
    return Report("demo", "A demonstration", [Table("rs", "Some r", frame), Table("many", "Long", many, 2)], notes)


def test_text_is_rounded_aligned_and_never_calls_p_zero(report):
    text = output.render(report)
    assert "<0.001" in text
    assert "0.123" in text
    assert "0.1234" not in text
    assert "[rs; origin: published]" in text  # the same in every row, so given once
    assert "3 more rows" in text
    assert "- 100% of R² < 1." in text
    lines = [line for line in text.splitlines() if line.startswith(("model", "a_b", "c & d"))]
    assert len({line.index("0.123") + 5 for line in lines if "0.123" in line} | {lines[0].index(" r ") + 2}) == 1


def test_csv_and_parquet_read_back_in_full_precision(report):
    back = pd.read_csv(io.StringIO(output.render(report, "csv", "rs")))
    assert back.r[0] == 0.123456
    assert len(pd.read_csv(io.StringIO(output.render(report, "csv", "many")))) == 5
    pd.testing.assert_frame_equal(
        pd.read_parquet(io.BytesIO(output.render(report, "parquet", "rs"))), report.frame("rs")
    )
    assert "# rs: Some r" in output.render(report, "csv")


def test_json_has_null_for_what_is_missing(report):
    back = json.loads(output.render(report, "json"))
    assert back["tables"]["rs"][1]["r"] is None
    assert back["tables"]["rs"][0] == {
        "origin": "published",
        "model": "a_b",
        "n": 3,
        "r": 0.123456,
        "p": 1e-9,
        "tuned": True,
    }
    assert back["notes"] == report.notes


def test_latex_is_booktabs_with_special_signs_escaped(report):
    text = output.render(report, "latex")
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [2, 2, 2]
    assert r"a\_b" in text
    assert r"c \& d" in text
    assert r"100\% of R$^2$ \ensuremath{<} 1." in text
    assert r"\ensuremath{<}0.001" in text
    body = re.sub(r"%[^\n]*\n|\\[&%$#_{}]", "", text)
    assert body.count("{") == body.count("}")
    rows = [line for line in body.splitlines() if line.strip().startswith(("ab ", "model "))]
    assert [line.count("&") for line in rows] == [4, 4]


def test_markdown_is_a_table(report):
    lines = [re.sub(" +", " ", line) for line in output.render(report, "markdown").splitlines()]
    assert "| model | n | r | p | tuned |" in lines
    assert "|:------|--:|------:|-------:|:------|" in lines
    assert r"a\|b" in output.render_text(pd.DataFrame({"x": ["a|b"]}), "markdown")


def test_a_table_that_is_too_wide_leaves_out_columns_from_the_right_and_says_which():
    frame = pd.DataFrame([[i * 1000 for i in range(30)]], columns=[f"column_{i}" for i in range(30)])
    for width in (20, 40, 80, 120):
        text = output.render_text(frame, "table", width)
        assert max(map(len, text.splitlines())) <= max(width, len("`--columns a,b,c`"))
        shown = text.split("\n")[0].split()
        assert shown == list(frame.columns[: len(shown)])
        left_out = re.sub(r"\s+", " ", text.partition("columns: ")[2].partition(" (`--columns all`")[0]).strip()
        assert re.findall(r"column_\d+", left_out)[:1] == [f"column_{len(shown)}"]
        assert len(re.findall(r"column_\d+", text)) == 30
    assert output.render_text(frame, "table", 1000) == output.render_text(frame)
    assert output.render_text(frame, "table", 5).split()[0] == "column_0"  # one column always is
    assert output.render_text(frame, "csv", 40) == output.render_text(frame, "csv")


def test_notes_are_wrapped_to_the_width_too(report):
    report.notes.append("word " * 60)
    assert max(map(len, output.render(report, "table", width=60).splitlines())) <= 60


def test_counts_with_missing_values_are_integers_and_measures_are_not():
    frame = pd.DataFrame({"n_params": [0.27, 7.0, np.nan], "n": [3.0, np.nan, 12.0], "share": [1.0, 0.0, np.nan]})
    rows = [line.split() for line in output.render_text(frame).splitlines()[2:]]
    assert rows == [["0.270", "3", "1.000"], ["7.000", "–", "0.000"], ["–", "12", "–"]]


def test_cells_keep_to_one_line_and_lists_are_short():
    frame = pd.DataFrame({"text": ["one\ntwo", " a"], "vector": [np.array([0.12345, 2.0]), np.array([])]})
    assert output.render_text(frame).splitlines()[2:] == ["one↵two  [0.123, 2.000]", " a       []"]
    assert json.loads(output.render_text(frame, "json"))[0]["vector"] == [0.12345, 2.0]


def test_two_columns_of_one_name_are_both_shown():
    frame = pd.DataFrame([[1, "b"]], columns=["x", "x"])
    assert output.render_text(frame).splitlines()[2] == "1  b"


def test_json_has_times_decimals_and_missing_integers():
    frame = pd.DataFrame(
        {
            "at": [pd.Timestamp("2026-11-24T13:15:48.5", tz="UTC")],
            "day": [date(2026, 11, 24)],
            "sum": [Decimal(7)],
            "half": [Decimal("0.5")],
            "no": pd.array([None], "Int64"),
        }
    )
    assert json.loads(output.render_text(frame, "json")) == [
        {"at": "2026-11-24T13:15:48.500000+00:00", "day": "2026-11-24", "sum": 7, "half": 0.5, "no": None}
    ]


def test_a_table_without_rows_says_why_in_every_format_for_readers():
    empty = pd.DataFrame({"r": pd.Series(dtype=float)})
    why = "no answers yet: `triadic run MODEL` asks for some"
    report = Report("demo", "A demonstration", [Table("rs", "Some r", empty, empty=why), Table("none", "More", empty)])
    for form in ("table", "markdown", "latex"):
        assert why in output.render(report, form)
        assert "no rows" in output.render(report, form)
    assert output.render(report, "csv", "rs") == "r\n"
    assert why in output.render(report, "table", "rs")


def test_columns_are_picked_in_the_order_asked_for(report):
    frame = report.frame("rs")
    assert list(pick(frame, "r, model").columns) == ["r", "model"]
    assert pick(frame, "all") is frame
    with pytest.raises(BadInput, match="no column 'modle': did you mean model\\?"):
        pick(frame, "modle")
    with pytest.raises(BadInput, match="no column 'zzzz': there are origin, model, n, r, p, tuned"):
        pick(frame, "zzzz")
    picked = pick_tables(report, "p,origin")
    assert [table.name for table in picked.tables] == ["rs"]  # the other has neither
    assert output.render(picked).splitlines()[4].split() == ["p", "origin"]  # asked for, so not moved into the heading
    with pytest.raises(BadInput, match="no column 'row': there are origin"):
        pick_tables(report, "row", "rs")


def test_a_suffix_says_the_format():
    assert {format_of(Path(f"x.{suffix}")) for suffix in FORMATS.values()} == set(FORMATS)
    assert format_of(Path("a.b/X.CSV")) == "csv"
    with pytest.raises(BadInput, match=r"x.xlsx does not say its format: end it in one of \.txt, \.csv"):
        format_of(Path("x.xlsx"))


def test_every_format_of_a_real_report(suite, tmp_path):
    written = output.write(stages.report(suite), tmp_path / "out")
    assert {path.suffix for path in written} == {".txt", ".csv", ".json", ".tex", ".md", ".parquet"}
    assert all(path.stat().st_size > 0 for path in written)
    assert "nan" not in (tmp_path / "out" / "stages.txt").read_text().lower().replace("finance", "")
    again = output.write(stages.report(suite), tmp_path / "again")
    assert [a.read_bytes() for a in written] == [b.read_bytes() for b in again]


def test_what_cannot_be_written_is_refused(report):
    with pytest.raises(BadInput, match="no format 'word': use one of table, csv, json"):
        output.render(report, "word")
    with pytest.raises(BadInput, match="name one of rs, many"):
        output.render(report, "parquet")
    with pytest.raises(NotFound, match="no table 'rows' in report demo: use one of rs, many"):
        output.render(report, "csv", "rows")


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (None, "", "–"),
        (float("nan"), "r", "–"),
        (pd.NA, "", "–"),
        (0.0, "p", "<0.001"),
        (0.0499, "wald_p", "0.050"),
        (37.0, "df", "37"),
        (15.42, "welch_df", "15.42"),
        (True, "", "yes"),
        (np.False_, "", "no"),
        (12, "n", "12"),
        (-0.5, "r", "-0.500"),
        (131072.0, "x", "131072"),
    ],
)
def test_cells(value, name, expected):
    assert output.cell(value, name) == expected
