"""`report paper`: every printed statistic has a row and a verdict by the stated rule."""

import math

import pytest

from triadic.reports import paper
from triadic.reports.paper import significant, verdict
from triadic.reports.readings import Reading


@pytest.fixture(scope="module")
def report(suite):
    return paper.report(suite)


def test_every_statistic_of_the_paper_has_a_row_with_n_and_verdict(suite, report):
    (printed,) = suite.row("SELECT count(*) FROM published_statistic")
    table = report.frame("statistics")
    assert len(table) == printed == 32
    computed = table[~table.verdict.str.startswith("not computed")]
    assert set(table.analysis[table.verdict.str.startswith("not computed")]) == {"dimensionality"}
    assert (computed.n > 0).all()
    assert (computed.explained_by[computed.verdict != "agrees"] != "").all()


def test_ours_are_the_numbers_of_the_other_reports(suite, report):
    ours = report.frame("statistics").set_index(["analysis", "term"]).ours
    (r,) = suite.row("SELECT corr(alignment, mlp_dim) FROM ingredient_frame WHERE origin = 'published'")
    assert ours["correlation", "mlp_dim"] == pytest.approx(r)
    (bbh,) = suite.row("SELECT corr(alignment, score) FROM benchmark_frame WHERE is_comparable AND benchmark = 'BBH'")
    assert ours["benchmark", "BBH"] == pytest.approx(bbh)
    assert ours["post_training", "base"] == pytest.approx((0.241 + 0.299 + 0.179) / 3)


def test_explanations_are_readings_whose_verdict_is_agrees(report):
    readings = report.frame("readings")
    mlp = readings[(readings.analysis == "correlation") & (readings.term == "mlp_dim")].set_index("reading")
    assert mlp.verdict["without t5-11b"] == "agrees"
    table = report.frame("statistics").set_index(["analysis", "term"])
    assert "without t5-11b" in table.explained_by["correlation", "mlp_dim"]
    assert table.verdict["correlation", "mlp_dim"] == "differs: significance"
    assert table.explained_by["correlation", "n_heads"].startswith("in direction only: on a log scale")
    assert table.explained_by["mixed_model", "mlp_dim"].startswith("none of")
    assert (table.explained_by[table.verdict == "agrees"] == "").all()


def test_the_open_choices_of_the_paper_are_all_read(report):
    seen = " ".join(report.frame("readings").reading)
    for choice in ("t5-11b", "per head", "qwen3-8b", "log scale", "Spearman", "Table 3", "pooled", "decoders only"):
        assert choice in seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<0.001", True),
        ("<0.05", True),
        (">0.05", False),
        ("0.26", False),
        ("0.026", True),
        (None, None),
        ("?", None),
        ("<0.1", None),
        (">0.01", None),
    ],
)
def test_printed_p_values(text, expected):
    assert significant(text) is expected


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (Reading("", 0.4, 50, 0.2, 0.6, 0.01), "agrees"),
        (Reading("", 0.7, 50, 0.6, 0.8, 0.001), "agrees in direction"),
        (Reading("", 0.2, 50, -0.1, 0.5, 0.2), "differs: significance"),
        (Reading("", -0.4, 50, -0.6, -0.2, 0.01), "differs: sign"),
        (Reading("", -0.1, 50, -0.4, 0.2, 0.5), "differs: sign, significance"),
    ],
)
def test_the_rule(ours, expected):
    assert verdict("r", 0.5, "<0.05", ours) == expected


def test_the_rule_for_f_and_for_plain_values():
    assert verdict("F", 1.36, "0.26", Reading("", 2.0, 70, p=0.1)) == "agrees"
    assert verdict("t", 0.34, ">0.05", Reading("", -0.5, 70, -2.5, 1.5, 0.6)) == "agrees"  # no effect has no sign
    assert verdict("F", 1.36, "0.26", Reading("", 5.0, 70, p=0.01)) == "differs: significance"
    assert verdict("mean_r2", 0.269, None, Reading("", 0.26925, 4)) == "agrees"
    assert verdict("mean_r2", 0.269, None, Reading("", 0.2397, 3)) == "differs: value"
    assert verdict("R2", 0.78, None, Reading("", 0.784, 71)) == "agrees"


def test_measured_figures_get_the_same_treatment(measured):
    table = paper.report(measured, origin="both").frame("statistics")
    assert table.groupby("origin").size().to_dict() == {"measured": 32, "published": 32}
    measured_rows = table[table.origin == "measured"].set_index(["analysis", "term"])
    assert measured_rows.ours["correlation", "hidden_size"] > 0.95
    assert measured_rows.n["correlation", "hidden_size"] == 30
    assert not any(math.isinf(value) for value in table.ours)


def test_dimensionality_is_that_of_the_labs_human_embeddings(measured):
    import numpy as np

    from triadic.schema.tables import Embedding, EmbeddingRow

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 6)) * [3, 2, 1, 0.01, 0.01, 0.01]
    raw = {
        "embedding_id": "raw",
        "concept_set_id": "set",
        "rater_id": "people",
        "role": "raw",
        "name": "SPoSE",
        "algorithm": "none",
        "n_dims": 6,
    }
    measured.insert(Embedding, [raw])
    vectors = [{"embedding_id": "raw", "position": i, "vector": row.tolist()} for i, row in enumerate(rows)]
    measured.insert(EmbeddingRow, vectors)
    table = paper.report(measured).frame("statistics").set_index(["analysis", "statistic"])
    found = table.loc[("dimensionality", "d_hat")]
    assert (found.ours, found.n, found.ours_is) == (3, 40, "PCA of SPoSE to 95%")
    assert found.verdict == "differs: value"


def test_standard_errors_stand_beside_the_printed_ones(report):
    beta = report.frame("statistics").set_index(["analysis", "term"]).loc[("mixed_model", "instruction_tuned")]
    assert beta.published_se == 0.024
    assert beta.se == pytest.approx(0.0207, abs=5e-4)


def test_two_measured_models_are_too_few_and_said_to_be(measured):
    with measured.transaction() as con:
        con.execute("DELETE FROM metric WHERE embedding_id NOT IN ('fit-Falcon3-10B-Base', 'fit-OLMo-2-0425-1B')")
    table = paper.report(measured, origin="measured").frame("statistics")
    correlations = table[table.analysis == "correlation"]
    assert set(correlations.verdict) == {"not computed: too few models"}
    assert len(table) == 32
