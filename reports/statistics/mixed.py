"""The mixed-effects model: alignment on ingredients, with a random intercept for each family (paper section 4.1).

statsmodels makes the fit. Its default optimiser (lbfgs) can report convergence with fixed effects of exactly zero
when the family variance vanishes, so another is used, exact zeros are refused, and the fit must reach the optimum
that `likelihood` finds independently and, where the family variance is zero, ordinary least squares.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from triadic.reports.statistics.collinearity import refuse_repeats, variance_inflation
from triadic.reports.statistics.likelihood import Profile, RandomIntercept, simulate
from triadic.schema.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

OPTIMISERS = ("powell", "nm", "cg")
SAME_OPTIMUM = 1e-3  # in −2 log-likelihood; a difference this small moves no printed figure
BOUNDARY = 1e-4  # family variance over residual variance below which the fit sits on its boundary


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
    dropped_for: dict[str, int]
    coefficients: "pd.DataFrame"
    terms: list[Term]
    family_test: Term
    group_variance: float
    residual_variance: float
    marginal_r2: float
    conditional_r2: float
    deviance: float
    profile_deviance: float
    converged: bool
    optimiser: str
    boundary: bool
    ols_largest_shift: float
    notes: list[str] = field(default_factory=list)


def z_score(frame: "pd.DataFrame", names: list[str]) -> "pd.DataFrame":
    """A copy with the named columns centred and divided by their sample SD; a constant column is refused."""
    out = frame.copy()
    for name in names:
        column = frame[name].to_numpy(dtype=float)
        if np.nanstd(column) == 0:
            raise BadInput(f"ingredient {name} is the same for every model; leave it out of the formula")
        out[name] = (column - np.nanmean(column)) / np.nanstd(column, ddof=1)
    return out


def variables(formula: str, frame: "pd.DataFrame") -> list[str]:
    """The columns of `frame` that a formula names, in its order."""
    words = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", formula))
    return [word for word in words if word in frame.columns]


def fit_mixed(
    formula: str,
    frame: "pd.DataFrame",
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
    `test_terms` False leaves the likelihood-ratio tests of single terms out.

    Raises
    ------
    BadInput
        An unreadable formula or unknown column, too few rows or groups, columns that repeat one another, or a fixed
        effect of exactly zero.
    """
    import pandas as pd

    if "~" not in formula:
        raise BadInput(f"formula {formula!r} has no ~; write outcome ~ ingredient + ingredient")
    named = variables(formula, frame)
    outcome = variables(formula.split("~")[0], frame)
    if group not in frame.columns:
        raise BadInput(f"no column {group!r} to group by; columns: {', '.join(map(str, frame.columns))}")
    kept = frame[[*named, *([] if group in named else [group])]]
    missing = kept.isna()
    dropped_for = {name: int(count) for name, count in missing.sum().items() if count}
    kept = kept[~missing.any(axis=1)].reset_index(drop=True)
    # Booleans and numbers reach the formula as such whatever nullable type the table gave them.
    for name in named:
        if pd.api.types.is_bool_dtype(kept[name].dtype) or set(map(type, kept[name])) <= {bool, np.bool_}:
            kept[name] = kept[name].astype(float)
        elif pd.api.types.is_numeric_dtype(kept[name].dtype):
            kept[name] = kept[name].astype(float)
            if not np.isfinite(kept[name]).all():
                raise BadInput(f"column {name} holds an infinite value")
    if kept[group].nunique() < 2:
        raise BadInput(f"the {len(kept)} complete rows hold fewer than two groups of {group}; nothing to tell apart")
    if standardise:
        numeric = [
            name
            for name in named
            if name not in outcome and pd.api.types.is_numeric_dtype(kept[name].dtype) and kept[name].nunique() > 2
        ]
        # Inside a function, as in np.log(n_params), a column keeps its unit and the result is z-scored instead.
        kept = z_score(kept, [name for name in numeric if not _in_function(name, formula)])
    y, design, names = _design(formula, kept, group, frame)
    if standardise:
        for j, name in enumerate(names):
            if "(" in name and "[" not in name and ":" not in name and len(np.unique(design[:, j])) > 2:
                design[:, j] = (design[:, j] - design[:, j].mean()) / design[:, j].std(ddof=1)
    refuse_repeats(design, names)
    codes = pd.factorize(kept[group])[0]
    profile = RandomIntercept(design, codes).fit(y, reml)
    fitted, optimiser = _statsmodels(y, design, codes, reml, profile)
    notes = _notes(fitted, profile, optimiser)
    if (fitted.beta == 0).any():
        raise BadInput(f"the fixed effect of {names[int(np.argmin(np.abs(fitted.beta)))]} came out as exactly zero")
    coefficients, ols_shift = _coefficients(y, design, names, fitted)
    terms, family_test = _tests(y, design, names if test_terms else [], codes, rng, n_bootstrap)
    linear = float(np.var(design @ fitted.beta, ddof=1))
    total = linear + fitted.group_variance + fitted.residual_variance
    boundary = fitted.group_variance < BOUNDARY * fitted.residual_variance
    return MixedFit(
        formula, len(kept), int(kept[group].nunique()), len(frame) - len(kept), dropped_for, coefficients, terms,
        family_test, fitted.group_variance, fitted.residual_variance, linear / total,
        (linear + fitted.group_variance) / total, fitted.deviance, profile.deviance, optimiser is not None,
        optimiser or "profile likelihood", boundary, ols_shift, notes,
    )  # fmt: skip


