"""The mixed-effects model: alignment on ingredients, with a random intercept for each family (paper section 4.1).

statsmodels makes the fit. Its default optimiser (lbfgs) can report convergence with fixed effects of exactly zero
when the family variance vanishes, so another is used, exact zeros are refused, and the fit must reach the optimum
that `likelihood` finds independently and, where the family variance is zero, ordinary least squares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from triadic.reports.statistics.collinearity import refuse_repeats, variance_inflation
from triadic.reports.statistics.distributions import two_sided_z, upper_chi2
from triadic.reports.statistics.likelihood import Profile, RandomIntercept, simulate
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

BOUNDARY = 1e-4  # family variance over residual variance below which the fit sits on its boundary
ON_BOUNDARY = "the family variance is zero: the model equals least squares; conditional R² = marginal R²"


@dataclass(frozen=True)
class Term:
    """One term of the formula tested by leaving it out: likelihood ratio, its chi-squared p, its bootstrap p."""

    term: str
    df: int
    likelihood_ratio: float
    p: float
    bootstrap_p: float
    n_bootstrap: int


@dataclass(frozen=True)
class MixedFit:
    """A fitted model. `coefficients` has a row per column of the design; `terms` a row per term of the formula."""

    formula: str
    n: int
    n_groups: int
    dropped: int
    coefficients: pd.DataFrame
    terms: list[Term]
    family_test: Term
    fixed_variance: float
    group_variance: float
    residual_variance: float
    deviance: float
    profile_deviance: float
    optimiser: str
    converged: bool
    boundary: bool
    ols_largest_shift: float
    notes: list[str]

    @property
    def marginal_r2(self) -> float:
        """The share of the variance that the fixed effects hold (Nakagawa & Schielzeth 2013)."""
        return self.fixed_variance / (self.fixed_variance + self.group_variance + self.residual_variance)

    @property
    def conditional_r2(self) -> float:
        """The share that fixed effects and families hold together."""
        held = self.fixed_variance + self.group_variance
        return held / (held + self.residual_variance)


def z_score(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A copy with the named columns centred and divided by their sample SD; a constant column is refused."""
    out = frame.copy()
    for name in names:
        column = frame[name].to_numpy(dtype=float)
        if np.nanstd(column) == 0:
            raise BadInput(f"ingredient {name} is the same for every model; leave it out of the formula")
        out[name] = (column - np.nanmean(column)) / np.nanstd(column, ddof=1)
    return out


def variables(formula: str, frame: pd.DataFrame) -> list[str]:
    """The columns of `frame` that a formula names, in its order."""
    words = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", formula))
    return [word for word in words if word in frame.columns]


def fit_mixed(
    formula: str,
    frame: pd.DataFrame,
    group: str,
    rng: np.random.Generator | None = None,
    n_bootstrap: int = 0,
    standardise: bool = True,
    reml: bool = True,
    test_terms: bool = True,
) -> MixedFit:
    """Fit `formula` (outcome ~ terms) with a random intercept for `group`.

    Rows with a missing cell in any named column are left out and counted (complete cases). With `standardise`,
    numeric predictors are z-scored over the complete cases; true/false columns and categories stay as they are, so
    their coefficient is the difference between groups. `n_bootstrap` > 0 adds parametric-bootstrap p-values;
    `test_terms` False leaves the likelihood-ratio tests of single terms out. Raises BadInput for an unreadable formula or
    unknown column, too few rows or groups, columns that repeat one another, or a fixed effect of exactly zero.
    """
    from triadic.reports.statistics import mixed_lm

    kept = _complete_cases(formula, frame, group)
    if standardise:
        kept = z_score(kept, _measured(formula, kept))
    y, design, names = mixed_lm.read_formula(formula, kept, group, [str(name) for name in frame.columns])
    if standardise:
        for j, name in enumerate(names):
            if "(" in name and "[" not in name and ":" not in name and len(np.unique(design[:, j])) > 2:
                design[:, j] = (design[:, j] - design[:, j].mean()) / design[:, j].std(ddof=1)
    refuse_repeats(design, names)
    codes = pd.factorize(kept[group])[0]
    profile = RandomIntercept(design, codes).fit(y, reml)
    fitted, optimiser = mixed_lm.optimised(y, design, codes, reml, profile)
    if (fitted.beta == 0).any():
        raise BadInput(f"the fixed effect of {names[int(np.argmin(np.abs(fitted.beta)))]} came out as exactly zero")
    coefficients, ols_shift = _coefficients(y, design, names, fitted)
    terms, family_test = _tests(y, design, names if test_terms else [], codes, rng, n_bootstrap)
    boundary = fitted.group_variance < BOUNDARY * fitted.residual_variance
    return MixedFit(
        formula=formula,
        n=len(kept),
        n_groups=int(kept[group].nunique()),
        dropped=len(frame) - len(kept),
        coefficients=coefficients,
        terms=terms,
        family_test=family_test,
        fixed_variance=float(np.var(design @ fitted.beta, ddof=1)),
        group_variance=fitted.group_variance,
        residual_variance=fitted.residual_variance,
        deviance=fitted.deviance,
        profile_deviance=profile.deviance,
        optimiser=optimiser or "profile likelihood",
        converged=optimiser is not None,
        boundary=boundary,
        ols_largest_shift=ols_shift,
        notes=[mixed_lm.agreement(fitted, profile, optimiser), *([ON_BOUNDARY] if boundary else [])],
    )


