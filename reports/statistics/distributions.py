"""The tails and quantiles that tests need. scipy takes a fifth of a second to load, so the first to be asked loads it."""

from __future__ import annotations

from typing import Any


def two_sided_t(t: float, df: float) -> float:
    """The probability of a t at least as far from zero."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))


def two_sided_z(z: Any) -> Any:
    """The probability of a normal value at least as far from zero, of one z or of an array."""
    from scipy.special import ndtr

    return 2 * ndtr(-abs(z))


def upper_f(f: float, df1: float, df2: float) -> float:
    """The probability of a larger F."""
    from scipy.special import fdtrc

    return float(fdtrc(df1, df2, f))


def upper_chi2(x: float, df: float) -> float:
    """The probability of a larger chi-squared value."""
    from scipy.special import chdtrc

    return float(chdtrc(df, x))


def t_quantile(p: float, df: float) -> float:
    """The t that a share `p` of the distribution lies below."""
    from scipy.special import stdtrit

    return float(stdtrit(df, p))
