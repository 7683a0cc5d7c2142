"""Comparisons of dependent correlations against printed results of other programs."""

import numpy as np
import pytest

from triadic.reports.statistics.correlation import pearson
from triadic.reports.statistics.dependent import compare, steiger, williams
from triadic.schema.errors import BadInput


def test_williams_as_printed_in_bruceRs_reference():
    # cor_diff(r1=0.20, r2=0.45, n=100, rcov=0.80): t(97) = -4.56, p = 1e-05
    ours = williams(0.20, 0.45, 0.80, 100)
    assert ours.df == 97
    assert ours.statistic == pytest.approx(-4.56, abs=0.005)
    assert ours.p == pytest.approx(1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("figures", "z"),
    [((0.0228, 0.3522, 0.3718, 553), -7.1345), ((0.2493, 0.3395, 0.4082, 553), -2.0660)],
)
def test_steiger_as_printed_by_cocor(figures, z):
    assert steiger(*figures).statistic == pytest.approx(z, abs=0.003)  # its inputs are rounded to four figures


def test_steigers_case_of_a_shared_variable():
    # Steiger (1980), Psychological Bulletin 87, case A: n = 103, 0.4 and 0.5 share a variable, the others' r is 0.1. They
    # do not differ, and the two tests agree closely.
    a = steiger(0.4, 0.5, 0.1, 103)
    assert a.statistic == pytest.approx(williams(0.4, 0.5, 0.1, 103).statistic, abs=0.02)
    assert a.p > 0.3


@pytest.mark.parametrize("test", [williams, steiger])
def test_exchanging_the_two_turns_the_sign(test):
    a, b = test(0.3, 0.5, 0.2, 50), test(0.5, 0.3, 0.2, 50)
    assert a.statistic == pytest.approx(-b.statistic)
    assert a.p == pytest.approx(b.p)


def test_false_alarms_are_as_rare_as_stated():
    rng = np.random.default_rng(0)
    cover = np.array([[1, 0.5, 0.5], [0.5, 1, 0.4], [0.5, 0.4, 1]])
    draws = rng.multivariate_normal(np.zeros(3), cover, size=(1500, 40))
    rates = np.mean([[c.p < 0.05 for c in compare(*d.T)] for d in draws], axis=0)
    assert all(0.03 < rate < 0.075 for rate in rates), rates  # 0.05 with SD 0.0056


def test_compare_uses_the_columns():
    rng = np.random.default_rng(1)
    j, k, h = rng.normal(size=(3, 30))
    t, z = compare(j, k, h)
    assert t.r1 == z.r1 == pearson(j, k).r
    assert t.n == 30


def test_impossible_correlations_are_refused():
    with pytest.raises(BadInput, match="negative eigenvalue"):
        williams(0.9, -0.9, 0.9, 30)
    with pytest.raises(BadInput, match="strictly"):
        steiger(1.0, 0.2, 0.2, 30)
    with pytest.raises(BadInput, match="at least 4"):
        steiger(0.1, 0.2, 0.2, 3)
