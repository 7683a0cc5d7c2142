"""The embed stage: fit an ordinal embedding to a judge run's answers and keep it with the history of its fit."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass

import numpy as np

from triadic.compute.answers import HARD, Answers, as_anchored, read_answers
from triadic.compute.ordinal import LOSSES, NotConverged, OrdinalEmbedding
from triadic.compute.ordinal.selection import against_chance, choose_dims, effective_dims, hold_out
from triadic.schema.embeddings import vector_rows
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished, note
from triadic.schema.tables import Embedding, EmbeddingRow, FitHistory
from triadic.schema.vocabulary import Role, Stage, Status


@dataclass(frozen=True)
class FitSettings:
    """How to fit. The defaults are the paper's: 30 dimensions, crowd-kernel loss, 20% of the answers held out.

    `n_dims` None chooses the smallest d whose held-out accuracy is within one standard error of the best.
    `answers` is hard (the choices) or graded (the log-probabilities, at `temperature`).
    """

    algorithm: str = "ckl"
    n_dims: int | None = 30
    heldout_share: float = 0.2
    n_restarts: int = 1
    answers: str = HARD
    temperature: float = 1.0
    patience: int | None = None

    def estimator(self, seed: int):
        """The estimator these settings describe. Raises BadInput for an unknown algorithm."""
        if self.algorithm not in LOSSES:
            raise BadInput(f"no algorithm {self.algorithm!r}; there are: {', '.join(LOSSES)}")
        if self.n_dims is not None and self.n_dims < 1:
            raise BadInput(f"an embedding has at least one dimension, not {self.n_dims}: give a number, or auto")
        return LOSSES[self.algorithm](self.n_dims or 30, seed=seed, n_restarts=self.n_restarts, patience=self.patience)


def embed_run(lab: Lab, judge_run_id: str, settings: FitSettings, seed: int) -> tuple[Work, OrdinalEmbedding]:
    """The embed run these settings make, and its estimator; enters and fits nothing yet."""
    row = lab.store.row(
        "SELECT rater_id, concept_set_id, triplet_set_id FROM run WHERE run_id = ? AND stage = 'judge'", [judge_run_id]
    )
    if row is None:
        raise NotFound(f"no judge run {judge_run_id} in this lab: `triadic status` lists what there is")
    if not is_finished(lab, judge_run_id):
        raise Conflict(f"judge run {judge_run_id} is not finished: `triadic judge {row[0]}` goes on with it")
    estimator = settings.estimator(seed)
    config = asdict(settings) | _hyperparameters(estimator)
    return Work(Stage.embed, row[0], config, row[1], row[2], judge_run_id, seed), estimator


def embed(lab: Lab, judge_run_id: str, settings: FitSettings | None = None, seed: int = 0) -> str:
    """The id of the embed run that fits `judge_run_id`'s answers with these settings, fitted now if it was not yet.

    Raises NotFound for an unknown run, Conflict for an unfinished one, BadInput for answers that cannot be fitted so.
    A fit that does not converge is stored as such; one that is not finite is refused.
    """
    settings = settings or FitSettings()
    work, estimator = embed_run(lab, judge_run_id, settings, seed)
    run_id = work.begin(lab)
    if is_finished(lab, run_id):
        return run_id
    note(lab, run_id, Status.started)
    try:
        _fit(lab, work, settings, estimator)
    except Exception as error:
        note(lab, run_id, Status.failed, error=f"{type(error).__name__}: {error}")
        raise
    return run_id


def fittable(answers: Answers, settings: FitSettings) -> Answers:
    """The answers in the form the algorithm takes: SPoSE wants odd-one-out, all others anchored ones."""
    if settings.algorithm != "spose":
        return as_anchored(answers)
    if answers.framing == "anchored":
        raise BadInput("SPoSE fits odd-one-out answers, and these are anchored: judge with --framing odd-one-out")
    return answers


def held_out(triplets: np.ndarray, framing: str, share: float, seed: int) -> np.ndarray:
    """True for the answers (n, 3) that a fit with this seed holds out: whole questions, as `framing` asked them."""
    return hold_out(triplets, share, np.random.default_rng([seed, 1]), as_sets=framing == "odd-one-out")


def _fit(lab: Lab, work: Work, settings: FitSettings, estimator: OrdinalEmbedding) -> None:
    started = time.monotonic()
    run_id, judge_run_id = work.run_id, work.parent_run_id
    asked = read_answers(lab, judge_run_id, settings.answers, settings.temperature)
    answers = fittable(asked, settings)
    if settings.n_dims is not None and settings.n_dims >= answers.n_items:
        raise BadInput(f"{answers.n_items} concepts span at most {answers.n_items - 1} dimensions: ask for fewer")
    held = held_out(answers.triplets, asked.framing, settings.heldout_share, work.seed)
    weights = answers.weights
    train, train_weights = answers.triplets[~held], None if weights is None else weights[~held]
    heldout, heldout_weights = answers.triplets[held], None if weights is None else weights[held]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # it is a column of the result
        if settings.n_dims is None:
            estimator = choose_dims(
                estimator, train, heldout, weights=train_weights, heldout_weights=heldout_weights,
                n_items=answers.n_items,
            ).estimator  # fmt: skip
        else:
            estimator.fit(train, train_weights, heldout, heldout_weights, answers.n_items)
    chance = against_chance(estimator, heldout, heldout_weights)
    best = estimator.restarts_[estimator.best_restart_]
    if not np.isfinite(estimator.embedding_).all():
        raise BadInput(f"the {settings.algorithm} fit of run {judge_run_id} is not finite: nothing was stored")
    embedding = Embedding(
        embedding_id=run_id,
        concept_set_id=work.concept_set_id,
        rater_id=work.rater_id,
        role=Role.fitted,
        name=f"{settings.algorithm}-{estimator.n_dims}-{settings.answers}",
        run_id=run_id,
        algorithm=type(estimator).__name__,
        n_dims=estimator.embedding_.shape[1],
        effective_dims=effective_dims(estimator.embedding_),
        n_train=int((~held).sum()),
        n_heldout=int(held.sum()),
        train_loss=best.train_loss,
        heldout_loss=best.heldout_loss,
        heldout_accuracy=best.heldout_accuracy,
        at_chance=chance.at_chance,
        converged=estimator.converged_,
    )
    finish(
        lab, run_id,
        [
            (Embedding, [embedding]),
            (EmbeddingRow, vector_rows(run_id, estimator.embedding_)),
            (FitHistory, _history(run_id, estimator.history_)),
        ],
        seconds=round(time.monotonic() - started, 3),
        n_answers=len(answers.triplets),
        n_invalid=answers.n_invalid,
        heldout_loss_spread=float(np.ptp([r.heldout_loss for r in estimator.restarts_])),
        reason=estimator.reason_,
    )  # fmt: skip


def _hyperparameters(estimator) -> dict:
    """What else decides the fit: the estimator's own parameters, as it was built (mu, tol, max_steps …)."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if not name.endswith("_") and name not in {"seed", "n_dims", "n_restarts", "patience"}
    }


def _history(run_id: str, history: np.ndarray):
    import pyarrow as pa

    columns = {name: pa.array(history[name], from_pandas=True) for name in history.dtype.names}  # NaN: nothing held out
    return pa.table({"run_id": pa.repeat(run_id, len(history)), **columns})
