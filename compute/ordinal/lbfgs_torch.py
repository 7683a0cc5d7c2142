"""`lbfgs.minimize` for many searches in step, as rows of torch tensors. Loaded only where a torch device was named.

A row that has ended leaves the batch. Decisions are made on the processor from a few figures a row, by the same rules;
vectors stay on the device. There are no bounds here, and a move that says nothing keeps its place among the last ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from triadic.compute.ordinal import lbfgs
from triadic.schema.arrays import Bools, Floats, Ints, Objects

Reasons = NDArray[np.str_]
Function = Callable[[Tensor, Ints], tuple[Tensor, Tensor]]
AfterStep = Callable[[int, Ints, Tensor, Floats], None]


@dataclass
class Minima:
    """Where each search ended: `x` (n_rows, n) on the device, the rest (n_rows,), with the reasons of `Minimum`."""

    x: Tensor
    value: Floats
    n_steps: Ints
    reason: Objects


@dataclass
class _Points:
    """A point per row: x and gradient (n_rows, n) on the device, value (n_rows,) and whether all is finite."""

    x: Tensor
    gradient: Tensor
    value: Floats
    finite: Bools

    def take(self, which: Bools) -> _Points:
        on_device = torch.as_tensor(which, device=self.x.device)
        return _Points(self.x[on_device], self.gradient[on_device], self.value[which], self.finite[which])


def minimize_rows(
    function: Function,
    start: Tensor,
    max_steps: int,
    tol: float,
    after_step: AfterStep | None = None,
    progress: Callable[[int], None] | None = None,
) -> Minima:
    """Minimise `function(x, rows) -> (value (n_rows,), gradient (n_rows, n))` from every row of `start` (n_rows, n).

    `rows` are the numbers of the searches that the rows of `x` belong to. `after_step(step, rows, x, value)` sees
    the accepted points of every step; `progress(n_ended)` is called as searches end.
    """
    search = _Searches(function, start, progress or (lambda n_ended: None))
    search.leave(~search.points.finite, 0, "non-finite")
    for step in range(1, max_steps + 1):
        if not len(search.rows):
            break
        search.step(step, tol, after_step)
    search.leave(np.ones(len(search.rows), bool), max_steps, "max_steps")
    return search.ended


class _Searches:
    """The searches still under way."""

    def __init__(self, function: Function, start: Tensor, progress: Callable[[int], None]) -> None:
        n_rows = len(start)
        self.function, self.progress, self.device = function, progress, start.device
        self.rows = np.arange(n_rows)
        self.points = self._evaluate(start)
        self.moves: deque[lbfgs.Move] = deque(maxlen=lbfgs.MEMORY)
        self.scale = start.new_ones((n_rows, 1))
        self.fresh = np.ones(n_rows, bool)  # rows whose moves say nothing yet
        self.recent = deque([self.points.value], maxlen=lbfgs.WINDOW + 1)
        self.ended = Minima(start.clone(), np.full(n_rows, np.nan), np.zeros(n_rows, int), np.empty(n_rows, object))

    def step(self, step: int, tol: float, after_step: AfterStep | None) -> None:
        """One step of every search; those that end leave."""
        self.leave(_host(~self.points.gradient.any(-1, keepdim=True)), step - 1, "converged")
        if not len(self.rows):
            return
        direction, slope = self._downhill()
        length = np.where(self.fresh, lbfgs.first_length(slope), 1.0)
        tried, good = self._line_search(direction, slope, length)
        stuck, again = ~good & self.fresh, ~good & ~self.fresh
        reasons: Reasons = np.where(np.isfinite(tried.value), "stuck", "non-finite")
        self._move(tried, good)
        self._forget(again)  # an outdated curvature can spoil the direction: once more along the gradient
        if after_step is not None and good.any():
            accepted = self.points.take(good)
            after_step(step, self.rows[good], accepted.x, accepted.value)
        self.recent.append(self.points.value)
        over = np.zeros(len(good), bool)
        if len(self.recent) > lbfgs.WINDOW:
            over = good & lbfgs.settled(self.recent[0], self.points.value, tol)
        reasons[over] = "converged"
        self.leave(over | stuck, step, reasons)

    def leave(self, which: Bools, step: int, reason: str | Reasons) -> None:
        """Enter the rows of `which` as ended."""
        if not which.any():
            return
        rows, leaving, keep = self.rows[which], self.points.take(which), ~which
        self.ended.x[self._on_device(rows)] = leaving.x
        self.ended.value[rows], self.ended.n_steps[rows] = leaving.value, step
        self.ended.reason[rows] = reason if isinstance(reason, str) else reason[which].tolist()
        on_device = self._on_device(keep)
        self.rows, self.points = self.rows[keep], self.points.take(keep)
        self.fresh, self.scale = self.fresh[keep], self.scale[on_device]
        moves = [lbfgs.Move(*(part[on_device] for part in move)) for move in self.moves]
        self.moves = deque(moves, maxlen=lbfgs.MEMORY)
        self.recent = deque((value[keep] for value in self.recent), maxlen=lbfgs.WINDOW + 1)
        self.progress(len(self.ended.value) - len(self.rows))

    def _downhill(self) -> tuple[Tensor, Floats]:
        """Directions (n_rows, n), and their slopes (n_rows,)."""
        gradient = self.points.gradient
        direction = lbfgs.two_loops(gradient, self.moves, self.scale, _dot)
        slope = _host(_dot(direction, gradient))
        uphill = ~(slope < 0)
        if uphill.any():
            self._forget(uphill)
            which = self._on_device(uphill)
            direction[which] = -gradient[which]
            slope[uphill] = _host(_dot(direction[which], gradient[which]))
        return direction, slope

    def _line_search(self, direction: Tensor, slope: Floats, length: Floats) -> tuple[_Points, Bools]:
        """The points tried last along `direction`, and which of them deliver."""
        tried = self._evaluate(self.points.x + self._on_device(length)[:, None] * direction)
        for trial in range(lbfgs.MOST_TRIALS):
            good = lbfgs.delivers(tried.value, self.points.value, length * slope) & tried.finite
            if good.all() or trial == lbfgs.MOST_TRIALS - 1:
                break
            bad = ~good
            length[bad] = lbfgs.shorter(length[bad], slope[bad], tried.value[bad] - self.points.value[bad])
            which = self._on_device(bad)
            x = self.points.x[which] + self._on_device(length[bad])[:, None] * direction[which]
            nearer = self._evaluate(x, bad)
            tried.x[which], tried.gradient[which] = nearer.x, nearer.gradient
            tried.value[bad], tried.finite[bad] = nearer.value, nearer.finite
        return tried, good

    def _move(self, tried: _Points, good: Bools) -> None:
        """Go to the points that deliver, and remember how the gradient turned."""
        before = self.points
        if not good.all():
            which = self._on_device(~good)
            tried.x[which], tried.gradient[which] = before.x[which], before.gradient[which]
            tried.value[~good] = before.value[~good]
        moved, turned = tried.x - before.x, tried.gradient - before.gradient
        product, size = _dot(moved, turned), _dot(turned, turned)
        curved = product > lbfgs.CURVED * size
        self.scale = torch.where(curved, product / size, self.scale)
        product = torch.where(curved, product, torch.inf)  # what is divided by it comes to nothing
        self.moves.append(lbfgs.Move(moved, turned, product))
        self.fresh = self.fresh & ~_host(curved)
        self.points = tried

    def _forget(self, which: Bools) -> None:
        """The moves of these rows say nothing any more."""
        if which.any():
            on_device = self._on_device(which)
            for move in self.moves:
                move.product[on_device] = torch.inf
            self.scale[on_device] = 1.0
            self.fresh = self.fresh | which

    def _evaluate(self, x: Tensor, which: Bools | None = None) -> _Points:
        value, gradient = self.function(x, self.rows if which is None else self.rows[which])
        figures = torch.stack([value, gradient.sum(-1)]).cpu().numpy()
        return _Points(x, gradient, figures[0], np.isfinite(figures).all(axis=0))

    def _on_device(self, figures: Floats | Bools | Ints) -> Tensor:
        return torch.as_tensor(figures, device=self.device)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of each row, (n_rows, 1)."""
    return (a * b).sum(-1, keepdim=True)


def _host(column: Tensor) -> NDArray[Any]:
    """A column on the device as an array (n_rows,) on the processor."""
    return column.squeeze(-1).cpu().numpy()