def _complete_cases(formula: str, frame: pd.DataFrame, group: str) -> pd.DataFrame:
    """The columns that a formula names and the group, without the rows that lack a cell of them."""
    if "~" not in formula:
        raise BadInput(f"formula {formula!r} has no ~; write outcome ~ ingredient + ingredient")
    if group not in frame.columns:
        raise BadInput(f"no column {group!r} to group by; columns: {', '.join(map(str, frame.columns))}")
    named = variables(formula, frame)
    kept = frame[[*named, *([] if group in named else [group])]].dropna().reset_index(drop=True)
    # Booleans and numbers reach the formula as such whatever nullable type the table gave them.
    for name in named:
        is_bool = pd.api.types.is_bool_dtype(kept[name].dtype) or set(map(type, kept[name])) <= {bool, np.bool_}
        if is_bool or pd.api.types.is_numeric_dtype(kept[name].dtype):
            kept[name] = kept[name].astype(float)
            if not np.isfinite(kept[name]).all():
                raise BadInput(f"column {name} holds an infinite value")
    if kept[group].nunique() < 2:
        raise BadInput(f"the {len(kept)} complete rows hold fewer than two groups of {group}; nothing to tell apart")
    return kept


def _measured(formula: str, kept: pd.DataFrame) -> list[str]:
    """The predictors to z-score: numbers of more than two values.

    Inside a function, as in np.log(n_params), a column keeps its unit and the result is z-scored instead.
    """
    outcome = variables(formula.split("~")[0], kept)
    return [
        name
        for name in variables(formula, kept)
        if name not in outcome
        and pd.api.types.is_numeric_dtype(kept[name].dtype)
        and kept[name].nunique() > 2
        and not _in_function(name, formula)
    ]


def _in_function(name: str, formula: str) -> bool:
    """Whether a column stands inside a function call other than C(), which makes a category of it."""
    calls = re.findall(r"([\w.]+)\s*\(([^()]*)\)", formula)
    return any(function != "C" and re.search(rf"\b{name}\b", inside) for function, inside in calls)


def _coefficients(y: Floats, design: Floats, names: list[str], fitted: Profile) -> tuple[pd.DataFrame, float]:
    """A row per column of the design, and by how many standard errors least squares differs where it differs most."""
    se = np.sqrt(np.diag(fitted.covariance))
    z = fitted.beta / se
    ols = np.linalg.lstsq(design, y, rcond=None)[0]
    rest = y - design @ ols
    ols_se = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * (rest @ rest) / (y.size - design.shape[1]))
    constant = np.ptp(design, axis=0) == 0
    inflation = np.full(len(names), np.nan)
    if (~constant).any():
        inflation[~constant] = variance_inflation(design[:, ~constant])
    columns = {"term": names, "beta": fitted.beta, "se": se}
    columns |= {"low": fitted.beta - 1.959964 * se, "high": fitted.beta + 1.959964 * se}
    columns |= {"z": z, "wald_p": two_sided_z(z), "vif": inflation, "ols_beta": ols, "ols_se": ols_se, "n": y.size}
    return pd.DataFrame(columns), float(np.max(np.abs(ols - fitted.beta) / se))


def _tests(
    y: Floats, design: Floats, names: list[str], codes: Ints, rng: np.random.Generator | None, n_bootstrap: int
) -> tuple[list[Term], Term]:
    """Likelihood ratios by maximum likelihood (REML likelihoods of different designs do not compare)."""
    full = RandomIntercept(design, codes)
    full_fit = full.fit(y, reml=False)

    def bootstrap_p(fit: Profile, kept: Floats, deviances: Callable[[Floats], Floats], ratio: float) -> float:
        """How often responses drawn from the `fit` of a null model on the columns `kept` give such a ratio."""
        if not n_bootstrap:
            return float("nan")
        if rng is None:
            raise BadInput("a parametric bootstrap needs a random generator")
        draws = simulate(fit, kept, codes, n_bootstrap, rng)
        return float((np.sum(deviances(draws) - full.deviances(draws) >= ratio) + 1) / (n_bootstrap + 1))

    by_term: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        if name != "Intercept":
            by_term.setdefault(re.sub(r"\[[^\]]*\]", "", name), []).append(j)
    terms = []
    for term, columns in by_term.items():
        rest = np.delete(design, columns, axis=1)
        null = RandomIntercept(rest, codes)
        null_fit = null.fit(y, reml=False)
        ratio, df = max(null_fit.deviance - full_fit.deviance, 0.0), len(columns)
        simulated = bootstrap_p(null_fit, rest, null.deviances, ratio)
        terms.append(Term(term, df, ratio, upper_chi2(ratio, df), simulated, n_bootstrap))
    # Is the family variance zero? On the boundary the ratio is half χ²₀, half χ²₁ (Self & Liang 1987).
    alone = float(full.without_groups(y[:, None])[0])
    ratio = max(alone - full_fit.deviance, 0.0)
    beta = np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], float)
    left = y - design @ beta
    families_off = Profile(beta, full_fit.covariance, 0.0, float(left @ left) / y.size, alone)
    simulated = bootstrap_p(families_off, design, full.without_groups, ratio - 1e-9)
    p = 1.0 if ratio <= 1e-9 else 0.5 * upper_chi2(ratio, 1)
    return terms, Term("random intercept", 1, ratio, p, simulated, n_bootstrap)
