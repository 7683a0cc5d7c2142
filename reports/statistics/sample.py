"""The one gate for numbers: what enters a statistic is one-dimensional, finite and long enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


def values(x: ArrayLike, what: str = "sample", at_least: int = 1) -> Floats:
    """`x` as floats (n,). Raises BadInput for another dimension, NaN or infinity, or fewer than `at_least` values."""
    array = np.asarray(x, dtype=float)
    if array.ndim != 1:
        raise BadInput(f"{what}: expected one dimension, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise BadInput(f"{what}: {int((~np.isfinite(array)).sum())} of {array.size} values are not finite numbers")
    if array.size < at_least:
        raise BadInput(f"{what}: {array.size} values, at least {at_least} are needed")
    return array


def columns(*xs: ArrayLike, at_least: int = 1) -> tuple[Floats, ...]:
    """Several samples of one length, each through `values`."""
    arrays = tuple(values(x, at_least=at_least) for x in xs)
    if len({array.size for array in arrays}) > 1:
        raise BadInput(f"samples of different lengths: {', '.join(str(array.size) for array in arrays)}")
    return arrays
