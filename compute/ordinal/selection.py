"""What held-out answers decide: how many dimensions, how many answers, and whether a fit says anything at all."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import NotConverged, OrdinalEmbedding
from triadic.compute.ordinal.pairs import check_answers
from triadic.schema.errors import BadInput

CANDIDATES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40)

# One-sided 95%: a coin passes for a rater once in twenty by accuracy alone, and its held-out loss stops it then.
_STANDARD_ERRORS = 1.645


def hold_out(triplets: np.ndarray, share: float, rng: np.random.Generator, as_sets: bool = False) -> np.ndarray:
    """True for the answers to hold out, (n_answers,) bool: `share` of the *questions*, drawn at random.

    Every answer to one question, whichever way it went and however often it was asked, falls on the same side. A
    question is an anchor with two options; with `as_sets` it is any three items, as odd-one-out questions are (also
    where one of their answers was written as two anchored ones).
    Raises BadInput unless both sides get a question.
    """
    triplets, _, n_items = check_answers(triplets)
    if not 0 < share < 1:
        raise BadInput(f"the held-out share is {share!r}: it must lie between 0 and 1")
    a, b, c = (np.sort(triplets, axis=1) if as_sets else triplets).T.astype(np.int64)
    question = (a * n_items + np.minimum(b, c)) * n_items + np.maximum(b, c)
    distinct, which = np.unique(question, return_inverse=True)
    n_held = round(share * len(distinct))
    if not 0 < n_held < len(distinct):
        raise BadInput(f"{share:g} of {len(distinct)} questions leaves one side of the split empty: give more answers")
    held = np.zeros(len(distinct), dtype=bool)
    held[rng.permutation(len(distinct))[:n_held]] = True
    return held[which]


def effective_dims(embedding: np.ndarray) -> float:
    """Participation ratio (Σλ)² / Σλ² of the principal variances λ: d for d equal axes, 1 for a line, 0 for a point."""
    variances = _variances(embedding)
    total = variances.sum()
    return float(total * total / np.vdot(variances, variances)) if total > 0 else 0.0


def dims_for_variance(embedding: np.ndarray, share: float = 0.95) -> int:
    """Number of principal components that hold at least `share` of the variance; 0 for a point."""
    variances = _variances(embedding)
    if not variances.sum() > 0:
        return 0
    return int(np.searchsorted(np.cumsum(variances) / variances.sum(), share * (1 - 1e-12)) + 1)


@dataclass(frozen=True)
class Trial:
    """One fit of a sweep: its size, its held-out figures, the standard error of the accuracy, a caller's own score."""

    n_dims: int
    n_answers: int
    heldout_loss: float
    heldout_accuracy: float
    standard_error: float
    converged: bool
    score: float = float("nan")


@dataclass(frozen=True)
class DimsChoice:
    """The chosen number of dimensions, its fit, and all trials in order of dimensions."""

    n_dims: int
    estimator: OrdinalEmbedding
    trials: list[Trial]


def choose_dims(
    estimator: OrdinalEmbedding,
    triplets,
    heldout,
    weights=None,
    heldout_weights=None,
    n_items: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
) -> DimsChoice:
    """The smallest number of dimensions whose held-out accuracy is within one standard error of the best.

    One fit per candidate, with the estimator's other parameters; unconverged fits cannot be chosen. The standard error
    is the binomial one of the best accuracy (Breiman et al. 1984, CART, the one-standard-error rule). Raises BadInput
    when no fit converges. The held-out accuracy of the choice is itself a little too good: it did the choosing.
    """
    sizes = sorted(set(candidates))
    if not sizes:
        raise BadInput("no candidate dimensions were given")
    fits, trials = [], []
    for n_dims in sizes:
        fit = _fit(estimator, triplets, weights, heldout, heldout_weights, n_items, n_dims=n_dims)
        fits.append(fit)
        trials.append(_trial(fit, len(triplets), heldout, heldout_weights))
    settled = [k for k, trial in enumerate(trials) if trial.converged]
    if not settled:
        raise BadInput(f"no fit converged at {sizes} dimensions: raise max_steps, or look at the answers")
    best = max((trials[k] for k in settled), key=lambda trial: trial.heldout_accuracy)
    enough = best.heldout_accuracy - best.standard_error
    chosen = next(k for k in settled if trials[k].heldout_accuracy >= enough)
    return DimsChoice(sizes[chosen], fits[chosen], trials)


