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
    """What θ does not touch: β of least squares (p, B), residual sums by group (G, B), residual squares (B,).

    `rotated` (G, B) are the squared sums along the eigenvectors of the groups' own cross-product.
    """

    ordinary: Floats
    sums: Floats
    squares: Floats
    rotated: Floats


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
        # With M what the design leaves of the groups' columns, M'M = A diag(μ) A': in that frame a θ costs one division, so
        # ten thousand responses are cheap (Crainiceanu & Ruppert 2004, J. R. Statist. Soc. B 66, theorem 1).
        spectrum, self.rotation = np.linalg.eigh(np.diag(self.sizes) - self.sums @ self.sums.T)
        self.spectrum = np.maximum(spectrum, 0.0)

    def fit(self, y: Floats, reml: bool = True) -> Profile:
        """The best θ for one response (n,), to full precision."""
        from scipy.optimize import minimize_scalar

        prepared = self._prepare(y[:, None])
        coarse = self._profiled(GRID, prepared, reml)[:, 0]
        best = int(np.argmin(coarse))
        theta = float(GRID[best])
        low, high = GRID[max(best - 1, 0)], GRID[min(best + 1, GRID.size - 1)]
        found = minimize_scalar(
            lambda t: self._profiled(np.array([t]), prepared, reml)[0, 0],
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-10},
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
        prepared, df = self._prepare(responses), self.n - self.p if reml else self.n
        squares, volume = self._squares(GRID, prepared), self._volume(GRID, reml)
        # The deviance falls where squares · exp(volume / df) does: no logarithm of the whole table is needed.
        best = (squares * np.exp((volume - volume[0]) / df)[:, None]).argmin(axis=0)
        inside = np.clip(best, 2, len(GRID) - 2)  # θ = 0 and its neighbour stand outside the even logarithmic grid
        pick = np.arange(responses.shape[1])

        def at(place: Ints) -> Floats:
            return _deviance(squares[place, pick], volume[place], df)

        before, here, after = at(inside - 1), at(inside), at(inside + 1)
        bend = before - 2 * here + after
        with np.errstate(invalid="ignore", divide="ignore"):
            vertex = here - (before - after) ** 2 / (8 * bend)
        usable = (inside == best) & (bend > 0)
        found: Floats = np.where(usable, np.minimum(vertex, here), at(best))
        return found

    def without_groups(self, responses: Floats) -> Floats:
        """−2 log-likelihood of least squares, the family variance held at zero: (n, B) → (B,)."""
        alone: Floats = self._profiled(GRID[:1], self._prepare(responses), False)[0]
        return alone

    def _prepare(self, responses: Floats) -> Prepared:
        ordinary = self.basis.T @ responses
        rest = responses - self.basis @ ordinary  # residuals of least squares: no cancellation in what follows
        sums = self._by_group(rest)
        return Prepared(ordinary, sums, (rest**2).sum(axis=0), (self.rotation.T @ sums) ** 2)

    def _profiled(self, thetas: Floats, prepared: Prepared, reml: bool) -> Floats:
        """−2 log-likelihood with β and σ² at their best: (T,) values of θ, B responses → (T, B)."""
        df = self.n - self.p if reml else self.n
        return _deviance(self._squares(thetas, prepared), self._volume(thetas, reml)[:, None], df)

    def _squares(self, thetas: Floats, prepared: Prepared) -> Floats:
        """Weighted residual squares (T, B)."""
        square = thetas[:, None] ** 2
        squares: Floats = prepared.squares - (square / (1 + square * self.spectrum)) @ prepared.rotated
        positive: Floats = np.maximum(squares, np.finfo(float).tiny)  # a perfect fit leaves none
        return positive

    def _volume(self, thetas: Floats, reml: bool) -> Floats:
        """The part of −2 log-likelihood that no response enters (T,): log |V|, for REML log |V| + log |X'V⁻¹X|."""
        volume: Floats = np.log1p(thetas[:, None] ** 2 * (self.spectrum if reml else self.sizes)).sum(axis=1)
        return volume + 2 * float(np.log(np.abs(np.diag(self.triangle))).sum()) if reml else volume

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


def _deviance(squares: Floats, volume: Floats, df: int) -> Floats:
    found: Floats = df * (1 + np.log(2 * np.pi * squares / df)) + volume
    return found


def simulate(fit: Profile, design: Floats, groups: Ints, n_draws: int, rng: np.random.Generator) -> Floats:
    """Responses (n, B) drawn from a fitted model."""
    families = rng.standard_normal((groups.max() + 1, n_draws)) * np.sqrt(fit.group_variance)
    noise = rng.standard_normal((design.shape[0], n_draws)) * np.sqrt(fit.residual_variance)
    responses: Floats = (design @ fit.beta)[:, None] + families[groups] + noise
    return responses
