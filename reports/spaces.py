"""The two spaces that a report lays over one another: a rater's fit, and a reference or another rater's fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lookup import find_rater
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import DrawKind

Draws = dict[tuple[int, int], Floats]  # (seed, draw) → a refitted space (n_concepts, n_dims)


@dataclass(frozen=True)
class Space:
    """The vectors of one side, (n_concepts, n_dims), and whose they are; `about` says in words what they come from.

    A reference has no rater and no judge run; `framing` and `method` are those of the fit's answers.
    """

    name: str
    embedding_id: str
    vectors: Floats
    about: str
    rater_id: str | None = None
    judge_run_id: str | None = None
    framing: str | None = None

    def draws(self, store: Store, kind: DrawKind) -> Draws:
        """The refits of that kind which the lab keeps for this fit."""
        table = store.arrow(
            "SELECT seed, draw, vector FROM refit WHERE embedding_id = ? AND kind = ? ORDER BY seed, draw, position",
            [self.embedding_id, kind.value],
        )
        if not len(table):
            return {}
        n_items = len(self.vectors)  # a draw has a row for each concept
        seeds, draws = (table.column(name).to_pylist()[::n_items] for name in ("seed", "draw"))
        flat = table.column("vector").combine_chunks().flatten().to_numpy().astype(float)
        return dict(zip(zip(seeds, draws, strict=True), flat.reshape(len(draws), n_items, -1), strict=True))


@dataclass(frozen=True)
class Pair:
    """A rater's fit and what it is laid over, with the concepts that both have (columns word and category, by position)."""

    model: Space
    other: Space
    concepts: pd.DataFrame

    @property
    def is_reference(self) -> bool:
        """Whether the other side is a reference, not a rater."""
        return self.other.rater_id is None


def beside_reference(store: Store, model: str, reference: str | None, concepts: str | None) -> Pair:
    """A rater's fit with most answers, and the reference of that name (None: the main one of its concepts).

    Raises NotFound for a rater without a fit, a reference that is not there, or concepts that have none.
    """
    rater_id, name = _rater(store, model)
    fits = _fits(store, rater_id, reference, concepts)
    if fits.empty and reference is not None and len(fits := _fits(store, rater_id, None, concepts)):
        known = store.read("SELECT DISTINCT name FROM embedding WHERE role = 'reference' ORDER BY 1").name
        listed = f" (there are {', '.join(known)})" if len(known) else ""
        raise NotFound(f"no reference {reference!r} for the concepts of {name}{listed}: `triadic ingest reference`")
    fit = _first(fits, name)
    row = store.row(
        "SELECT embedding_id, name FROM embedding WHERE role = 'reference' AND name = $1 AND concept_set_id = $2 "
        "ORDER BY created_at DESC, embedding_id"
        if reference
        else "SELECT reference_id, reference FROM main_reference WHERE $1 IS NULL AND concept_set_id = $2",
        [reference, fit.concept_set_id],
    )
    if row is None:
        raise NotFound(
            f"no reference for the concepts {fit.concept_set_id}: `triadic ingest reference` takes one in, or lay {name} "
            "over another rater with --other"
        )
    reference_id, found = row
    return Pair(
        _space(store, fit, rater_id, name),
        Space(found, reference_id, _vectors(store, reference_id), "a reference"),
        _concepts(store, fit.concept_set_id),
    )


def beside_rater(store: Store, model: str, other: str, concepts: str | None) -> Pair:
    """The fits of two raters, of one kind and over one concept set: of those both have, the one with most answers.

    Raises NotFound for a rater without a fit, BadInput where they have no kind of fit in common.
    """
    (rater_id, name), (other_id, other_name) = (_rater(store, each) for each in (model, other))
    if rater_id == other_id:
        raise BadInput(f"{name} is laid over itself: name another rater with --other")
    fits, others = (_fits(store, each, None, concepts) for each in (rater_id, other_id))
    _first(fits, name), _first(others, other_name)
    shared = fits.merge(others[["concept_set_id", "method"]].drop_duplicates(), on=["concept_set_id", "method"])
    if shared.empty:
        raise BadInput(
            f"{name} and {other_name} share no concept set and kind of fit: `triadic run {name} {other_name}` makes them"
        )
    fit = _first(shared, name)
    theirs = others[(others.concept_set_id == fit.concept_set_id) & (others.method == fit.method)]
    return Pair(
        _space(store, fit, rater_id, name),
        _space(store, _first(theirs, other_name), other_id, other_name),
        _concepts(store, fit.concept_set_id),
    )


def _rater(store: Store, name: str) -> tuple[str, str]:
    rater_id = find_rater(store, name)
    return rater_id, str(store.value("SELECT rater_name FROM rater_current WHERE rater_id = ?", [rater_id]))


def _fits(store: Store, rater_id: str, reference: str | None, concepts: str | None) -> pd.DataFrame:
    return store.read(query("triadic.reports", "fits_of"), [rater_id, reference, concepts])


def _first(fits: pd.DataFrame, name: str) -> pd.Series:
    if fits.empty:
        raise NotFound(f"no embedding of {name} here with these options: `triadic run {name}` makes one")
    return fits.iloc[0]


def _space(store: Store, fit: pd.Series, rater_id: str, name: str) -> Space:
    answers = f"{int(fit.n_answers):,} answers" if pd.notna(fit.n_answers) else "answers that are not counted"
    about = f"{fit.method}, fitted to {answers}"
    vectors = _vectors(store, fit.embedding_id)
    return Space(name, fit.embedding_id, vectors, about, rater_id, fit.judge_run_id, fit.framing)


def _vectors(store: Store, embedding_id: str) -> Floats:
    rows = store.read("SELECT vector FROM embedding_row WHERE embedding_id = ? ORDER BY position", [embedding_id])
    if rows.empty:
        raise NotFound(
            f'no vectors of embedding {embedding_id} here: `triadic sql "FROM embedding"` lists those there are'
        )
    return np.stack(rows.vector.to_list()).astype(float)


def _concepts(store: Store, concept_set_id: str) -> pd.DataFrame:
    return store.read("SELECT word, category FROM concept WHERE concept_set_id = ? ORDER BY position", [concept_set_id])
