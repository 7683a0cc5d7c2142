"""Readings of one published statistic: ours first, then the ways in which the paper may have got another number.

None of them is chosen for its value. Each changes one thing that the paper leaves open or that the data show to
matter: which model is in, how an ingredient is coded, on which scale it is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from triadic.reports.benchmarks import one_source, wide
from triadic.reports.frames import numbers
from triadic.reports.regression import FORMULAS, usable, without_constant
from triadic.reports.stages import TABLE1
from triadic.reports.statistics.bootstrap import leave_one_out
from triadic.reports.statistics.correlation import Correlation, pearson, spearman
from triadic.reports.statistics.distributions import two_sided_z
from triadic.reports.statistics.groups import many_groups, two_groups
from triadic.reports.statistics.mixed import fit_mixed
from triadic.schema.arrays import Floats
from triadic.schema.embeddings import components
from triadic.schema.errors import BadInput
from triadic.schema.store import Store, query

OTHER_CODING = {
    "attention_dim": ("head_dim", "attention dimension per head instead of all heads"),
    "context_length": ("max_position_embeddings", "context of the configuration instead of the advertised one"),
}
PRINTED = {"n_heads": "heads", "hidden_size": "hidden_dim"}  # ingredient → column of the paper's Table 3
N_BOOTSTRAP = 2000  # draws of the mixed model's p: its 95% limits at .05 are .041 and .060
QWEN3 = ("qwen3-8b", "qwen3-14b")  # published without -Base, so post-trained; the paper may have used the base models


@dataclass(frozen=True)
class Reading:
    """One way to compute a statistic: what it does differently, the figure, its n, its interval and p."""

    reading: str
    value: float
    n: int
    low: float = float("nan")
    high: float = float("nan")
    p: float = float("nan")
    se: float = float("nan")


def correlations(frame: pd.DataFrame, ingredient: str, printed: pd.DataFrame) -> list[Reading]:
    """Readings of r between an ingredient and alignment; `printed` is the paper's Table 3."""
    x, y, names = numbers(frame, ingredient), numbers(frame, "alignment"), frame.rater_id.to_numpy()
    everyone, keep = y, ~np.isnan(x)
    x, y, names = x[keep], y[keep], names[keep]
    out = [_r("as stored", pearson(x, y))]
    most = leave_one_out(x, y).most
    out.append(_r(f"without {names[most]}", pearson(np.delete(x, most), np.delete(y, most))))
    if (x > 0).all():
        out.append(_r("on a log scale", pearson(np.log(x), y)))
    out.append(_r("by ranks (Spearman)", spearman(x, y)))
    if ingredient in OTHER_CODING:
        other, label = OTHER_CODING[ingredient]
        z = numbers(frame, other)
        out.append(_r(label, pearson(z[~np.isnan(z)], everyone[~np.isnan(z)])))
    if ingredient in PRINTED and len(printed):
        cells = dict(zip(printed.model.map(_plain), printed[PRINTED[ingredient]].map(_leading), strict=True))
        z = np.array([cells.get(_plain(name), np.nan) for name in frame.rater_id])
        known = ~np.isnan(z)
        if known.sum() > 3:
            out.append(_r("as Table 3 prints it, for its models", pearson(z[known], everyone[known])))
    decoders = frame.architecture[keep].isin(["decoder", "decoder-moe"]).to_numpy()
    if 3 < decoders.sum() < x.size:
        out.append(_r("decoders only", pearson(x[decoders], y[decoders])))
    return out


def groups(frame: pd.DataFrame, ingredient: str) -> list[Reading]:
    """Readings of t (yes minus no) for a true/false ingredient."""
    y, yes = numbers(frame, "alignment"), frame[ingredient].fillna(False).astype(bool).to_numpy()
    out = _t("Student's t", y[yes], y[~yes])
    test = two_groups(y[yes], y[~yes])
    out.append(Reading("Welch's t", test.welch_t, y.size, test.welch_t - 1.96, test.welch_t + 1.96, test.welch_p))
    qwen = frame.rater_id.isin(QWEN3).to_numpy()
    if ingredient == "instruction_tuned" and qwen.any():
        out += _t(f"{' and '.join(QWEN3)} taken as base models", y[yes & ~qwen], y[~yes | qwen])
    if ingredient == "multimodal":
        tuned = frame.instruction_tuned.fillna(False).astype(bool).to_numpy()
        for label, part in (("instruction-tuned models only", tuned), ("base models only", ~tuned)):
            if (yes & part).sum() > 1 and (~yes & part).sum() > 1:
                out += _t(label, y[yes & part], y[~yes & part])
    return out


def activation(frame: pd.DataFrame) -> list[Reading]:
    """Readings of F over activation functions."""
    decoders = frame[frame.architecture.isin(["decoder", "decoder-moe"])]
    ways = (
        ("families (swiglu, geglu, gelu, relu)", frame, "activation_family"),
        ("as the configurations name them", frame, "activation"),
        ("families, without state-space models", frame[frame.architecture != "ssm"], "activation_family"),
        ("families, decoders only", decoders, "activation_family"),
    )
    out = []
    for label, part, column in ways:
        sets = [numbers(models, "alignment") for _, models in part.groupby(column)]
        if len(sets) > 1:
            f = many_groups(sets)
            out.append(Reading(f"{label}, F({f.df1}, {f.df2})", f.f, f.n, p=f.p))
            if label.startswith("families (") and np.isfinite(f.welch_f):
                out.append(Reading("families, Welch's F", f.welch_f, f.n, p=f.welch_p))
    return out


