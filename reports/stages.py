"""`report stages`: what each step of post-training does to alignment (paper section 4.1, Table 1)."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from triadic.reports import figures
from triadic.reports.frames import HEADLINE, MetricSetting, OriginSetting, ReferenceSetting, numbers, scoped
from triadic.reports.raters import stand_ins
from triadic.reports.report import Drawings, Report, Row, Table
from triadic.reports.statistics.families import mean_by_family
from triadic.reports.statistics.paired import paired
from triadic.reports.statistics.terms import ALPHA, verdict
from triadic.schema.arrays import Floats
from triadic.schema.errors import NotFound
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import Origin

# Table 1's lines, by the lines of Table 4 that they are.
TABLE1 = {
    "Instella 3B": "instella-3b",
    "Llama 3.1 8B": "llama-3.1-tulu-3-8b",
    "OLMo 13B": "olmo-2-1124-13b",
    "OLMo 7B": "olmo-2-1124-7b",
}
KEYS = ["listing", "metric_name", "reference", "method"]
ORDER = ("base_stage1", "base", "sft", "dpo", "rlvr")


def report(
    store: Store,
    origin: OriginSetting = Origin.both,
    metric: MetricSetting = HEADLINE,
    reference: ReferenceSetting = None,
    seed: int = 0,
) -> Report:
    """Post-training stages per lineage, and matched base–instruct pairs.

    Lines of post-training as Table 4 (or this lab) has them and as Table 1 prints them; pairs, tested.

    Example: triadic report stages --origin published --format latex
    """
    rng = np.random.default_rng(seed)
    parts = scoped(store, "post_training_frame", origin, metric, reference)
    lines = pd.concat([frame.assign(scope=str(scope)) for scope, frame in parts], ignore_index=True)
    lines = lines[lines.stage.isin(ORDER)]
    lines = lines[lines.groupby(["scope", "lineage"]).stage.transform("nunique") > 1].reset_index(drop=True)
    lines["line"] = lines.lineage.replace(TABLE1)
    averages, steps = _averages(store, lines), _steps(lines, rng)
    pairs, tests, notes = _pairs(store, origin, metric, reference, rng)
    if "table1" in set(lines.listing):
        notes.append(
            "table1 prints the Llama line as Base 0.358, SFT 0.301, DPO 0.352, RLVR 0.424. In Table 4 those are Tulu-3's "
            "final model, its SFT, its DPO, and Llama-3.1-8B-Instruct of another line. The line as it is (table4) has no "
            "base model in the suite and ends at 0.358, so its last step gains 0.006, not 0.072."
        )
    notes += stand_ins(store, origin)
    notes += [
        "A line is what a model's name says without organisation and stage; listing says whose figures it holds.",
        "Averages of different stages are over different lines; table steps compares the same lines before and after.",
        "Pairs: the base model of a line and the furthest model tuned from it.",
        "family_p allows for lines of one family changing alike: the sign of whole families is turned (restricted wild "
        "cluster bootstrap, docs/regression.md), and verdict rests on it. Five families or fewer cannot give p below 0.05.",
    ]
    tables = [
        Table("stages", "Alignment at each stage of each line", _wide(lines)),
        Table("averages", "Mean alignment at each stage", averages),
        Table("steps", "Change from one stage to the next within lines", steps),
        Table("pairs", "Base models and the models tuned from them", pairs),
        Table("pair_test", "Paired test over all pairs", tests),
    ]
    drawings: Drawings = {"figure_5": partial(figures.stages, lines)} if len(lines) else {}
    if len(pairs):
        drawings["figure_6"] = partial(figures.pairs, pairs)
    tables = [table for table in tables if len(table.frame)]
    return Report("stages", "Post-training, stage by stage", tables, notes, drawings)


def _wide(lines: pd.DataFrame) -> pd.DataFrame:
    if lines.empty:
        return lines
    wide = lines.pivot_table(index=[*KEYS, "lineage"], columns="stage", values="alignment", aggfunc="mean")
    wide = wide.reindex(columns=[stage for stage in ORDER if stage in wide.columns])
    wide.insert(0, "n", wide.notna().sum(axis=1))
    return wide.reset_index().rename_axis(columns=None)


def _averages(store: Store, lines: pd.DataFrame) -> pd.DataFrame:
    printed = store.read(query("triadic.reports", "printed_averages"))
    printed = dict(zip(printed.stage, printed.r2, strict=True))
    rows: list[Row] = []
    for (*key, stage), part in lines.groupby([*KEYS, "stage"]):
        row = dict(zip(KEYS, key, strict=True)) | {"stage": stage, "n": len(part), "mean": part.alignment.mean()}
        row["printed"] = printed.get(stage) if row["listing"] == "table1" else None
        rows.append(row | {"lines": ", ".join(sorted(part.lineage))})
    rows.sort(key=lambda row: ([row[name] for name in KEYS], ORDER.index(row["stage"])))
    return pd.DataFrame(rows)


def _steps(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for key, part in lines.groupby(KEYS):
        wide = part.pivot_table(index="lineage", columns="stage", values="alignment")
        families = _families(part).groupby(part.lineage).first()
        for before, after in pairwise(ORDER):
            if before not in wide or after not in wide:
                continue
            both = wide[[before, after]].dropna()
            if both.empty:
                continue
            row = dict(zip(KEYS, key, strict=True)) | {"step": f"{before} → {after}", "n": len(both)}
            changed = both[before].to_numpy(), both[after].to_numpy()
            rows.append(row | _paired(*changed, families[both.index].tolist(), rng))
    return pd.DataFrame(rows)


def _paired(before: Floats, after: Floats, families: list[str], rng: np.random.Generator) -> Row:
    """The tests of a change within pairs; `verdict` rests on the one that allows for pairs of one family being alike."""
    change = after - before
    if change.size < 2 or np.ptp(change) < 1e-12:
        return {"mean_change": change.mean(), "n_up": int((change > 0).sum())}
    test = paired(before, after, rng)
    row: Row = {"mean_change": test.mean, "low": test.low, "high": test.high, "n_up": test.n_up}
    row |= {"n_families": len(set(families)), "family_p": np.nan, "verdict": ""}
    if len(set(families)) > 1:
        robust = mean_by_family(change, families, rng)
        few = robust.least_p > ALPHA
        row |= {"family_p": robust.p, "verdict": "too few families" if few else verdict(robust.p)}
    return row | {name: getattr(test, name) for name in ("t", "df", "p", "sign_flip_p", "wilcoxon_p", "dz")}


def _families(frame: pd.DataFrame) -> pd.Series:
    """The family of each row; a line without one is a family of its own."""
    return frame.family.fillna(frame.lineage).astype(str)


def _pairs(
    store: Store, origin: Origin, metric: str, reference: str | None, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    try:
        parts = scoped(store, "model_pair", origin, metric, reference)
    except NotFound:
        return pd.DataFrame(), pd.DataFrame(), ["No base model and a model tuned from it are both there: no pairs."]
    pairs, tests = [], []
    for scope, frame in parts:
        frame = frame.sort_values("difference", ascending=False, ignore_index=True)
        columns = ["lineage", "base_rater", "tuned_rater", "tuned_stage", "base_alignment", "tuned_alignment"]
        columns += ["difference", "same_shape"]
        pairs.append(frame[columns].assign(**scope.columns)[[*scope.columns, *columns]])
        before, after = numbers(frame, "base_alignment"), numbers(frame, "tuned_alignment")
        tested = _paired(before, after, _families(frame).tolist(), rng)
        tests.append({**scope.columns, "n": len(frame), **tested})
    return pd.concat(pairs, ignore_index=True), pd.DataFrame(tests), []
