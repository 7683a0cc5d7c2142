"""Correlations against scipy and by hand."""

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

from triadic.reports.statistics.correlation import partial, pearson, ranks, spearman
from triadic.schema.errors import BadInput


def sample(seed, n=40, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 0.6 * x + rng.normal(size=n)
    return (np.round(x), np.round(y)) if ties else (x, y)


@pytest.mark.parametrize("ties", [False, True])
def test_pearson_and_its_interval_are_scipys(ties):
    x, y = sample(1, ties=ties)
    ours, theirs = pearson(x, y), st.pearsonr(x, y)
    assert ours.r == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), abs=1e-9)
    assert (ours.n, ours.df) == (40, 38)


@pytest.mark.parametrize("ties", [False, True])
def test_spearman_is_scipys(ties):
    x, y = sample(2, ties=ties)
    ours, theirs = spearman(x, y), st.spearmanr(x, y)
    assert ours.r == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


@given(hs.lists(hs.integers(-5, 5), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_ranks_are_scipys(values):
    assert ranks(np.array(values, dtype=float)) == pytest.approx(st.rankdata(values))


def test_spearman_ignores_a_monotone_change_of_scale():
    x, y = sample(3)
    assert spearman(np.exp(x), y).r == pytest.approx(spearman(x, y).r, abs=1e-12)


def test_partial_of_one_column_is_the_textbook_formula():
    x, y = sample(4)
    z = x + np.random.default_rng(5).normal(size=x.size)
    xy, xz, yz = pearson(x, y).r, pearson(x, z).r, pearson(y, z).r
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    ours = partial(x, y, z)
    assert ours.r == pytest.approx(expected, abs=1e-12)
    assert ours.df == 37
    t = expected * np.sqrt(37 / (1 - expected**2))
    assert ours.p == pytest.approx(2 * st.t.sf(abs(t), 37), rel=1e-9)


def test_what_cannot_be_correlated_is_refused():
    with pytest.raises(BadInput, match="constant"):
        pearson([1, 1, 1], [1, 2, 3])
    with pytest.raises(BadInput, match="finite"):
        pearson([1, np.nan, 2], [1, 2, 3])
    with pytest.raises(BadInput, match="different lengths"):
        pearson([1, 2, 3], [1, 2, 3, 4])
    with pytest.raises(BadInput, match="at least 3"):
        spearman([1, 2], [1, 2])
    with pytest.raises(BadInput, match="linear function"):
        partial([1, 2, 3, 4], [1, 3, 2, 5], [2, 4, 6, 8])
