"""`report regression` on the published suite, on a user's formula, and on measured figures."""

import pytest

from triadic.reports import regression
from triadic.schema.errors import BadInput


@pytest.fixture(scope="module")
def report(suite):
    return regression.report(suite, n_bootstrap=200)


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


def test_the_bootstrap_leads_and_every_verdict_rests_on_it(report):
    for name in ("coefficients", "terms"):
        columns = list(report.frame(name).columns)
        ps = [column for column in columns if column.endswith("_p")]
        assert ps[0] == "bootstrap_p"
        assert columns.index("bootstrap_p") < columns.index("verdict") < columns.index("kr_p")
    terms = report.frame("terms")
    assert terms[["lr_p", "bootstrap_p"]].notna().all().all()
    tested = terms[terms.term != "random intercept"]
    assert tested.kr_p.between(0, 1).all()
    assert (terms.bootstrap_low <= terms.bootstrap_p).all()
    assert (terms.bootstrap_p <= terms.bootstrap_high).all()
    clear = terms[(terms.bootstrap_low > 0.05) | (terms.bootstrap_high < 0.05)]
    assert (clear.verdict == (clear.bootstrap_p < 0.05).map({True: "yes", False: "no"})).all()
    assert (terms.drop(clear.index).verdict == "open").all()


def test_each_coefficient_has_every_p_and_a_t_interval(report):
    terms, coefficients = report.frame("terms"), report.frame("coefficients")
    assert coefficients[["wald_p", "kr_p"]].apply(lambda column: column.between(0, 1)).all().all()
    effects = coefficients[coefficients.term != "Intercept"]
    assert effects.bootstrap_p.notna().all()
    assert set(effects.term) == set(terms.term) - {"random intercept"}
    assert ((coefficients.high - coefficients.low) / 2 > 1.96 * coefficients.se).all()
    assert (coefficients.kr_p >= coefficients.wald_p).all()


def test_draws_are_enough_by_default_and_their_limits_are_said(suite):
    import inspect

    assert inspect.signature(regression.report).parameters["n_bootstrap"].default == 10_000
    few = regression.report(suite, formula="alignment ~ instruction_tuned + n_layers", n_bootstrap=200)
    assert any("200 draws" in note and "bootstrap_low to bootstrap_high" in note for note in few.notes)
    none = regression.report(suite, formula="alignment ~ instruction_tuned", n_bootstrap=0)
    assert any("Kenward–Roger's p, no bootstrap" in note for note in none.notes)
    row = none.frame("terms").iloc[0]
    assert row.verdict == ("yes" if row.kr_p < 0.05 else "no")


def test_the_model_is_printed_as_a_formula(report):
    formulas = set(report.frame("fits").formula)
    assert all(text.startswith("alignment ~ instruction_tuned + ") for text in formulas)
    assert all(text.endswith(" + (1 | family)") for text in formulas)
    assert all(any(text in note for note in report.notes) for text in formulas)


def test_every_effect_is_fitted_without_each_family(report):
    rows, summary = report.frame("left_out"), report.frame("families")
    assert len(rows) == 2 * 11 * 11
    tuned = summary[summary.term == "instruction_tuned"]
    assert (tuned.verdict == "yes").all()
    assert (tuned.sign_changes_without == "").all()
    assert (tuned.lowest_without == "Gemma").all()
    heads = summary[(summary.term == "n_heads") & (summary.model == "per head")].iloc[0]
    assert "Falcon" in heads.sign_changes_without


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
