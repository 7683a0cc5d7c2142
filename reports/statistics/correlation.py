"""Pearson, Spearman and partial correlations, with p-values and intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from triadic.reports.statistics.distributions import two_sided_t
from triadic.reports.statistics.sample import columns
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class Correlation:
    """A correlation `r` of `n` pairs, its two-sided `p` (t distribution, `df`) and Fisher-z interval."""

    r: float
    n: int
    df: int
    p: float
    low: float
    high: float


def coefficient(x: Floats, y: Floats) -> float:
    """Pearson's r of two arrays of shape (n,); a constant one is refused, for its correlation does not exist."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise BadInput("a correlation needs two columns that vary; one of them is constant")
    dx, dy = x - x.mean(), y - y.mean()
    r = (dx @ dy) / (np.linalg.norm(dx) * np.linalg.norm(dy))
    return float(np.clip(r, -1.0, 1.0))


def ranks(x: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean rank. Shape (n,)."""
    _, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    middle: Floats = np.cumsum(counts) - (counts - 1) / 2
    return middle[where]


def pearson(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> Correlation:
    """Pearson correlation of two samples of shape (n,), n ≥ 3."""
    x, y = columns(x, y, at_least=3)
    return _with_p(coefficient(x, y), x.size, 0, level)


def spearman(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> Correlation:
    """Spearman's rank correlation; p by the t approximation, interval with Bonett & Wright's (2000) standard error."""
    x, y = columns(x, y, at_least=3)
    return _with_p(coefficient(ranks(x), ranks(y)), x.size, 0, level, ranked=True)


def partial(x: ArrayLike, y: ArrayLike, given: ArrayLike, level: float = 0.95) -> Correlation:
    """Pearson correlation of x and y with the columns `given`, shape (n,) or (n, k), held constant.

    Both are regressed on `given` (with an intercept) and the residuals are correlated; k degrees of freedom are spent.
    """
    x, y = columns(x, y, at_least=3)
    held = np.asarray(given, dtype=float).reshape(x.size, -1)
    if not np.isfinite(held).all():
        raise BadInput("partial correlation: the columns held constant are not all finite")
    design = np.column_stack([np.ones(x.size), held])
    rest = [column - design @ np.linalg.lstsq(design, column, rcond=None)[0] for column in (x, y)]
    for residual, column in zip(rest, (x, y), strict=True):
        if np.linalg.norm(residual) <= 1e-9 * np.linalg.norm(column - column.mean()):
            raise BadInput("partial correlation: a column is a linear function of those held constant")
    return _with_p(coefficient(*rest), x.size, held.shape[1], level)


def _with_p(r: float, n: int, held: int, level: float, ranked: bool = False) -> Correlation:
    from scipy.special import ndtri

    df = n - 2 - held
    if df < 1:
        raise BadInput(f"a correlation of {n} pairs with {held} columns held constant has no degrees of freedom")
    t = np.inf if abs(r) == 1 else abs(r) * np.sqrt(df / (1 - r * r))
    low = high = float("nan")
    if df > 1:  # Fisher's z has variance 1 / (n − 3 − held)
        width = ndtri((1 + level) / 2) * np.sqrt(((1 + r * r / 2) if ranked else 1.0) / (df - 1))
        z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
        low, high = (float(v) for v in np.tanh([z - width, z + width]))
    return Correlation(r, n, df, two_sided_t(t, df), low, high)