def mixed(frame: pd.DataFrame) -> dict[str, list[Reading]]:
    """Readings of every fixed effect, and of the model's R², under `model`."""
    ways = [
        ("attention dimension per head", frame, "per head"),
        ("attention dimension of all heads", frame, "all heads"),
        ("without t5-11b", frame[frame.rater_id != "t5-11b"], "per head"),
    ]
    ways = [way for way in ways if way[0] != "without t5-11b" or len(way[1]) < len(frame)]
    if frame.rater_id.isin(QWEN3).any():
        relabelled = frame.assign(instruction_tuned=frame.instruction_tuned & ~frame.rater_id.isin(QWEN3))
        ways.append((f"{' and '.join(QWEN3)} taken as base models", relabelled, "per head"))
    out: dict[str, list[Reading]] = {}
    for label, part, which in ways:
        part = without_constant(part)
        try:
            rng = np.random.default_rng(0)
            fit = fit_mixed(usable(FORMULAS[which], part, [], ""), part, "family", rng, N_BOOTSTRAP)
        except BadInput:
            continue
        for row in fit.coefficients.itertuples():
            p = row.kr_p if np.isnan(row.bootstrap_p) else row.bootstrap_p  # the intercept is not left out
            ours = Reading(label, row.beta, fit.n, row.kr_low, row.kr_high, p, row.se)
            out.setdefault(row.term, []).append(ours)
            if label == ways[0][0]:
                low, high = row.ols_beta - 1.96 * row.ols_se, row.ols_beta + 1.96 * row.ols_se
                p = float(two_sided_z(row.ols_beta / row.ols_se))
                alone = Reading("least squares, no families", row.ols_beta, fit.n, low, high, p, row.ols_se)
                out[row.term].append(alone)
        out.setdefault("model", []).append(Reading(f"conditional R², {label}", fit.conditional_r2, fit.n))
        out["model"].append(Reading(f"marginal R², {label}", fit.marginal_r2, fit.n))
    return out


def benchmark(frame: pd.DataFrame, term: str) -> list[Reading]:
    """Readings of r between alignment and a benchmark, or between two benchmarks ("A x B")."""
    scores = wide(one_source(frame))
    pair = [name.strip() for name in term.split(" x ")]
    a, b = pair if len(pair) == 2 else ("alignment", pair[0])
    if a not in scores or b not in scores:
        return []
    both = scores[[a, b]].dropna()
    if len(both) < 4:
        return []
    x, y = both[a].to_numpy(), both[b].to_numpy()
    source = frame[(frame.benchmark == b) & frame.is_comparable].harness.iloc[0]
    out = [_r(f"{source} only", pearson(x, y))]
    most = leave_one_out(x, y).most
    out.append(_r(f"without {both.index[most]}", pearson(np.delete(x, most), np.delete(y, most))))
    out.append(_r("by ranks (Spearman)", spearman(x, y)))
    pooled = frame[frame.is_primary & (frame.benchmark == b)].drop_duplicates("rater_id")
    if a == "alignment" and pooled.harness.nunique() > 1 and pooled.scale.nunique() == 1:
        label = f"{pooled.harness.nunique()} sources pooled, which do not compare"
        out.append(_r(label, pearson(pooled.alignment, pooled.score)))
    return out


def stage(frame: pd.DataFrame, term: str) -> list[Reading]:
    """Readings of the mean alignment at one stage of post-training."""
    at = frame[frame.stage == term]
    ways = (
        ("Table 1's lines as Table 4 has them", at[(at.listing != "table1") & at.lineage.isin(TABLE1.values())]),
        ("mean of Table 1's cells as printed", at[at.listing == "table1"]),
        ("all lines with more than one stage", _several(frame)[lambda f: f.stage == term]),
    )
    return [Reading(label, part.alignment.mean(), len(part)) for label, part in ways if len(part)]


def dimensions(store: Store, share: float = 0.95) -> list[Reading]:
    """How many principal components hold 95% of the variance of each human embedding in the lab, before reduction."""
    rows = store.read(query("triadic.reports", "human_vectors"))
    return [
        Reading(f"PCA of {name} to 95%", components(np.stack(part.vector.to_list()), share), len(part))
        for name, part in rows.groupby("name", sort=False)
    ]


def _several(frame: pd.DataFrame) -> pd.DataFrame:
    lines = frame[(frame.listing != "table1") & (frame.stage != "it")]
    return lines[lines.groupby("lineage").stage.transform("nunique") > 1]


def _r(label: str, found: Correlation) -> Reading:
    return Reading(label, found.r, found.n, found.low, found.high, found.p)


def _t(label: str, first: Floats, second: Floats) -> list[Reading]:
    t = two_groups(first, second)
    return [Reading(label, t.student_t, t.n1 + t.n2, t.student_t - 1.96, t.student_t + 1.96, t.student_p)]


def _plain(name: str) -> str:
    """A model's name without organisation, punctuation and case: how Table 3 and Table 4 spell differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower().rsplit("/", 1)[-1])


def _leading(cell: object) -> float:
    found = re.match(r"\s*(\d+)", str(cell)) if cell is not None else None
    return float(found[1]) if found else np.nan
