"""`report ranking`: where each model stands on each reference, and which figures do not stand out from chance."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from triadic.reports.frames import HEADLINE
from triadic.reports.report import Report, Table
from triadic.schema.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from triadic.schema.lab import Lab
    from triadic.schema.store import Store

#: Procrustes R² of coin flips by the paper's recipe: 35,000 questions about the 128 concepts, a fifth held out, CKL in 30
#: dimensions, against 30 principal components of VICE. 1,000 fits (5 question sets; first option taken in 50% and in 79%)
#: had mean 0.119, 95th percentile 0.132, greatest 0.144. With 26 components the percentile is 0.126, with all 42 0.139.
PUBLISHED_NULL = {"chance": 0.119, "chance_p95": 0.132}
PUBLISHED_NULL_SOURCE = (
    "The null is 1,000 simulated coin flippers through the paper's recipe, against VICE in 30 dimensions; the paper's own "
    "reference (29 dimensions of SPoSE) may move it by about 0.005."
)

BESIDE = ("cka_debiased", "rsa_spearman_euclidean", "triplet_agreement")
COLUMNS = [
    "place", "rater", "origin", "reference", "metric", "value", "low", "high", "chance", "chance_p95", "p", "at_chance",
    "ceiling", "ceiling_deterministic", "split_half", "share", *BESIDE, "heldout_accuracy", "fit", "answers",
    "temperature", "framing", "answer",
]  # fmt: skip


def report(store: Store, origin: str = "both", metric: str = HEADLINE, reference: str | None = None) -> Report:
    """Models by alignment, those of this lab beside the published ones, each with what its figure needs to be read.

    Raises NotFound when there is no such figure; the message names the metrics and references there are.
    """
    frame = ranked(store, origin, metric, reference)
    measured = frame[frame.origin == "measured"]
    notes = [
        f"chance is the mean of coin flips with the model's own first-option rate through the same fit; at_chance: no "
        f"better than 95% of them. share is the way from chance ({metric} of coins) to ceiling (of simulated people).",
        "Intervals are 95% bootstrap percentiles over answers with refits, moved onto the figure (view alignment).",
    ]
    published = frame[frame.origin == "published"]
    if len(published) and metric == HEADLINE:
        notes.append(
            f"Published figures at or below {PUBLISHED_NULL['chance_p95']} are marked at chance: "
            f"{int(published.at_chance.sum())} of {len(published)}. {PUBLISHED_NULL_SOURCE}"
        )
        notes.append("Published and measured figures have different human references: compare places with care.")
    if metric == HEADLINE and measured.ceiling_deterministic.notna().any():
        notes.append(
            "R² is not monotone in answer quality: simulated people who never err (ceiling_deterministic) score below "
            "those who err as people do (ceiling). Read it beside cka_debiased, RSA and held-out accuracy."
        )
    for name in sorted(set(measured.reference)):
        about = store.row("SELECT notes FROM embedding WHERE name = ? AND role = 'reference'", [name])
        if about and about[0]:
            notes.append(f"reference {name}: {about[0]}.")
    tables = [Table("ranking", f"{metric}, best first within each reference", frame.dropna(axis=1, how="all"))]
    people = measured[measured.reference.isin(_human_references(store))]
    if len(people) and len(published):
        beside = frame[(frame.origin == "published") | frame.index.isin(people.index)]
        beside = beside.sort_values("value", ascending=False, kind="stable", ignore_index=True)
        beside["place"] = beside.index + 1
        shown = ["place", "rater", "origin", "reference", "value", "low", "high", "chance_p95", "at_chance", "fit"]
        tables.append(Table("beside", "Measured against people, among the published", beside[shown], preview=0))
    return Report(
        "ranking", f"Where models stand: {metric}", tables, notes, {"ranking": partial(_figure, frame, metric)}
    )


def ranked(store: Store, origin: str = "both", metric: str = HEADLINE, reference: str | None = None) -> pd.DataFrame:
    """One row per model and reference, columns COLUMNS, best first; place counts within a reference and both origins."""
    import pandas as pd

    measured, published = _measured(store, metric, reference), _published(store, metric, reference)
    parts = {"measured": [measured], "published": [published], "both": [measured, published]}.get(origin)
    if parts is None:
        raise BadInput(f"origin {origin!r}: choose one of measured, published, both")
    parts = [part for part in parts if len(part)]
    if not parts:
        there = store.read("SELECT DISTINCT metric, reference FROM alignment_score ORDER BY ALL")
        known = "; ".join(f"{m}: {', '.join(g.reference)}" for m, g in there.groupby("metric")) or "none"
        raise NotFound(f"no {origin} {metric} figure against {reference or 'any reference'} here; there are: {known}")
    frame = pd.concat([part.reindex(columns=COLUMNS) for part in parts], ignore_index=True)
    frame = frame.sort_values(["reference", "value"], ascending=[True, False], kind="stable", ignore_index=True)
    frame["place"] = frame.groupby("reference").value.rank(ascending=False, method="min").astype(int)
    return frame


def standing(lab: Lab) -> str:
    """What the demo ends with: a short table per reference, where the models stand among the published, what is next."""
    from triadic.reports.output import render_frame

    frame = ranked(lab.store)
    measured = frame[frame.origin == "measured"]
    out = []
    for name, rows in measured.groupby("reference", sort=True):
        about = lab.store.row("SELECT notes FROM embedding WHERE name = ? AND role = 'reference'", [name])
        kind = f" ({about[0]})" if about and about[0] else ""
        shown = rows[["place", "rater", "fit", "value", "low", "high", "chance", "at_chance", "ceiling", "share", *BESIDE,
                      "heldout_accuracy"]].dropna(axis=1, how="all")  # fmt: skip
        out.append(f"Against {name}{kind}: Procrustes R² and what it needs to be read\n{render_frame(shown).rstrip()}")
    people = _human_references(lab.store)
    published = frame[frame.origin == "published"]
    for row in measured[measured.reference.isin(people)].itertuples():
        if len(published):
            better = int((published.value > row.value).sum())
            out.append(
                f"{row.rater}: R² {row.value:.3f} against {row.reference} lies below {better} and above "
                f"{len(published) - better} of the {len(published)} published models"
                + (" (but does not stand out from coin flips)." if row.at_chance else ".")
            )
    if not people and len(published):
        out.append(
            "The published models were compared with human judgments. `triadic ingest reference --path FILE`, then "
            "`triadic align`, puts these models beside them."
        )
    out.append(
        "Next: `triadic report ranking` (all models), `triadic ui` (runs in MLflow), "
        '`triadic sql "SELECT rater, anchor, choice FROM judgment LIMIT 5"`, `triadic model add NAME`.'
    )
    return "\n\n".join(out)


def _measured(store, metric, reference):
    frame = store.read(
        "SELECT * FROM alignment WHERE is_newest AND metric = ? AND (? IS NULL OR reference = ?)",
        [metric, reference, reference],
    ).assign(origin="measured")
    if frame.empty:
        return frame
    beside = store.read(f"SELECT run_id, metric, value FROM alignment WHERE metric IN {BESIDE}")
    wide = beside.pivot(index="run_id", columns="metric", values="value").reindex(columns=list(BESIDE))
    return frame.merge(wide, left_on="run_id", right_index=True, how="left")


def _published(store, metric, reference):
    frame = store.read(
        "SELECT rater_id AS rater, source AS reference, metric, value FROM published_alignment "
        "WHERE metric = ? AND (? IS NULL OR source = ?)",
        [metric, reference, reference],
    ).assign(origin="published", at_chance=None)
    if metric == HEADLINE and len(frame):
        frame = frame.assign(**PUBLISHED_NULL, at_chance=frame.value <= PUBLISHED_NULL["chance_p95"])
    return frame


def _human_references(store):
    """References that come from people: those of human raters."""
    found = store.read(
        "SELECT DISTINCT name FROM embedding JOIN rater USING (rater_id) WHERE role = 'reference' AND kind = 'human'"
    )
    return list(found.name)


def _figure(frame: pd.DataFrame, metric: str) -> Figure:
    """One line per model: figure, interval, and the 95th percentile of chance as a tick; hollow where at chance."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(frame.reference))
    longest = max((frame.reference == name).sum() for name in names)
    figure = Figure(figsize=(5.2 * len(names), 1.4 + 0.17 * longest), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names), sharex=True)), names, strict=True):
        rows = frame[frame.reference == name].iloc[::-1].reset_index(drop=True)
        at_chance = rows.at_chance.fillna(False).astype(bool).to_numpy()
        y, value = np.arange(len(rows)), rows.value.to_numpy(float)
        low, high = rows.low.astype(float).to_numpy(), rows.high.astype(float).to_numpy()
        axes.hlines(y, low, high, color="#888888", lw=1)
        axes.plot(rows.chance_p95.astype(float), y, "|", color="#b07a1e", label="95% of coin flips")
        axes.plot(value[~at_chance], y[~at_chance], "o", ms=4, color="#1f6fa8", label="above chance")
        axes.plot(value[at_chance], y[at_chance], "o", ms=4, mfc="white", color="#1f6fa8", label="at chance")
        axes.set_yticks(y, rows.rater, fontsize=6)
        axes.set(xlabel=metric, title=name, ylim=(-1, len(rows)))
    axes.legend(fontsize=7, loc="lower right")
    return figure
