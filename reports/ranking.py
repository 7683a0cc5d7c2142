"""`report ranking`: where each model stands on each reference, and which figures do not stand out from chance."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from triadic.reports import figures
from triadic.reports.frames import FEW, HEADLINE, MetricSetting, OriginSetting, ReferenceSetting, checked, nothing
from triadic.reports.output import render_text
from triadic.reports.report import Drawings, Report, Table
from triadic.schema.lab import Lab
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import DEFAULT_SET, PAPER_TRIPLETS, Origin

PUBLISHED_NULL_SOURCE = (
    "The null is 1,000 simulated coin flippers through the paper's recipe, against VICE in 30 dimensions; the paper's own "
    "reference (29 dimensions of SPoSE) may move it by about 0.005."
)

STAND_IN = "stand-in"
ENOUGH = 0.95  # of the paper's number of answers, to stand beside its figures

COMPANIONS = ["cka_debiased", "rsa_spearman_euclidean", "triplet_agreement"]
FIGURE = ["value", "n_answers", "n_draws", "note", "variant", "low", "high"]
COLUMNS = [
    *("place", "rater_name", "origin", "reference", "metric_name", *FIGURE, "chance", "chance_p95", "p", "at_chance"),
    *("ceiling", "ceiling_deterministic", "split_half", "share", *COMPANIONS, "heldout_accuracy", "fit", "answers"),
    *("temperature", "framing", "answer", "method", "concept_set_id", "rater_id"),
]
OWN = [
    *("rater_name", "reference", "place", *FIGURE, "at_chance", "place_among_published", "published", "chance"),
    *("ceiling", "ceiling_deterministic", "share", *COMPANIONS, "heldout_accuracy", "concept_set_id"),
]
BESIDE = ["place", "rater_name", "origin", "reference", *FIGURE, "chance_p95", "at_chance", "fit"]
RANKED = ["origin", "reference", "concept_set_id"]  # places count within one reference of one concept set


def report(
    store: Store,
    origin: OriginSetting = Origin.both,
    metric: MetricSetting = HEADLINE,
    reference: ReferenceSetting = None,
) -> Report:
    """Where everybody stands: each figure with its chance, ceiling and interval, this lab's own models first.

    Models of this lab stand before the published ones, and among them where people are the reference. Raises NotFound
    when there is no such figure; the message names the metrics and references there are.

    Example: triadic report ranking --origin measured
    """
    frame = ranked(store, origin, metric, reference)
    measured, published = (frame[frame.origin == which] for which in (Origin.measured, Origin.published))
    several = measured.concept_set_id.nunique() > 1
    tables = []
    if len(measured) and len(published):
        own = _columns(_own(store, measured, published), OWN, several)
        tables.append(Table("own", f"Raters of this lab: {metric}, best first within each reference", own))
    everyone = _columns(frame, COLUMNS, several)
    tables.append(Table("ranking", f"{metric}, best first within each reference", everyone))
    people = measured[_like_published(store, measured)]
    if len(people) and len(published):
        beside = pd.concat([people, published]).sort_values("value", ascending=False, kind="stable", ignore_index=True)
        beside["place"] = beside.index + 1
        tables.append(Table("beside", "Measured against people, among the published", beside[BESIDE], preview=0))
    notes = _notes(store, origin, metric, measured, published)
    drawings: Drawings = {"ranking": partial(figures.ranking, frame, metric)}
    return Report("ranking", f"Where models stand: {metric}", tables, notes, drawings)


def ranked(
    store: Store, origin: Origin = Origin.both, metric: str = HEADLINE, reference: str | None = None
) -> pd.DataFrame:
    """One row per model and reference, columns COLUMNS, best first; place counts within RANKED.

    This lab's come before the published ones, people as reference before others.
    """
    parts = [] if checked(origin) == Origin.published else [_measured(store, metric, reference)]
    if origin != Origin.measured:
        parts.append(store.read(query("triadic.reports", "published"), [metric, reference]))
    parts = [part.reindex(columns=COLUMNS) for part in parts if len(part)]
    if not parts:
        raise nothing(store, origin, metric, reference)
    frame = pd.concat(parts, ignore_index=True)
    people = _human_references(store)
    frame["first"] = [pair in people for pair in zip(frame.reference, frame.concept_set_id, strict=True)]
    order, ascending = ["origin", "first", "reference", "concept_set_id", "value"], [True, False, True, True, False]
    frame = frame.sort_values(order, ascending=ascending, kind="stable", ignore_index=True).drop(columns="first")
    within = frame.groupby(RANKED, dropna=False)
    frame["place"] = within.value.rank(ascending=False, method="min").astype(int)
    frame["variant"] = _variants(frame.method)
    few = frame.n_answers < FEW * within.n_answers.transform("max")
    frame["note"] = [
        ", ".join(filter(None, ("few answers" if is_few else "", note))) or None
        for is_few, note in zip(few, frame.note.astype(object).where(frame.note.notna(), ""), strict=True)
    ]
    return frame


def summary(lab: Lab) -> str:
    """What the demo ends with: a short table per reference, where the models stand among the published, what is next."""
    frame = ranked(lab.store)
    measured, published = (frame[frame.origin == which] for which in (Origin.measured, Origin.published))
    columns = ["place", "rater_name", "fit", "n_answers", "n_draws", "note", "value", "low", "high", "chance"]
    columns += ["at_chance", "ceiling", "share", *COMPANIONS, "heldout_accuracy"]
    parts = []
    for (name, concepts), rows in measured.groupby(["reference", "concept_set_id"], sort=False):
        about = _about(lab.store, name, concepts)
        table = render_text(rows[columns].dropna(axis=1, how="all")).rstrip()
        of = f" over {concepts}" if concepts != DEFAULT_SET else ""
        heading = f"Against {name}{of}{f' ({about})' if about else ''}: Procrustes R² and what it needs to be read"
        parts.append(f"{heading}\n{table}")
    comparable = measured[_like_published(lab.store, measured)]
    for row in comparable.itertuples():
        if len(published):
            better = int((published.value > row.value).sum())
            parts.append(
                f"{row.rater_name}: R² {row.value:.3f} against {row.reference} lies below {better} and above "
                f"{len(published) - better} of the {len(published)} published models"
                + (" (but does not stand out from coin flips)." if row.at_chance else ".")
            )
    fewest = measured.n_answers.min()
    if fewest < ENOUGH * PAPER_TRIPLETS:
        parts.append(
            f"{int(fewest):,} answers tell models apart that differ much. R² grows with the number of answers, and the "
            f"published figures are of {PAPER_TRIPLETS:,}: these do not stand beside them. `triadic demo --full`, or "
            f"`triadic plan --triplets {PAPER_TRIPLETS} --main` and `triadic run MODEL`, asks as many."
        )
    if comparable.empty and len(published) and not _human_references(lab.store):
        parts.append(
            "The published models were compared with human judgments. `triadic ingest reference FILE`, then "
            "`triadic align`, puts these models beside them."
        )
    parts.append(
        "Next: `triadic report ranking` (all models), `triadic report concepts MODEL` (which concepts lie far from "
        "people's), `triadic ui` (runs in MLflow), "
        '`triadic sql "SELECT rater_name, anchor, choice FROM judgment LIMIT 5"`, `triadic model add NAME`.'
    )
    return "\n\n".join(parts)


def _variants(methods: pd.Series) -> list[str | None]:
    """What of each method tells it from the others, in words; None where there is nothing to tell."""
    parts = [str(method).split(", ") if pd.notna(method) else [] for method in methods]
    known = [set(each) for each in parts if each]
    common = set.intersection(*known) if known else set()
    apart = [[part for part in each if part not in common] for each in parts]
    # Most fits have their dimensions in their name already.
    return [", ".join(part for part in each if f"-{part[:-1]}-" not in each[0]) or None for each in apart]


def _own(store: Store, measured: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """This lab's rows with the paper's figure of the same model, and their place among all of the paper's."""
    like = _like_published(store, measured).to_numpy()
    printed = measured.rater_id.map(published.groupby("rater_id").value.max())
    place = np.array([1 + (published.value > value).sum() for value in measured.value], dtype=float)
    return measured.assign(published=printed.where(like), place_among_published=np.where(like, place, np.nan))


