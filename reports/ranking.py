"""`report ranking`: where each model stands on each reference, and which figures do not stand out from chance."""

from __future__ import annotations

from functools import partial

import pandas as pd

from triadic.reports import figures
from triadic.reports.frames import HEADLINE, MetricSetting, OriginSetting, ReferenceSetting, checked, nothing
from triadic.reports.output import render_text
from triadic.reports.report import Drawings, Report, Table
from triadic.schema.lab import Lab
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import Origin

PUBLISHED_NULL_SOURCE = (
    "The null is 1,000 simulated coin flippers through the paper's recipe, against VICE in 30 dimensions; the paper's own "
    "reference (29 dimensions of SPoSE) may move it by about 0.005."
)

COMPANIONS = ["cka_debiased", "rsa_spearman_euclidean", "triplet_agreement"]
COLUMNS = (
    "place rater_name origin reference metric_name value low high chance chance_p95 p at_chance ceiling ceiling_deterministic "
    f"split_half share {' '.join(COMPANIONS)} heldout_accuracy n_answers n_draws fit answers temperature framing answer concept_set_id rater_id"
).split()


def report(
    store: Store,
    origin: OriginSetting = Origin.both,
    metric: MetricSetting = HEADLINE,
    reference: ReferenceSetting = None,
) -> Report:
    """Where everybody stands: each figure with its chance, ceiling and interval.

    Models of this lab stand beside the published ones. Raises NotFound when there is no such figure; the message names
    the metrics and references there are.

    Example: triadic report ranking --origin both
    """
    frame = ranked(store, origin, metric, reference)
    measured, published = (frame[frame.origin == which] for which in (Origin.measured, Origin.published))
    people = measured[measured.reference.isin(_human_references(store))]
    tables = [Table("ranking", f"{metric}, best first within each reference", frame.dropna(axis=1, how="all"))]
    if len(people) and len(published):
        beside = frame[(frame.origin == Origin.published) | frame.index.isin(people.index)]
        beside = beside.sort_values("value", ascending=False, kind="stable", ignore_index=True)
        beside["place"] = beside.index + 1
        columns = [
            "place",
            "rater_name",
            "origin",
            "reference",
            "value",
            "low",
            "high",
            "chance_p95",
            "at_chance",
            "fit",
        ]
        tables.append(Table("beside", "Measured against people, among the published", beside[columns], preview=0))
    notes = _notes(store, metric, measured, published)
    drawings: Drawings = {"ranking": partial(figures.ranking, frame, metric)}
    return Report("ranking", f"Where models stand: {metric}", tables, notes, drawings)


def ranked(
    store: Store, origin: Origin = Origin.both, metric: str = HEADLINE, reference: str | None = None
) -> pd.DataFrame:
    """One row per model and reference, columns COLUMNS, best first; place counts within a reference and both origins."""
    parts = [] if checked(origin) == Origin.published else [_measured(store, metric, reference)]
    if origin != Origin.measured:
        parts.append(store.read(query("triadic.reports", "published"), [metric, reference]))
    parts = [part.reindex(columns=COLUMNS) for part in parts if len(part)]
    if not parts:
        raise nothing(store, origin, metric, reference)
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.sort_values(["reference", "value"], ascending=[True, False], kind="stable", ignore_index=True)
    frame["place"] = frame.groupby("reference").value.rank(ascending=False, method="min").astype(int)
    return frame


def summary(lab: Lab) -> str:
    """What the demo ends with: a short table per reference, where the models stand among the published, what is next."""
    frame = ranked(lab.store)
    measured, published = (frame[frame.origin == which] for which in (Origin.measured, Origin.published))
    columns = [
        "place",
        "rater_name",
        "fit",
        "n_answers",
        "value",
        "low",
        "high",
        "chance",
        "at_chance",
        "ceiling",
        "share",
    ]
    columns += [*COMPANIONS, "heldout_accuracy"]
    parts = []
    for name, rows in measured.groupby("reference", sort=True):
        about = _about(lab.store, name)
        table = render_text(rows[columns].dropna(axis=1, how="all")).rstrip()
        heading = f"Against {name}{f' ({about})' if about else ''}: Procrustes R² and what it needs to be read"
        parts.append(f"{heading}\n{table}")
    people = _human_references(lab.store)
    for row in measured[measured.reference.isin(people)].itertuples():
        if len(published):
            better = int((published.value > row.value).sum())
            parts.append(
                f"{row.rater_name}: R² {row.value:.3f} against {row.reference} lies below {better} and above "
                f"{len(published) - better} of the {len(published)} published models"
                + (" (but does not stand out from coin flips)." if row.at_chance else ".")
            )
    if not people and len(published):
        parts.append(
            "The published models were compared with human judgments. `triadic ingest reference --path FILE`, then "
            "`triadic align`, puts these models beside them."
        )
    parts.append(
        "Next: `triadic report ranking` (all models), `triadic ui` (runs in MLflow), "
        '`triadic sql "SELECT rater_name, anchor, choice FROM judgment LIMIT 5"`, `triadic model add NAME`.'
    )
    return "\n\n".join(parts)


def _notes(store: Store, metric: str, measured: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    notes = [
        f"chance is the mean of coin flips with the model's own first-option rate through the same fit; at_chance: no "
        f"better than 95% of them. share is the way from chance ({metric} of coins) to ceiling (of simulated people).",
        "Intervals are 95% bootstrap percentiles over answers with refits, moved onto the figure (view alignment).",
    ]
    if published.at_chance.notna().any():
        notes.append(
            f"Published figures at or below {published.chance_p95.iloc[0]} are marked at chance: "
            f"{int(published.at_chance.sum())} of {len(published)}. {PUBLISHED_NULL_SOURCE}"
        )
        notes.append("Published and measured figures have different human references: compare places with care.")
    if metric == HEADLINE and measured.ceiling_deterministic.notna().any():
        notes.append(
            "R² is not monotone in answer quality: simulated people who never err (ceiling_deterministic) score below "
            "those who err as people do (ceiling). Read it beside cka_debiased, RSA and held-out accuracy."
        )
    described = {name: _about(store, name) for name in sorted(set(measured.reference))}
    return notes + [f"reference {name}: {about}." for name, about in described.items() if about]


def _measured(store: Store, metric: str, reference: str | None) -> pd.DataFrame:
    frame = store.read(
        "SELECT *, 'measured' AS origin FROM alignment "
        "WHERE is_shown AND metric_name = $1 AND ($2 IS NULL OR reference = $2)",
        [metric, reference],
    )
    if frame.empty:
        return frame
    beside = store.read("SELECT run_id, name, value FROM metric WHERE list_contains($1, name)", [COMPANIONS])
    wide = beside.pivot(index="run_id", columns="name", values="value").reindex(columns=COMPANIONS)
    return frame.merge(wide, left_on="run_id", right_index=True, how="left")


def _about(store: Store, reference: str) -> str | None:
    row = store.row("SELECT notes FROM embedding WHERE name = ? AND role = 'reference'", [reference])
    return row[0] if row else None


def _human_references(store: Store) -> list[str]:
    """References that come from people: those of human raters."""
    sql = "SELECT DISTINCT name FROM embedding JOIN rater USING (rater_id) WHERE role = 'reference' AND kind = 'human'"
    return list(store.read(sql).name)
