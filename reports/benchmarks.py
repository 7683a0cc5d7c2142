"""`report benchmarks`: do capability benchmarks track alignment? (paper section 4.2, figure 4)

Scores compare only when they come from one harness on one scale, so a benchmark's correlation uses those alone: by
default the primary scores of its commonest harness. What that leaves out is a table of its own.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Annotated

import numpy as np
import pandas as pd

from triadic.reports import figures
from triadic.reports.frames import AnyMetricSetting, OriginSetting, ReferenceSetting, Scope, enough, numbers, scoped
from triadic.reports.raters import stand_ins
from triadic.reports.report import Drawings, Report, Row, concatenated
from triadic.reports.statistics import correlation
from triadic.reports.statistics.bootstrap import interval, leave_one_out
from triadic.reports.statistics.correlation import pearson, spearman
from triadic.reports.statistics.dependent import compare
from triadic.reports.statistics.multiple import holm
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.options import Option
from triadic.schema.store import Store
from triadic.schema.vocabulary import Origin

FEWEST = 4
PREVIEWS = {"among": 12, "comparisons": 12, "left_out": 12}
FIGURES = ("IFEval", "BBH", "MATH", "GPQA", "MUSR", "MMLU", "MMLU-PRO")  # figures 7 to 13
CAPTIONS = {
    "correlations": "Alignment and benchmarks",
    "among": "Benchmarks among each other",
    "comparisons": "Is one correlation larger than the other?",
    "left_out": "Scores that do not compare",
    "mixed_sources": "NOT COMPARABLE: primary scores pooled over sources",
}


def report(
    store: Store,
    origin: OriginSetting = Origin.both,
    metric: AnyMetricSetting = None,
    reference: ReferenceSetting = None,
    harness: Annotated[str | None, Option("Take this source's scores instead of the primary ones.")] = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Report:
    """Correlation with benchmark scores, of one scale and source.

    Each alignment metric against each benchmark. `harness` takes that source's scores instead of primary ones.

    Example: triadic report benchmarks --origin published --format latex
    """
    rng = np.random.default_rng(seed)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in CAPTIONS}
    drawings: Drawings = {}
    parts, notes = enough(scoped(store, "benchmark_frame", origin, metric, reference), FEWEST)
    for scope, frame in parts:
        used = one_source(frame, harness)
        table = _correlations(scope, used, rng, n_resamples)
        if table.empty:
            notes.append(f"{scope}: no benchmark has {FEWEST} models with comparable scores; nothing to correlate.")
            continue
        scores = wide(used)
        found["correlations"].append(table)
        found["among"].append(_among(scope, scores))
        found["comparisons"].append(_comparisons(scope, scores))
        found["left_out"].append(_left_out(scope, frame, used))
        found["mixed_sources"].append(_mixed_sources(scope, frame))
        drawings |= {name + scope.suffix: draw for name, draw in _figures(scope, used, table, scores).items()}
    if not found["correlations"]:
        raise BadInput(notes[0])
    notes += stand_ins(store, origin)
    notes += [
        "A correlation uses the scores of one harness on one scale: by default the primary scores of the harness that "
        "scored most models. n is small where a benchmark was never run by one harness on many models.",
        "MMLU is not part of Open LLM Leaderboard v2; its primary scores come from many model cards and papers, so "
        "they do not enter one correlation. Table mixed_sources shows what pooling them would give; do not rely on it.",
        f"low, high: 95% bias-corrected bootstrap over models ({n_resamples} resamples, seed {seed}). p_holm is "
        "corrected over the benchmarks.",
        "partial_r holds ln(parameters) constant; base_r and tuned_r are within base and instruction-tuned models.",
        "comparisons: two correlations of the same models that share a variable; Williams' t and Steiger's Z.",
    ]
    tables = [table for table in concatenated(found, CAPTIONS, **PREVIEWS) if len(table.frame)]
    return Report("benchmarks", "Alignment and capability benchmarks", tables, notes, drawings)


def one_source(frame: pd.DataFrame, harness: str | None = None) -> pd.DataFrame:
    """The rows of benchmark_frame that may enter one correlation: comparable ones, or those of a named harness."""
    if harness is None:
        return frame[frame.is_comparable].reset_index(drop=True)
    chosen = frame[frame.harness == harness]
    if chosen.empty:
        raise NotFound(f"no scores of harness {harness!r}: use one of {', '.join(sorted(frame.harness.unique()))}")
    ranked = chosen.sort_values(["is_primary", "source"], ascending=[False, True], kind="stable")
    chosen = ranked.drop_duplicates(["rater_id", "benchmark"])
    scales = chosen.groupby("benchmark").scale.nunique()
    if (scales > 1).any():
        raise BadInput(f"harness {harness!r} has {scales.idxmax()} scores on several scales, which do not compare")
    return chosen.reset_index(drop=True)


def wide(used: pd.DataFrame) -> pd.DataFrame:
    """One row per model: alignment, and a column per benchmark, NaN where it has no score."""
    scores = used.pivot(index="rater_id", columns="benchmark", values="score")
    scores.insert(0, "alignment", used.groupby("rater_id").alignment.first())
    return scores.astype(float)


def _mixed_sources(scope: Scope, frame: pd.DataFrame) -> pd.DataFrame:
    """What pooling primary scores of several harnesses, on one scale, would give. A figure to distrust."""
    rows = []
    for (benchmark, scale), part in frame[frame.is_primary].groupby(["benchmark", "scale"]):
        part = part.drop_duplicates("rater_id")
        harnesses = part.harness.nunique()
        if harnesses > 1 and len(part) >= FEWEST:
            pooled = pearson(part.score, part.alignment)
            row = {**scope.columns, "benchmark": benchmark, "scale": scale, "n": pooled.n, "harnesses": harnesses}
            rows.append(row | {"r": pooled.r, "p": pooled.p})
    return pd.DataFrame(rows)


def _correlations(scope: Scope, used: pd.DataFrame, rng: np.random.Generator, n_resamples: int) -> pd.DataFrame:
    rows = []
    for benchmark, part in used.groupby("benchmark"):
        x, y = numbers(part, "score"), numbers(part, "alignment")
        if x.size < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        r, rank, influence = pearson(x, y), spearman(x, y), leave_one_out(x, y)
        row: Row = {**scope.columns, "benchmark": benchmark, "harness": part.harness.iloc[0]}
        row |= {"scale": part.scale.iloc[0], "n": r.n, "r": r.r, "low": np.nan, "high": np.nan, "p": r.p}
        row |= {"p_holm": np.nan, "rank_r": rank.r, "rank_p": rank.p}
        row |= {"moved_by": part.rater_name.iloc[influence.most], "r_without": influence.without[influence.most]}
        if n_resamples:
            ends = interval(x, y, rng, n_resamples)
            row |= {"low": ends.low, "high": ends.high}
        rows.append(row | _within(part) | _given_size(part))
    table = pd.DataFrame(rows)
    if len(table):
        table["p_holm"] = holm(table.p)
        table = table.sort_values("r", ascending=False, ignore_index=True)
    return table


def _within(part: pd.DataFrame) -> Row:
    row: Row = {}
    for name, tuned in (("base", False), ("tuned", True)):
        models = part[part.instruction_tuned.eq(tuned).fillna(False).astype(bool)]
        x, y = numbers(models, "score"), numbers(models, "alignment")
        enough = x.size >= FEWEST and np.ptp(x) > 0 and np.ptp(y) > 0
        row |= {f"{name}_n": x.size, f"{name}_r": pearson(x, y).r if enough else np.nan}
    return row


def _given_size(part: pd.DataFrame) -> Row:
    known = part[part.n_params.notna()]
    x, y, size = (numbers(known, name) for name in ("score", "alignment", "n_params"))
    if x.size < FEWEST + 1 or np.ptp(size) == 0:
        return {"partial_n": x.size, "partial_r": np.nan, "partial_p": np.nan}
    held = correlation.partial(x, y, np.log(size))
    return {"partial_n": held.n, "partial_r": held.r, "partial_p": held.p}


def _among(scope: Scope, scores: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for a, b in combinations(scores.columns[1:], 2):
        both = scores[[a, b]].dropna()
        if len(both) >= FEWEST and (both.nunique() > 1).all():
            r = pearson(both[a], both[b])
            row = {**scope.columns, "first": a, "second": b, "n": r.n, "r": r.r}
            rows.append(row | {"low": r.low, "high": r.high, "p": r.p})
    return pd.DataFrame(rows)


def _comparisons(scope: Scope, scores: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for a, b in combinations(scores.columns[1:], 2):
        three = scores[["alignment", a, b]].dropna()
        if len(three) < FEWEST + 1 or (three.nunique() < 2).any():
            continue
        y, x, z = (three[name].to_numpy() for name in ("alignment", a, b))
        for first, second, columns in (
            (f"alignment~{a}", f"alignment~{b}", (y, x, z)),
            (f"alignment~{a}", f"{a}~{b}", (x, y, z)),
            (f"alignment~{b}", f"{a}~{b}", (z, y, x)),
        ):
            try:
                t, s = compare(*columns)
            except BadInput:  # two of the columns agree exactly in these few models
                continue
            row = {**scope.columns, "first": first, "second": second, "n": t.n, "r_first": t.r1, "r_second": t.r2}
            row |= {"williams_t": t.statistic, "df": t.df, "williams_p": t.p}
            rows.append(row | {"steiger_z": s.statistic, "steiger_p": s.p})
    return pd.DataFrame(rows)


def _left_out(scope: Scope, frame: pd.DataFrame, used: pd.DataFrame) -> pd.DataFrame:
    taken = set(zip(used.rater_id, used.benchmark, used.source, strict=True))
    mask = [key not in taken for key in zip(frame.rater_id, frame.benchmark, frame.source, strict=True)]
    keys = ["benchmark", "harness", "scale", "is_primary"]
    counts = frame[mask].groupby(keys, as_index=False).agg(n=("rater_id", "nunique"))
    return counts.assign(**scope.columns)[[*scope.columns, *keys, "n"]]


def _figures(scope: Scope, used: pd.DataFrame, table: pd.DataFrame, scores: pd.DataFrame) -> Drawings:
    drawings: Drawings = {
        "figure_4a": partial(figures.intervals, table, "benchmark", f"Pearson r with {scope.label}"),
        "figure_4b": partial(figures.matrix, scores),
    }
    for number, benchmark in enumerate(FIGURES, start=7):
        part = used[used.benchmark == benchmark]
        if len(part) >= FEWEST:
            label = f"{benchmark} ({part.harness.iloc[0]}, {part.scale.iloc[0]})"
            drawings[f"figure_{number}"] = partial(figures.tuned_scatter, part, label, scope.label)
    return drawings
