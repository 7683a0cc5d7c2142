"""Limited-memory BFGS (Nocedal & Wright 2006, Algorithms 7.4 and 7.5, line search by their Section 3.5).

Written out rather than taken from scipy because a fit calls it thousands of times on vectors of a few thousand
numbers, where the price of a step is overhead, and because each accepted step is recorded as it happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ARMIJO = 1e-4  # share of the promised descent that a step must deliver
MOST_TRIALS = 25
MEMORY = 6  # moves remembered: 4 to 20 took equally many steps on simulated humans, and each costs time
WINDOW = 10  # steps over which convergence is judged


@dataclass
class Minimum:
    """Where the search ended. `reason` is 'converged', 'max_steps', 'stopped', 'stuck' or 'non-finite'."""

    x: np.ndarray
    value: float
    n_steps: int
    reason: str


def minimize(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    max_steps: int,
    tol: float,
    after_step: Callable[[int, np.ndarray, float], bool] | None = None,
    memory: int = MEMORY,
    window: int = WINDOW,
    lower: float | None = None,
) -> Minimum:
    """Minimise `function(x) -> (value, gradient)` over vectors x, from `start`.

    Converged: over the last `window` steps the value fell by less than `tol` of itself, or the gradient is zero.
    `after_step(step, x, value)` sees every accepted step and ends the search by returning True.
    `lower` bounds every coordinate from below: trial points are projected onto it, and coordinates held at the bound
    by their gradient leave the quasi-Newton direction (the two-metric projection of Bertsekas 1982).
    """
    x = start.copy()
    value, gradient = function(x)
    if not _finite(value, gradient):
        return Minimum(x, float(value), 0, "non-finite")
    steps = np.zeros((memory, x.size))
    changes = np.zeros((memory, x.size))
    curvature = np.zeros(memory)
    newest, held = 0, 0
    recent = [value]
    for step in range(1, max_steps + 1):
        free = None if lower is None else (x > lower) | (gradient < 0)
        steepest = gradient if free is None else np.where(free, gradient, 0.0)
        direction = _two_loops(steepest, steps, changes, curvature, newest, held)
        if free is not None:
            direction = np.where(free, direction, 0.0)
        slope = direction.dot(steepest)
        if not slope < 0:
            if not steepest.any():
                return Minimum(x, value, step - 1, "converged")
            direction, held = -steepest, 0
            slope = direction.dot(steepest)
        length = 1.0 if held else min(1.0, 1.0 / np.sqrt(-slope))
        for _ in range(MOST_TRIALS):
            trial = x + length * direction
            gain = length * slope
            if lower is not None:
                np.maximum(trial, lower, out=trial)
                gain = steepest.dot(trial - x)
            trial_value, trial_gradient = function(trial)
            if trial_value <= value + ARMIJO * gain and _finite(trial_value, trial_gradient):
                break
            # Minimum of the parabola through what is known, kept within a tenth and a half of the length tried.
            lack = trial_value - value - length * slope
            best = -0.5 * slope * length * length / lack if np.isfinite(lack) and lack > 0 else 0.0
            length = min(max(best, 0.1 * length), 0.5 * length)
        else:
            if held:  # an outdated curvature can spoil the direction: once more along the gradient
                held = 0
                continue
            reason = "stuck" if np.isfinite(trial_value) else "non-finite"
            return Minimum(x, value, step, reason)
        moved, turned = trial - x, trial_gradient - gradient
        x, value, gradient = trial, trial_value, trial_gradient
        product = moved.dot(turned)
        if product > 1e-10 * turned.dot(turned):
            steps[newest], changes[newest], curvature[newest] = moved, turned, product
            newest, held = (newest + 1) % memory, min(held + 1, memory)
        if after_step is not None and after_step(step, x, value):
            return Minimum(x, value, step, "stopped")
        recent.append(value)
        if len(recent) > window and recent[-window - 1] - value <= tol * max(abs(value), 1e-12):
            return Minimum(x, value, step, "converged")
    return Minimum(x, value, max_steps, "max_steps")


def _two_loops(gradient, steps, changes, curvature, newest, held) -> np.ndarray:
    """−H·gradient, H being the inverse Hessian that the last `held` moves and turns of the gradient suggest."""
    direction = -gradient
    if not held:
        return direction
    memory = len(curvature)
    order = [(newest - 1 - k) % memory for k in range(held)]
    alpha = {}
    for k in order:
        alpha[k] = steps[k].dot(direction) / curvature[k]
        direction -= alpha[k] * changes[k]
    last = order[0]
    direction *= curvature[last] / changes[last].dot(changes[last])
    for k in reversed(order):
        direction += (alpha[k] - changes[k].dot(direction) / curvature[k]) * steps[k]
    return direction


def _finite(value: float, gradient: np.ndarray) -> bool:
    return bool(np.isfinite(value)) and bool(np.isfinite(gradient.sum()))
