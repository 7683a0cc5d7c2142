"""`report ingredients`: which ingredients go with alignment, one at a time (paper section 4.1, figure 2)."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from triadic.reports import figures
from triadic.reports.frames import HEADLINE, Scope, chance, numbers, scoped
from triadic.reports.report import Report, Table
from triadic.reports.statistics.bootstrap import interval, leave_one_out
from triadic.reports.statistics.correlation import pearson, spearman
from triadic.reports.statistics.groups import many_groups, two_groups
from triadic.reports.statistics.multiple import holm
from triadic.schema.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.store import Store

NUMERIC = (
    "n_params", "n_layers", "n_heads", "head_dim", "attention_dim", "hidden_size", "mlp_dim", "vocab_size",
    "context_length", "max_position_embeddings", "training_tokens",
)  # fmt: skip
CATEGORICAL = (
    "instruction_tuned", "multimodal", "activation_family", "activation", "attention", "architecture",
    "post_training_stage",
)  # fmt: skip
FEWEST = 4  # models: below it a correlation has no interval and leaving one out leaves nothing


def report(
    store: "Store",
    origin: str = "published",
    metric: str = HEADLINE,
    reference: str | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Report:
    """Every numeric ingredient's correlation with alignment, and every categorical one's group test.

    `n_resamples` 0 leaves the bootstrap intervals out.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    parts = scoped(store, "ingredient_frame", origin, metric, reference)
    correlations, influence, tests, means, drawn, notes = [], [], [], [], {}, []
    for scope, frame in parts:
        if len(frame) < FEWEST:
            notes.append(f"{scope}: {len(frame)} models are too few for a correlation; {FEWEST} are needed.")
            continue
        notes += chance(scope, frame)
        found, moved = _correlations(scope, frame, rng, n_resamples)
        correlations.append(found)
        influence.append(moved)
        tested, levels = _groups(scope, frame)
        tests.append(tested)
        means.append(levels)
        for name, drawing in _figures(frame, scope).items():
            drawn[name + scope.suffix] = drawing
    if not correlations:
        raise BadInput(notes[0])
    notes += [
        "scale: raw and log are Pearson's r with the ingredient or its logarithm, rank is Spearman's.",
        f"low, high: 95% bias-corrected bootstrap over models; family_low, family_high: over whole families, which "
        f"allows for models of one family being alike ({n_resamples} resamples each, seed {seed}).",
        "p_holm is corrected over the ingredients within one scale (correlations) or over all ingredients (groups).",
        "moved_by: the model whose removal changes the value most; r_without: the value then. Table influence has all.",
        "head_dim is the attention dimension per head, attention_dim all heads together (heads × head_dim).",
        "g and omega2 are the effect sizes corrected for sample size; groups of one model enter F but not Welch's F, "
        "which trusts the variance of a group of two (relu) too much.",
    ]
    return Report(
        "ingredients",
        "Alignment and the ingredients of models, one at a time",
        [
            Table("correlations", "Numeric ingredients and alignment", pd.concat(correlations, ignore_index=True)),
            Table("groups", "Categorical ingredients and alignment", pd.concat(tests, ignore_index=True)),
            Table("group_means", "Mean alignment of each group", pd.concat(means, ignore_index=True)),
            Table("influence", "Correlations without each model", pd.concat(influence, ignore_index=True), preview=12),
        ],
        notes,
        drawn,
    )


def correlate(x: np.ndarray, y: np.ndarray, names: np.ndarray, families: np.ndarray, rng, n_resamples: int):
    """Raw, log and rank correlations of x and y (n,), each with intervals and influence: rows, and values without each.

    `families` (n,) names each model's family; one without a name is a family of its own.
    """
    keep = ~np.isnan(x) & ~np.isnan(y)
    x, y, names = x[keep], y[keep], names[keep]
    family = np.unique(families[keep], return_inverse=True)[1]
    rows, without = [], []
    if x.size < FEWEST or np.ptp(x) == 0:
        return rows, without
    for scale in ("raw", "log", "rank"):
        if scale == "log" and (x <= 0).any():
            continue
        values, ranked = (np.log(x) if scale == "log" else x), scale == "rank"
        found = (spearman if ranked else pearson)(values, y)
        row = {"scale": scale, "n": found.n, "r": found.r, "low": np.nan, "high": np.nan,
               "family_low": np.nan, "family_high": np.nan, "p": found.p}  # fmt: skip
        if n_resamples:
            ends = interval(values, y, rng, n_resamples, ranked=ranked)
            row |= {"low": ends.low, "high": ends.high}
            if family.max() >= 3:
                ends = interval(values, y, rng, n_resamples, ranked=ranked, clusters=family)
                row |= {"family_low": ends.low, "family_high": ends.high}
        moved = leave_one_out(values, y, ranked)
        row |= {"moved_by": names[moved.most], "r_without": moved.without[moved.most]}
        rows.append(row)
        without.append((scale, names, moved.without, moved.without - found.r))
    return rows, without


