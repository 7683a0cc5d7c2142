"""`report paper`: every statistic of the paper's section 4 beside the same one computed here."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from triadic.reports import readings
from triadic.reports.frames import HEADLINE, MetricSetting, OriginSetting, ReferenceSetting, Scope, checked, scoped
from triadic.reports.readings import Reading
from triadic.reports.report import Report, Row, Table
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.store import Store
from triadic.schema.vocabulary import Origin

ALPHA = 0.05
RULE = (
    "Verdict. Statistics with a p-value: agrees when significance (p below 0.05) is the same, sign too where the paper "
    "claims an effect, and the printed value lies in our 95% interval (F has neither sign nor interval); agrees in "
    "direction when only the interval misses it; otherwise differs, saying in what. Means and R² agree when they are "
    "equal to the printed digits."
)


def report(
    store: Store,
    origin: OriginSetting = Origin.published,
    metric: MetricSetting = HEADLINE,
    reference: ReferenceSetting = None,
) -> Report:
    """Every statistic of the paper beside ours, with a verdict.

    Published against ours, with n, a verdict by a stated rule, and what explains a difference in the data.

    Example: triadic report paper --origin both --format latex
    """
    checked(origin)
    statistics = store.read("SELECT * FROM published_statistic ORDER BY ALL")
    if statistics.empty:
        raise NotFound("the lab holds none of the paper's statistics: `triadic ingest published`")
    printed = store.read("SELECT * FROM published_ingredient ORDER BY ALL")
    frames = {"ingredient_frame": dict(scoped(store, "ingredient_frame", origin, metric, reference))}
    for view in ("benchmark_frame", "post_training_frame"):
        try:
            frames[view] = dict(scoped(store, view, origin, metric, reference))
        except NotFound:
            frames[view] = {}
    rows, ways, dimensions = [], [], readings.dimensions(store)
    for scope in frames["ingredient_frame"]:
        ours = _ours(scope, statistics, frames, printed, dimensions)
        for row in statistics.itertuples():
            found = ours.get((row.analysis, row.term, row.statistic), [])
            compared, judged = _compare(row, found)
            rows.append({**scope.columns, **compared})
            about = {**scope.columns, "analysis": row.analysis, "term": row.term, "published": row.value}
            ways += [{**about, **vars(way), "verdict": judgment} for way, judgment in judged]
    table = pd.DataFrame(rows)
    order = ["group_test", "correlation", "mixed_model", "benchmark", "post_training", "dimensionality"]
    table = table.sort_values("analysis", key=lambda c: c.map(order.index), kind="stable", ignore_index=True)
    tally = table.groupby(["origin", table.verdict.str.split(":").str[0]]).size()
    notes = [
        RULE,
        "Tally: " + "; ".join(f"{origin} {verdict}: {count}" for (origin, verdict), count in tally.items()) + ".",
        "Ours is the first reading of each statistic in table readings; the others change one thing each and were not "
        "chosen for their value. explained_by lists those under which the verdict would be better.",
        "The paper prints degrees of freedom F(3, 64), 68 models, where Table 4 has 75 and the text says 77: its tests "
        "ran on a subset that it does not name.",
        "Intervals: Fisher's z for r, Kenward and Roger's for the mixed model, whose p is the parametric bootstrap's, "
        "± 1.96 for t. The paper's formula is not printed, ours is that of "
        "`report regression`.",
    ]
    return Report(
        "paper",
        "The paper's statistics and ours, side by side",
        [
            Table("statistics", "Published and recomputed", table),
            Table("readings", "Each statistic under other readings", pd.DataFrame(ways), preview=0),
        ],
        notes,
    )


def significant(p: str | None) -> bool | None:
    """Whether a printed p-value (<0.001, >0.05, 0.26) is below 0.05; None when there is none or it cannot tell."""
    found = re.fullmatch(r"\s*([<>]?)\s*(\d*\.?\d+)\s*", p or "")
    if not found:
        return None
    sign, value = found[1], float(found[2])
    if sign == "<":
        return True if value <= ALPHA else None
    if sign == ">":
        return False if value >= ALPHA else None
    return value < ALPHA


def verdict(statistic: str, value: float, p: str | None, ours: Reading) -> str:
    """One statistic's verdict, by the rule that the report prints."""
    claimed = significant(p)
    if claimed is None:
        digits = max(len(f"{value:g}".partition(".")[2]), 2)
        same = abs(ours.value - value) <= 0.5 * 10**-digits + 1e-9
        return "agrees" if same else "differs: value"
    wrong = []
    if claimed and statistic != "F" and np.sign(ours.value) != np.sign(value):
        wrong.append("sign")
    if (ours.p < ALPHA) != claimed:
        wrong.append("significance")
    if wrong:
        return f"differs: {', '.join(wrong)}"
    if statistic == "F" or ours.low <= value <= ours.high:
        return "agrees"
    return "agrees in direction"