def _like_published(store: Store, measured: pd.DataFrame) -> pd.Series:
    """Which rows may stand beside the published figures: about the paper's concepts, against people, of as many answers.

    R² grows with the number of answers; a twentieth of them may be invalid. An unknown number is let pass.
    """
    people = _human_references(store)
    enough = ~(measured.n_answers < ENOUGH * PAPER_TRIPLETS)
    found = [
        concepts == DEFAULT_SET and (reference, concepts) in people and many
        for reference, concepts, many in zip(measured.reference, measured.concept_set_id, enough, strict=True)
    ]
    return pd.Series(found, index=measured.index, dtype=bool)


def _columns(frame: pd.DataFrame, names: list[str], several: bool) -> pd.DataFrame:
    """These columns, without empty ones; the concept set beside the reference where there are several."""
    if several:
        names = [name for name in names if name != "concept_set_id"]
        names.insert(names.index("reference") + 1, "concept_set_id")
    return frame[names].dropna(axis=1, how="all")


def _notes(store: Store, origin: str, metric: str, measured: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    notes = [
        f"chance is the mean of coin flips with the model's own first-option rate through the same fit; at_chance: no "
        f"better than 95% of them. share is the way from chance ({metric} of coins) to ceiling (of simulated people).",
        "Intervals are 95% bootstrap percentiles over answers with refits, moved onto the figure (view alignment).",
    ]
    if len(measured):
        notes.append(
            "origin measured: this lab's own. Of a rater's figures of one kind the one with most answers (n_answers, valid "
            "ones behind the fit) is shown, then with most draws (n_draws, behind interval, chance and ceiling), then the newest."
        )
        if measured.variant.notna().any():
            notes.append(
                "variant: in what a figure's fit and answers differ from others here; method (--columns all) has it whole."
            )
    marked = " ".join(measured.note.dropna())
    if "few answers" in marked:
        notes.append(
            f"few answers: less than {FEW:.0%} of the most behind a figure against the same reference. R² grows with the number "
            "of answers, chance included: compare such a figure with its own chance, not with its neighbours."
        )
    if STAND_IN in marked:
        notes.append(f"{STAND_IN}: a simulated or scripted rater, no model.")
    if origin != Origin.published:
        notes += _without_figure(store, metric, measured)
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
    pairs = measured[["reference", "concept_set_id"]].drop_duplicates().sort_values("reference")
    described = {name: _about(store, name, concepts) for name, concepts in pairs.itertuples(index=False)}
    return notes + [f"reference {name}: {about}." for name, about in described.items() if about]


def _without_figure(store: Store, metric: str, measured: pd.DataFrame) -> list[str]:
    """A note on the raters that answered and are not in the ranking."""
    names = list(
        store.read(
            "SELECT rater_name FROM rater_status WHERE n_answers > 0 AND kind <> 'human' AND NOT list_contains($1, rater_id) "
            "ORDER BY 1",
            [sorted(set(measured.rater_id))],
        ).rater_name
    )
    if not names:
        return []
    return [
        f"Without such a figure, though they have answers: {', '.join(names)}. `triadic run MODEL` makes it; concepts that "
        "have no reference yet get one with `triadic ingest reference`."
    ]


def _measured(store: Store, metric: str, reference: str | None) -> pd.DataFrame:
    frame = store.read(
        "SELECT alignment.*, 'measured' AS origin, CASE WHEN is_stand_in THEN $3 END AS note "
        "FROM alignment JOIN rater_shown USING (rater_id) "
        "WHERE is_shown AND metric_name = $1 AND ($2 IS NULL OR reference = $2)",
        [metric, reference, STAND_IN],
    )
    if frame.empty:
        return frame
    beside = store.read("SELECT run_id, name, value FROM metric WHERE list_contains($1, name)", [COMPANIONS])
    wide = beside.pivot(index="run_id", columns="name", values="value").reindex(columns=COMPANIONS)
    return frame.merge(wide, left_on="run_id", right_index=True, how="left")


def _about(store: Store, reference: str, concept_set_id: str) -> str | None:
    sql = "SELECT notes FROM embedding WHERE name = ? AND concept_set_id = ? AND role = 'reference' ORDER BY created_at DESC"
    row = store.row(sql, [reference, concept_set_id])
    return row[0] if row else None


def _human_references(store: Store) -> set[tuple[str, str]]:
    """(name, concept set) of the references that come from people: those of human raters."""
    sql = "SELECT name, concept_set_id FROM embedding JOIN rater USING (rater_id) WHERE role = 'reference' AND kind = 'human'"
    return set(store.read(sql).itertuples(index=False, name=None))
