"""Do groups of models differ? Student and Welch tests with effect sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from triadic.reports.statistics.distributions import t_quantile, two_sided_t, upper_f
from triadic.reports.statistics.sample import values
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


@dataclass(frozen=True)
class TwoGroups:
    """First minus second: Student's and Welch's t, Welch's interval of the difference, Cohen's d and Hedges' g."""

    n1: int
    n2: int
    difference: float
    low: float
    high: float
    student_t: float
    student_df: float
    student_p: float
    welch_t: float
    welch_df: float
    welch_p: float
    cohens_d: float
    hedges_g: float


@dataclass(frozen=True)
class ManyGroups:
    """One-way analysis of variance: classical F, Welch's F, eta² and omega². Welch's F leaves out groups of one."""

    n: int
    k: int
    f: float
    df1: int
    df2: int
    p: float
    welch_f: float
    welch_df1: int
    welch_df2: float
    welch_p: float
    eta2: float
    omega2: float


def two_groups(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> TwoGroups:
    """Compare two independent samples of shapes (n1,) and (n2,), each of at least 2.

    d is the difference over the pooled standard deviation; g corrects its small-sample bias exactly (Hedges 1981).
    """
    from scipy.special import gammaln

    a, b = values(first, "first group", 2), values(second, "second group", 2)
    n1, n2, difference = a.size, b.size, a.mean() - b.mean()
    v1, v2 = a.var(ddof=1), b.var(ddof=1)
    df = n1 + n2 - 2
    pooled = ((n1 - 1) * v1 + (n2 - 1) * v2) / df
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        raise BadInput("neither group varies; there is nothing to test a difference against")
    t = difference / np.sqrt(pooled * (1 / n1 + 1 / n2))
    square = v1 / n1 + v2 / n2
    welch_t = difference / np.sqrt(square)
    welch_df = square**2 / ((v1 / n1) ** 2 / (n1 - 1) + (v2 / n2) ** 2 / (n2 - 1))
    half = t_quantile((1 + level) / 2, welch_df) * np.sqrt(square)
    d = difference / np.sqrt(pooled)
    unbias = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2) if df > 1 else np.nan
    student = (t, df, two_sided_t(t, df))
    welch = (welch_t, welch_df, two_sided_t(welch_t, welch_df))
    ends = (difference - half, difference + half)
    figures = (difference, *ends, *student, *welch, d, d * unbias)
    return TwoGroups(n1, n2, *(float(figure) for figure in figures))


def many_groups(groups: Sequence[ArrayLike]) -> ManyGroups:
    """Compare k ≥ 2 independent samples. A group of one adds to the classical F but has no variance for Welch's."""
    samples = [values(group, "group") for group in groups]
    k, n = len(samples), sum(group.size for group in samples)
    if k < 2 or n <= k:
        raise BadInput(f"{n} values in {k} groups: at least 2 groups and more values than groups are needed")
    everyone = np.concatenate(samples)
    between = sum(g.size * (g.mean() - everyone.mean()) ** 2 for g in samples)
    within = sum(((g - g.mean()) ** 2).sum() for g in samples)
    if all(np.ptp(g) == 0 for g in samples):
        raise BadInput("no group varies; there is nothing to test a difference against")
    f = (between / (k - 1)) / (within / (n - k))
    mean_square = within / (n - k)
    omega2 = (between - (k - 1) * mean_square) / (between + within + mean_square)
    welch = _welch([g for g in samples if g.size > 1 and np.ptp(g) > 0])
    classical = (float(f), k - 1, n - k, upper_f(f, k - 1, n - k))
    effects = (float(between / (between + within)), float(omega2))
    return ManyGroups(n, k, *classical, *welch, *effects)


def _welch(samples: list[Floats]) -> tuple[float, int, float, float]:
    """Welch's (1951) F for unequal variances."""
    k = len(samples)
    if k < 2:
        return float("nan"), 0, float("nan"), float("nan")
    weights = np.array([g.size / g.var(ddof=1) for g in samples])
    means = np.array([g.mean() for g in samples])
    centre = weights @ means / weights.sum()
    slack = sum((1 - w / weights.sum()) ** 2 / (g.size - 1) for w, g in zip(weights, samples, strict=True))
    f = (weights @ (means - centre) ** 2 / (k - 1)) / (1 + 2 * (k - 2) / (k**2 - 1) * slack)
    df2 = (k**2 - 1) / (3 * slack)
    return float(f), k - 1, float(df2), upper_f(f, k - 1, df2)
