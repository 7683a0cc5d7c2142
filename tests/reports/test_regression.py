"""`report regression` on the published suite, on a user's formula, and on measured figures."""

import pytest

from triadic.reports import regression
from triadic.schema.errors import BadInput


@pytest.fixture(scope="module")
def report(suite):
    return regression.report(suite, n_bootstrap=50)


def test_both_meanings_of_the_attention_dimension_are_fitted(report):
    terms = report.frame("coefficients").groupby("model").term.agg(set)
    assert "head_dim" in terms["per head"]
    assert "attention_dim" in terms["all heads"]


def test_n_and_what_was_dropped_are_always_shown(report):
    fits = report.frame("fits")
    assert (fits.n == 71).all()
    assert (fits.dropped == 4).all()
    assert (fits.families == 11).all()
    dropped = report.frame("dropped")
    dropped = dropped[dropped.model == "per head"].set_index("rater_name").missing.to_dict()
    assert dropped == {
        "Falcon3-Mamba-7B-Base": "n_heads, head_dim",
        "mamba-1.4b-hf": "n_heads, head_dim",
        "mamba-2.8b-hf": "n_heads, head_dim",
        "gpt-oss-20b": "training_tokens",
    }
    assert (report.frame("coefficients").n == 71).all()


def test_no_effect_is_exactly_zero_and_the_fit_says_how_it_went(report):
    assert (report.frame("coefficients").beta != 0).all()
    fits = report.frame("fits")
    assert fits.converged.all()
    assert not fits.boundary.any()
    assert set(fits.optimiser) <= {"powell", "nm", "cg"}
    assert fits.r2_marginal.between(0, 1).all()
    assert (fits.r2_conditional >= fits.r2_marginal).all()


def test_each_term_has_three_p_values(report):
    terms = report.frame("terms")
    coefficients = report.frame("coefficients")
    assert terms[["p", "bootstrap_p"]].notna().all().all()
    assert coefficients.wald_p.between(0, 1).all()
    assert set(coefficients.term) - {"Intercept"} == set(terms.term) - {"random intercept"}


def test_a_formula_of_the_users_own(suite):
    report = regression.report(suite, formula="alignment ~ instruction_tuned * n_layers + attention", n_bootstrap=0)
    assert set(report.frame("terms").term) == {
        "instruction_tuned",
        "n_layers",
        "instruction_tuned:n_layers",
        "attention",
        "random intercept",
    }
    assert report.frame("fits").n[0] == 75


def test_a_formula_that_names_nothing_is_one_line(suite):
    with pytest.raises(BadInput, match="heads_of_state") as caught:
        regression.report(suite, formula="alignment ~ heads_of_state", n_bootstrap=0)
    assert "n_heads" in str(caught.value)


def test_the_default_formula_skips_what_does_not_vary(measured):
    with measured.transaction() as con:
        con.execute("UPDATE model SET multimodal = false")
    report = regression.report(measured, origin="measured", n_bootstrap=0)
    assert "multimodal" not in set(report.frame("coefficients").term)
    assert any("multimodal left out" in note for note in report.notes)
    hidden = report.frame("coefficients").query("term == 'hidden_size'").beta
    assert (hidden > 0).all()
