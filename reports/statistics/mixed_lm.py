"""statsmodels' mixed model: how it reads a formula, and the best that its optimisers reach.

Loading it takes more than a second, so this module is loaded by the first fit.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

from triadic.reports.statistics.likelihood import Profile
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

OPTIMISERS = ("powell", "nm", "cg")
SAME_OPTIMUM = 1e-3  # in −2 log-likelihood; a difference this small moves no printed figure


def read_formula(formula: str, rows: pd.DataFrame, group: str, known: list[str]) -> tuple[Floats, Floats, list[str]]:
    """Outcome (n,), design (n, p) and the design's column names. Raises BadInput, naming the columns `known`."""
    try:
        with np.errstate(all="ignore"):  # what a function of the formula makes of a value is checked below
            model = MixedLM.from_formula(formula, data=rows, groups=rows[group].to_numpy())
    except Exception as error:  # the formula engine raises what it likes; the reader needs the formula and the columns
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"formula {formula!r} cannot be used ({reason}); columns: {', '.join(known)}") from error
    y, design = np.asarray(model.endog, dtype=float), np.array(model.exog, dtype=float)
    if len(y) != len(rows) or not (np.isfinite(y).all() and np.isfinite(design).all()):
        raise BadInput(f"formula {formula!r} gives values that are not finite numbers: a logarithm of zero, perhaps")
    return y, design, list(model.exog_names)


def optimised(y: Floats, design: Floats, codes: Ints, reml: bool, profile: Profile) -> tuple[Profile, str | None]:
    """The first optimiser that converges, gives no exact zero and reaches the profiled optimum; else the profile."""
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
            # statsmodels differentiates over all parameters; the profile's covariance is the generalised least
            # squares one that lme4 prints, and is kept so that both routes give the same standard errors.
            return Profile(beta, profile.covariance, variance, float(result.scale), deviance), method
    return profile, None


def agreement(fitted: Profile, profile: Profile, optimiser: str | None) -> str:
    """What a reader should know of how the fit was reached."""
    if optimiser is None:
        return (
            f"no optimiser of statsmodels ({', '.join(OPTIMISERS)}) reached the optimum; the figures are those of the "
            "profiled likelihood"
        )
    gap = fitted.deviance - profile.deviance
    return f"statsmodels ({optimiser}) meets the profiled likelihood: −2logL {fitted.deviance:.4f}, gap {gap:.1e}"
