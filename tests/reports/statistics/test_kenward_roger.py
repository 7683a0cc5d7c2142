"""Kenward–Roger against pbkrtest and lmerTest as they print, and against matrices written out in full."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from triadic.reports.statistics.kenward_roger import KenwardRoger
from triadic.reports.statistics.likelihood import GRID, RandomIntercept
from triadic.reports.statistics.mixed import fit_mixed

DATA = Path(__file__).parents[1] / "data"


def of(y, design, codes):
    return KenwardRoger(design, codes, RandomIntercept(design, codes).fit(y))


def unbalanced(seed=0, sizes=(1, 2, 3, 5, 8, 13), p=4):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    design = np.column_stack([np.ones(codes.size), rng.normal(size=(codes.size, p - 1))])
    design[:, 1] += 2 * rng.normal(size=len(sizes))[codes]  # one ingredient mostly between families
    y = design @ np.arange(p) * 0.3 + 0.8 * rng.normal(size=len(sizes))[codes] + rng.normal(size=codes.size)
    return y, design, codes


def test_one_coefficient_is_pbkrtests():
    """KRmodcomp(lmer(y ~ x + (1 | g)), update(., . ~ . - x)) of made-up data, as an R port's own tests record it."""
    i = np.arange(30)
    codes, x = i // 5, np.sin(1.3 * i) + 0.1 * i
    y = 2 + 0.5 * x + np.array([-0.6, 0.3, 0.9, -0.2, 0.4, -0.8])[codes] + 0.5 * np.sin(2.9 * i + 0.4)
    fit = RandomIntercept(np.column_stack([np.ones(30), x]), codes).fit(y)
    assert (fit.group_variance, fit.residual_variance) == pytest.approx((0.41778383883297898, 0.13995228058289766))
    found = of(y, np.column_stack([np.ones(30), x]), codes).test(np.array([[0.0, 1.0]]))
    assert (found.f, found.df2, found.p) == pytest.approx((18.458409881288013, 27.367979299962421, 1.9657909126e-4))


def test_sleepstudy_is_lmertests():
    """summary(lmer(Reaction ~ Days + (1 | Subject))) of lmerTest prints 22.8102 and 161.0000 degrees of freedom."""
    frame = pd.read_csv(DATA / "sleepstudy.csv")
    table = fit_mixed("reaction ~ day", frame, "subject", standardise=False).coefficients
    assert table.kr_df.to_numpy() == pytest.approx([22.8102, 161.0], abs=5e-5)
    assert table.kr_se.to_numpy() == pytest.approx([9.7467, 0.8042], abs=1e-4)  # balanced: nothing to adjust
    assert (table.beta / table.kr_se).to_numpy() == pytest.approx([25.79, 13.02], abs=5e-3)


@pytest.fixture(scope="module")
def beets():
    frame = pd.read_csv(DATA / "beets.csv")
    return frame.assign(plot=frame.block + frame.harvest)


def test_beets_are_pbkrtests(beets):
    """KRmodcomp and PBmodcomp of lmer(sugpct ~ block + sow + harvest + (1 | block:harvest)), the package's own example.

    It prints F 15.21 on 1 and 2 degrees of freedom, p .0599, for harvest; F 101 on 4 and 20, p 5.741e-13, for sowing;
    likelihood ratios 12.914 and 85.203; bootstrap p of 1,000 draws .0320 to .0390 in four runs for harvest, .001 for sowing.
    """
    rng = np.random.default_rng(0)
    fit = fit_mixed("sugpct ~ block + sow + harvest", beets, "plot", rng, n_bootstrap=10_000)
    terms = {term.term: term for term in fit.terms}
    harvest, sow = terms["harvest"], terms["sow"]
    assert (round(harvest.kr_f, 2), harvest.df, round(harvest.kr_df, 2)) == (15.21, 1, 2.0)
    assert harvest.kr_p == pytest.approx(0.0599, abs=5e-5)
    assert (round(sow.kr_f), sow.df, round(sow.kr_df, 2)) == (101, 4, 20.0)
    assert sow.kr_p == pytest.approx(5.741e-13, rel=1e-3)
    assert (harvest.likelihood_ratio, sow.likelihood_ratio) == pytest.approx((12.914, 85.203), abs=5e-4)
    assert harvest.lr_p == pytest.approx(3.261e-4, rel=1e-3)
    # The four runs' mean of .0357 has a standard error of .003, 10,000 draws one of .0017.
    assert harvest.bootstrap_p == pytest.approx(0.0357, abs=0.01)
    assert sow.bootstrap_p == pytest.approx(1 / 10_001)


def written_out(y, design, codes):
    """The REML deviance of any two variances, the covariance of β, and the expected information, from n × n matrices."""
    shared = (codes[:, None] == codes).astype(float)
    parts = [shared, np.eye(y.size)]

    def fitted(gamma):
        inverse = np.linalg.inv(gamma[0] * shared + gamma[1] * np.eye(y.size))
        phi = np.linalg.inv(design.T @ inverse @ design)
        return inverse, phi, inverse - inverse @ design @ phi @ design.T @ inverse

    def deviance(gamma):
        inverse, phi, projected = fitted(gamma)
        return -np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(phi)[1] + y @ projected @ y

    def information(gamma):
        _, _, projected = fitted(gamma)
        return np.array([[np.trace(projected @ a @ projected @ b) / 2 for b in parts] for a in parts])

    return deviance, lambda gamma: fitted(gamma)[1], information


