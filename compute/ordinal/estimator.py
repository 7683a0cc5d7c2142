"""The one solver behind every embedding here: a loss over pairs, L-BFGS over coordinates.

All squared distances of n items are one small matrix product. An answer reads two entries of that matrix and adds two
slopes to a matrix of weights; the gradient is one more product, (diag(W·1) − W)·X, W being the symmetrised weights.
So a step costs a gather and a scatter over the answers, and never answers × dimensions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.gather import Gather
from triadic.compute.ordinal.lbfgs import minimize
from triadic.compute.ordinal.pairs import ANCHORED, Pairs, check_answers, collapse
from triadic.schema.errors import BadInput

HISTORY = np.dtype(
    [("restart", "i4"), ("step", "i4"), ("train_loss", "f8"), ("heldout_loss", "f8"), ("heldout_accuracy", "f8")]
)


class NotConverged(RuntimeWarning):
    """A fit ended before it settled; its `reason_` says how. The estimator carries `converged_ = False`."""


@dataclass(frozen=True)
class Restart:
    """How one random start ended. Losses are means per answer; held-out figures are NaN without held-out answers."""

    restart: int
    n_iter: int
    reason: str
    converged: bool
    train_loss: float
    heldout_loss: float
    heldout_accuracy: float


class OrdinalEmbedding:
    """What the estimators share. A subclass gives `_losses`, and a `_matrix`/`_pull` pair if not squared distances.

    Parameters
    ----------
    n_dims : dimensions of the space.
    seed : of the random starts; the same seed gives the same embedding to the bit on one machine.
    n_restarts : random starts; the one with the lowest held-out loss is kept (lowest training loss without any).
    max_steps, tol : L-BFGS stops after `max_steps`, or when ten steps together lower the loss by less than `tol` of it.
    patience : stop when the held-out loss has not improved for so many recorded steps, and keep the best one seen.
        None never stops early. Held-out figures of an early-stopped fit are slightly too good: they chose the step.
    record_every : steps between records in `history_`; the last step is always recorded.

    After `fit`: `embedding_` (n_items, n_dims) float64, `history_` (structured array, see HISTORY), `restarts_`
    (list of Restart), `converged_`, `reason_`, `n_iter_`, `n_items_`.
    """

    columns = ANCHORED
    lower: float | None = None  # bound of the coordinates, for non-negative spaces

    def __init__(self, n_dims=30, *, seed=0, n_restarts=1, max_steps=1000, tol=3e-4, patience=None, record_every=1):
        self.n_dims = n_dims
        self.seed = seed
        self.n_restarts = n_restarts
        self.max_steps = max_steps
        self.tol = tol
        self.patience = patience
        self.record_every = record_every

    # What a subclass says about its loss

    def _losses(self, *values: np.ndarray) -> tuple[np.ndarray, ...]:
        """Loss of each answer and its slope in each of the entries it reads; arrays of one length."""
        raise NotImplementedError

    def _penalty(self, embedding: np.ndarray) -> tuple[float, np.ndarray | float]:
        """What is added to the mean loss, and its gradient."""
        return 0.0, 0.0

    def _matrix(self, embedding: np.ndarray) -> np.ndarray:
        """What the answers read: all squared distances, (n_items, n_items)."""
        square = np.einsum("ij,ij->i", embedding, embedding)
        matrix = (-2.0 * embedding) @ embedding.T
        matrix += square[:, None]
        matrix += square
        return np.maximum(matrix, 0.0, out=matrix)

    def _pull(self, weights: np.ndarray, embedding: np.ndarray) -> np.ndarray:
        """Gradient over the coordinates, given the slope at every entry of the matrix."""
        weights = weights + weights.T
        return 2.0 * (weights.sum(axis=1)[:, None] * embedding - weights @ embedding)

    def _start(self, n_items: int, rng: np.random.Generator) -> np.ndarray:
        """A random start whose squared distances are about 2 on average, whatever the dimension."""
        return rng.standard_normal((n_items, self.n_dims)) / np.sqrt(self.n_dims)

    def _hits(self, *values: np.ndarray) -> np.ndarray:
        """1 where an answer is predicted, 0 where not, a share at a tie; `values` as `_losses` gets them."""
        near, far = values
        return (near < far) + 0.5 * (near == far)

    # Fitting

    def fit(self, triplets, weights=None, heldout=None, heldout_weights=None, n_items=None):
        """Fit to answers (n_answers, 3); see `triadic.compute.ordinal.pairs` for their form.

        `weights` count each answer (graded answers, bootstraps); `heldout` answers are only watched. Raises BadInput.
        """
        self._check_parameters()
        triplets, weights, train_items = check_answers(triplets, weights, n_items)
        if heldout is not None:
            heldout, heldout_weights, heldout_items = check_answers(heldout, heldout_weights, n_items, "heldout")
            train_items = max(train_items, heldout_items)
        elif self.patience is not None:
            raise BadInput("patience (early stopping) needs heldout answers to watch")
        pairs = collapse(triplets, weights, train_items, self.columns)
        watched = None if heldout is None else collapse(heldout, heldout_weights, train_items, self.columns)
        self._fit_pairs(pairs, watched)
        if not self.converged_:
            warnings.warn(f"{type(self).__name__} fit ended as {self.reason_!r}", NotConverged, stacklevel=2)
        return self

    def _fit_pairs(self, pairs: Pairs, watched: Pairs | None):
        train, watched = Gather(pairs), None if watched is None else Gather(watched)
        starts = np.random.SeedSequence(self.seed).spawn(self.n_restarts)
        self.n_items_ = pairs.n_items
        self.restarts_, history, best = [], [], None
        for number, sequence in enumerate(starts):
            x = self._start(pairs.n_items, np.random.default_rng(sequence))
            x, result = self._descend(number, x, train, watched, history)
            self.restarts_.append(result)
            rank = (not np.isfinite(result.train_loss), _criterion(result), number)
            if best is None or rank < best[0]:
                best = rank, x, result
        _, self.embedding_, kept = best
        self.history_ = np.array(history, dtype=HISTORY)
        self.best_restart_ = kept.restart
        self.converged_, self.reason_, self.n_iter_ = kept.converged, kept.reason, kept.n_iter
        return self

    def _descend(self, number, x, train, watched, history):
        shape = x.shape
        best = {"loss": np.inf, "x": None, "age": 0, "record": None}

        latest = {}

        def objective(flat):
            embedding = flat.reshape(shape)
            latest.update(x=flat, matrix=self._matrix(embedding))
            value, gradient = self._objective(embedding, train, latest["matrix"])
            return value, gradient.ravel()

        def record(step, flat, value):
            loss, accuracy = np.nan, np.nan
            if watched is not None:
                # An accepted step is nearly always the point that was tried last: its matrix is there.
                matrix = latest["matrix"] if latest.get("x") is flat else self._matrix(flat.reshape(shape))
                loss, accuracy = self._watch(matrix, watched)
            history.append((number, step, value, loss, accuracy))
            return loss

        def after_step(step, flat, value):
            if step % self.record_every:
                return False
            loss = record(step, flat, value)
            if self.patience is None:
                return False
            if loss < best["loss"]:
                best.update(loss=loss, x=flat.copy(), age=0, record=history[-1])
            else:
                best["age"] += 1
            return best["age"] >= self.patience

        found = minimize(objective, x.ravel(), self.max_steps, self.tol, after_step, lower=self.lower)
        if not history or history[-1][:2] != (number, found.n_steps):
            after_step_value = found.value if np.isfinite(found.value) else np.nan
            record(found.n_steps, found.x, after_step_value)
        chosen, last = found.x, history[-1]
        if best["x"] is not None and best["loss"] < last[3]:
            chosen, last = best["x"], best["record"]
        result = Restart(
            restart=number,
            n_iter=int(last[1]),
            reason=found.reason,
            converged=found.reason in ("converged", "stopped"),
            train_loss=float(last[2]),
            heldout_loss=float(last[3]),
            heldout_accuracy=float(last[4]),
        )
        return chosen.reshape(shape).copy(), result

    def _objective(self, embedding: np.ndarray, answers: Gather, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean loss plus penalty, and the gradient (n_items, n_dims); `matrix` is the embedding's."""
        value, slopes = answers.slopes(matrix.ravel(), self._losses)
        gradient = self._pull(slopes.reshape(len(embedding), -1), embedding)
        penalty, push = self._penalty(embedding)
        return value + penalty, gradient + push

    def _watch(self, matrix: np.ndarray, answers: Gather) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy; a tie counts as a guess would."""
        return answers.figures(matrix.ravel(), self._losses, self._hits)

    # Using a fit

    def loss(self, triplets, weights=None) -> float:
        """Mean loss per answer of the fitted space, without penalties."""
        answers = self._gate(triplets, weights)
        return self._watch(self._matrix(self.embedding_), answers)[0]

    def score(self, triplets, weights=None) -> float:
        """Share of the answers that the fitted space predicts; a tie counts as a guess would."""
        answers = self._gate(triplets, weights)
        return self._watch(self._matrix(self.embedding_), answers)[1]

    def _gate(self, triplets, weights) -> Gather:
        if not hasattr(self, "embedding_"):
            raise BadInput(f"this {type(self).__name__} has no embedding yet: call fit first")
        triplets, weights, n_items = check_answers(triplets, weights, len(self.embedding_))
        return Gather(collapse(triplets, weights, n_items, self.columns))

    @property
    def chance_loss(self) -> float:
        """Loss of a space that knows nothing (all items in one place): ln 2 for the anchored probability models."""
        nothing = [np.zeros(1) for _ in self.columns]
        return float(self._losses(*nothing)[0][0])

    @property
    def chance_accuracy(self) -> float:
        """Accuracy of guessing: one over the number of pairs an answer chooses from."""
        return 1.0 / len(self.columns)

    def get_params(self) -> dict:
        """Constructor parameters, JSON-able: what identifies the fit."""
        return {name: value for name, value in vars(self).items() if not name.endswith("_")}

    def _check_parameters(self):
        for name in ("n_dims", "n_restarts", "max_steps", "record_every"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise BadInput(f"{name} is {value!r}: it must be a whole number of at least 1")
        if not (np.isfinite(self.tol) and self.tol >= 0):
            raise BadInput(f"tol is {self.tol!r}: it must be finite and not negative")
        if self.patience is not None and self.patience < 1:
            raise BadInput(f"patience is {self.patience!r}: it must be at least 1, or None")


def _criterion(result: Restart) -> float:
    return result.train_loss if np.isnan(result.heldout_loss) else result.heldout_loss
