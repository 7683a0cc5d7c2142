"""Coefficients without each family."""

import numpy as np
import pandas as pd
import pytest

from triadic.reports.statistics.left_out import leave_one_group_out, stability
from triadic.reports.statistics.mixed import fit_mixed


@pytest.fixture(scope="module")
def frame():
    """Eight families of eight; x matters in family0 alone and the other way elsewhere, z everywhere, own is of family1."""
    rng = np.random.default_rng(0)
    family = np.repeat(np.arange(8), 8)
    x, z = rng.normal(size=(2, 64))
    slope = np.where(family == 0, 6.0, -0.25)
    y = slope * x + 2 * z + 0.5 * rng.normal(size=8)[family] + 0.3 * rng.normal(size=64)
    own = (family == 1) & (rng.random(64) < 0.5)
    return pd.DataFrame({"y": y, "x": x, "z": z, "own": own, "family": [f"family{i}" for i in family]})


def test_a_row_is_the_fit_without_that_family(frame):
    fit = fit_mixed("y ~ x + z", frame, "family", standardise=False)
    table = leave_one_group_out(fit)
    assert len(table) == 16
    rest = fit_mixed("y ~ x + z", frame[frame.family != "family3"], "family", standardise=False).coefficients
    mine = table[table.without == "family3"].set_index("term")
    for row in rest[1:].itertuples():
        assert mine.beta[row.term] == pytest.approx(row.beta, abs=1e-4)
        assert mine.kr_p[row.term] == pytest.approx(row.kr_p, abs=1e-4)
        assert (mine.low[row.term], mine.high[row.term]) == pytest.approx((row.kr_low, row.kr_high), abs=1e-4)
    assert (table.n == 56).all()


def test_betas_keep_the_scale_of_all_rows(frame):
    fit = fit_mixed("y ~ x + z", frame, "family")
    table = leave_one_group_out(fit).set_index(["term", "without"]).beta
    plain = leave_one_group_out(fit_mixed("y ~ x + z", frame, "family", standardise=False)).set_index(
        ["term", "without"]
    )
    assert table["z"].to_numpy() == pytest.approx((plain.beta["z"] * frame.z.std()).to_numpy(), rel=1e-6)


def test_the_family_that_carries_an_effect_is_named(frame):
    rng = np.random.default_rng(1)
    fit = fit_mixed("y ~ x + z + own", frame, "family", rng, n_bootstrap=400)
    summary = stability(fit, leave_one_group_out(fit, rng, 400)).set_index("term")
    assert summary.sign_changes_without["x"] == "family0"
    assert "family0" in summary.verdict_changes_without["x"]
    assert summary.lowest_without["x"] == "family0"
    assert (summary.sign_changes_without["z"], summary.verdict_changes_without["z"]) == ("", "")
    assert summary.verdict["z"] == "yes"
    assert summary.not_told_without["own"] == "family1"
    assert (summary.lowest <= summary.highest).all()


def test_without_a_bootstrap_verdicts_rest_on_kenward_roger(frame):
    table = leave_one_group_out(fit_mixed("y ~ x + z", frame, "family"))
    assert table.p.isna().all()
    assert (table.verdict == np.where(table.kr_p < 0.05, "yes", "no")).all()


def test_a_family_without_which_nothing_can_be_fitted_has_no_figures():
    rng = np.random.default_rng(2)
    small = pd.DataFrame({"y": rng.normal(size=10), "a": rng.normal(size=10), "b": rng.normal(size=10)})
    small["family"] = ["one"] * 7 + ["two"] * 2 + ["three"]
    table = leave_one_group_out(fit_mixed("y ~ a + b", small, "family"))
    assert table[table.without == "one"].beta.isna().all()
    assert table[table.without == "two"].beta.notna().all()
