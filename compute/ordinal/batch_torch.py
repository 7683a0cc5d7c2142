"""Fits on a torch device: restarts of one fit, or many fits, together as tensors with the fit as first axis.

The losses' torch forms are plain formulas whose slopes torch derives; the tests hold them and numpy's together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from triadic.compute.ordinal.batch import ManyFits, Progress
from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.gather import Gather
from triadic.compute.ordinal.lbfgs_torch import minimize_rows
from triadic.compute.ordinal.pairs import Pairs
from triadic.compute.ordinal.restart import Found, Record
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import Unavailable


def fit_restarts(
    estimator: OrdinalEmbedding, train: Pairs, watched: Pairs | None, starts: list[Floats], device: str
) -> list[Found]:
    """Go down from every start (n_items, n_dims) on the device, with records as a fit in numpy keeps them."""
    check_device(device)
    answers = _Answers.of(train, device, len(starts))
    seen = None if watched is None else _Answers.of(watched, device)
    histories: list[list[Record]] = [[] for _ in starts]

    def record(step: int, rows: Ints, x: Tensor, value: Floats) -> None:
        loss = accuracy = np.full(len(rows), np.nan)
        if seen is not None:
            loss, accuracy = _figures(estimator, seen, x.reshape(len(x), train.n_items, -1))
        for row, *figures in zip(rows.tolist(), value.tolist(), loss.tolist(), accuracy.tolist(), strict=True):
            histories[row].append(Record(row, step, *figures))

    def after_step(step: int, rows: Ints, x: Tensor, value: Floats) -> None:
        if step % estimator.record_every == 0:
            record(step, rows, x, value)

    start = torch.as_tensor(np.stack(starts), device=device).flatten(1)
    objective = _objective(estimator, answers, train.n_items)
    end = minimize_rows(objective, start, estimator.max_steps, estimator.tol, after_step)
    found = []
    for row, (n_steps, reason, history) in enumerate(zip(end.n_steps.tolist(), end.reason, histories, strict=True)):
        if not history or history[-1].step != n_steps:
            value = end.value[row : row + 1]
            record(n_steps, np.array([row]), end.x[row : row + 1], np.where(np.isfinite(value), value, np.nan))
        embedding = end.x[row].reshape(starts[row].shape).cpu().numpy()
        found.append(Found.at(embedding, reason, history[-1], history))
    return found


def fit_together(
    estimator: OrdinalEmbedding,
    index: NDArray[np.int32],
    counts: Floats,
    watched: Pairs | None,
    n_items: int,
    device: str,
    progress: Progress | None = None,
) -> ManyFits:
    """One fit per row of `counts`, all from the estimator's first start. Arguments as `fit_many` prepares them."""
    check_device(device)
    answers = _Answers(index, counts / counts.sum(axis=1, keepdims=True), device)
    start = torch.as_tensor(estimator._starts(n_items)[0], device=device).reshape(1, -1).repeat(len(counts), 1)
    objective = _objective(estimator, answers, n_items)
    end = minimize_rows(objective, start, estimator.max_steps, estimator.tol, progress=progress)
    embeddings = end.x.reshape(len(counts), n_items, -1).cpu().numpy()
    seen, ends = None if watched is None else Gather(watched), []
    for embedding, value, n_steps, reason in zip(embeddings, end.value, end.n_steps.tolist(), end.reason, strict=True):
        figures = (np.nan, np.nan) if seen is None else estimator._watch(estimator._matrix(embedding), seen)
        ends.append(Found.at(embedding, reason, Record(0, n_steps, float(value), *figures), []).restart)
    return ManyFits.of(embeddings, ends)


def check_device(device: str) -> None:
    """Raises Unavailable for a device that torch cannot fit on here."""
    try:
        torch.zeros(1, device=device, dtype=torch.float64)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise Unavailable(
            f"no device {device!r} here that torch can fit on in double precision: leave it out"
        ) from error


class _Answers:
    """Pair numbers (k, m) on the device, and each fit's weights of the answers there, (n_fits, m), rows adding up to 1."""

    def __init__(self, index: NDArray[np.int32], weights: Floats, device: str) -> None:
        self.index = torch.as_tensor(index.astype(np.int64), device=device)
        self.weights = torch.as_tensor(weights, device=device)

    @classmethod
    def of(cls, pairs: Pairs, device: str, n_fits: int = 1) -> _Answers:
        """The same answers in every fit."""
        weights = np.ones(len(pairs)) if pairs.weights is None else pairs.weights
        answers = cls(pairs.index, weights[None] / pairs.total, device)
        answers.weights = answers.weights.expand(n_fits, -1)
        return answers

    def read(self, matrix: Tensor) -> list[Tensor]:
        """The entries of matrices (n_fits, n, n) that answers compare: k tensors (n_fits, m)."""
        return [matrix.flatten(1).index_select(1, row) for row in self.index]


def _objective(
    estimator: OrdinalEmbedding, answers: _Answers, n_items: int
) -> Callable[[Tensor, Ints], tuple[Tensor, Tensor]]:
    """Mean loss plus penalty of the fits named by rows, (n_rows,), and its gradient, (n_rows, n_items · n_dims)."""

    def objective(x: Tensor, rows: Ints) -> tuple[Tensor, Tensor]:
        x = x.reshape(len(rows), n_items, -1)
        values = [entries.requires_grad_() for entries in answers.read(estimator._torch_matrix(x))]
        with torch.enable_grad():
            losses = estimator._torch_losses(*values) * answers.weights[torch.as_tensor(rows, device=x.device)]
            slopes = torch.autograd.grad(losses.sum(), values)
        weights = x.new_zeros((len(rows), n_items * n_items))
        for index, slope in zip(answers.index, slopes, strict=True):
            weights.index_add_(1, index, slope)
        gradient = estimator._torch_pull(weights.reshape(len(rows), n_items, n_items), x)
        penalty, push = estimator._torch_penalty(x)
        return losses.detach().sum(-1) + penalty, (gradient + push).flatten(1)

    return objective


def _figures(estimator: OrdinalEmbedding, answers: _Answers, x: Tensor) -> tuple[Floats, Floats]:
    """Mean loss (without penalty) and accuracy of each fit (n_fits, n_items, n_dims)."""
    values = answers.read(estimator._torch_matrix(x))
    losses, hits = estimator._torch_losses(*values), estimator._hits(*values)
    loss, accuracy = ((figure * answers.weights).sum(-1).cpu().numpy() for figure in (losses, hits))
    return loss, accuracy
