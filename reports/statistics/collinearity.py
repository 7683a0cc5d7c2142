"""How far the columns of a design repeat one another."""

from __future__ import annotations

import numpy as np

from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


def variance_inflation(design: Floats) -> Floats:
    """Variance inflation factors, shape (p,), of a design (n, p) that holds no intercept column.

    1 / (1 − R²) of each column on the others: the diagonal of the inverse correlation matrix.
    """
    if design.shape[1] == 1:
        return np.ones(1)
    return np.diag(np.linalg.inv(np.corrcoef(design, rowvar=False))).copy()


def refuse_repeats(design: Floats, names: list[str]) -> None:
    """Raise BadInput, naming the columns, when one is constant besides the intercept or a linear function of others."""
    scale = np.linalg.norm(design, axis=0)
    if (scale == 0).any():
        raise BadInput(f"column {names[int(np.argmin(scale))]} is zero for every model; leave it out of the formula")
    unit = design / scale
    for j in range(1, unit.shape[1]):
        rest = unit[:, j] - unit[:, :j] @ np.linalg.lstsq(unit[:, :j], unit[:, j], rcond=None)[0]
        if np.linalg.norm(rest) < 1e-8:
            raise BadInput(f"column {names[j]} is a linear function of {', '.join(names[:j])}; leave it out")
