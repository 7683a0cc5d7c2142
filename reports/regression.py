"""`report regression`: all ingredients at once, a random intercept for each family (paper section 4.1, figure 3)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd

from triadic.reports import figures
from triadic.reports.frames import HEADLINE, MetricSetting, OriginSetting, ReferenceSetting, enough, scoped
from triadic.reports.raters import stand_ins
from triadic.reports.report import Drawings, concatenated
from triadic.reports.scripts import ScriptedReport
from triadic.reports.statistics.left_out import leave_one_group_out, stability
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
COEFFICIENTS = [
    *("term", "beta", "se", "kr_se", "low", "high", "bootstrap_p", "bootstrap_low", "bootstrap_high", "verdict"),
    *("kr_df", "kr_p", "wald_p", "vif", "ols_beta", "ols_se", "n"),
]
LEFT_OUT_DRAWS = 2000  # at most, for each effect without each family: eleven times as many fits
MANY_FAMILIES = 20  # from here on Kenward–Roger's p serves without each family: it holds, and draws would take minutes
FEWEST = 12  # models: the paper's formula has eleven ingredients
CAPTIONS = {
    "coefficients": "Fixed effects",
    "terms": "Tests of each term",
    "families": "Without each family: range, sign and verdict of each effect",
    "left_out": "Fixed effects without each family",
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
    n_bootstrap: int = 10_000,
    seed: int = 0,
) -> ScriptedReport:
    """The mixed-effects model, and everything needed to doubt it.

    `formula` (alignment ~ …) names columns of the view ingredient_frame; None fits the paper's model with the
    attention dimension in both meanings. `n_bootstrap` 0 leaves the parametric bootstrap out; verdicts then rest on
    Kenward–Roger's p.

    Example: triadic report regression --origin published --format latex
    """
    rng = np.random.default_rng(seed)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in CAPTIONS}
    drawings: Drawings = {}
    fits: dict[str, MixedFit] = {}
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
            fits[f"{scope}, {label}"] = fit
            tables_of = _rows(fit, frame, text) | _left_out(fit, rng, n_bootstrap)
            for name, rows in tables_of.items():
                tables[name].append(rows.assign(**about)[[*about, *rows.columns]])
            notes.append(f"{scope}, {label}: {fit.lme4_formula}")
            notes += [f"{scope}, {label}: {note}." for note in fit.notes]
            figure = ("figure_3" if label != "all heads" else "figure_3_all_heads") + scope.suffix
            drawings[figure] = partial(figures.coefficients, tables_of["coefficients"], f"{scope.metric}, {label}")
    if not tables["coefficients"]:
        raise BadInput(notes[-1])
    notes += stand_ins(store, origin)
    notes += [
        "Numeric ingredients are z-scored over the models used; true/false ones stay 0/1: their beta is a difference.",
        "A model with a missing cell in any column of the formula is left out; table dropped names it.",
        *_about_p(n_bootstrap, seed),
        "R² marginal (fixed effects) and conditional (with families) after Nakagawa & Schielzeth (2013).",
        "ols_beta and ols_se are least squares without families: where they differ much, families carry the effect.",
    ]
    made = [table for table in concatenated(tables, CAPTIONS, left_out=0) if len(table.frame)]
    title = "Alignment on all ingredients at once, families as random intercepts"
    return ScriptedReport("regression", title, made, notes, drawings, fits, seed)


def _about_p(n_bootstrap: int, seed: int) -> list[str]:
    """What the p-values are, first the one that the verdicts rest on."""
    rests = "the parametric bootstrap" if n_bootstrap else "Kenward–Roger's p, no bootstrap having been asked for"
    notes = [
        f"verdict: yes where p is below 0.05 by {rests}; with a dozen families Wald's and the likelihood ratio's p are "
        "below it too often where nothing is there, and are given for comparison (docs/regression.md)."
    ]
    if n_bootstrap:
        notes.append(
            f"bootstrap_p: {n_bootstrap:,} draws from the model without the term, seed {seed}; bootstrap_low to "
            "bootstrap_high holds the p of infinitely many draws (95%), and a verdict is open where 0.05 lies between."
        )
    return [
        *notes,
        "kr_df, kr_p: Kenward and Roger's (1997) t for a coefficient and F for a term; low, high: their 95% interval.",
        "beta, se and R² are from REML; lr_p from maximum likelihood with and without the term. kr_se allows for not "
        "knowing the variances.",
        "families, left_out: each effect fitted anew without each family, on the scale of all models"
        + (f", with {min(n_bootstrap, LEFT_OUT_DRAWS):,} draws;" if n_bootstrap else ";")
        + f" with {MANY_FAMILIES} families or more verdicts there rest on kr_p.",
        "The same models in R (lme4, lmerTest, pbkrtest): `triadic report regression --output NAME.R`.",
    ]


def _left_out(fit: MixedFit, rng: np.random.Generator, n_bootstrap: int) -> dict[str, pd.DataFrame]:
    """The tables of each effect without each family."""
    if fit.n_groups < 3:
        return {}
    n_draws = min(n_bootstrap, LEFT_OUT_DRAWS) if fit.n_groups < MANY_FAMILIES else 0
    left_out = leave_one_group_out(fit, rng, n_draws)
    return {"families": stability(fit, left_out).assign(n=fit.n), "left_out": left_out}


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
        "formula": fit.lme4_formula,
    }
    named = variables(formula, frame)
    missing = frame[named].isna()
    missing = missing[missing.any(axis=1)]
    dropped = frame.loc[missing.index, ["rater_name"]].assign(
        missing=[", ".join(name for name in named if row[name]) for _, row in missing.iterrows()]
    )
    coefficients = fit.coefficients.assign(low=fit.coefficients.kr_low, high=fit.coefficients.kr_high)[COEFFICIENTS]
    return {"coefficients": coefficients, "terms": terms, "fits": pd.DataFrame([summary]), "dropped": dropped}
