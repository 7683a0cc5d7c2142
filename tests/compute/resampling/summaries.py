"""What view `alignment` makes of draws, for single arrays of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def p_value(value: float, null: ArrayLike) -> float:
    """(1 + number of null draws at or above the value) / (1 + number of draws): never zero (Phipson and Smyth 2010)."""
    null = np.asarray(null, dtype=float)
    return float((1 + np.count_nonzero(null >= value)) / (1 + len(null)))


def interval(draws: ArrayLike, level: float = 0.95, value: float | None = None) -> tuple[float, float]:
    """Percentile interval (low, high) of bootstrap draws; with `value`, moved so that the draws' mean is the value.

    The plain percentile interval inherits whatever shift resampling itself brings (refits of resampled answers see
    fewer different answers and score lower; fewer different concepts give a higher Procrustes R²).
    """
    draws = np.asarray(draws, dtype=float)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    shift = 0.0 if value is None else value - draws.mean()
    return float(low + shift), float(high + shift)
