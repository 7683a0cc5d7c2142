"""Is one correlation larger than another, when both come from the same models?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class Comparison:
    """A test of r1 = r2 within one sample of `n`: statistic, two-sided p, `df` where it is a t."""

    r1: float
    r2: float
    n: int
    statistic: float
    p: float
    method: str
    df: int | None = None


def williams(r_jk: float, r_jh: float, r_kh: float, n: int) -> Comparison:
    """Williams' (1959) T2 for two correlations that share the variable j, as given by Steiger (1980, eq. 7)."""
    from scipy.special import stdtr

    determinant = _checked(np.array([[1, r_jk, r_jh], [r_jk, 1, r_kh], [r_jh, r_kh, 1]]), n)
    mean = (r_jk + r_jh) / 2
    below = 2 * (n - 1) / (n - 3) * determinant + mean**2 * (1 - r_kh) ** 3
    t = (r_jk - r_jh) * np.sqrt((n - 1) * (1 + r_kh) / below)
    return Comparison(r_jk, r_jh, n, float(t), float(2 * stdtr(n - 3, -abs(t))), "Williams t", n - 3)


def steiger(r_jk: float, r_jh: float, r_kh: float, n: int) -> Comparison:
    """Steiger's (1980, eq. 14) Z for two correlations that share the variable j, with the pooled r."""
    _checked(np.array([[1, r_jk, r_jh], [r_jk, 1, r_kh], [r_jh, r_kh, 1]]), n)
    mean = (r_jk + r_jh) / 2
    psi = r_kh * (1 - 2 * mean**2) - mean**2 * (1 - 2 * mean**2 - r_kh**2) / 2
    return _z(r_jk, r_jh, psi / (1 - mean**2) ** 2, n, "Steiger Z (shared variable)")


def steiger_apart(r_jk: float, r_hm: float, r_jh: float, r_jm: float, r_kh: float, r_km: float, n: int) -> Comparison:
    """Steiger's (1980, eq. 15) Z for two correlations, jk and hm, that share no variable, with the pooled r."""
    matrix = np.array([[1, r_jk, r_jh, r_jm], [r_jk, 1, r_kh, r_km], [r_jh, r_kh, 1, r_hm], [r_jm, r_km, r_hm, 1]])
    _checked(matrix, n)
    jk = hm = (r_jk + r_hm) / 2
    psi = (
        (r_jh - jk * r_kh) * (r_km - r_kh * hm)
        + (r_jm - r_jh * hm) * (r_kh - jk * r_jh)
        + (r_jh - r_jm * hm) * (r_km - jk * r_jm)
        + (r_jm - jk * r_km) * (r_kh - r_km * hm)
    ) / 2
    return _z(r_jk, r_hm, psi / ((1 - jk**2) * (1 - hm**2)), n, "Steiger Z (no shared variable)")


def compare(j: ArrayLike, k: ArrayLike, h: ArrayLike) -> tuple[Comparison, Comparison]:
    """r(j, k) against r(j, h) in three columns of shape (n,): Williams' t and Steiger's Z."""
    from triadic.reports.statistics.correlation import pearson

    r_jk, r_jh, r_kh = pearson(j, k), pearson(j, h), pearson(k, h)
    figures = (r_jk.r, r_jh.r, r_kh.r, r_jk.n)
    return williams(*figures), steiger(*figures)


def _z(r1: float, r2: float, covariance: float, n: int, method: str) -> Comparison:
    from scipy.special import ndtr

    z = (np.arctanh(r1) - np.arctanh(r2)) * np.sqrt(n - 3) / np.sqrt(2 - 2 * covariance)
    return Comparison(r1, r2, n, float(z), float(2 * ndtr(-abs(z))), method)


def _checked(matrix: np.ndarray, n: int) -> float:
    """The determinant, after refusing what no data can give."""
    if n < 4:
        raise BadInput(f"comparing dependent correlations needs at least 4 observations, got {n}")
    if not np.isfinite(matrix).all() or (np.abs(matrix[~np.eye(len(matrix), dtype=bool)]) >= 1).any():
        raise BadInput("correlations to compare must lie strictly between −1 and 1")
    if np.linalg.eigvalsh(matrix)[0] < -1e-10:
        raise BadInput("these correlations cannot come from one sample: their matrix has a negative eigenvalue")
    return float(np.linalg.det(matrix))
