"""Matched pairs against scipy and by enumeration."""

from itertools import product

import numpy as np
import pytest
import scipy.stats as st

from triadic.reports.statistics.paired import paired
from triadic.schema.errors import BadInput

RNG = np.random.default_rng(0)
BEFORE = RNG.normal(size=9)
AFTER = BEFORE + 0.4 + 0.5 * RNG.normal(size=9)


def test_t_and_wilcoxon_are_scipys():
    ours, theirs = paired(BEFORE, AFTER, RNG), st.ttest_rel(AFTER, BEFORE)
    assert (ours.t, ours.p, ours.df) == pytest.approx((theirs.statistic, theirs.pvalue, 8))
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()))
    assert ours.wilcoxon_p == pytest.approx(st.wilcoxon(AFTER, BEFORE).pvalue)
    assert ours.dz == pytest.approx(ours.t / 3)


def test_sign_flip_is_the_share_of_all_sign_patterns():
    change = np.array([1.0, 2.0, -0.5, 3.0])
    hits = sum(abs(np.dot(s, change)) >= abs(change.sum()) for s in product([1, -1], repeat=4))
    assert paired(np.zeros(4), change, RNG).sign_flip_p == pytest.approx(hits / 16)


def test_many_pairs_are_drawn_and_near_the_t_test():
    change = np.random.default_rng(3).normal(0.2, 1, 60)
    ours = paired(np.zeros(60), change, np.random.default_rng(4))
    assert ours.sign_flip_p == pytest.approx(ours.p, abs=0.02)
    assert ours.sign_flip_p == paired(np.zeros(60), change, np.random.default_rng(4)).sign_flip_p


def test_exchanging_before_and_after_turns_the_sign():
    up, down = paired(BEFORE, AFTER, RNG), paired(AFTER, BEFORE, RNG)
    assert up.mean == pytest.approx(-down.mean)
    assert up.sign_flip_p == down.sign_flip_p


def test_refusals():
    with pytest.raises(BadInput, match="same amount"):
        paired([1.0, 2.0], [2.0, 3.0], RNG)
    with pytest.raises(BadInput, match="same amount"):  # as far as floating point can tell
        paired([0.1, 0.2, 0.3], [0.3, 0.4, 0.5], RNG)
    with pytest.raises(BadInput, match="different lengths"):
        paired([1.0, 2.0], [2.0, 3.0, 4.0], RNG)
