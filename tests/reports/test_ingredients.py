"""`report ingredients`: the same numbers as SQL and as scipy, on the published suite and on measured figures."""

import numpy as np
import pytest
import scipy.stats as st

from triadic.reports import ingredients
from triadic.schema.errors import BadInput


@pytest.fixture(scope="module")
def report(suite):
    return ingredients.report(suite, n_resamples=200)


def row(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.parametrize("ingredient", ingredients.NUMERIC)
def test_sql_alone_gives_the_same_correlation(suite, report, ingredient):
    n, r, r_log = suite.row(
        f"SELECT regr_count(alignment, {ingredient}), corr(alignment, {ingredient}), corr(alignment, ln({ingredient})) "
        "FROM ingredient_frame WHERE origin = 'published'"
    )
    table = report.frame("correlations")
    assert row(table, ingredient=ingredient, scale="raw").n == n
    assert row(table, ingredient=ingredient, scale="raw").r == pytest.approx(r, abs=1e-12)
    assert row(table, ingredient=ingredient, scale="log").r == pytest.approx(r_log, abs=1e-12)


def test_sql_alone_gives_the_same_group_means(suite, report):
    means = report.frame("group_means")
    for ingredient in ingredients.CATEGORICAL:
        found = suite.read(
            f"SELECT {ingredient}::VARCHAR AS level, count(*) AS n, avg(alignment) AS mean FROM ingredient_frame "
            "WHERE origin = 'published' GROUP BY ALL"
        )
        for level, n, mean in found.itertuples(index=False):
            ours = row(means, ingredient=ingredient, level={"true": "yes", "false": "no"}.get(level, level))
            assert (ours.n, ours["mean"]) == (n, pytest.approx(mean))


def test_the_model_that_pulls_the_line_is_named(suite, report):
    mlp = row(report.frame("correlations"), ingredient="mlp_dim", scale="raw")
    assert mlp.moved_by == "t5-11b"
    (without,) = suite.row(
        "SELECT corr(alignment, mlp_dim) FROM ingredient_frame WHERE origin = 'published' AND rater_id <> 't5-11b'"
    )
    assert mlp.r_without == pytest.approx(without)
    assert (round(mlp.r, 2), round(mlp.r_without, 2)) == (0.18, 0.39)
    influence = row(report.frame("influence"), ingredient="mlp_dim", scale="raw", without="t5-11b")
    assert influence.r == pytest.approx(without)
    assert influence.n == mlp.n - 1


def test_attention_dimension_is_reported_in_both_meanings(report):
    table = report.frame("correlations")
    assert {"head_dim", "attention_dim"} <= set(table.ingredient)


def test_group_tests_are_scipys(suite, report):
    frame = suite.read("SELECT * FROM ingredient_frame WHERE origin = 'published'")
    tuned = frame.instruction_tuned.astype(bool)
    ours = row(report.frame("groups"), ingredient="instruction_tuned")
    theirs = st.ttest_ind(frame.alignment[tuned], frame.alignment[~tuned])
    assert (ours.contrast, ours.statistic, ours.n, ours.sizes) == ("yes − no", "t", 75, "44, 31")
    assert (ours.value, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    activation = row(report.frame("groups"), ingredient="activation_family")
    theirs = st.f_oneway(*[part.alignment for _, part in frame.groupby("activation_family")])
    assert (activation.value, activation.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (activation.statistic, activation.df) == ("F", "3, 71")


def test_every_row_carries_its_n_and_corrected_p(report):
    for table in report.tables:
        assert table.frame.n.gt(0).all(), table.name
    table = report.frame("correlations")
    assert (table.p_holm >= table.p).all()
    assert (table.low < table.r).all()
    assert (table.r < table.high).all()


def test_same_seed_same_report(suite, report):
    again = ingredients.report(suite, n_resamples=200)
    assert again.frame("correlations").equals(report.frame("correlations"))


def test_measured_figures_are_reported_beside_the_published_ones_never_with_them(measured):
    table = ingredients.report(measured, origin="both", n_resamples=0).frame("correlations")
    raw = table[(table.ingredient == "hidden_size") & (table.scale == "raw")].set_index("origin")
    assert raw.n.to_dict() == {"published": 75, "measured": 30}
    assert raw.r["measured"] > 0.95
    assert raw.reference["measured"] == "vice"
    assert np.isnan(raw.low["measured"])


def test_too_few_models_is_one_line(measured):
    with measured.transaction() as con:
        con.execute("DELETE FROM metric WHERE embedding_id NOT IN (SELECT min(embedding_id) FROM metric)")
    with pytest.raises(BadInput, match="1 models are too few"):
        ingredients.report(measured, origin="measured")
    both = ingredients.report(measured, origin="both", n_resamples=0)
    assert any("too few" in note for note in both.notes)


def test_models_at_chance_are_counted(report):
    assert any("19 of 75 models are at chance" in note for note in report.notes)


def test_group_tests_allow_for_families_and_verdicts_rest_on_that(suite, report):
    groups = report.frame("groups")
    ps = [column for column in groups.columns if column.endswith(("_p", "p_holm")) or column == "p"]
    assert ps[:2] == ["family_p", "family_p_holm"]
    tuned = row(groups, ingredient="instruction_tuned")
    assert (tuned.n_families, tuned.verdict) == (13, "yes")
    assert tuned.family_p == pytest.approx(0.00317, abs=1e-5)  # exact: all 8,192 patterns of signs
    activation = row(groups, ingredient="activation_family")
    assert activation.family_left_out == "relu"
    assert activation.p < 0.02  # as if 75 models were independent
    assert activation.family_p > 0.1
    assert activation.verdict == "no"
    assert ((groups.verdict == "yes") == (groups.family_p_holm < 0.05)).all()
