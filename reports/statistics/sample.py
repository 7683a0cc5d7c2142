"""The one gate for numbers: what enters a statistic is one-dimensional, finite and long enough."""

import numpy as np
from numpy.typing import ArrayLike

from triadic.schema.errors import BadInput


def values(x: ArrayLike, what: str = "sample", at_least: int = 1) -> np.ndarray:
    """`x` as a float array of shape (n,).

    Raises
    ------
    BadInput
        Not one-dimensional, NaN or infinite somewhere, or fewer than `at_least` values.
    """
    array = np.asarray(x, dtype=float)
    if array.ndim != 1:
        raise BadInput(f"{what}: expected one dimension, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise BadInput(f"{what}: {int((~np.isfinite(array)).sum())} of {array.size} values are not finite numbers")
    if array.size < at_least:
        raise BadInput(f"{what}: {array.size} values, at least {at_least} are needed")
    return array


def columns(*xs: ArrayLike, at_least: int = 1) -> tuple[np.ndarray, ...]:
    """Several samples of one length, each through `values`."""
    arrays = tuple(values(x, at_least=at_least) for x in xs)
    if len({array.size for array in arrays}) > 1:
        raise BadInput(f"samples of different lengths: {', '.join(str(array.size) for array in arrays)}")
    return arrays


def complete(*xs: ArrayLike) -> np.ndarray:
    """Which rows have a value in every column: a mask of shape (n,). NaN is a missing value, infinity an error."""
    arrays = [np.asarray(x, dtype=float) for x in xs]
    if len({array.shape for array in arrays}) > 1:
        raise BadInput(f"columns of different shapes: {', '.join(str(array.shape) for array in arrays)}")
    if any(np.isinf(array).any() for array in arrays):
        raise BadInput("a column holds an infinite value")
    return ~np.any([np.isnan(array) for array in arrays], axis=0)
