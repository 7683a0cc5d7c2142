"""`report paper`: every statistic of the paper's section 4 beside the same one computed here."""

import re
from typing import TYPE_CHECKING

import numpy as np

from triadic.reports import readings
from triadic.reports.frames import HEADLINE, ORIGINS, Scope, scoped
from triadic.reports.readings import Reading
from triadic.reports.report import Report, Table
from triadic.schema.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.store import Store

ALPHA = 0.05
RULE = (
    "Verdict. Statistics with a p-value: agrees when significance (p below 0.05) is the same, sign too where the paper "
    "claims an effect, and the printed value lies in our 95% interval (F has neither sign nor interval); agrees in "
    "direction when only the interval misses it; otherwise differs, saying in what. Means and R² agree when they are "
    "equal to the printed digits."
)


def report(store: "Store", origin: str = "published", metric: str = HEADLINE, reference: str | None = None) -> Report:
    """Published against ours, with n, a verdict by a stated rule, and what explains a difference in the data."""
    import pandas as pd

    if origin not in ORIGINS:
        raise BadInput(f"origin {origin!r}: choose one of {', '.join(ORIGINS)}")
    statistics = store.read("SELECT * FROM published_statistic ORDER BY ALL")
    if statistics.empty:
        raise NotFound("the lab holds none of the paper's statistics: `triadic ingest published`")
    printed = store.read("SELECT * FROM published_ingredient ORDER BY ALL")
    frames = {
        view: {scope: frame for scope, frame in _maybe(store, view, origin, metric, reference)}
        for view in ("ingredient_frame", "benchmark_frame", "post_training_frame")
    }
    scopes = list(frames["ingredient_frame"])
    if not scopes:
        scoped(store, "ingredient_frame", origin, metric, reference)  # raises, saying what there is
    rows, ways, dimensions = [], [], readings.dimensions(store)
    for scope in scopes:
        ours = _ours(scope, statistics, frames, printed, dimensions)
        for row in statistics.itertuples():
            found = ours.get((row.analysis, row.term, row.statistic), [])
            compared, judged = _compare(row, found)
            rows.append({**scope.columns, **compared})
            ways += [
                {**scope.columns, "analysis": row.analysis, "term": row.term, "published": row.value,
                 **vars(way), "verdict": verdict}
                for way, verdict in judged
            ]  # fmt: skip
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
        "Intervals: Fisher's z for r, Wald for the mixed model, ± 1.96 for t. The paper's formula is not printed, ours is that of "
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


def _maybe(store: "Store", view: str, origin: str, metric: str, reference: str | None):
    try:
        return scoped(store, view, origin, metric, reference)
    except NotFound:
        return []


def _ours(scope: Scope, statistics: "pd.DataFrame", frames: dict, printed: "pd.DataFrame", dimensions: list) -> dict:
    frame = frames["ingredient_frame"][scope]
    scores = frames["benchmark_frame"].get(scope)
    # Table 1 is printed elsewhere than Table 4, so its rows are a scope of their own.
    stages = [
        part
        for other, part in frames["post_training_frame"].items()
        if other == scope or (scope.origin == other.origin == "published")
    ]
    out: dict[tuple[str, str, str], list[Reading]] = {}
    fitted = _tried(lambda: readings.mixed(frame)) or {}
    for row in statistics.itertuples():
        match row.analysis:
            case "group_test" if row.term == "activation":
                found = _tried(lambda: readings.activation(frame))
            case "group_test":
                found = _tried(lambda term=row.term: readings.groups(frame, term))
            case "correlation":
                found = _tried(lambda term=row.term: readings.correlations(frame, term, printed))
            case "mixed_model":
                found = fitted.get(row.term)
            case "benchmark" if scores is not None:
                found = _tried(lambda term=row.term: readings.benchmark(scores, term))
            case "post_training" if stages:
                found = _tried(lambda term=row.term: readings.stage(_concat(stages), term))
            case "dimensionality" if row.statistic == "d_hat":
                found = dimensions
            case _:
                found = None
        out[row.analysis, row.term, row.statistic] = found or []
    return out


def _tried(reading):
    """A reading, or none where the models at hand are too few or too alike for it."""
    try:
        return reading()
    except BadInput:
        return None


def _concat(parts: list["pd.DataFrame"]) -> "pd.DataFrame":
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


def _compare(row, found: list[Reading]) -> tuple[dict, list[tuple[Reading, str]]]:
    said = {"analysis": row.analysis, "term": row.term, "statistic": row.statistic, "published": row.value,
            "published_se": row.se, "published_p": row.p if isinstance(row.p, str) else None}  # fmt: skip
    if not found:
        why = {"d_hat": "needs a human embedding: triadic ingest reference", "d_used": "a choice, not a result"}
        why = why.get(row.statistic, "too few models")
        nothing = {"ours": np.nan, "n": 0, "se": np.nan, "low": np.nan, "high": np.nan, "p": np.nan, "ours_is": ""}
        return {**said, **nothing, "verdict": f"not computed: {why}", "explained_by": ""}, []
    judged = [(way, verdict(row.statistic, row.value, said["published_p"], way)) for way in found]
    ours, judgment = judged[0]
    explained_by = ""
    if judgment != "agrees":
        # The best verdict that another reading gets, and every reading that gets it.
        for better in ("agrees", "agrees in direction") if judgment.startswith("differs") else ("agrees",):
            said_by = [f"{way.reading}: {way.value:.3g} (n={way.n})" for way, other in judged[1:] if other == better]
            if said_by:
                explained_by = ("" if better == "agrees" else "in direction only: ") + "; ".join(said_by)
                break
        else:
            explained_by = f"none of the {len(judged) - 1} other readings"
    se = (ours.high - ours.low) / (2 * 1.959964) if row.analysis == "mixed_model" else np.nan
    figures = {"ours": ours.value, "n": ours.n, "se": se, "low": ours.low, "high": ours.high, "p": ours.p,
               "ours_is": ours.reading}  # fmt: skip
    return {**said, **figures, "verdict": judgment, "explained_by": explained_by}, judged
