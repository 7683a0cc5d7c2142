"""Many fits of one estimator at once: bootstraps, raters. Each is only another row of weights on one set of answers.

On a processor the quickest way measured is one fit after another, small enough to stay in cache, with the answers
sorted and encoded once for all. On a GPU the same steps run for all fits together (`device="cuda"`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.pairs import Columns, Pairs, check_answers, collapse
from triadic.compute.ordinal.restart import Restart
from triadic.schema.arrays import Bools, Floats, Ints, Objects
from triadic.schema.errors import BadInput

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ManyFits:
    """Results by fit: `embeddings` (n_fits, n_items, n_dims); the rest (n_fits,). Held-out figures are NaN without any.

    `converged` is False wherever a fit must not be used as it is; `reason` says what happened. Columns that a fit
    pruned away are zero.
    """

    embeddings: Floats
    converged: Bools
    reason: Objects
    n_iter: Ints
    train_loss: Floats
    heldout_loss: Floats
    heldout_accuracy: Floats

    @classmethod
    def of(cls, embeddings: Floats, ends: list[Restart]) -> ManyFits:
        """From the embeddings and how each fit ended."""
        return cls(
            embeddings=embeddings,
            converged=np.array([end.converged for end in ends]),
            reason=np.array([end.reason for end in ends], dtype=object),
            n_iter=np.array([end.n_iter for end in ends]),
            train_loss=np.array([end.train_loss for end in ends]),
            heldout_loss=np.array([end.heldout_loss for end in ends]),
            heldout_accuracy=np.array([end.heldout_accuracy for end in ends]),
        )


def fit_many(
    estimator: OrdinalEmbedding,
    triplets: ArrayLike,
    weights: ArrayLike,
    heldout: ArrayLike | None = None,
    heldout_weights: ArrayLike | None = None,
    n_items: int | None = None,
    *,
    device: str | None = None,
    progress: Progress | None = None,
) -> ManyFits:
    """Fit `estimator` (which stays untouched) once per row of `weights` (n_fits, n_answers).

    All fits start from the random start of the estimator's seed, so that they differ by their answers only; restarts
    are not made. `heldout` is scored after each. `device` None works on the processor in float64, fit by fit; a torch
    device name ("cuda", "cpu") fits all rows together there in float64; a GPU adds up in no fixed order, so that only
    a processor gives the same bits twice. `progress(n_done)` is called as fits finish. Raises BadInput, and Unavailable
    for a device that is not there.
    """
    estimator.check_parameters(device)
    rows = np.asarray(weights)
    if rows.ndim != 2 or not len(rows):
        raise BadInput(f"weights of fit_many must be (n_fits, n_answers), not {rows.shape}")
    for row in rows:
        answers, _, train_items = check_answers(triplets, row, n_items)
    watched = None
    if heldout is not None:
        seen, seen_weights, heldout_items = check_answers(heldout, heldout_weights, n_items, "heldout")
        train_items = max(train_items, heldout_items)
        watched = collapse(seen, seen_weights, train_items, estimator.columns)
    index, counts = _share(answers, rows, train_items, estimator.columns)
    worker = copy.copy(estimator)
    worker.n_restarts = 1
    if device is None:
        return _one_by_one(worker, index, counts, watched, train_items, progress)
    from triadic.compute.ordinal.batch_torch import fit_together

    return fit_together(worker, index, counts, watched, train_items, device, progress)


def _share(triplets: Ints, weights: Floats, n_items: int, columns: Columns) -> tuple[NDArray[np.int32], Floats]:
    """Distinct answers as pair positions (2 or 3, m), and each fit's weights on them (n_fits, m)."""
    key = np.arange(1, len(triplets) + 1, dtype=np.float64)
    numbered = collapse(triplets, key, n_items, columns)
    if numbered.weights is not None and len(numbered) == len(triplets):
        order = numbered.weights.astype(np.intp) - 1  # no repeats: the sum of row numbers is the row number
        return numbered.index, weights[:, order].astype(np.float64)
    # A tiny constant keeps answers of weight zero in the list, at the same places for every fit.
    ones = np.ones(len(triplets))
    given = (collapse(triplets, row + ones, n_items, columns).weights for row in (*weights, 0.0 * ones))
    counts = np.stack([row for row in given if row is not None])
    return numbered.index, counts[:-1] - counts[-1]


def _one_by_one(
    worker: OrdinalEmbedding,
    index: NDArray[np.int32],
    counts: Floats,
    watched: Pairs | None,
    n_items: int,
    progress: Progress | None,
) -> ManyFits:
    if watched is None or worker.patience is None:
        worker.record_every = worker.max_steps  # nobody reads these histories
    embeddings, ends = np.zeros((len(counts), n_items, worker.n_dims)), []
    for number, row in enumerate(counts):
        given = np.flatnonzero(row)
        worker._fit_pairs(Pairs(index[:, given], row[given], float(row.sum()), n_items), watched)
        embeddings[number, :, : worker.embedding_.shape[1]] = worker.embedding_
        ends.append(worker.restarts_[0])
        if progress is not None:
            progress(number + 1)
    return ManyFits.of(embeddings, ends)
