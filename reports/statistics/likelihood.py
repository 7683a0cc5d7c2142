"""The likelihood of a random-intercept model, profiled down to one number.

y = Xβ + u[group] + e, with u ~ N(0, θ²σ²) and e ~ N(0, σ²). Given θ, β and σ² have closed forms (Bates, Mächler,
Bolker & Walker 2015, J. Stat. Software 67, section 3.4), so the whole fit is a search along one line, which cannot
stop in a false place: it is what statsmodels' many-dimensional search is checked against, and it is fast enough,
for many responses at once, to make parametric bootstraps cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

# θ = family SD over residual SD. Zero, then five decades; a ratio outside is zero or infinite to any sample here.
GRID = np.concatenate([[0.0], np.logspace(-2.5, 2.5, 126)])


@dataclass(frozen=True)
class Profile:
    """A fit: β (p,), its covariance (p, p), variances of groups and residuals, and −2 log-likelihood."""

    beta: Floats
    covariance: Floats
    group_variance: float
    residual_variance: float
    deviance: float


@dataclass(frozen=True)
class Prepared:
    """What θ does not touch: β of least squares (p, B), residual sums by group (G, B), residual squares (B,)."""

    ordinary: Floats
    sums: Floats
    squares: Floats


class RandomIntercept:
    """A design X (n, p) of full column rank and group codes (n,) that take each value of 0…G−1."""

    def __init__(self, design: Floats, groups: Ints) -> None:
        n, p = design.shape
        if n <= p:
            raise BadInput(f"mixed model: {n} observations cannot carry {p} coefficients")
        self.n, self.p = n, p
        self.groups, self.sizes = groups, np.bincount(groups).astype(float)
        # An orthonormal basis keeps every cross-product well conditioned whatever the columns' scales.
        self.basis, self.triangle = np.linalg.qr(design)
        self.sums = self._by_group(self.basis)

    def fit(self, y: Floats, reml: bool = True) -> Profile:
        """The best θ for one response (n,), to full precision."""
        from scipy.optimize import minimize_scalar

        prepared = self._prepare(y[:, None])
        coarse = np.array([self._at(theta, prepared, reml)[0][0] for theta in GRID])
        best = int(np.argmin(coarse))
        theta = float(GRID[best])
        low, high = GRID[max(best - 1, 0)], GRID[min(best + 1, GRID.size - 1)]
        found = minimize_scalar(
            lambda t: self._at(t, prepared, reml)[0][0], bounds=(low, high), method="bounded", options={"xatol": 1e-10}
        )
        if found.fun < coarse[best]:
            theta = float(found.x)
        deviance, beta, variance, inner = self._at(theta, prepared, reml)
        back = np.linalg.inv(self.triangle)
        covariance = variance[0] * back @ np.linalg.inv(inner) @ back.T
        residual = float(variance[0])
        return Profile(back @ beta[:, 0], covariance, theta**2 * residual, residual, float(deviance[0]))

    def deviances(self, responses: Floats, reml: bool = False) -> Floats:
        """−2 log-likelihood for each column of `responses`, (n, B) → (B,), to within 0.005 of `fit`'s.

        The best θ of the grid, refined by a parabola: enough to place a ratio among its bootstrap draws.
        """
        prepared = self._prepare(responses)
        table = np.stack([self._at(theta, prepared, reml)[0] for theta in GRID])
        best = table.argmin(axis=0)
        inside = np.clip(best, 2, len(GRID) - 2)  # θ = 0 and its neighbour stand outside the even logarithmic grid
        pick = np.arange(responses.shape[1])
        before, here, after = table[inside - 1, pick], table[inside, pick], table[inside + 1, pick]
        bend = before - 2 * here + after
        with np.errstate(invalid="ignore", divide="ignore"):
            vertex = here - (before - after) ** 2 / (8 * bend)
        usable = (inside == best) & (bend > 0)
        found: Floats = np.where(usable, np.minimum(vertex, here), table.min(axis=0))
        return found

    def without_groups(self, responses: Floats) -> Floats:
        """−2 log-likelihood of least squares, the family variance held at zero: (n, B) → (B,)."""
        return self._at(0.0, self._prepare(responses), False)[0]

    def _prepare(self, responses: Floats) -> Prepared:
        ordinary = self.basis.T @ responses
        rest = responses - self.basis @ ordinary  # residuals of least squares: no cancellation in what follows
        return Prepared(ordinary, self._by_group(rest), (rest**2).sum(axis=0))

    def _by_group(self, columns: Floats) -> Floats:
        order = np.argsort(self.groups, kind="stable")
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(int)
        return np.add.reduceat(columns[order], starts, axis=0)

    def _at(self, theta: float, prepared: Prepared, reml: bool) -> tuple[Floats, Floats, Floats, Floats]:
        """Deviance (B,), β in the basis (p, B), σ² (B,) and the weighted cross-product (p, p) at one θ."""
        shrink = (theta**2 / (1 + self.sizes * theta**2))[:, None]
        inner = np.eye(self.p) - self.sums.T @ (shrink * self.sums)
        factor = np.linalg.cholesky(inner)
        half = np.linalg.solve(factor, -self.sums.T @ (shrink * prepared.sums))
        squares = prepared.squares - (shrink * prepared.sums**2).sum(axis=0) - (half**2).sum(axis=0)
        df = self.n - self.p if reml else self.n
        squares = np.maximum(squares, np.finfo(float).tiny)
        deviance = df * (1 + np.log(2 * np.pi * squares / df)) + np.log1p(self.sizes * theta**2).sum()
        if reml:
            deviance = deviance + 2 * np.log(np.diag(factor)).sum() + 2 * np.log(np.abs(np.diag(self.triangle))).sum()
        return deviance, prepared.ordinary + np.linalg.solve(factor.T, half), squares / df, inner


def simulate(fit: Profile, design: Floats, groups: Ints, n_draws: int, rng: np.random.Generator) -> Floats:
    """Responses (n, B) drawn from a fitted model."""
    families = rng.standard_normal((groups.max() + 1, n_draws)) * np.sqrt(fit.group_variance)
    noise = rng.standard_normal((design.shape[0], n_draws)) * np.sqrt(fit.residual_variance)
    responses: Floats = (design @ fit.beta)[:, None] + families[groups] + noise
    return responses
