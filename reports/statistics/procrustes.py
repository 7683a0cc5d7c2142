"""One space turned onto another, and what is then left of each concept: its residual, and the neighbours it changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.schema.arrays import Bools, Floats, Ints
from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class Turned:
    """Two spaces in one frame, shape (n, d) each: `target` as it is, `moved` after the best turn and scale.

    Both are centred; the unit is the target's own spread, the root mean square distance of its concepts from their centre.
    """

    target: Floats
    moved: Floats

    @property
    def residuals(self) -> Floats:
        """Distance of each concept (n,) from where it is in the target. The mean of their squares is 1 − R²."""
        found: Floats = np.linalg.norm(self.target - self.moved, axis=1)
        return found

    @property
    def from_centre(self) -> Floats:
        """Distance of each concept (n,) of the target from the centre: the residual of a model that knows nothing."""
        found: Floats = np.linalg.norm(self.target, axis=1)
        return found

    @property
    def r2(self) -> float:
        """1 − SSE / SS(target): the metric procrustes_r2."""
        return float(1 - (self.residuals**2).mean())


def turned(target: Floats, model: Floats) -> Turned:
    """Turn, mirror and scale `model` (n, d_m) onto `target` (n, d_t) by least squares; rows are the same concepts.

    The narrower space is given empty dimensions, so that the wider one's are not lost (Schönemann 1966; Gower and
    Dijksterhuis 2004, section 4). Raises BadInput for spaces of different lengths or without spread.
    """
    if len(target) != len(model):
        raise BadInput(f"the spaces have {len(target)} and {len(model)} concepts: their rows must be the same ones")
    width = max(target.shape[1], model.shape[1])
    target, model = (_padded(rows - rows.mean(0), width) for rows in (target, model))
    target_square, model_square = (float((rows**2).sum()) for rows in (target, model))
    if not target_square > 0 or not model_square > 0:
        raise BadInput("all concepts are at one place in a space: there is nothing to turn")
    target = target / np.sqrt(target_square / len(target))
    model = model / np.sqrt(model_square / len(model))
    u, strengths, vt = np.linalg.svd(model.T @ target)
    return Turned(target, (strengths.sum() / len(model)) * (model @ (u @ vt)))


def nearest(rows: Floats, k: int) -> Ints:
    """The k nearest other concepts of each (n, k), nearest first, by Euclidean distance; equal ones in their order.

    Raises BadInput unless 1 ≤ k ≤ n − 1.
    """
    if not 1 <= k < len(rows):
        raise BadInput(f"{k} neighbours of {len(rows)} concepts: choose 1 to {len(rows) - 1}")
    from scipy.spatial.distance import cdist

    distances = cdist(rows, rows)
    np.fill_diagonal(distances, np.inf)
    found: Ints = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return found


def members(neighbours: Ints) -> Bools:
    """(n, n): whether the column is one of the row's neighbours (n, k)."""
    found = np.zeros((len(neighbours), len(neighbours)), dtype=bool)
    np.put_along_axis(found, neighbours, True, axis=1)
    return found


def n_lost(target: Floats, model: Floats, k: int) -> Ints:
    """How many of each concept's k nearest in the target are not among its k nearest in the model (n,)."""
    found: Ints = (members(nearest(target, k)) & ~members(nearest(model, k))).sum(1)
    return found


def moved_interval(figure: Floats, draws: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile intervals (n,), (n,) of draws (b, n), moved so that the draws' mean is the figure (n,): see view alignment."""
    low, high = np.quantile(draws - draws.mean(0), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return figure + low, figure + high


def _padded(rows: Floats, width: int) -> Floats:
    return np.pad(rows, [(0, 0), (0, width - rows.shape[1])])
