"""`report regression`: all ingredients at once, a random intercept for each family (paper section 4.1, figure 3)."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from triadic.reports import figures
from triadic.reports.frames import HEADLINE, scoped
from triadic.reports.report import Report, Table
from triadic.reports.statistics.mixed import MixedFit, fit_mixed, variables
from triadic.schema.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.store import Store

COMMON = (
    "instruction_tuned + multimodal + n_params + n_layers + n_heads + {attention} + hidden_size + mlp_dim"
    " + vocab_size + context_length + training_tokens"
)
# The paper does not say which of the two its "attention dimension" is, so both are fitted.
FORMULAS = {
    "per head": "alignment ~ " + COMMON.format(attention="head_dim"),
    "all heads": "alignment ~ " + COMMON.format(attention="attention_dim"),
}


def report(
    store: "Store",
    origin: str = "published",
    formula: str | None = None,
    metric: str = HEADLINE,
    reference: str | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Report:
    """The mixed model, or models, with everything needed to doubt them.

    `formula` (alignment ~ …) names columns of the view ingredient_frame; None fits the paper's model with the
    attention dimension in both meanings. `n_bootstrap` 0 leaves the parametric bootstrap out.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    formulas = {"formula": formula} if formula else FORMULAS
    tables: dict[str, list[pd.DataFrame]] = {"coefficients": [], "terms": [], "fits": [], "dropped": []}
    notes, drawn = [], {}
    for scope, frame in scoped(store, "ingredient_frame", origin, metric, reference):
        frame = without_varying(frame) if formula is None else frame
        for label, text in formulas.items():
            if formula is None:
                text = usable(text, frame, notes, str(scope))
            try:
                fit = fit_mixed(text, frame, "family", rng, n_bootstrap)
            except BadInput as error:
                if formula and origin != "both":
                    raise
                notes.append(f"{scope}, {label}: not fitted: {error}")
                continue
            said = {**scope.columns, "model": label}
            for name, rows in _rows(fit, frame, text).items():
                tables[name].append(rows.assign(**said)[[*said, *rows.columns]])
            notes += [f"{scope}, {label}: {note}." for note in fit.notes]
            name = "figure_3" if label != "all heads" else "figure_3_all_heads"
            drawn[name + scope.suffix] = partial(figures.coefficients, fit.coefficients, f"{scope.metric}, {label}")
    if not tables["coefficients"]:
        raise BadInput(notes[-1])
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
    captions = {
        "coefficients": "Fixed effects", "terms": "Tests of each term", "fits": "The fits", "dropped": "Models left out",
    }  # fmt: skip
    return Report(
        "regression",
        "Alignment on all ingredients at once, families as random intercepts",
        [
            Table(name, captions[name], pd.concat(parts, ignore_index=True))
            for name, parts in tables.items()
            if any(len(part) for part in parts)
        ],
        notes,
        drawn,
    )


def without_varying(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame without columns that are the same, or unknown, for every model: the default formula skips them."""
    constant = [name for name in frame.columns if name not in ("family", "alignment") and frame[name].nunique() < 2]
    return frame.drop(columns=constant)


def usable(formula: str, frame: "pd.DataFrame", notes: list[str], scope: str) -> str:
    """A default formula without the ingredients that the frame has no variation in, saying which."""
    left, right = formula.split("~")
    terms = [term.strip() for term in right.split("+")]
    there = [term for term in terms if term in variables(formula, frame)]
    gone = [term for term in terms if term not in there]
    if gone:
        notes.append(f"{scope}: {', '.join(gone)} left out, being the same or unknown for every model.")
    return f"{left}~ {' + '.join(there) or '1'}"


def _rows(fit: MixedFit, frame: "pd.DataFrame", formula: str) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    terms = pd.DataFrame([vars(term) for term in [*fit.terms, fit.family_test]]).assign(n=fit.n)
    summary = pd.DataFrame(
        [
            {
                "n": fit.n, "families": fit.n_groups, "dropped": fit.dropped, "r2_marginal": fit.marginal_r2,
                "r2_conditional": fit.conditional_r2, "family_sd": fit.group_variance**0.5,
                "residual_sd": fit.residual_variance**0.5, "deviance": fit.deviance,
                "converged": fit.converged, "optimiser": fit.optimiser, "boundary": fit.boundary,
                "ols_largest_shift_in_se": fit.ols_largest_shift, "formula": fit.formula,
            }
        ]
    )  # fmt: skip
    named = variables(formula, frame)
    missing = frame[named].isna()
    gone = frame.loc[missing.any(axis=1), ["rater_id"]].assign(
        missing=[", ".join(name for name in named if row[name]) for _, row in missing[missing.any(axis=1)].iterrows()]
    )
    return {"coefficients": fit.coefficients, "terms": terms, "fits": summary, "dropped": gone}
