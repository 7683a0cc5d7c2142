"""The mixed-effects model: alignment on ingredients, with a random intercept for each family (paper section 4.1).

statsmodels makes the fit. Its default optimiser (lbfgs) can report convergence with fixed effects of exactly zero
when the family variance vanishes, so another is used, exact zeros are refused, and the fit must reach the optimum
that `likelihood` finds independently and, where the family variance is zero, ordinary least squares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from triadic.reports.statistics.collinearity import refuse_repeats, variance_inflation
from triadic.reports.statistics.distributions import t_quantile, two_sided_z
from triadic.reports.statistics.likelihood import Profile, RandomIntercept
from triadic.reports.statistics.terms import Term, TermTests, terms_of
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

BOUNDARY = 1e-4  # family variance over residual variance below which the fit sits on its boundary
ON_BOUNDARY = "the family variance is zero: the model equals least squares; conditional R² = marginal R²"


@dataclass(frozen=True)
class Design:
    """What a formula makes of a frame: outcome y (n,), design X (n, p) with its columns' names, and group codes (n,).

    `kept` are the complete rows of the frame, under their index in it; `groups` the names of the groups by code.
    """

    y: Floats
    x: Floats
    names: list[str]
    codes: Ints
    groups: list[str]
    kept: pd.DataFrame


@dataclass(frozen=True)
class MixedFit:
    """A fitted model. `coefficients` has a row per column of the design; `terms` a row per term of the formula.

    In `coefficients`, se, low, high and wald_p take the variances as known (Wald); kr_se, kr_df, kr_low, kr_high and kr_p
    are Kenward–Roger's; bootstrap_p (with its Monte-Carlo interval) leaves the one column out.
    """

    formula: str
    group: str
    design: Design
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
    def lme4_formula(self) -> str:
        """The model in the notation of R's lme4."""
        return f"{' '.join(self.formula.split())} + (1 | {self.group})"

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

    design = read_design(formula, frame, group, standardise)
    y, x, codes = design.y, design.x, design.codes
    profile = RandomIntercept(x, codes).fit(y, reml)
    fitted, optimiser = mixed_lm.optimised(y, x, codes, reml, profile)
    if (fitted.beta == 0).any():
        raise BadInput(
            f"the fixed effect of {design.names[int(np.argmin(np.abs(fitted.beta)))]} came out as exactly zero"
        )
    tests = TermTests(y, x, codes, rng, n_bootstrap)
    terms, columns = _tests(tests, design.names if test_terms else [])
    coefficients, ols_shift = _coefficients(design, fitted, tests, columns)
    boundary = fitted.group_variance < BOUNDARY * fitted.residual_variance
    return MixedFit(
        formula=formula,
        group=group,
        design=design,
        n=y.size,
        n_groups=len(design.groups),
        dropped=len(frame) - y.size,
        coefficients=coefficients,
        terms=terms,
        family_test=tests.groups(),
        fixed_variance=float(np.var(x @ fitted.beta, ddof=1)),
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


def read_design(formula: str, frame: pd.DataFrame, group: str, standardise: bool = True) -> Design:
    """The design that `fit_mixed` fits. Raises BadInput as it does."""
    from triadic.reports.statistics import mixed_lm

    kept = _complete_cases(formula, frame, group)
    if standardise:
        kept = z_score(kept, _measured(formula, kept))
    y, x, names = mixed_lm.read_formula(formula, kept, group, [str(name) for name in frame.columns])
    if standardise:
        for j, name in enumerate(names):
            if "(" in name and "[" not in name and ":" not in name and len(np.unique(x[:, j])) > 2:
                x[:, j] = (x[:, j] - x[:, j].mean()) / x[:, j].std(ddof=1)
    refuse_repeats(x, names)
    codes, groups = pd.factorize(kept[group])
    return Design(y, x, names, codes, [str(name) for name in groups], kept)


def _complete_cases(formula: str, frame: pd.DataFrame, group: str) -> pd.DataFrame:
    """The columns that a formula names and the group, without the rows that lack a cell of them."""
    if "~" not in formula:
        raise BadInput(f"formula {formula!r} has no ~; write outcome ~ ingredient + ingredient")
    if group not in frame.columns:
        raise BadInput(f"no column {group!r} to group by; columns: {', '.join(map(str, frame.columns))}")
    named = variables(formula, frame)
    kept = frame[[*named, *([] if group in named else [group])]].dropna()
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


def _coefficients(
    design: Design, fitted: Profile, tests: TermTests, columns: dict[int, Term]
) -> tuple[pd.DataFrame, float]:
    """A row per column of the design, and by how many standard errors least squares differs where it differs most."""
    y, x = design.y, design.x
    se = np.sqrt(np.diag(fitted.covariance))
    z = fitted.beta / se
    ols = np.linalg.lstsq(x, y, rcond=None)[0]
    rest = y - x @ ols
    ols_se = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * (rest @ rest) / (y.size - x.shape[1]))
    constant = np.ptp(x, axis=0) == 0
    inflation = np.full(z.size, np.nan)
    if (~constant).any():
        inflation[~constant] = variance_inflation(x[:, ~constant])
    kr_se = tests.kenward_roger.standard_errors()
    kr = [tests.kenward_roger.test(row[None]) for row in np.eye(z.size)]
    half = kr_se * [t_quantile(0.975, test.df2) for test in kr]
    table = {"term": design.names, "beta": fitted.beta, "se": se}
    table |= {"low": fitted.beta - 1.959964 * se, "high": fitted.beta + 1.959964 * se}
    for name in ("bootstrap_p", "bootstrap_low", "bootstrap_high"):
        table[name] = [getattr(columns[j], name) if j in columns else np.nan for j in range(z.size)]
    table |= {"kr_se": kr_se, "kr_low": fitted.beta - half, "kr_high": fitted.beta + half}
    table |= {"kr_df": [test.df2 for test in kr], "kr_p": [test.p for test in kr]}
    table |= {"z": z, "wald_p": two_sided_z(z), "vif": inflation, "ols_beta": ols, "ols_se": ols_se, "n": y.size}
    table["verdict"] = [columns[j].verdict if j in columns else "" for j in range(z.size)]
    return pd.DataFrame(table), float(np.max(np.abs(ols - fitted.beta) / se))


def _tests(tests: TermTests, names: list[str]) -> tuple[list[Term], dict[int, Term]]:
    """The test of each term, and of each column of the design; a term of one column is tested once."""
    terms, columns = [], {}
    for name, places in terms_of(names).items():
        terms.append(tests.without(name, places))
        for j in places:
            columns[j] = terms[-1] if len(places) == 1 else tests.without(names[j], [j])
    return terms, columns