def _correlations(scope: Scope, frame: "pd.DataFrame", rng, n_resamples: int):
    import pandas as pd

    y, names, rows, moved = numbers(frame, "alignment"), frame.rater_id.to_numpy(), [], []
    families = frame.family.fillna(frame.rater_id).to_numpy(dtype=str)
    for ingredient in NUMERIC:
        found, without = correlate(numbers(frame, ingredient), y, names, families, rng, n_resamples)
        rows += [{**scope.columns, "ingredient": ingredient, **row} for row in found]
        for scale, left_out, values, shift in without:
            moved.append(
                pd.DataFrame(
                    {**scope.columns, "ingredient": ingredient, "scale": scale, "without": left_out, "r": values,
                     "shift": shift, "n": left_out.size - 1}
                )
            )  # fmt: skip
    if not rows:
        raise BadInput(f"{scope}: no numeric ingredient is known for {FEWEST} models or more and varies")
    table = pd.DataFrame(rows)
    table.insert(table.columns.get_loc("p") + 1, "p_holm", np.nan)
    for _, part in table.groupby("scale"):
        table.loc[part.index, "p_holm"] = holm(part.p)
    influence = pd.concat(moved, ignore_index=True)
    return table, influence.sort_values("shift", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _groups(scope: Scope, frame: "pd.DataFrame"):
    import pandas as pd

    tests, levels = [], []
    for ingredient in CATEGORICAL:
        known = frame[frame[ingredient].notna()]
        groups = {
            level: numbers(part, "alignment") for level, part in known.groupby(known[ingredient].astype(str), sort=True)
        }
        groups = {_level(level): values for level, values in groups.items()}
        for level, values in groups.items():
            sd = values.std(ddof=1) if values.size > 1 else np.nan
            levels.append({**scope.columns, "ingredient": ingredient, "level": level, "n": values.size,
                           "mean": values.mean(), "sd": sd})  # fmt: skip
        row = _test(groups)
        if row:
            tests.append({**scope.columns, "ingredient": ingredient, **row})
    table = pd.DataFrame(tests)
    if len(table):
        table["p_holm"] = holm(table.p)
        table["welch_p_holm"] = holm(table.welch_p)
    return table, pd.DataFrame(levels)


def _test(groups: dict[str, np.ndarray]) -> dict | None:
    """Student's and Welch's test of two groups (second minus first, as in yes minus no), or F of more."""
    n = sum(values.size for values in groups.values())
    if len(groups) == 2 and all(values.size > 1 for values in groups.values()):
        (first, a), (second, b) = groups.items()
        t = two_groups(b, a)
        return {
            "contrast": f"{second} − {first}", "n": n, "sizes": f"{b.size}, {a.size}", "statistic": "t",
            "value": t.student_t, "df": f"{t.student_df:.0f}", "p": t.student_p, "welch": t.welch_t,
            "welch_df": f"{t.welch_df:.1f}", "welch_p": t.welch_p, "difference": t.difference, "low": t.low,
            "high": t.high, "d": t.cohens_d, "g": t.hedges_g, "eta2": np.nan, "omega2": np.nan,
        }  # fmt: skip
    if len(groups) < 2 or n <= len(groups):
        return None
    f = many_groups(list(groups.values()))
    return {
        "contrast": ", ".join(groups), "n": n, "sizes": ", ".join(str(v.size) for v in groups.values()),
        "statistic": "F", "value": f.f, "df": f"{f.df1}, {f.df2}", "p": f.p, "welch": f.welch_f,
        "welch_df": f"{f.welch_df1}, {f.welch_df2:.1f}", "welch_p": f.welch_p, "difference": np.nan, "low": np.nan,
        "high": np.nan, "d": np.nan, "g": np.nan, "eta2": f.eta2, "omega2": f.omega2,
    }  # fmt: skip


def _level(text: str) -> str:
    return {"True": "yes", "False": "no"}.get(text, text)


def _figures(frame: "pd.DataFrame", scope: Scope) -> dict:
    y = f"{scope.metric} ({scope.reference})"
    return {
        "figure_2a": partial(figures.groups, frame, "instruction_tuned", y),
        "figure_2b": partial(figures.groups, frame, "multimodal", y),
        "figure_2c": partial(figures.groups, frame, "activation_family", y),
        "figure_2d": partial(figures.scatters, frame, ("n_heads", "head_dim", "attention_dim"), y),
        "figure_2e": partial(figures.scatters, frame, ("hidden_size", "mlp_dim", "n_params", "context_length"), y),
    }
