"""One random start on its way down: what it records, when it stops early, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from triadic.compute.ordinal.gather import Gather
from triadic.compute.ordinal.lbfgs import minimize
from triadic.schema.arrays import Floats

if TYPE_CHECKING:
    from triadic.compute.ordinal.estimator import OrdinalEmbedding

HISTORY = np.dtype(
    [("restart", "i4"), ("step", "i4"), ("train_loss", "f8"), ("heldout_loss", "f8"), ("heldout_accuracy", "f8")]
)


class Record(NamedTuple):
    """A row of `history_`, see HISTORY. Losses are means per answer; held-out figures are NaN without any."""

    restart: int
    step: int
    train_loss: float
    heldout_loss: float
    heldout_accuracy: float


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

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The restart of the lowest rank is kept: finite, then the lowest held-out (or else training) loss."""
        loss = self.train_loss if np.isnan(self.heldout_loss) else self.heldout_loss
        return not np.isfinite(self.train_loss), loss, self.restart


@dataclass(frozen=True)
class Found:
    """Where a restart ended: `embedding` (n_items, n_dims), and its records in order of steps."""

    embedding: Floats
    restart: Restart
    records: list[Record]

    @classmethod
    def at(cls, embedding: Floats, reason: str, record: Record, records: list[Record]) -> Found:
        """Of the `record` whose embedding is kept."""
        number, step, *figures = record
        return cls(embedding, Restart(number, step, reason, reason in ("converged", "stopped"), *figures), records)


class Descent:
    """The search from one random start, in numpy."""

    def __init__(self, estimator: OrdinalEmbedding, number: int, train: Gather, watched: Gather | None) -> None:
        self.estimator, self.number, self.train, self.watched = estimator, number, train, watched
        self.records: list[Record] = []
        self.best: tuple[Floats, Record] | None = None  # only looked for where the search may stop early
        self.age = 0  # records since the best one

    def run(self, start: Floats) -> Found:
        """Go down from `start` (n_items, n_dims)."""
        self.shape, estimator = start.shape, self.estimator
        end = minimize(
            self.objective, start.ravel(), estimator.max_steps, estimator.tol, self.after_step, estimator.lower
        )
        if not self.records or self.records[-1].step != end.n_steps:
            self.record(end.n_steps, end.x, end.value if np.isfinite(end.value) else np.nan)
        x, record = end.x, self.records[-1]
        if self.best is not None and self.best[1].heldout_loss < record.heldout_loss:
            x, record = self.best
        return Found.at(x.reshape(self.shape).copy(), end.reason, record, self.records)

    def objective(self, flat: Floats) -> tuple[float, Floats]:
        """Value and gradient at the coordinates `flat`."""
        embedding = flat.reshape(self.shape)
        self.tried, self.matrix = flat, self.estimator._matrix(embedding)
        value, gradient = self.estimator._objective(embedding, self.train, self.matrix)
        return value, gradient.ravel()

    def record(self, step: int, flat: Floats, value: float) -> Record:
        """Write down how the fit is doing at `flat`."""
        loss, accuracy = np.nan, np.nan
        if self.watched is not None:
            # An accepted step is nearly always the point that was tried last: its matrix is there.
            known = self.tried is flat
            matrix = self.matrix if known else self.estimator._matrix(flat.reshape(self.shape))
            loss, accuracy = self.estimator._watch(matrix, self.watched)
        self.records.append(Record(self.number, step, float(value), loss, accuracy))
        return self.records[-1]

    def after_step(self, step: int, flat: Floats, value: float) -> bool:
        """Whether to stop early: no better held-out loss for `patience` records."""
        if step % self.estimator.record_every:
            return False
        record = self.record(step, flat, value)
        if self.estimator.patience is None:
            return False
        if record.heldout_loss < (np.inf if self.best is None else self.best[1].heldout_loss):
            self.best, self.age = (flat.copy(), record), 0
        else:
            self.age += 1
        return self.age >= self.estimator.patience