def derivative(function, at, step):
    """Central differences of a function of two variances."""
    moves = np.eye(2) * step
    return np.array([(function(at + move) - function(at - move)) / (2 * step[i]) for i, move in enumerate(moves)])


def fitted(seed):
    """An unbalanced design with its data, our tests of it, and the two variances of its fit."""
    y, design, codes = unbalanced(seed)
    fit = RandomIntercept(design, codes).fit(y)
    return y, design, codes, KenwardRoger(design, codes, fit), np.array([fit.group_variance, fit.residual_variance])


@pytest.mark.parametrize("seed", range(4))
def test_degrees_of_freedom_by_numerical_derivatives(seed):
    """Satterthwaite: 2 v² / (g' W g), v the variance of one coefficient, g its gradient, W the variances' covariance."""
    y, design, codes, ours, gamma = fitted(seed)
    deviance, covariance, information = written_out(y, design, codes)
    step = 1e-4 * np.array([max(gamma[0], 0.1), gamma[1]])
    if gamma[0] > 0:
        assert derivative(deviance, gamma, step) == pytest.approx([0, 0], abs=1e-3)  # the optimum, by another route
    assert np.linalg.inv(information(gamma)) == pytest.approx(ours.variances, rel=1e-6)
    assert covariance(gamma) == pytest.approx(ours.unadjusted, rel=1e-6)
    slopes = derivative(covariance, gamma, step)
    for j in range(design.shape[1]):
        gradient = slopes[:, j, j]
        df = 2 * covariance(gamma)[j, j] ** 2 / (gradient @ np.linalg.inv(information(gamma)) @ gradient)
        assert ours.test(np.eye(design.shape[1])[[j]]).df2 == pytest.approx(df, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_the_adjusted_covariance_by_numerical_second_derivatives(seed):
    """Kenward & Roger's Φ_A = Φ + 2Λ, where Λ = ½ Σ W ∂²Φ/∂γ∂γ with the sign turned: their equation for E Φ̂ (1997, 2.3)."""
    y, design, codes, ours, gamma = fitted(seed)
    _, covariance, _ = written_out(y, design, codes)
    step = 1e-3 * np.array([max(gamma[0], 0.1), gamma[1]])
    second = derivative(lambda at: derivative(covariance, at, step), gamma, step)
    by_curvature = ours.unadjusted - np.einsum("ij,ijab->ab", ours.variances, second)
    # ∂²Φ/∂γᵢ∂γⱼ = −Φ (2Q − 2PΦP) Φ summed over the symmetric W, V being linear in γ.
    assert by_curvature - ours.unadjusted == pytest.approx(ours.covariance - ours.unadjusted, rel=2e-2, abs=1e-8)


def test_several_effects_of_a_balanced_design_are_the_analysis_of_variance():
    """Five treatments once in each of six blocks: F of the two-way analysis of variance, 4 and 20, whatever the blocks."""
    rng = np.random.default_rng(5)
    block, treatment = np.repeat(np.arange(6), 5), np.tile(np.arange(5), 6)
    y = 2.0 * rng.normal(size=6)[block] + rng.normal(size=30) + 0.5 * treatment
    design = np.column_stack([np.ones(30), *(treatment == t for t in range(1, 5))]).astype(float)
    table = y.reshape(6, 5)
    rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    f = 6 * table.mean(axis=0).var(ddof=1) / ((rest**2).sum() / 20)
    found = of(y, design, block).test(np.eye(5)[1:])
    assert (found.f, found.df1, found.df2) == pytest.approx((f, 4, 20), rel=1e-5)


def test_a_test_does_not_depend_on_how_an_effect_is_coded():
    y, design, codes = unbalanced(1)
    mixed = np.linalg.qr(np.random.default_rng(2).normal(size=(2, 2)))[0] * [3.0, 0.1]
    turned = design.copy()
    turned[:, 2:] = design[:, 2:] @ mixed
    one, other = (of(y, x, codes).test(np.eye(4)[2:]) for x in (design, turned))
    assert (one.f, one.df2, one.p) == pytest.approx((other.f, other.df2, other.p), rel=1e-6)


def test_no_likeness_within_groups_is_still_tested():
    y, design, codes = unbalanced(3)
    everything = np.column_stack([design, np.eye(codes.max() + 1)[codes]])
    y = (
        design.sum(axis=1) + y - everything @ np.linalg.lstsq(everything, y, rcond=None)[0]
    )  # nothing of any group is left
    assert RandomIntercept(design, codes).fit(y).group_variance == 0
    found = of(y, design, codes).test(np.eye(4)[[2]])
    assert found.df2 > 1
    assert 0 < found.p < 1


def test_a_design_that_takes_up_every_difference_between_groups_has_no_test():
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(4), 5)
    design = np.column_stack([np.ones(20), *(codes == g for g in range(1, 4)), rng.normal(size=20)]).astype(float)
    found = of(rng.normal(size=20), design, codes)
    assert np.isnan(found.test(np.eye(5)[[1]]).p)
    assert np.isnan(found.standard_errors()).all()


@pytest.mark.parametrize("reml", [False, True])
def test_the_rotated_likelihood_is_the_one_of_the_profile(reml):
    y, design, codes = unbalanced(4)
    model = RandomIntercept(design, codes)
    responses = np.column_stack([y, y[::-1], np.cos(y)])
    prepared = model._prepare(responses)
    slow = np.stack([model._at(theta, prepared, reml)[0] for theta in GRID])
    assert model._profiled(GRID, prepared, reml) == pytest.approx(slow, abs=1e-8)