def _design(formula: str, kept: "pd.DataFrame", group: str, frame: "pd.DataFrame"):
    from statsmodels.regression.mixed_linear_model import MixedLM

    try:
        with np.errstate(all="ignore"):  # what a function of the formula makes of a value is checked below
            model = MixedLM.from_formula(formula, data=kept, groups=kept[group].to_numpy())
    except Exception as error:  # the formula engine raises what it likes; the reader needs the formula and the columns
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        columns = ", ".join(map(str, frame.columns))
        raise BadInput(f"formula {formula!r} cannot be used ({reason}); columns: {columns}") from error
    y, design = np.asarray(model.endog, dtype=float), np.array(model.exog, dtype=float)
    if len(y) != len(kept) or not (np.isfinite(y).all() and np.isfinite(design).all()):
        raise BadInput(f"formula {formula!r} gives values that are not finite numbers: a logarithm of zero, perhaps")
    return y, design, list(model.exog_names)


def _in_function(name: str, formula: str) -> bool:
    """Whether a column stands inside a function call other than C(), which makes a category of it."""
    calls = re.findall(r"([\w.]+)\s*\(([^()]*)\)", formula)
    return any(function != "C" and re.search(rf"\b{name}\b", inside) for function, inside in calls)


def _statsmodels(y, design, codes, reml, profile) -> tuple[Profile, str | None]:
    """The first optimiser that converges, gives no exact zero and reaches the profiled optimum; else the profile."""
    import warnings

    from statsmodels.regression.mixed_linear_model import MixedLM

    for method in OPTIMISERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # boundary and convergence are reported as columns, not as warnings
            try:
                result = MixedLM(y, design, groups=codes).fit(reml=reml, method=[method])
                covariance = np.asarray(result.cov_params())[: design.shape[1], : design.shape[1]]
            except np.linalg.LinAlgError:
                continue
        deviance = -2 * float(result.llf)
        beta = np.asarray(result.fe_params, dtype=float)
        # A Hessian that is not definite (common at the boundary) leaves no standard errors: not a usable fit.
        sound = np.isfinite(covariance).all() and (np.diag(covariance) > 0).all() and not (beta == 0).any()
        if result.converged and sound and deviance < profile.deviance + SAME_OPTIMUM:
            variance = float(np.asarray(result.cov_re)[0, 0])
            theta = np.sqrt(variance / result.scale)
            # statsmodels differentiates over all parameters; the profile's covariance is the generalised least
            # squares one that lme4 prints, and is kept so that both routes give the same standard errors.
            return Profile(beta, profile.covariance, variance, float(result.scale), theta, deviance, reml), method
    return profile, None


