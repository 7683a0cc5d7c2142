"""Small-sample tests of fixed effects (Kenward & Roger 1997, Biometrics 53) for the random-intercept model.

The variance of β is inflated for not knowing the two variances, and the tests get denominator degrees of freedom that
match the first two moments of F. For one coefficient these are Satterthwaite's with the expected information. Checked
against R's pbkrtest and lmerTest. Groups are the only correlation, so every cross-product is a sum over groups of their
column sums: V⁻¹ has the eigenvalue w = 1 / (σ² + n τ²) along a group of n, and 1 / σ² across it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.reports.statistics.distributions import upper_f
from triadic.reports.statistics.likelihood import Profile
from triadic.schema.arrays import Floats, Ints

UNKNOWABLE = 1e-8  # information on the variance of groups, in units of the residual variance, that is rounding alone


@dataclass(frozen=True)
class FTest:
    """F with its numerator and denominator degrees of freedom and p; F is scaled where several effects are tested."""

    f: float
    df1: int
    df2: float
    p: float


class KenwardRoger:
    """Tests of a REML `fit` with design X (n, p) and group codes (n,) that take each value of 0…G−1.

    `covariance` (p, p) is the adjusted covariance of β, `unadjusted` the one that takes the variances as known. Where the
    design leaves nothing to tell the variance of groups by (as many coefficients between groups as groups), there is no
    adjusted covariance and no test: NaN.
    """

    def __init__(self, design: Floats, groups: Ints, fit: Profile) -> None:
        self.beta = fit.beta
        sizes = np.bincount(groups).astype(float)
        sums = np.zeros((sizes.size, design.shape[1]))
        np.add.at(sums, groups, design)
        square, between = fit.residual_variance, 1 / (fit.residual_variance + sizes * fit.group_variance)

        def through_groups(weights: Floats) -> Floats:
            found: Floats = (sums.T * weights) @ sums
            return found

        def product(power: int) -> Floats:
            """X'V^(−power)X."""
            weights = (between**power - square**-power) / sizes
            found: Floats = design.T @ design * square**-power + through_groups(weights)
            return found

        # Index 0 is the variance of groups, ∂V/∂τ² = ZZ'; index 1 the variance of residuals, ∂V/∂σ² = I.
        self.unadjusted = np.linalg.inv(product(1))
        self.p_matrices = [-through_groups(between**2), -product(2)]
        mixed = through_groups(between**3)
        q_matrices = [[through_groups(between**3 * sizes), mixed], [mixed, product(3)]]
        traces = [
            [((sizes * between) ** 2).sum(), (sizes * between**2).sum()],
            [(sizes * between**2).sum(), ((sizes - 1) / square**2 + between**2).sum()],
        ]
        self.variances = _inverse(self._information(q_matrices, traces), square)
        phi = self.unadjusted
        excess = sum(
            self.variances[i, j] * (q_matrices[i][j] - self.p_matrices[i] @ phi @ self.p_matrices[j])
            for i in (0, 1)
            for j in (0, 1)
        )
        self.covariance = phi + 2 * phi @ excess @ phi

    def _information(self, q_matrices: list[list[Floats]], traces: list[list[float]]) -> Floats:
        """The expected REML information of the two variances (2, 2)."""
        phi, out = self.unadjusted, np.zeros((2, 2))
        for i in (0, 1):
            for j in (0, 1):
                out[i, j] = traces[i][j] - 2 * np.sum(phi * q_matrices[i][j])
                out[i, j] += np.trace(phi @ self.p_matrices[i] @ phi @ self.p_matrices[j])
        return out / 2

    def standard_errors(self) -> Floats:
        """Adjusted standard errors of β (p,)."""
        found: Floats = np.sqrt(np.diag(self.covariance))
        return found

    def test(self, contrasts: Floats) -> FTest:
        """Are the q combinations `contrasts` (q, p) of β all zero? NaN where no F matches the moments."""
        q = contrasts.shape[0]
        estimate = contrasts @ self.beta
        wald = float(estimate @ np.linalg.solve(contrasts @ self.covariance @ contrasts.T, estimate)) / q
        a1, a2 = self._moments(contrasts)
        if q == 1:
            df2, scale = 2 / a2, 1.0  # what the general form comes to, and defined where that divides by zero
        else:
            df2, scale = _matched(q, a1, a2)
        if not (np.isfinite(df2) and df2 > 0 and scale > 0):
            return FTest(wald, q, float("nan"), float("nan"))
        return FTest(scale * wald, q, df2, upper_f(scale * wald, q, df2))

    def _moments(self, contrasts: Floats) -> tuple[float, float]:
        """A₁ and A₂ of Kenward and Roger: how far not knowing the variances moves the test's own variance."""
        inside = np.linalg.inv(contrasts @ self.unadjusted @ contrasts.T)
        theta = contrasts.T @ inside @ contrasts @ self.unadjusted
        moved = [theta @ p @ self.unadjusted for p in self.p_matrices]
        a1 = a2 = 0.0
        for i in (0, 1):
            for j in (0, 1):
                a1 += self.variances[i, j] * np.trace(moved[i]) * np.trace(moved[j])
                a2 += self.variances[i, j] * np.sum(moved[i] * moved[j].T)
        return float(a1), float(a2)


def _inverse(information: Floats, square: float) -> Floats:
    """The covariance of the two variances; NaN where the design takes up every difference between groups."""
    left = information[0, 0] - information[0, 1] ** 2 / information[1, 1]
    if left * square**2 < UNKNOWABLE:
        return np.full((2, 2), np.nan)
    found: Floats = np.linalg.inv(information).astype(float)
    return found


def _matched(q: int, a1: float, a2: float) -> tuple[float, float]:
    """Denominator degrees of freedom, and the factor of F, that match its mean and variance (their section 3)."""
    b = (a1 + 6 * a2) / (2 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    below = 3 * q + 2 * (1 - g)
    c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
    mean = 1 / (1 - a2 / q)
    variance = 2 / q * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    ratio = variance / (2 * mean**2)
    df2 = 4 + (q + 2) / (q * ratio - 1)
    return df2, df2 / (mean * (df2 - 2))