def learning_curve(
    estimator: OrdinalEmbedding,
    triplets,
    heldout,
    rng: np.random.Generator,
    sizes: Sequence[int] | None = None,
    n_items: int | None = None,
    score: Callable[[np.ndarray], float] | None = None,
) -> list[Trial]:
    """Held-out accuracy, and `score(embedding)` if given, against the number of answers fitted.

    Each size takes a prefix of one random order of the answers, so that smaller samples lie within larger ones; the
    default sizes are 1/32, 1/16, … 1 of them. The held-out answers are the same throughout. Raises BadInput.
    """
    triplets, _, train_items = check_answers(triplets, None, n_items)
    heldout, _, heldout_items = check_answers(heldout, None, n_items, "heldout")
    n_items = max(train_items, heldout_items)
    if sizes is None:
        sizes = sorted({max(1, len(triplets) >> k) for k in range(6)})
    if not all(1 <= size <= len(triplets) for size in sizes):
        raise BadInput(
            f"learning-curve sizes {list(sizes)} must lie between 1 and the {len(triplets):,} answers there are"
        )
    order = rng.permutation(len(triplets))
    trials = []
    for size in sizes:
        fit = _fit(estimator, triplets[order[:size]], None, heldout, None, n_items)
        own = float("nan") if score is None else float(score(fit.embedding_))
        trials.append(_trial(fit, size, heldout, None, own))
    return trials


@dataclass(frozen=True)
class ChanceVerdict:
    """Whether a fit says anything at all about answers it has not seen, and the figures that decide it."""

    at_chance: bool
    heldout_loss: float
    chance_loss: float
    heldout_accuracy: float
    chance_accuracy: float
    standard_error: float


def against_chance(estimator: OrdinalEmbedding, heldout, heldout_weights=None) -> ChanceVerdict:
    """At chance: the held-out loss is no lower than that of a space that knows nothing (ln 2 for CKL, STE and tSTE),
    or the held-out accuracy is not above guessing by 1.645 of its standard errors (one-sided 95%).
    """
    loss = estimator.loss(heldout, heldout_weights)
    accuracy = estimator.score(heldout, heldout_weights)
    error = accuracy_error(estimator.chance_accuracy, len(heldout), heldout_weights)
    beaten = loss < estimator.chance_loss and accuracy > estimator.chance_accuracy + _STANDARD_ERRORS * error
    return ChanceVerdict(not beaten, loss, estimator.chance_loss, accuracy, estimator.chance_accuracy, error)


def accuracy_error(accuracy: float, n_answers: int, weights=None) -> float:
    """Binomial standard error of a share of `n_answers` answers; weighted ones count as (Σw)² / Σw² answers."""
    if weights is not None:
        weights = np.asarray(weights, dtype=np.float64)
        n_answers = weights.sum() ** 2 / np.vdot(weights, weights)
    return float(np.sqrt(accuracy * (1.0 - accuracy) / n_answers))


def _fit(estimator, triplets, weights, heldout, heldout_weights, n_items, **changes) -> OrdinalEmbedding:
    fresh = copy.copy(estimator)
    for name, value in changes.items():
        setattr(fresh, name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # every trial carries it
        return fresh.fit(triplets, weights, heldout, heldout_weights, n_items)


def _trial(fit, n_answers, heldout, heldout_weights, score=float("nan")) -> Trial:
    accuracy = fit.score(heldout, heldout_weights)
    return Trial(
        n_dims=fit.n_dims,
        n_answers=n_answers,
        heldout_loss=fit.loss(heldout, heldout_weights),
        heldout_accuracy=accuracy,
        standard_error=accuracy_error(accuracy, len(heldout), heldout_weights),
        converged=fit.converged_,
        score=score,
    )


def _variances(embedding: np.ndarray) -> np.ndarray:
    embedding = np.asarray(embedding, dtype=np.float64)
    if embedding.ndim != 2 or not np.isfinite(embedding).all():
        raise BadInput("embedding must be a finite array (n_items, n_dims)")
    return np.linalg.svd(embedding - embedding.mean(axis=0), compute_uv=False) ** 2