def _notes(fitted: Profile, profile: Profile, optimiser: str | None) -> list[str]:
    notes = []
    if optimiser is None:
        notes.append(
            f"no optimiser of statsmodels ({', '.join(OPTIMISERS)}) reached the optimum; the figures are those of the "
            "profiled likelihood"
        )
    else:
        gap = fitted.deviance - profile.deviance
        notes.append(
            f"statsmodels ({optimiser}) meets the profiled likelihood: −2logL {fitted.deviance:.4f}, gap {gap:.1e}"
        )
    if fitted.group_variance < BOUNDARY * fitted.residual_variance:
        notes.append("the family variance is zero: the model equals least squares; conditional R² = marginal R²")
    return notes


def _coefficients(y, design, names, fitted) -> tuple["pd.DataFrame", float]:
    import pandas as pd
    from scipy.special import ndtr

    se = np.sqrt(np.diag(fitted.covariance))
    z = fitted.beta / se
    ols = np.linalg.lstsq(design, y, rcond=None)[0]
    rest = y - design @ ols
    ols_se = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * (rest @ rest) / (y.size - design.shape[1]))
    constant = np.ptp(design, axis=0) == 0
    inflation = np.full(len(names), np.nan)
    if (~constant).any():
        inflation[~constant] = variance_inflation(design[:, ~constant])
    table = pd.DataFrame(
        {
            "term": names, "beta": fitted.beta, "se": se, "low": fitted.beta - 1.959964 * se,
            "high": fitted.beta + 1.959964 * se, "z": z, "wald_p": 2 * ndtr(-np.abs(z)), "vif": inflation,
            "ols_beta": ols, "ols_se": ols_se, "n": y.size,
        }
    )  # fmt: skip
    return table, float(np.max(np.abs(ols - fitted.beta) / se))


def _tests(y, design, names, codes, rng, n_bootstrap) -> tuple[list[Term], Term]:
    """Likelihood ratios by maximum likelihood (REML likelihoods of different designs do not compare)."""
    from scipy.special import chdtrc

    if n_bootstrap and rng is None:
        raise BadInput("a parametric bootstrap needs a random generator")
    full = RandomIntercept(design, codes)
    full_fit = full.fit(y, reml=False)
    by_term: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        if name != "Intercept":
            by_term.setdefault(re.sub(r"\[[^\]]*\]", "", name), []).append(j)
    terms = []
    for term, columns in by_term.items():
        rest = np.delete(design, columns, axis=1)
        null = RandomIntercept(rest, codes)
        null_fit = null.fit(y, reml=False)
        ratio = max(null_fit.deviance - full_fit.deviance, 0.0)
        bootstrap_p = float("nan")
        if n_bootstrap:
            draws = simulate(null_fit, rest, codes, n_bootstrap, rng)
            ratios = null.deviances(draws) - full.deviances(draws)
            bootstrap_p = float((np.sum(ratios >= ratio) + 1) / (n_bootstrap + 1))
        terms.append(Term(term, len(columns), ratio, float(chdtrc(len(columns), ratio)), bootstrap_p, n_bootstrap))
    return terms, _family(y, design, codes, full, full_fit, rng, n_bootstrap)


def _family(y, design, codes, full, full_fit, rng, n_bootstrap) -> Term:
    """Is the family variance zero? On the boundary the ratio is half χ²₀, half χ²₁ (Self & Liang 1987)."""
    from scipy.special import chdtrc

    alone = full.without_groups(y[:, None])
    ratio = max(float(alone[0]) - full_fit.deviance, 0.0)
    bootstrap_p = float("nan")
    if n_bootstrap:
        beta = np.linalg.lstsq(design, y, rcond=None)[0]
        rest = y - design @ beta
        null = Profile(beta, full_fit.covariance, 0.0, float(rest @ rest) / y.size, 0.0, float(alone[0]), False)
        draws = simulate(null, design, codes, n_bootstrap, rng)
        ratios = full.without_groups(draws) - full.deviances(draws)
        bootstrap_p = float((np.sum(ratios >= ratio - 1e-9) + 1) / (n_bootstrap + 1))
    p = 1.0 if ratio <= 1e-9 else 0.5 * float(chdtrc(1, ratio))
    return Term("random intercept", 1, ratio, p, bootstrap_p, n_bootstrap)
