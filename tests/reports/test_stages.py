"""`report stages`: the lines of Table 4 and Table 1, and pairs tested as pairs."""

import pytest
import scipy.stats as st

from triadic.reports import stages


@pytest.fixture(scope="module")
def report(suite):
    return stages.report(suite)


def test_the_llama_line_as_it_is_and_as_it_is_printed(report):
    table = report.frame("stages").set_index(["listing", "lineage"])
    printed, own = table.loc[("table1", "Llama 3.1 8B")], table.loc[("table4", "llama-3.1-tulu-3-8b")]
    assert printed[["base", "sft", "dpo", "rlvr"]].tolist() == [0.358, 0.301, 0.352, 0.424]
    assert own[["sft", "dpo", "rlvr"]].tolist() == [0.301, 0.352, 0.358]
    assert own.isna()["base"]


def test_averages_are_those_of_the_cells_with_n(report):
    averages = report.frame("averages")
    printed = averages[averages.listing == "table1"].set_index("stage")
    assert printed["mean"].round(3).tolist() == pytest.approx(printed.printed.tolist(), abs=6e-4)
    assert printed.n.to_dict() == {"base_stage1": 1, "base": 4, "sft": 4, "dpo": 4, "rlvr": 3}


def test_pairs_are_tested_as_pairs(suite, report):
    pairs, test = report.frame("pairs"), report.frame("pair_test").iloc[0]
    theirs = st.ttest_rel(pairs.tuned_alignment, pairs.base_alignment)
    assert (test.t, test.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    n, mean = suite.one("SELECT count(*), avg(difference) FROM model_pair WHERE origin = 'published'")
    assert (test.n, test.mean_change) == (n, pytest.approx(mean))
    assert pairs.same_shape.all()
    assert not pairs.duplicated("base_rater").any()


def test_steps_compare_the_same_lines(report):
    steps = report.frame("steps").set_index(["listing", "step"])
    assert steps.loc[("table4", "base → sft"), "n"] == 5
    assert steps.loc[("table4", "dpo → rlvr"), "mean_change"] == pytest.approx(
        ((0.358 - 0.352) + (0.414 - 0.406) + (0.241 - 0.357)) / 3
    )


def test_without_pairs_the_report_says_so(measured):
    with measured.transaction() as con:
        con.execute("DELETE FROM metric WHERE embedding_id <> 'fit-Falcon3-10B-Base'")
    report = stages.report(measured, origin="measured")
    assert any("no pairs" in note for note in report.notes)
    assert report.tables == []
    assert report.figures == {}
