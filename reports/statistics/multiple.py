"""Correction of p-values for the number of questions asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


def holm(p: ArrayLike) -> Floats:
    """Holm's (1979) step-down p-values, shape (m,). NaN (a test that was not made) stays NaN and does not count."""
    p = np.asarray(p, dtype=float)
    made = ~np.isnan(p)
    if ((p[made] < 0) | (p[made] > 1)).any():
        raise BadInput("p-values lie between 0 and 1")
    out = np.full(p.shape, np.nan)
    order = np.flatnonzero(made)[np.argsort(p[made], kind="stable")]
    stepped = p[order] * np.arange(order.size, 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return out
