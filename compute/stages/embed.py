"""The embed stage: fit an ordinal embedding to a judge run's answers and keep it with the history of its fit."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from triadic.compute.answers import AnswerSet
from triadic.compute.ordinal import NotConverged, OrdinalEmbedding, make_estimator
from triadic.compute.ordinal.selection import CANDIDATES, against_chance, choose_dims
from triadic.compute.settings import FitSettings, stored
from triadic.schema.arrays import Floats, Ints
from triadic.schema.embeddings import participation_ratio, vector_rows
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished, on_record, record_event
from triadic.schema.tables import Embedding, EmbeddingRow, FitHistory
from triadic.schema.vocabulary import Role, Stage, Status


def estimator_of(settings: FitSettings, seed: int) -> OrdinalEmbedding:
    """The estimator that these settings describe. Raises BadInput for what is unknown, or does not go together."""
    estimator = make_estimator(
        settings.algorithm,
        30 if settings.n_dims is None else settings.n_dims,
        seed=seed,
        n_restarts=settings.n_restarts,
        patience=settings.patience,
        parameters=dict(settings.parameters),
    )
    estimator.check_parameters(settings.device)
    return estimator


def embed_run(lab: Lab, judge_run_id: str, settings: FitSettings, seed: int) -> tuple[Work, OrdinalEmbedding]:
    """The embed run these settings make, and its estimator; enters and fits nothing yet.

    Its configuration holds every parameter of the estimator (mu, tol, max_steps …), given or default.
    """
    row = lab.store.row(
        "SELECT rater_id, concept_set_id, triplet_set_id FROM run WHERE run_id = ? AND stage = 'judge'", [judge_run_id]
    )
    if row is None:
        raise NotFound(f"no judge run {judge_run_id} in this lab: `triadic status` lists what there is")
    if not is_finished(lab, judge_run_id):
        raise Conflict(f"judge run {judge_run_id} is not finished: `triadic judge {row[0]}` goes on with it")
    estimator = estimator_of(settings, seed)
    config = stored(settings) | estimator.hyperparameters()
    return Work(Stage.embed, row[0], config, row[1], row[2], judge_run_id, seed), estimator


def embed(lab: Lab, judge_run_id: str, settings: FitSettings | None = None, seed: int = 0) -> str:
    """The id of the embed run that fits `judge_run_id`'s answers with these settings, fitted now if it was not yet.

    Raises NotFound for an unknown run, Conflict for an unfinished one, BadInput for answers that cannot be fitted so:
    before a run is entered.
    A fit that does not converge is stored as such; one that is not finite is refused.
    """
    settings = settings or FitSettings()
    work, estimator = embed_run(lab, judge_run_id, settings, seed)
    if is_finished(lab, work.run_id):
        return work.run_id
    given = _Given.read(lab, judge_run_id, settings, seed, estimator)  # refused before a run is entered
    run_id = work.begin(lab)
    with on_record(lab, run_id):
        record_event(lab, run_id, Status.started, device=settings.device or "numpy")
        _fit(lab, work, settings, estimator, given)
    return run_id


def check_dims(n_dims: int | None, n_concepts: int) -> None:
    """Raises BadInput, with the way out, for more dimensions than so many concepts span; None is chosen among those."""
    if n_dims is not None and n_dims >= n_concepts:
        fewer = max(1, min(5, n_concepts - 1))
        raise BadInput(
            f"{n_concepts} concepts span at most {n_concepts - 1} dimensions, and the fit asks for {n_dims}: give fewer, "
            f"--dims {fewer}, or let held-out answers choose, --dims auto"
        )


@dataclass(frozen=True)
class _Given:
    """What a fit is made to, and what it holds out: answers (n, 3) as its loss takes them, with their weights (n,)."""

    triplets: Ints
    weights: Floats | None
    heldout: Ints
    heldout_weights: Floats | None
    n_items: int
    n_invalid: int

    @classmethod
    def read(cls, lab: Lab, judge_run_id: str, settings: FitSettings, seed: int, estimator: OrdinalEmbedding) -> _Given:
        """Those of a judge run. Raises BadInput for answers that cannot be fitted so."""
        answers = AnswerSet.read(lab, judge_run_id, settings.answers, settings.temperature)
        check_dims(settings.n_dims, answers.n_items)
        fitted, watched = answers.split(settings.heldout_share, seed)
        parts = (*fitted.written_for(estimator), *watched.written_for(estimator))
        return cls(*parts, answers.n_items, answers.n_invalid)


def _fit(lab: Lab, work: Work, settings: FitSettings, estimator: OrdinalEmbedding, given: _Given) -> None:
    started = time.monotonic()
    triplets, heldout, n_items = given.triplets, given.heldout, given.n_items
    weights, heldout_weights = given.weights, given.heldout_weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # it is a column of the result
        if settings.n_dims is None:
            sizes = [size for size in CANDIDATES if size < n_items]
            estimator = choose_dims(
                estimator, triplets, heldout, weights, heldout_weights, n_items, sizes, device=settings.device
            ).estimator
        else:
            estimator.fit(triplets, weights, heldout, heldout_weights, n_items, device=settings.device)
    if not np.isfinite(estimator.embedding_).all():
        raise BadInput(f"the {settings.algorithm} fit of run {work.parent_run_id} is not finite: nothing was stored")
    best = estimator.restarts_[estimator.best_restart_]
    embedding = Embedding(
        embedding_id=work.run_id,
        concept_set_id=str(work.concept_set_id),
        rater_id=str(work.rater_id),
        role=Role.fitted,
        name=" ".join([f"{settings.algorithm}-{estimator.n_dims}-{settings.answers}", *_changed(estimator)]),
        run_id=work.run_id,
        algorithm=type(estimator).__name__,
        n_dims=estimator.embedding_.shape[1],
        effective_dims=participation_ratio(estimator.embedding_),
        n_train=len(triplets),
        n_heldout=len(heldout),
        train_loss=best.train_loss,
        heldout_loss=best.heldout_loss,
        heldout_accuracy=best.heldout_accuracy,
        at_chance=against_chance(estimator, heldout, heldout_weights).at_chance,
        converged=estimator.converged_,
    )
    rows: list[tuple[type, Any]] = [
        (Embedding, [embedding]),
        (EmbeddingRow, vector_rows(work.run_id, estimator.embedding_)),
        (FitHistory, _history(work.run_id, estimator.history_)),
    ]
    detail = {
        "seconds": round(time.monotonic() - started, 3),
        "n_answers": len(triplets) + len(heldout),
        "n_invalid": given.n_invalid,
        "heldout_loss_spread": float(np.ptp([restart.heldout_loss for restart in estimator.restarts_])),
        "reason": estimator.reason_,
    }
    finish(lab, work.run_id, rows, **detail)


def _changed(estimator: OrdinalEmbedding) -> list[str]:
    """The parameters that are not their defaults, as they were typed: fits that differ in them are of another kind."""
    defaults = estimator.own_parameters()
    return [f"{name}={value}" for name, value in estimator.hyperparameters().items() if value != defaults[name]]


def _history(run_id: str, history: Any) -> Any:
    columns = {name: pa.array(history[name], from_pandas=True) for name in history.dtype.names}  # NaN: nothing held out
    return pa.table({"run_id": pa.repeat(run_id, len(history)), **columns})
