"""Limited-memory BFGS (Nocedal & Wright 2006, Algorithms 7.4 and 7.5, line search by their Section 3.5).

Written out rather than taken from scipy because a fit calls it thousands of times on vectors of a few thousand
numbers, where the price of a step is overhead, and because each accepted step is recorded as it happens.

The rules stand here once, for `minimize` below and for `lbfgs_torch`, which takes many searches down in step: figures
of a search (value, slope, length) are then arrays with an entry a row, and vectors are tensors with a row each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from triadic.schema.arrays import Bools, Floats

MOST_TRIALS = 25  # lengths tried in one line search
MEMORY = 6  # moves remembered: 4 to 20 took equally many steps on simulated humans, and each costs time
WINDOW = 10  # steps over which convergence is judged
CURVED = 1e-10  # share of |turned|² that moved·turned must exceed for a move to say something about curvature
_ARMIJO = 1e-4  # share of the promised descent that a step must deliver
_SMALLEST = 1e-12  # values below this count as this when a fall is compared with them

Figure = Any  # float64, or float64 (n_rows,)
Vector = Any  # float64 (n,), or a torch tensor (n_rows, n)


@dataclass
class Minimum:
    """Where the search ended. `reason` is 'converged', 'max_steps', 'stopped', 'stuck' or 'non-finite'."""

    x: Floats
    value: float
    n_steps: int
    reason: str


class Move(NamedTuple):
    """A step taken, how the gradient turned over it, and the product of the two."""

    moved: Vector
    turned: Vector
    product: Any


# The rules


def two_loops(gradient: Vector, moves: Iterable[Move], scale: Any, dot: Callable[[Vector, Vector], Any]) -> Vector:
    """−H·gradient, H being the inverse Hessian that the last moves suggest; `scale` is H where they say nothing."""
    direction = -gradient
    moves = list(moves)
    weights = []
    for moved, turned, product in reversed(moves):
        weights.append(dot(moved, direction) / product)
        direction -= weights[-1] * turned
    direction *= scale
    for (moved, turned, product), weight in zip(moves, reversed(weights), strict=True):
        direction += (weight - dot(turned, direction) / product) * moved
    return direction


def first_length(slope: Figure) -> Figure:
    """The length to try along a plain gradient: at most one unit of distance."""
    with np.errstate(divide="ignore"):  # squares of a tiny gradient may vanish
        return np.minimum(1.0, 1.0 / np.sqrt(-slope))


def delivers(value: Figure, before: Figure, promised: Figure) -> Figure:
    """Whether a trial fell far enough below `before`."""
    return value <= before + _ARMIJO * promised


def shorter(length: Figure, slope: Figure, rise: Figure) -> Figure:
    """The length to try next: the minimum of the parabola through what is known, from a tenth to half of `length`."""
    lack = rise - length * slope
    with np.errstate(all="ignore"):
        best = np.where(lack > 0, -0.5 * slope * length * length / lack, 0.0)
    return np.minimum(np.maximum(best, 0.1 * length), 0.5 * length)


def settled(before: Figure, value: Figure, tol: float) -> Figure:
    """Whether the fall from `before`, `WINDOW` steps ago, is at most `tol` of the value."""
    fall = before - value
    return (fall <= tol * abs(value)) | (fall <= tol * _SMALLEST)


# One search


class _Point(NamedTuple):
    x: Floats
    value: float
    gradient: Floats

    def is_finite(self) -> bool:
        return bool(np.isfinite(self.value)) and bool(np.isfinite(self.gradient.sum()))


@dataclass
class _Memory:
    """What the two loops read: the last moves that say something, and the newest one's scale."""

    moves: deque[Move] = field(default_factory=lambda: deque(maxlen=MEMORY))
    scale: float = 1.0

    def add(self, moved: Floats, turned: Floats) -> None:
        product, size = moved.dot(turned), turned.dot(turned)
        if product > CURVED * size:
            self.moves.append(Move(moved, turned, product))
            self.scale = product / size

    def forget(self) -> None:
        self.moves.clear()
        self.scale = 1.0


def minimize(
    function: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    max_steps: int,
    tol: float,
    after_step: Callable[[int, Floats, float], bool] | None = None,
    lower: float | None = None,
) -> Minimum:
    """Minimise `function(x) -> (value, gradient)` over vectors x, from `start`.

    Converged: over the last `WINDOW` steps the value fell by less than `tol` of itself, or the gradient is zero.
    `after_step(step, x, value)` sees every accepted step and ends the search by returning True.
    `lower` bounds every coordinate from below: trial points are projected onto it, and coordinates held at the bound
    by their gradient leave the quasi-Newton direction (the two-metric projection of Bertsekas 1982).
    """
    x = start.copy()
    point, memory = _Point(x, *function(x)), _Memory()
    if not point.is_finite():
        return Minimum(x, float(point.value), 0, "non-finite")
    recent = deque([point.value], maxlen=WINDOW + 1)
    for step in range(1, max_steps + 1):
        free = None if lower is None else (point.x > lower) | (point.gradient < 0)
        steepest = point.gradient if free is None else np.where(free, point.gradient, 0.0)
        direction, slope = _downhill(steepest, memory, free)
        if not slope < 0 and not steepest.any():
            return Minimum(point.x, point.value, step - 1, "converged")
        length = 1.0 if memory.moves else first_length(slope)
        trial, found = _line_search(function, point, steepest, direction, slope, length, lower)
        if not found:
            if memory.moves:  # an outdated curvature can spoil the direction: once more along the gradient
                memory.forget()
                continue
            return Minimum(point.x, point.value, step, "stuck" if np.isfinite(trial.value) else "non-finite")
        memory.add(trial.x - point.x, trial.gradient - point.gradient)
        point = trial
        if after_step is not None and after_step(step, point.x, point.value):
            return Minimum(point.x, point.value, step, "stopped")
        recent.append(point.value)
        if len(recent) > WINDOW and settled(recent[0], point.value, tol):
            return Minimum(point.x, point.value, step, "converged")
    return Minimum(point.x, point.value, max_steps, "max_steps")


def _downhill(steepest: Floats, memory: _Memory, free: Bools | None) -> tuple[Floats, float]:
    """The direction to search along, and its slope."""
    direction = two_loops(steepest, memory.moves, memory.scale, np.ndarray.dot)
    if free is not None:
        direction = np.where(free, direction, 0.0)
    slope = direction.dot(steepest)
    if not slope < 0:
        memory.forget()
        direction = -steepest
        slope = direction.dot(steepest)
    return direction, slope


def _line_search(
    function: Callable[[Floats], tuple[float, Floats]],
    point: _Point,
    steepest: Floats,
    direction: Floats,
    slope: float,
    length: float,
    lower: float | None,
) -> tuple[_Point, bool]:
    """The last point tried along `direction`, and whether it delivers."""
    for _ in range(MOST_TRIALS):
        x = point.x + length * direction
        promised = length * slope
        if lower is not None:
            np.maximum(x, lower, out=x)
            promised = steepest.dot(x - point.x)
        trial = _Point(x, *function(x))
        if delivers(trial.value, point.value, promised) and trial.is_finite():
            return trial, True
        length = shorter(length, slope, trial.value - point.value)
    return trial, False