def _ours(
    scope: Scope,
    statistics: pd.DataFrame,
    frames: dict[str, dict[Scope, pd.DataFrame]],
    printed: pd.DataFrame,
    dimensions: list[Reading],
) -> dict[tuple[str, str, str], list[Reading]]:
    """Our readings of each statistic, by analysis, term and statistic: none where the models are too few or too alike."""
    frame = frames["ingredient_frame"][scope]
    scores = frames["benchmark_frame"].get(scope)
    # Table 1 is printed elsewhere than Table 4, so its rows are a scope of their own.
    stages = [
        part
        for other, part in frames["post_training_frame"].items()
        if other == scope or (scope.origin == other.origin == Origin.published)
    ]
    fitted = readings.mixed(frame)

    def found(analysis: str, term: str, statistic: str) -> list[Reading]:
        match analysis:
            case "group_test" if term == "activation":
                return readings.activation(frame)
            case "group_test":
                return readings.groups(frame, term)
            case "correlation":
                return readings.correlations(frame, term, printed)
            case "mixed_model":
                return fitted.get(term, [])
            case "benchmark" if scores is not None:
                return readings.benchmark(scores, term)
            case "post_training" if stages:
                return readings.stage(pd.concat(stages, ignore_index=True), term)
            case "dimensionality" if statistic == "d_hat":
                return dimensions
        return []

    ours: dict[tuple[str, str, str], list[Reading]] = {}
    for key in statistics[["analysis", "term", "statistic"]].itertuples(index=False, name=None):
        try:
            ours[key] = found(*key)
        except BadInput:
            ours[key] = []
    return ours


def _compare(row: Any, found: list[Reading]) -> tuple[Row, list[tuple[Reading, str]]]:
    """A statistic's row of the report, and the verdict of each of our readings of it."""
    p = row.p if isinstance(row.p, str) else None
    printed: Row = {"analysis": row.analysis, "term": row.term, "statistic": row.statistic, "published": row.value}
    printed |= {"published_se": row.se, "published_p": p}
    if not found:
        known = {"d_hat": "needs a human embedding: triadic ingest reference", "d_used": "a choice, not a result"}
        why = known.get(row.statistic, "too few models")
        printed |= {"ours": np.nan, "n": 0, "se": np.nan, "low": np.nan, "high": np.nan, "p": np.nan, "ours_is": ""}
        return printed | {"verdict": f"not computed: {why}", "explained_by": ""}, []
    judged = [(way, verdict(row.statistic, row.value, p, way)) for way in found]
    ours, judgment = judged[0]
    printed |= {"ours": ours.value, "n": ours.n, "se": ours.se, "low": ours.low, "high": ours.high, "p": ours.p}
    return printed | {"ours_is": ours.reading, "verdict": judgment, "explained_by": _explained_by(judged)}, judged


def _explained_by(judged: list[tuple[Reading, str]]) -> str:
    """The best verdict that another reading gets where ours does not agree, and every reading that gets it."""
    judgment = judged[0][1]
    if judgment == "agrees":
        return ""
    for better in ("agrees", "agrees in direction") if judgment.startswith("differs") else ("agrees",):
        ways = [f"{way.reading}: {way.value:.3g} (n={way.n})" for way, other in judged[1:] if other == better]
        if ways:
            return ("" if better == "agrees" else "in direction only: ") + "; ".join(ways)
    return f"none of the {len(judged) - 1} other readings"
