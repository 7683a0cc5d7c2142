"""Bootstrap intervals of a correlation, and its value without each observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from triadic.reports.statistics.correlation import coefficient, ranks
from triadic.reports.statistics.sample import columns
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class Interval:
    """A bootstrap interval: its ends, how it was made, and how many of the resamples gave a value."""

    low: float
    high: float
    method: str
    n_resamples: int


@dataclass(frozen=True)
class Influence:
    """`without[i]` is the statistic with observation i left out; `most` the i that moves it furthest."""

    without: Floats
    most: int


def _weighted(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's r of (x, y) under each row of counts `weights`, (B, n) → (B,). NaN where a side is constant."""
    x, y = x - x.mean(), y - y.mean()
    total = weights.sum(axis=1)
    mx, my = weights @ x / total, weights @ y / total
    xx = weights @ (x * x) / total - mx**2
    yy = weights @ (y * y) / total - my**2
    xy = weights @ (x * y) / total - mx * my
    flat = (xx <= 1e-12 * (x @ x) / x.size) | (yy <= 1e-12 * (y @ y) / y.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(flat, np.nan, np.clip(xy / np.sqrt(xx * yy), -1, 1))


def _weighted_ranks(x: Floats, weights: Floats) -> Floats:
    """Mid-ranks of x within each resample: (B, n). A value's rank is the draws below it plus half of those equal to it."""
    _, first, group = np.unique(np.sort(x), return_index=True, return_inverse=True)
    order = np.argsort(x, kind="stable")
    tied = np.add.reduceat(weights[:, order], first, axis=1)
    group = group[np.argsort(order)]
    return (np.cumsum(tied, axis=1) - (tied - 1) / 2)[:, group]


def _weighted_spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    rx, ry = _weighted_ranks(x, weights), _weighted_ranks(y, weights)
    total = weights.sum(axis=1, keepdims=True)
    rx = rx - (weights * rx).sum(axis=1, keepdims=True) / total
    ry = ry - (weights * ry).sum(axis=1, keepdims=True) / total
    xx, yy, xy = ((weights * a * b).sum(axis=1) for a, b in ((rx, rx), (ry, ry), (rx, ry)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((xx <= 0) | (yy <= 0), np.nan, np.clip(xy / np.sqrt(xx * yy), -1, 1))


def leave_one_out(x: ArrayLike, y: ArrayLike, ranked: bool = False) -> Influence:
    """The correlation of (x, y), shape (n,) with n ≥ 4, without each observation in turn."""
    x, y = columns(x, y, at_least=4)
    if ranked:
        # Removing i lowers by one every rank above it, and by a half those tied with it.
        rx, ry = ranks(x), ranks(y)
        fall_x = (x[:, None] < x[None, :]) + 0.5 * (x[:, None] == x[None, :])
        fall_y = (y[:, None] < y[None, :]) + 0.5 * (y[:, None] == y[None, :])
        keep = ~np.eye(x.size, dtype=bool)
        gx, gy = rx[None, :] - fall_x, ry[None, :] - fall_y
        n = x.size - 1
        mx, my = (np.where(keep, g, 0).sum(axis=1, keepdims=True) / n for g in (gx, gy))
        gx, gy = np.where(keep, gx - mx, 0), np.where(keep, gy - my, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            without = (gx * gy).sum(axis=1) / np.sqrt((gx**2).sum(axis=1) * (gy**2).sum(axis=1))
        full = coefficient(rx, ry)
    else:
        without = _weighted(x, y, 1.0 - np.eye(x.size))
        full = coefficient(x, y)
    moved = np.where(np.isnan(without), -1.0, np.abs(without - full))
    return Influence(without, int(np.argmax(moved)))


def interval(
    x: ArrayLike,
    y: ArrayLike,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
    ranked: bool = False,
    clusters: Ints | None = None,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987) of the correlation; pairs are resampled.

    With `clusters`, codes (n,) that take each value of 0…G−1, whole clusters are resampled instead: the interval
    then allows for members of one cluster being alike. Falls back to the percentile interval, and says so in
    `method`, where the correction is not defined (every resample on one side of the estimate).
    """
    x, y = columns(x, y, at_least=4)
    if n_resamples < 100:
        raise BadInput(f"{n_resamples} resamples are too few for an interval; use at least 100")
    statistic = _weighted_spearman if ranked else _weighted
    unit = np.arange(x.size) if clusters is None else np.asarray(clusters)
    n_units = int(unit.max()) + 1
    if n_units < 4:
        raise BadInput(f"resampling {n_units} clusters says nothing; at least 4 are needed")
    drawn = []
    for start in range(0, n_resamples, 500):  # bounded memory: 500 × n doubles at a time
        draws = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=min(500, n_resamples - start))
        drawn.append(statistic(x, y, draws[:, unit].astype(float)))
    replicates = np.concatenate(drawn)
    replicates = replicates[~np.isnan(replicates)]
    if replicates.size < n_resamples / 2:
        raise BadInput("more than half of the bootstrap samples are constant; the column varies too little")
    full = coefficient(ranks(x), ranks(y)) if ranked else coefficient(x, y)
    if clusters is None:
        jack = leave_one_out(x, y, ranked).without
    else:
        jack = statistic(x, y, (unit[None, :] != np.arange(n_units)[:, None]).astype(float))
    tail = np.array([(1 - level) / 2, (1 + level) / 2])
    corrected = _corrected(tail, replicates, full, jack[~np.isnan(jack)])
    low, high = np.quantile(replicates, tail if corrected is None else corrected)
    method = "percentile" if corrected is None else "BCa"
    return Interval(float(low), float(high), method, int(replicates.size))


def _corrected(tail: Floats, replicates: Floats, full: float, jack: Floats) -> Floats | None:
    """Efron's (1987) levels in place of `tail`, from the replicates' bias and the jackknife's skew, where they exist."""
    from scipy.special import ndtr, ndtri

    below = (np.mean(replicates < full) + np.mean(replicates <= full)) / 2
    if not 0 < below < 1:
        return None
    d = jack.mean() - jack
    spread = np.sum(d**2) ** 1.5
    acceleration = np.sum(d**3) / (6 * spread) if spread > 0 else 0.0
    z = ndtri(below) + ndtri(tail)
    levels: Floats = ndtr(ndtri(below) + z / (1 - acceleration * z))
    return levels if np.isfinite(levels).all() and levels[0] < levels[1] else None
