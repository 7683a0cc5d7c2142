"""Tests of single terms of a mixed model: parametric bootstrap first, Kenward–Roger's F beside it, the likelihood ratio last.

With a dozen families Wald's z and the likelihood ratio find a true null too often (docs/regression.md), so a verdict
rests on the bootstrap, or, where none was asked for, on Kenward–Roger's p.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from triadic.reports.statistics.distributions import upper_chi2
from triadic.reports.statistics.kenward_roger import FTest, KenwardRoger
from triadic.reports.statistics.likelihood import Profile, RandomIntercept, simulate
from triadic.reports.statistics.proportion import wilson
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

ALPHA = 0.05
AT_ONCE = 2000  # draws in memory at a time
NO_TEST = FTest(float("nan"), 0, float("nan"), float("nan"))


@dataclass(frozen=True)
class BootstrapP:
    """A parametric-bootstrap p, and the 95% interval in which the p of infinitely many draws lies."""

    p: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Term:
    """One term of the formula tested by leaving it out. `kr_f` has `df` and `kr_df` degrees of freedom."""

    term: str
    df: int
    bootstrap_p: float
    bootstrap_low: float
    bootstrap_high: float
    verdict: str
    n_bootstrap: int
    kr_f: float
    kr_df: float
    kr_p: float
    likelihood_ratio: float
    lr_p: float


def verdict(p: float, low: float | None = None, high: float | None = None) -> str:
    """What a p says at 5%: yes (below), no, open (its Monte-Carlo interval `low` to `high` holds 5%), or nothing."""
    if np.isnan(p):
        return ""
    if low is not None and high is not None and low < ALPHA < high:
        return "open"
    return "yes" if p < ALPHA else "no"


def terms_of(names: Sequence[str]) -> dict[str, list[int]]:
    """The columns of each term: those of one category, attention[T.mha] and attention[T.mqa], are one term."""
    found: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        if name != "Intercept":
            found.setdefault(re.sub(r"\[[^\]]*\]", "", name), []).append(j)
    return found


class TermTests:
    """Tests on one response y (n,), design X (n, p) and group codes (n,).

    Likelihood ratios are by maximum likelihood (REML likelihoods of different designs do not compare), Kenward–Roger's
    tests by REML. Raises BadInput where a bootstrap is asked for without a generator.
    """

    def __init__(
        self, y: Floats, design: Floats, codes: Ints, rng: np.random.Generator | None = None, n_bootstrap: int = 0
    ) -> None:
        if n_bootstrap and rng is None:
            raise BadInput("a parametric bootstrap needs a random generator")
        self.y, self.design, self.codes = y, design, codes
        self.rng, self.n_bootstrap = rng, n_bootstrap
        self.full = RandomIntercept(design, codes)
        self.full_fit = self.full.fit(y, reml=False)
        self.kenward_roger = KenwardRoger(design, codes, self.full.fit(y, reml=True))

    def without(self, name: str, columns: list[int]) -> Term:
        """The test of leaving `columns` out of the design."""
        rest = np.delete(self.design, columns, axis=1)
        null = RandomIntercept(rest, self.codes)
        fit = null.fit(self.y, reml=False)
        ratio = max(fit.deviance - self.full_fit.deviance, 0.0)
        simulated = self._bootstrap(fit, rest, null.deviances, ratio)
        moments = self.kenward_roger.test(np.eye(self.design.shape[1])[columns])
        lr_p = upper_chi2(ratio, len(columns))
        return self._term(name, len(columns), simulated, moments, ratio, lr_p, fallback=moments.p)

    def groups(self, name: str = "random intercept") -> Term:
        """Is the variance of groups zero? On the boundary the ratio is half χ²₀, half χ²₁ (Self & Liang 1987)."""
        alone = float(self.full.without_groups(self.y[:, None])[0])
        ratio = max(alone - self.full_fit.deviance, 0.0)
        beta = np.asarray(np.linalg.lstsq(self.design, self.y, rcond=None)[0], float)
        left = self.y - self.design @ beta
        null = Profile(beta, self.full_fit.covariance, 0.0, float(left @ left) / self.y.size, alone)
        simulated = self._bootstrap(null, self.design, self.full.without_groups, ratio - 1e-9)
        lr_p = 1.0 if ratio <= 1e-9 else 0.5 * upper_chi2(ratio, 1)
        return self._term(name, 1, simulated, NO_TEST, ratio, lr_p, fallback=lr_p)

    def _bootstrap(
        self, null: Profile, kept: Floats, deviances: Callable[[Floats], Floats], ratio: float
    ) -> BootstrapP:
        """How often responses drawn from the fit of a null model on the columns `kept` give such a ratio."""
        if self.rng is None or not self.n_bootstrap:
            return BootstrapP()
        hits = 0
        for start in range(0, self.n_bootstrap, AT_ONCE):
            draws = simulate(null, kept, self.codes, min(AT_ONCE, self.n_bootstrap - start), self.rng)
            hits += int(np.sum(deviances(draws) - self.full.deviances(draws) >= ratio))
        p = (hits + 1) / (self.n_bootstrap + 1)
        low, high = wilson(p, self.n_bootstrap + 1)
        return BootstrapP(p, float(low), float(high))

    def _term(
        self, name: str, df: int, simulated: BootstrapP, moments: FTest, ratio: float, lr_p: float, fallback: float
    ) -> Term:
        """The row of a test; `fallback` is the p of its verdict where there is no bootstrap."""
        found = verdict(simulated.p, simulated.low, simulated.high) or verdict(fallback)
        bootstrap = (simulated.p, simulated.low, simulated.high)
        return Term(name, df, *bootstrap, found, self.n_bootstrap, moments.f, moments.df2, moments.p, ratio, lr_p)
