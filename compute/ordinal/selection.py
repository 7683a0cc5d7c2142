"""What held-out answers decide: how many dimensions, how many answers, and whether a fit says anything at all."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from triadic.compute.ordinal.estimator import NotConverged, OrdinalEmbedding
from triadic.compute.ordinal.pairs import check_answers, question_numbers
from triadic.schema.arrays import Bools, Floats
from triadic.schema.errors import BadInput

Weighted = tuple[ArrayLike, ArrayLike | None]  # answers (n, 3) with their weights (n,)

CANDIDATES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40)

# One-sided 95%: a coin passes for a rater once in twenty by accuracy alone, and its held-out loss stops it then.
_STANDARD_ERRORS = 1.645


def hold_out(triplets: ArrayLike, share: float, rng: np.random.Generator, as_sets: bool = False) -> Bools:
    """True for the answers to hold out, (n_answers,) bool: `share` of the *questions*, drawn at random.

    Every answer to one question, whichever way it went and however often it was asked, falls on the same side. A
    question is an anchor with two options; with `as_sets` it is any three items, as odd-one-out questions are (also
    where one of their answers was written as two anchored ones).
    Raises BadInput unless both sides get a question.
    """
    answers, _, n_items = check_answers(triplets)
    distinct, which = np.unique(question_numbers(answers, n_items, as_sets), return_inverse=True)
    n_held = n_held_out(len(distinct), share)
    held = np.zeros(len(distinct), dtype=bool)
    held[rng.permutation(len(distinct))[:n_held]] = True
    return held[which]


def n_held_out(n_questions: int, share: float) -> int:
    """How many of so many questions are held out. Raises BadInput for no share, or where one side gets none."""
    if not 0 < share < 1:
        raise BadInput(f"the held-out share is {share!r}: it must lie between 0 and 1")
    n_held = round(share * n_questions)
    if not 0 < n_held < n_questions:
        raise BadInput(f"{share:g} of {n_questions} questions leaves one side of the split empty: give more answers")
    return n_held


@dataclass(frozen=True)
class Trial:
    """One fit of a sweep: its size, its held-out figures, the standard error of the accuracy, a score of the caller's."""

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
    triplets: ArrayLike,
    heldout: ArrayLike,
    weights: ArrayLike | None = None,
    heldout_weights: ArrayLike | None = None,
    n_items: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
    *,
    device: str | None = None,
) -> DimsChoice:
    """The smallest number of dimensions whose held-out accuracy is within one standard error of the best.

    One fit per candidate, with the estimator's other parameters; unconverged fits cannot be chosen. The standard error
    is the binomial one of the best accuracy (Breiman et al. 1984, CART, the one-standard-error rule). `device` as in
    `fit`. Raises BadInput when no fit converges. The held-out accuracy of the choice is itself a little too good: it
    did the choosing.
    """
    sizes = sorted(set(candidates))
    if not sizes:
        raise BadInput("no candidate dimensions were given")
    fits, trials = [copy.copy(estimator) for _ in sizes], []
    for n_dims, fit in zip(sizes, fits, strict=True):
        fit.n_dims = n_dims
        trials.append(_trial(fit, (triplets, weights), (heldout, heldout_weights), n_items, device))
    settled = [k for k, trial in enumerate(trials) if trial.converged]
    if not settled:
        raise BadInput(f"no fit converged at {sizes} dimensions: raise max_steps, or look at the answers")
    best = max((trials[k] for k in settled), key=lambda trial: trial.heldout_accuracy)
    enough = best.heldout_accuracy - best.standard_error
    chosen = next(k for k in settled if trials[k].heldout_accuracy >= enough)
    return DimsChoice(sizes[chosen], fits[chosen], trials)


def learning_curve(
    estimator: OrdinalEmbedding,
    triplets: ArrayLike,
    heldout: ArrayLike,
    rng: np.random.Generator,
    sizes: Sequence[int] | None = None,
    n_items: int | None = None,
    score: Callable[[Floats], float] | None = None,
    *,
    device: str | None = None,
) -> list[Trial]:
    """Held-out accuracy, and `score(embedding)` if given, against the number of answers fitted.

    Each size takes a prefix of one random order of the answers, so that smaller samples lie within larger ones; the
    default sizes are 1/32, 1/16, … 1 of them. The held-out answers are the same throughout. Raises BadInput.
    """
    answers, _, train_items = check_answers(triplets, None, n_items)
    watched, _, heldout_items = check_answers(heldout, None, n_items, "heldout")
    n_items = max(train_items, heldout_items)
    if sizes is None:
        sizes = sorted({max(1, len(answers) >> k) for k in range(6)})
    if not all(1 <= size <= len(answers) for size in sizes):
        raise BadInput(
            f"learning-curve sizes {list(sizes)} must lie between 1 and the {len(answers):,} answers there are"
        )
    order = rng.permutation(len(answers))
    trials = []
    for size in sizes:
        fit = copy.copy(estimator)
        trial = _trial(fit, (answers[order[:size]], None), (watched, None), n_items, device)
        trials.append(trial if score is None else replace(trial, score=float(score(fit.embedding_))))
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


def against_chance(
    estimator: OrdinalEmbedding, heldout: ArrayLike, heldout_weights: ArrayLike | None = None
) -> ChanceVerdict:
    """At chance: the held-out loss is no lower than that of a space that knows nothing (ln 2 for CKL, STE and tSTE),
    or the held-out accuracy is not above guessing by 1.645 of its standard errors (one-sided 95%).
    """
    loss, accuracy = estimator.figures(heldout, heldout_weights)
    error = accuracy_error(estimator.chance_accuracy, len(np.asarray(heldout)), heldout_weights)
    beaten = loss < estimator.chance_loss and accuracy > estimator.chance_accuracy + _STANDARD_ERRORS * error
    return ChanceVerdict(not beaten, loss, estimator.chance_loss, accuracy, estimator.chance_accuracy, error)


def accuracy_error(accuracy: float, n_answers: float, weights: ArrayLike | None = None) -> float:
    """Binomial standard error of a share of `n_answers` answers; weighted ones count as (Σw)² / Σw² answers."""
    if weights is not None:
        counts = np.asarray(weights, dtype=np.float64)
        n_answers = counts.sum() ** 2 / np.vdot(counts, counts)
    return float(np.sqrt(accuracy * (1.0 - accuracy) / n_answers))


def _trial(
    estimator: OrdinalEmbedding, train: Weighted, heldout: Weighted, n_items: int | None, device: str | None
) -> Trial:
    """Fit `estimator`, and how it did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # every trial carries it
        estimator.fit(*train, *heldout, n_items, device=device)
    loss, accuracy = estimator.figures(*heldout)
    return Trial(
        n_dims=estimator.n_dims,
        n_answers=len(np.asarray(train[0])),
        heldout_loss=loss,
        heldout_accuracy=accuracy,
        standard_error=accuracy_error(accuracy, len(np.asarray(heldout[0])), heldout[1]),
        converged=estimator.converged_,
    )
