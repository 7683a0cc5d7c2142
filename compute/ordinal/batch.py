"""Many fits of one estimator at once: bootstraps, raters. Each is only another row of weights on one set of answers.

On a processor the quickest way measured is one fit after another, small enough to stay in cache, with the answers
sorted and encoded once for all. On a GPU the same steps run for all fits together (`device="cuda"`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.pairs import Pairs, check_answers, collapse
from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class ManyFits:
    """Results by fit: `embeddings` (n_fits, n_items, n_dims); the rest (n_fits,). Held-out figures are NaN without any.

    `converged` is False wherever a fit must not be used as it is; `reason` says what happened.
    """

    embeddings: np.ndarray
    converged: np.ndarray
    reason: np.ndarray
    n_iter: np.ndarray
    train_loss: np.ndarray
    heldout_loss: np.ndarray
    heldout_accuracy: np.ndarray


def bootstrap_weights(n_answers: int, n_fits: int, rng: np.random.Generator, base=None) -> np.ndarray:
    """Counts of `n_fits` resamplings with replacement, float64 (n_fits, n_answers).

    `base` are the answers' own weights (default 1 each): each answer is drawn as a whole and brings its weight.
    Answers to one question that was asked repeatedly are resampled one by one.
    """
    counts = np.empty((n_fits, n_answers))
    for row in counts:
        row[:] = np.bincount(rng.integers(0, n_answers, n_answers), minlength=n_answers)
    return counts if base is None else counts * np.asarray(base, dtype=np.float64)


def stack_answers(answer_sets: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Answer sets of several raters → the distinct answers (m, 3) and how often each rater gave them (n_raters, m)."""
    checked = [check_answers(answers, what=f"answer set {k}")[0] for k, answers in enumerate(answer_sets)]
    if not checked:
        raise BadInput("no answer sets were given")
    distinct, where = np.unique(np.concatenate(checked), axis=0, return_inverse=True)
    where = where.ravel()
    rater = np.repeat(np.arange(len(checked)), [len(answers) for answers in checked])
    counts = np.bincount(rater * len(distinct) + where, minlength=len(checked) * len(distinct))
    return distinct, counts.reshape(len(checked), -1).astype(np.float64)


def fit_many(
    estimator: OrdinalEmbedding,
    triplets,
    weights,
    heldout=None,
    heldout_weights=None,
    n_items: int | None = None,
    *,
    device: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ManyFits:
    """Fit `estimator` (which stays untouched) once per row of `weights` (n_fits, n_answers).

    All fits start from the random start of the estimator's seed, so that they differ by their answers only; restarts
    are not made. `heldout` is scored after each. `device` None works on the processor in float64, fit by fit; a torch
    device name ("cuda", "cpu") fits all rows together there in float64; a GPU adds up in no fixed order, so that only
    a processor gives the same bits twice. `progress(n_done)` is called as fits finish. Raises BadInput.
    """
    estimator._check_parameters()
    weights = np.asarray(weights)
    if weights.ndim != 2 or not len(weights):
        raise BadInput(f"weights of fit_many must be (n_fits, n_answers), not {weights.shape}")
    for row in weights:
        triplets, _, train_items = check_answers(triplets, row, n_items)
    watched = None
    if heldout is not None:
        heldout, heldout_weights, heldout_items = check_answers(heldout, heldout_weights, n_items, "heldout")
        train_items = max(train_items, heldout_items)
        watched = collapse(heldout, heldout_weights, train_items, estimator.columns)
    index, counts = _share(triplets, weights, train_items, estimator.columns)
    if device is None:
        return _one_by_one(estimator, index, counts, watched, train_items, progress)
    from triadic.compute.ordinal.batch_torch import fit_together

    return fit_together(estimator, index, counts, watched, train_items, device, progress)


def _share(triplets, weights, n_items, columns) -> tuple[np.ndarray, np.ndarray]:
    """Distinct answers as pair positions (2 or 3, m), and each fit's weights on them (n_fits, m)."""
    key = np.arange(1, len(triplets) + 1, dtype=np.float64)
    numbered = collapse(triplets, key, n_items, columns)
    if len(numbered) == len(triplets):  # no repeats: the sum of row numbers is the row number
        order = numbered.weights.astype(np.intp) - 1
        return numbered.index, weights[:, order].astype(np.float64)
    counts = np.zeros((len(weights), len(numbered)))
    everything = np.ones(len(triplets))
    for row, own in zip(counts, weights, strict=True):
        # A tiny constant keeps answers of weight zero in the list, at the same places for every fit.
        row[:] = collapse(triplets, own + everything, n_items, columns).weights
    row_counts = collapse(triplets, everything, n_items, columns).weights
    return numbered.index, counts - row_counts


def _one_by_one(estimator, index, counts, watched, n_items, progress) -> ManyFits:
    worker = copy.copy(estimator)
    worker.n_restarts = 1
    if watched is None or worker.patience is None:
        worker.record_every = worker.max_steps  # nobody reads these histories
    found = []
    for number, row in enumerate(counts):
        given = np.flatnonzero(row)
        pairs = Pairs(index[:, given], row[given], float(row.sum()), n_items)
        worker._fit_pairs(pairs, watched)
        found.append((worker.embedding_, worker.restarts_[0]))
        if progress is not None:
            progress(number + 1)
    results = [result for _, result in found]
    return ManyFits(
        embeddings=np.stack([embedding for embedding, _ in found]),
        converged=np.array([r.converged for r in results]),
        reason=np.array([r.reason for r in results], dtype=object),
        n_iter=np.array([r.n_iter for r in results]),
        train_loss=np.array([r.train_loss for r in results]),
        heldout_loss=np.array([r.heldout_loss for r in results]),
        heldout_accuracy=np.array([r.heldout_accuracy for r in results]),
    )
