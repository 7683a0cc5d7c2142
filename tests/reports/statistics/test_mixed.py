"""The mixed model against lme4's published results.

The figures are those lme4 prints for its own data sets (Bates, Mächler, Bolker & Walker 2015, J. Stat. Software 67(1),
and the package's reference pages); R² of sleepstudy is that of r.squaredGLMM / r2_nakagawa for the same fit.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from triadic.reports.statistics.collinearity import variance_inflation
from triadic.reports.statistics.likelihood import RandomIntercept
from triadic.reports.statistics.mixed import fit_mixed, variables
from triadic.schema.errors import BadInput

DATA = Path(__file__).parents[1] / "data"
# Davies & Goldsmith (1972), table 6.4: yield of dyestuff from six batches.
DYESTUFF = [
    [1545, 1440, 1440, 1520, 1580],
    [1540, 1555, 1490, 1560, 1495],
    [1595, 1550, 1605, 1510, 1560],
    [1445, 1440, 1595, 1465, 1545],
    [1595, 1630, 1515, 1635, 1625],
    [1520, 1455, 1450, 1480, 1445],
]
# Box & Tiao (1973), section 5.1.2: made so that the batch variance is estimated as zero.
DYESTUFF2 = [
    [7.298, 3.846, 2.434, 9.566, 7.990],
    [5.220, 6.556, 0.608, 11.788, -0.892],
    [0.110, 10.386, 13.434, 5.510, 8.166],
    [2.212, 4.852, 7.092, 9.288, 4.980],
    [0.282, 9.014, 4.458, 9.446, 7.198],
    [1.722, 4.782, 8.106, 0.758, 3.758],
]


def batches(rows):
    return pd.DataFrame([(b, y) for b, ys in zip("ABCDEF", rows, strict=True) for y in ys], columns=["batch", "y"])


@pytest.fixture(scope="module")
def sleepstudy():
    return pd.read_csv(DATA / "sleepstudy.csv")


def test_sleepstudy_is_lme4s(sleepstudy):
    fit = fit_mixed("reaction ~ day", sleepstudy, "subject", standardise=False)
    assert fit.deviance == pytest.approx(1786.465085, abs=1e-3)
    assert fit.coefficients.beta.to_numpy() == pytest.approx([251.405105, 10.467286], abs=1e-4)
    assert fit.coefficients.se.to_numpy() == pytest.approx([9.7467, 0.8042], abs=2e-4)
    assert np.sqrt(fit.group_variance) == pytest.approx(37.123827, abs=5e-3)
    assert np.sqrt(fit.residual_variance) == pytest.approx(30.991234, abs=5e-3)
    assert fit.marginal_r2 == pytest.approx(0.2798856, abs=1e-4)
    assert fit.conditional_r2 == pytest.approx(0.7042555, abs=1e-4)
    assert (fit.n, fit.n_groups, fit.converged, fit.boundary) == (180, 18, True, False)
    assert fit.optimiser in ("powell", "nm")


def test_dyestuff_is_lme4s_by_both_likelihoods():
    frame = batches(DYESTUFF)
    reml = fit_mixed("y ~ 1", frame, "batch")
    assert reml.deviance == pytest.approx(319.6543, abs=1e-4)
    assert reml.coefficients.beta[0] == pytest.approx(1527.5)
    assert np.sqrt([reml.group_variance, reml.residual_variance]) == pytest.approx([42.0006, 49.5101], abs=5e-3)
    ml = fit_mixed("y ~ 1", frame, "batch", reml=False)
    assert ml.deviance == pytest.approx(327.327060, abs=1e-4)
    assert np.sqrt(ml.group_variance) == pytest.approx(37.260345, abs=5e-3)


def test_a_zero_family_variance_is_a_converged_fit_on_its_boundary():
    fit = fit_mixed("y ~ 1", batches(DYESTUFF2), "batch")
    assert fit.boundary
    assert fit.profile_deviance == pytest.approx(161.8283, abs=1e-4)
    assert fit.deviance == pytest.approx(161.8283, abs=2e-3)
    assert fit.coefficients.beta[0] == pytest.approx(5.6656, abs=1e-4)
    assert np.sqrt(fit.residual_variance) == pytest.approx(3.715684, abs=1e-3)
    assert fit.coefficients.ols_beta[0] == pytest.approx(fit.coefficients.beta[0])
    assert fit.conditional_r2 == pytest.approx(fit.marginal_r2, abs=1e-4)
    assert any("family variance is zero" in note for note in fit.notes)
    assert fit.family_test.lr_p == 1.0


def synthetic(seed=0, n=120, families=10, family_sd=0.5, slope=0.4):
    rng = np.random.default_rng(seed)
    family = rng.integers(0, families, n)
    x, z = rng.normal(size=(2, n))
    tuned = rng.random(n) < 0.5
    y = slope * x + 0.8 * tuned + rng.normal(size=families)[family] * family_sd + rng.normal(size=n) * 0.5
    return pd.DataFrame({"y": y, "x": 10 + 3 * x, "z": z, "tuned": tuned, "family": [f"f{i}" for i in family]})


def test_what_was_put_in_comes_out():
    frame = synthetic(n=2000, families=60)
    fit = fit_mixed("y ~ x + z + tuned", frame, "family")
    table = fit.coefficients.set_index("term")
    # The slope of 0.4 per unit of a column of SD one; the z-scored column has it again.
    assert table.beta["x"] == pytest.approx(0.4, abs=0.05)
    assert table.beta["tuned"] == pytest.approx(0.8, abs=0.07)
    assert table.beta["z"] == pytest.approx(0, abs=0.04)
    assert np.sqrt(fit.group_variance) == pytest.approx(0.5, abs=0.12)
    assert np.sqrt(fit.residual_variance) == pytest.approx(0.5, abs=0.03)


def test_no_family_effect_gives_ordinary_least_squares():
    fit = fit_mixed("y ~ x + z", synthetic(seed=3, family_sd=0.0), "family")
    if fit.boundary:
        assert fit.coefficients.beta.to_numpy() == pytest.approx(fit.coefficients.ols_beta.to_numpy(), abs=1e-3)
    assert fit.ols_largest_shift < 0.5
    assert (fit.coefficients.beta != 0).all()


def test_many_small_suites_never_report_a_zero_effect_or_miss_the_optimum():
    for seed in range(15):
        fit = fit_mixed("y ~ x + z + tuned", synthetic(seed, n=45, families=8, family_sd=0.0), "family")
        assert (fit.coefficients.beta != 0).all()
        assert fit.deviance < fit.profile_deviance + 1e-3


def test_likelihood_ratio_is_twice_the_difference_of_statsmodels_likelihoods():
    from statsmodels.regression.mixed_linear_model import MixedLM

    frame = synthetic(1)
    fit = fit_mixed("y ~ x + z + tuned", frame, "family", standardise=False)
    llf = [
        MixedLM.from_formula(f, frame.assign(tuned=frame.tuned.astype(float)), groups=frame.family)
        .fit(reml=False, method=["powell"])
        .llf
        for f in ("y ~ x + tuned", "y ~ x + z + tuned")
    ]
    z = next(term for term in fit.terms if term.term == "z")
    assert z.likelihood_ratio == pytest.approx(2 * (llf[1] - llf[0]), abs=1e-4)


def test_grid_deviances_of_many_responses_are_those_of_single_fits():
    rng = np.random.default_rng(2)
    frame = synthetic(2, n=60)
    design = np.column_stack([np.ones(60), frame.z])
    groups = pd.factorize(frame.family)[0]
    model = RandomIntercept(design, groups)
    responses = rng.normal(size=(60, 30)) + rng.normal(size=(groups.max() + 1, 30))[groups] * np.linspace(0, 2, 30)
    singly = [model.fit(column, reml=False).deviance for column in responses.T]
    assert model.deviances(responses) == pytest.approx(singly, abs=5e-3)


def test_bootstrap_p_is_uniform_where_nothing_is_there():
    ps = []
    for seed in range(40):
        frame = synthetic(seed, n=50, families=6)
        fit = fit_mixed("y ~ x + z", frame, "family", np.random.default_rng(seed), n_bootstrap=99)
        ps.append(next(t.bootstrap_p for t in fit.terms if t.term == "z"))
    assert 0.3 < np.mean(ps) < 0.7
    assert np.mean(np.array(ps) < 0.05) < 0.2


def test_missing_cells_are_left_out_and_counted():
    frame = synthetic(5)
    frame.loc[[0, 1, 2], "z"] = np.nan
    frame.loc[[2, 3], "x"] = np.nan
    fit = fit_mixed("y ~ x + z", frame, "family")
    assert (fit.n, fit.dropped) == (116, 4)


def test_a_category_is_one_term_of_several_columns():
    frame = synthetic(6)
    frame["kind"] = np.resize(["a", "b", "c"], len(frame))
    fit = fit_mixed("y ~ x + kind", frame, "family")
    assert {t.term: t.df for t in fit.terms} == {"x": 1, "kind": 2}


def test_variance_inflation_is_statsmodels():
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    rng = np.random.default_rng(0)
    columns = rng.normal(size=(50, 3))
    columns[:, 2] += 2 * columns[:, 0]
    with_constant = np.column_stack([np.ones(50), columns])
    assert variance_inflation(columns) == pytest.approx(
        [variance_inflation_factor(with_constant, j) for j in (1, 2, 3)]
    )


def test_variables_are_the_columns_named():
    frame = pd.DataFrame(columns=["y", "x", "x2"])
    assert variables("y ~ np.log(x2) + C(x)", frame) == ["y", "x2", "x"]


@pytest.mark.parametrize(
    ("formula", "group", "message"),
    [
        ("y x", "family", "no ~"),
        ("y ~ nothing", "family", "columns: y, x, z"),
        ("y ~ x", "clan", "no column 'clan'"),
        ("y ~ x + twice", "family", "linear function"),
        ("y ~ fixed", "family", "same for every model|linear function|zero"),
        ("y ~ alone", "alone", "fewer than two groups"),
    ],
)
def test_what_cannot_be_fitted_is_one_clear_line(formula, group, message):
    frame = synthetic(7)
    frame["twice"] = 2 * frame.x
    frame["fixed"] = 1.0
    frame["alone"] = "one"
    with pytest.raises(BadInput, match=message) as caught:
        fit_mixed(formula, frame, group)
    assert "\n" not in str(caught.value)


def test_a_logarithm_is_taken_before_z_scoring():
    frame = synthetic(8).assign(size=lambda f: np.exp(f.x / 5))
    by_hand = frame.assign(logged=np.log(frame["size"]))
    ours = fit_mixed("y ~ np.log(size) + z", frame, "family").coefficients
    theirs = fit_mixed("y ~ logged + z", by_hand, "family").coefficients
    assert ours.beta.to_numpy() == pytest.approx(theirs.beta.to_numpy())
    with pytest.raises(BadInput, match="finite"):
        fit_mixed("y ~ np.log(count)", frame.assign(count=np.arange(len(frame))), "family")
    with pytest.raises(BadInput, match="missing values"):
        fit_mixed("y ~ np.log(z)", frame, "family")


def test_an_optimiser_that_stops_at_zero_is_not_believed(monkeypatch):
    from statsmodels.regression.mixed_linear_model import MixedLM

    true_fit = MixedLM.fit

    class Stuck:
        """What lbfgs has been seen to return: converged, family variance zero, one effect of exactly zero."""

        def __init__(self, result):
            self.fe_params = np.asarray(result.fe_params).copy()
            self.fe_params[-1] = 0.0
            self.converged, self.llf, self.scale = True, result.llf, result.scale
            self.cov_re = np.zeros((1, 1))
            self.cov_params = result.cov_params

    monkeypatch.setattr(MixedLM, "fit", lambda self, **how: Stuck(true_fit(self, **how)))
    frame = synthetic(9)
    fit = fit_mixed("y ~ x + z", frame, "family")
    assert (fit.coefficients.beta != 0).all()
    assert not fit.converged
    assert fit.optimiser == "profile likelihood"
    assert any("no optimiser of statsmodels" in note for note in fit.notes)
    monkeypatch.undo()
    believed = fit_mixed("y ~ x + z", frame, "family")
    assert believed.converged
    assert fit.coefficients.beta.to_numpy() == pytest.approx(believed.coefficients.beta.to_numpy(), abs=1e-4)


def test_an_optimiser_that_stops_short_of_the_optimum_is_not_believed(monkeypatch):
    from statsmodels.regression.mixed_linear_model import MixedLM

    true_fit = MixedLM.fit

    def short(self, **how):
        result = true_fit(self, **how)
        result.__dict__["llf"] = result.llf - 1.0
        return result

    monkeypatch.setattr(MixedLM, "fit", short)
    fit = fit_mixed("y ~ x", synthetic(10), "family")
    assert fit.optimiser == "profile likelihood"
    assert fit.deviance == fit.profile_deviance
