"""Holm's correction: by hand, and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from triadic.reports.statistics.multiple import holm
from triadic.schema.errors import BadInput


def test_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04, made non-decreasing.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_a_missing_test_neither_counts_nor_gets_a_value():
    assert holm([0.01, np.nan, 0.02]) == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)


@given(hs.lists(hs.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_between_the_raw_and_the_bonferroni_values_and_in_the_same_order(p):
    p = np.array(p)
    ours = holm(p)
    assert (ours >= p).all()
    assert (ours <= np.minimum(p * p.size, 1) + 1e-15).all()
    assert (np.diff(ours[np.argsort(p, kind="stable")]) >= 0).all()


def test_agrees_with_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(0).uniform(0, 0.2, 12)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_refuses_what_is_no_probability():
    with pytest.raises(BadInput):
        holm([1.2])
