"""`report regression`: all ingredients at once, a random intercept for each family (paper section 4.1, figure 3)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd

from triadic.reports import figures
from triadic.reports.frames import HEADLINE, MetricSetting, OriginSetting, ReferenceSetting, enough, scoped
from triadic.reports.raters import stand_ins
from triadic.reports.report import Drawings, Report, concatenated
from triadic.reports.statistics.mixed import MixedFit, fit_mixed, variables
from triadic.schema.errors import BadInput
from triadic.schema.options import Option
from triadic.schema.store import Store
from triadic.schema.vocabulary import Origin

COMMON = (
    "instruction_tuned + multimodal + n_params + n_layers + n_heads + {attention} + hidden_size + mlp_dim"
    " + vocab_size + context_length + training_tokens"
)
# The paper does not say which of the two its "attention dimension" is, so both are fitted.
FORMULAS = {
    "per head": "alignment ~ " + COMMON.format(attention="head_dim"),
    "all heads": "alignment ~ " + COMMON.format(attention="attention_dim"),
}
FEWEST = 12  # models: the paper's formula has eleven ingredients
CAPTIONS = {
    "coefficients": "Fixed effects",
    "terms": "Tests of each term",
    "fits": "The fits",
    "dropped": "Models left out",
}


def report(
    store: Store,
    origin: OriginSetting = Origin.both,
    metric: MetricSetting = HEADLINE,
    reference: ReferenceSetting = None,
    formula: Annotated[
        str | None, Option("A formula of your own, for example 'alignment ~ n_params + instruction_tuned'.")
    ] = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Report:
    """The mixed-effects model, and everything needed to doubt it.

    `formula` (alignment ~ …) names columns of the view ingredient_frame; None fits the paper's model with the
    attention dimension in both meanings. `n_bootstrap` 0 leaves the parametric bootstrap out.

    Example: triadic report regression --origin published --format latex
    """
    rng = np.random.default_rng(seed)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in CAPTIONS}
    drawings: Drawings = {}
    fewest = FEWEST if formula is None else 2
    parts, notes = enough(scoped(store, "ingredient_frame", origin, metric, reference), fewest)
    for scope, frame in parts:
        frame = without_constant(frame) if formula is None else frame
        for label, text in ({"formula": formula} if formula else FORMULAS).items():
            if formula is None:
                text = usable(text, frame, notes, str(scope))
            try:
                fit = fit_mixed(text, frame, "family", rng, n_bootstrap)
            except BadInput as error:
                if formula and origin != Origin.both:
                    raise
                notes.append(f"{scope}, {label}: not fitted: {error}")
                continue
            about = {**scope.columns, "model": label}
            for name, rows in _rows(fit, frame, text).items():
                tables[name].append(rows.assign(**about)[[*about, *rows.columns]])
            notes += [f"{scope}, {label}: {note}." for note in fit.notes]
            figure = ("figure_3" if label != "all heads" else "figure_3_all_heads") + scope.suffix
            drawings[figure] = partial(figures.coefficients, fit.coefficients, f"{scope.metric}, {label}")
    if not tables["coefficients"]:
        raise BadInput(notes[-1])
    notes += stand_ins(store, origin)
    notes += [
        "Numeric ingredients are z-scored over the models used; true/false ones stay 0/1: their beta is a difference.",
        "A model with a missing cell in any column of the formula is left out; table dropped names it.",
        "beta, se, Wald p and R² are from REML; likelihood ratios from ML fits with and without the term. "
        "Intervals are beta ± 1.96 se.",
        f"bootstrap_p: parametric, {n_bootstrap} draws from the model without the term, seed {seed}."
        if n_bootstrap
        else "No parametric bootstrap was asked for.",
        "R² marginal (fixed effects) and conditional (with families) after Nakagawa & Schielzeth (2013).",
        "ols_beta and ols_se are least squares without families: where they differ much, families carry the effect.",
    ]
    return Report(
        "regression",
        "Alignment on all ingredients at once, families as random intercepts",
        [table for table in concatenated(tables, CAPTIONS) if len(table.frame)],
        notes,
        drawings,
    )


def without_constant(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without columns that are the same, or unknown, for every model: the default formula skips them."""
    constant = [name for name in frame.columns if name not in ("family", "alignment") and frame[name].nunique() < 2]
    return frame.drop(columns=constant)


def usable(formula: str, frame: pd.DataFrame, notes: list[str], scope: str) -> str:
    """A default formula without the ingredients that the frame has no variation in, saying which in `notes`."""
    outcome, right = formula.split("~")
    named = set(variables(formula, frame))
    terms = [term.strip() for term in right.split("+")]
    absent = [term for term in terms if term not in named]
    if absent:
        notes.append(f"{scope}: {', '.join(absent)} left out, being the same or unknown for every model.")
    return f"{outcome}~ {' + '.join(term for term in terms if term in named) or '1'}"


def _rows(fit: MixedFit, frame: pd.DataFrame, formula: str) -> dict[str, pd.DataFrame]:
    terms = pd.DataFrame([vars(term) for term in [*fit.terms, fit.family_test]]).assign(n=fit.n)
    summary = {
        "n": fit.n,
        "families": fit.n_groups,
        "dropped": fit.dropped,
        "r2_marginal": fit.marginal_r2,
        "r2_conditional": fit.conditional_r2,
        "family_sd": fit.group_variance**0.5,
        "residual_sd": fit.residual_variance**0.5,
        "deviance": fit.deviance,
        "converged": fit.converged,
        "optimiser": fit.optimiser,
        "boundary": fit.boundary,
        "ols_largest_shift_in_se": fit.ols_largest_shift,
        "formula": fit.formula,
    }
    named = variables(formula, frame)
    missing = frame[named].isna()
    missing = missing[missing.any(axis=1)]
    dropped = frame.loc[missing.index, ["rater_name"]].assign(
        missing=[", ".join(name for name in named if row[name]) for _, row in missing.iterrows()]
    )
    return {"coefficients": fit.coefficients, "terms": terms, "fits": pd.DataFrame([summary]), "dropped": dropped}
