"""Is one correlation larger than another, when both come from the same models?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from triadic.reports.statistics.correlation import pearson
from triadic.reports.statistics.distributions import two_sided_t, two_sided_z
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class Comparison:
    """A test of r1 = r2 within one sample of `n`: statistic, two-sided p, `df` where it is a t."""

    r1: float
    r2: float
    n: int
    statistic: float
    p: float
    df: int | None = None


def williams(r_jk: float, r_jh: float, r_kh: float, n: int) -> Comparison:
    """Williams' (1959) T2 for two correlations that share the variable j, as given by Steiger (1980, eq. 7)."""
    determinant = _checked(np.array([[1, r_jk, r_jh], [r_jk, 1, r_kh], [r_jh, r_kh, 1]]), n)
    mean = (r_jk + r_jh) / 2
    below = 2 * (n - 1) / (n - 3) * determinant + mean**2 * (1 - r_kh) ** 3
    t = (r_jk - r_jh) * np.sqrt((n - 1) * (1 + r_kh) / below)
    return Comparison(r_jk, r_jh, n, float(t), two_sided_t(t, n - 3), n - 3)


def steiger(r_jk: float, r_jh: float, r_kh: float, n: int) -> Comparison:
    """Steiger's (1980, eq. 14) Z for two correlations that share the variable j, with the pooled r."""
    _checked(np.array([[1, r_jk, r_jh], [r_jk, 1, r_kh], [r_jh, r_kh, 1]]), n)
    mean = (r_jk + r_jh) / 2
    psi = r_kh * (1 - 2 * mean**2) - mean**2 * (1 - 2 * mean**2 - r_kh**2) / 2
    covariance = psi / (1 - mean**2) ** 2
    z = (np.arctanh(r_jk) - np.arctanh(r_jh)) * np.sqrt(n - 3) / np.sqrt(2 - 2 * covariance)
    return Comparison(r_jk, r_jh, n, float(z), float(two_sided_z(z)))


def compare(j: ArrayLike, k: ArrayLike, h: ArrayLike) -> tuple[Comparison, Comparison]:
    """r(j, k) against r(j, h) in three columns of shape (n,): Williams' t and Steiger's Z."""
    r_jk, r_jh, r_kh = pearson(j, k), pearson(j, h), pearson(k, h)
    figures = (r_jk.r, r_jh.r, r_kh.r, r_jk.n)
    return williams(*figures), steiger(*figures)


def _checked(matrix: Floats, n: int) -> float:
    """The determinant, after refusing what no data can give."""
    if n < 4:
        raise BadInput(f"comparing dependent correlations needs at least 4 observations, got {n}")
    if not np.isfinite(matrix).all() or (np.abs(matrix[~np.eye(len(matrix), dtype=bool)]) >= 1).any():
        raise BadInput("correlations to compare must lie strictly between −1 and 1")
    if np.linalg.eigvalsh(matrix)[0] < -1e-10:
        raise BadInput("these correlations cannot come from one sample: their matrix has a negative eigenvalue")
    return float(np.linalg.det(matrix))
