"""Reports in every format: what a reader sees, and what a program reads back."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from triadic.reports import output, stages
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
    assert r"100\% of R$^2$ \textless{} 1." in text
    assert r"\textless{}0.001" in text
    body = re.sub(r"%[^\n]*\n|\\[&%$#_{}]", "", text)
    assert body.count("{") == body.count("}")
    assert all(line.count("&") == 4 for line in body.splitlines() if line.startswith(("ab &", "model &")))


def test_markdown_is_a_table(report):
    lines = output.render(report, "markdown").splitlines()
    assert "| model | n | r | p | tuned |" in lines
    assert "| --- | ---: | ---: | ---: | --- |" in lines


def test_every_format_of_a_real_report(suite, tmp_path):
    written = output.write(stages.report(suite), tmp_path / "out")
    assert {path.suffix for path in written} == {".txt", ".csv", ".json", ".tex", ".md", ".parquet"}
    assert all(path.stat().st_size > 0 for path in written)
    assert "nan" not in (tmp_path / "out" / "stages.txt").read_text().lower().replace("finance", "")
    again = output.write(stages.report(suite), tmp_path / "again")
    assert [a.read_bytes() for a in written] == [b.read_bytes() for b in again]


def test_what_cannot_be_written_is_refused(report):
    with pytest.raises(BadInput, match="no format 'word': use one of text, csv, json"):
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
