"""`report ingredients`: which ingredients go with alignment, one at a time (paper section 4.1, figure 2)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from triadic.reports import figures, frames
from triadic.reports.frames import HEADLINE, Scope, numbers, scoped
from triadic.reports.raters import stand_ins
from triadic.reports.report import Drawings, Report, Row, concatenated
from triadic.reports.statistics.bootstrap import interval, leave_one_out
from triadic.reports.statistics.correlation import pearson, spearman
from triadic.reports.statistics.families import groups_by_family
from triadic.reports.statistics.groups import many_groups, two_groups
from triadic.reports.statistics.multiple import holm
from triadic.reports.statistics.terms import verdict
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput
from triadic.schema.store import Store
from triadic.schema.vocabulary import Origin

NUMERIC = (
    "n_params", "n_layers", "n_heads", "head_dim", "attention_dim", "hidden_size", "mlp_dim", "vocab_size",
    "context_length", "max_position_embeddings", "training_tokens",
)  # fmt: skip
CATEGORICAL = (
    "instruction_tuned", "multimodal", "activation_family", "activation", "attention", "architecture",
    "post_training_stage",
)  # fmt: skip
FEWEST = 4  # models: below it a correlation has no interval and leaving one out leaves nothing
CAPTIONS = {
    "correlations": "Numeric ingredients and alignment",
    "groups": "Categorical ingredients and alignment",
    "group_means": "Mean alignment of each group",
    "influence": "Correlations without each model",
}
EFFECTS = ("difference", "low", "high", "d", "g", "eta2", "omega2")


def report(
    store: Store,
    origin: frames.OriginSetting = Origin.both,
    metric: frames.MetricSetting = HEADLINE,
    reference: frames.ReferenceSetting = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Report:
    """Which ingredients go with human-like concepts: correlations and group tests.

    Every numeric ingredient's correlation with alignment, and every categorical one's group test. `n_resamples` 0 leaves
    the bootstrap intervals out.

    Example: triadic report ingredients --origin published --format latex
    """
    rng = np.random.default_rng(seed)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in CAPTIONS}
    drawings: Drawings = {}
    parts, notes = frames.enough(scoped(store, "ingredient_frame", origin, metric, reference), FEWEST)
    for scope, frame in parts:
        if len(frame) < FEWEST:
            notes.append(f"{scope}: {len(frame)} models are too few for a correlation; {FEWEST} are needed.")
            continue
        notes += frames.chance(store, scope, frame)
        tables = (*_correlations(scope, frame, rng, n_resamples), *_groups(scope, frame, rng))
        for name, table in zip(("correlations", "influence", "groups", "group_means"), tables, strict=True):
            found[name].append(table)
        drawings |= {name + scope.suffix: drawing for name, drawing in _figures(frame, scope.label).items()}
    if not found["correlations"]:
        raise BadInput(notes[0])
    notes += stand_ins(store, origin)
    notes += [
        "scale: raw and log are Pearson's r with the ingredient or its logarithm, rank is Spearman's.",
        f"low, high: 95% bias-corrected bootstrap over models; family_low, family_high: over whole families, which "
        f"allows for models of one family being alike ({n_resamples} resamples each, seed {seed}).",
        "p_holm is corrected over the ingredients within one scale (correlations) or over all ingredients (groups).",
        "family_p allows for models of one family being alike (restricted wild cluster bootstrap, docs/regression.md), "
        "verdict rests on family_p_holm; groups that one family alone holds are left out of it (family_left_out), being "
        "the same as that family. Of groups that few families hold it finds only large differences.",
        "p and welch_p take models as independent: between families as alike as these they are far too small.",
        "moved_by: the model whose removal changes the value most; r_without: the value then. Table influence has all.",
        "head_dim is the attention dimension per head, attention_dim all heads together (heads × head_dim).",
        "g and omega2 are the effect sizes corrected for sample size; groups of one model enter F but not Welch's F, "
        "which trusts the variance of a group of two (relu) too much.",
    ]
    title = "Alignment and the ingredients of models, one at a time"
    return Report("ingredients", title, concatenated(found, CAPTIONS, influence=12), notes, drawings)


def _correlate(
    about: Row, frame: pd.DataFrame, rng: np.random.Generator, n_resamples: int
) -> tuple[list[Row], list[pd.DataFrame]]:
    """Raw, log and rank correlations with the ingredient of `about`: a row each, and its values without each model.

    A model without a family is a family of its own.
    """
    x, y = numbers(frame, about["ingredient"]), numbers(frame, "alignment")
    keep = ~np.isnan(x) & ~np.isnan(y)
    x, y, names = x[keep], y[keep], frame.rater_name.to_numpy()[keep]
    family = np.unique(frame.family.fillna(frame.rater_id).to_numpy(dtype=str)[keep], return_inverse=True)[1]
    rows: list[Row] = []
    without: list[pd.DataFrame] = []
    if x.size < FEWEST or np.ptp(x) == 0:
        return rows, without
    for scale in ("raw", "log", "rank"):
        if scale == "log" and (x <= 0).any():
            continue
        values, ranked = (np.log(x) if scale == "log" else x), scale == "rank"
        found = (spearman if ranked else pearson)(values, y)
        row: Row = {**about, "scale": scale, "n": found.n, "r": found.r}
        row |= dict.fromkeys(("low", "high", "family_low", "family_high"), np.nan) | {"p": found.p}
        if n_resamples:
            ends = interval(values, y, rng, n_resamples, ranked=ranked)
            row |= {"low": ends.low, "high": ends.high}
            if family.max() >= 3:
                ends = interval(values, y, rng, n_resamples, ranked=ranked, clusters=family)
                row |= {"family_low": ends.low, "family_high": ends.high}
        influence = leave_one_out(values, y, ranked)
        row |= {"moved_by": names[influence.most], "r_without": influence.without[influence.most]}
        rows.append(row)
        left_out = {"without": names, "r": influence.without, "shift": influence.without - found.r, "n": found.n - 1}
        without.append(pd.DataFrame({**about, "scale": scale, **left_out}))
    return rows, without


def _correlations(
    scope: Scope, frame: pd.DataFrame, rng: np.random.Generator, n_resamples: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = [_correlate({**scope.columns, "ingredient": name}, frame, rng, n_resamples) for name in NUMERIC]
    rows = [row for correlated, _ in found for row in correlated]
    if not rows:
        raise BadInput(f"{scope}: no numeric ingredient is known for {FEWEST} models or more and varies")
    table = pd.DataFrame(rows)
    table.insert(table.columns.get_loc("p") + 1, "p_holm", np.nan)
    for _, part in table.groupby("scale"):
        table.loc[part.index, "p_holm"] = holm(part.p)
    moved = pd.concat([part for _, without in found for part in without], ignore_index=True)
    return table, moved.sort_values("shift", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _groups(scope: Scope, frame: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    tests, levels = [], []
    for ingredient in CATEGORICAL:
        about = {**scope.columns, "ingredient": ingredient}
        known = frame[frame[ingredient].notna()]
        parts = known.groupby(known[ingredient].astype(str), sort=True)
        groups = {{"True": "yes", "False": "no"}.get(key, key): numbers(part, "alignment") for key, part in parts}
        for level, values in groups.items():
            sd = values.std(ddof=1) if values.size > 1 else np.nan
            levels.append({**about, "level": level, "n": values.size, "mean": values.mean(), "sd": sd})
        if row := _test(groups):
            tests.append(about | row | _by_family(known, ingredient, rng))
    table = pd.DataFrame(tests)
    if len(table):
        for name in ("family_p", "p", "welch_p"):
            table[f"{name}_holm"] = holm(table[name])
        table["verdict"] = [verdict(p) or "too few families" for p in table.family_p_holm]
        ends = ["contrast", "n", "sizes", "family_p", "family_p_holm", "verdict"]
        first = [*scope.columns, "ingredient", *ends]
        table = table[[*first, *(name for name in table.columns if name not in first)]]
    return table, pd.DataFrame(levels)


def _by_family(known: pd.DataFrame, ingredient: str, rng: np.random.Generator) -> Row:
    """The test that allows for families; a model without a family is a family of its own."""
    families = known.family.fillna(known.rater_id).astype(str).tolist()
    test = groups_by_family(numbers(known, "alignment"), known[ingredient].astype(str).tolist(), families, rng)
    if test is None:
        return {"family_p": np.nan, "family_f": np.nan, "n_families": len(set(families)), "family_left_out": "all"}
    row: Row = {"family_p": test.p, "family_f": test.f, "n_families": test.n_families}
    return row | {"family_left_out": ", ".join(test.left_out)}


def _test(groups: dict[str, Floats]) -> Row | None:
    """Student's and Welch's test of two groups (second minus first, as in yes minus no), or F of more."""
    n = sum(values.size for values in groups.values())
    row: Row
    if len(groups) == 2 and all(values.size > 1 for values in groups.values()):
        (first, a), (second, b) = groups.items()
        t = two_groups(b, a)
        row = {"contrast": f"{second} − {first}", "n": n, "sizes": f"{b.size}, {a.size}"}
        row |= {"statistic": "t", "value": t.student_t, "df": f"{t.student_df:.0f}", "p": t.student_p}
        row |= {"welch": t.welch_t, "welch_df": f"{t.welch_df:.1f}", "welch_p": t.welch_p}
        effects = {"difference": t.difference, "low": t.low, "high": t.high, "d": t.cohens_d, "g": t.hedges_g}
        return row | dict.fromkeys(EFFECTS, np.nan) | effects
    if len(groups) < 2 or n <= len(groups):
        return None
    f = many_groups(list(groups.values()))
    row = {"contrast": ", ".join(groups), "n": n, "sizes": ", ".join(str(v.size) for v in groups.values())}
    row |= {"statistic": "F", "value": f.f, "df": f"{f.df1}, {f.df2}", "p": f.p}
    row |= {"welch": f.welch_f, "welch_df": f"{f.welch_df1}, {f.welch_df2:.1f}", "welch_p": f.welch_p}
    return row | dict.fromkeys(EFFECTS, np.nan) | {"eta2": f.eta2, "omega2": f.omega2}


def _figures(frame: pd.DataFrame, label: str) -> Drawings:
    attention, size = ("n_heads", "head_dim", "attention_dim"), ("hidden_size", "mlp_dim", "n_params", "context_length")
    return {
        "figure_2a": partial(figures.groups, frame, "instruction_tuned", label),
        "figure_2b": partial(figures.groups, frame, "multimodal", label),
        "figure_2c": partial(figures.groups, frame, "activation_family", label),
        "figure_2d": partial(figures.scatters, frame, attention, label),
        "figure_2e": partial(figures.scatters, frame, size, label),
    }
