"""Matched pairs: what changed between a model and the one made from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from triadic.reports.statistics.distributions import t_quantile, two_sided_t
from triadic.reports.statistics.sample import columns
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput

EXACT_UP_TO = 14  # 2^14 sign patterns are enumerated; beyond that they are drawn


@dataclass(frozen=True)
class Paired:
    """After minus before over `n` pairs: mean, interval, t, sign-flip and Wilcoxon p, dz = mean / SD of change."""

    n: int
    mean: float
    low: float
    high: float
    t: float
    df: int
    p: float
    sign_flip_p: float
    wilcoxon_p: float
    dz: float
    n_up: int


def paired(
    before: ArrayLike, after: ArrayLike, rng: np.random.Generator, level: float = 0.95, n_resamples: int = 10_000
) -> Paired:
    """Compare two samples of shape (n,) whose rows belong together, n ≥ 2.

    The sign-flip p asks how often randomly exchanging before and after within pairs gives a mean change at least
    as large: exact up to 14 pairs, from `n_resamples` draws of `rng` beyond.
    """
    from scipy.stats import wilcoxon

    before, after = columns(before, after, at_least=2)
    change = after - before
    n, mean, spread = change.size, float(change.mean()), float(change.std(ddof=1))
    if spread <= 1e-12 * max(np.abs(before).max(), np.abs(after).max()):
        raise BadInput("every pair changes by the same amount; there is no variation to test against")
    t = mean / (spread / np.sqrt(n))
    half = t_quantile((1 + level) / 2, n - 1) * spread / np.sqrt(n)
    return Paired(
        n=n,
        mean=mean,
        low=float(mean - half),
        high=float(mean + half),
        t=float(t),
        df=n - 1,
        p=two_sided_t(t, n - 1),
        sign_flip_p=_sign_flip(change, rng, n_resamples),
        wilcoxon_p=float(wilcoxon(change).pvalue),
        dz=mean / spread,
        n_up=int((change > 0).sum()),
    )


def _sign_flip(change: Floats, rng: np.random.Generator, n_resamples: int) -> float:
    n = change.size
    observed = abs(change.sum()) * (1 - 1e-12)  # a tie in exact arithmetic must count in floating point too
    if n <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ change) >= observed))
    hits = 0
    for start in range(0, n_resamples, 2000):
        signs = rng.choice((-1.0, 1.0), size=(min(2000, n_resamples - start), n))
        hits += int((np.abs(signs @ change) >= observed).sum())
    return (hits + 1) / (n_resamples + 1)
