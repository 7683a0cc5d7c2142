"""Group tests against scipy and by hand."""

import numpy as np
import pytest
import scipy.stats as st

from triadic.reports.statistics.groups import many_groups, two_groups
from triadic.schema.errors import BadInput

RNG = np.random.default_rng(0)
A, B, C = RNG.normal(1, 1, 12), RNG.normal(0, 2, 20), RNG.normal(0.5, 0.5, 7)


def test_two_groups_are_scipys():
    ours, student, welch = two_groups(A, B), st.ttest_ind(A, B), st.ttest_ind(A, B, equal_var=False)
    assert (ours.student_t, ours.student_p, ours.student_df) == pytest.approx(
        (student.statistic, student.pvalue, student.df)
    )
    assert (ours.welch_t, ours.welch_p, ours.welch_df) == pytest.approx((welch.statistic, welch.pvalue, welch.df))
    assert (ours.low, ours.high) == pytest.approx(tuple(welch.confidence_interval()))


def test_effect_sizes_by_hand():
    # Means 2 and 4, both variances 1, so d = −2; 4 degrees of freedom give J = Γ(2) / (√2 Γ(1.5)) = 0.7979.
    ours = two_groups([1, 2, 3], [3, 4, 5])
    assert ours.cohens_d == pytest.approx(-2)
    assert ours.hedges_g == pytest.approx(-2 * 0.797885, abs=1e-5)


def test_one_way_is_scipys_and_eta_by_hand():
    ours, theirs = many_groups([A, B, C]), st.f_oneway(A, B, C)
    assert (ours.f, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    everyone = np.concatenate([A, B, C])
    between = sum(len(g) * (g.mean() - everyone.mean()) ** 2 for g in (A, B, C))
    assert ours.eta2 == pytest.approx(between / ((everyone - everyone.mean()) ** 2).sum())
    assert ours.omega2 < ours.eta2


def test_welch_anova_is_scipys():
    theirs = st.f_oneway(A, B, C, equal_var=False)
    ours = many_groups([A, B, C])
    assert (ours.welch_f, ours.welch_p) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_two_groups_make_f_the_square_of_t():
    f, t = many_groups([A, B]), two_groups(A, B)
    assert f.f == pytest.approx(t.student_t**2)
    assert f.welch_f == pytest.approx(t.welch_t**2)
    assert (f.p, f.welch_p) == pytest.approx((t.student_p, t.welch_p))


def test_a_group_of_one_counts_in_f_alone():
    ours = many_groups([A, B, [3.0]])
    assert ours.f == pytest.approx(st.f_oneway(A, B, [3.0]).statistic)
    assert ours.welch_df1 == 1


def test_refusals():
    with pytest.raises(BadInput, match="at least 2"):
        two_groups([1.0], [1.0, 2.0])
    with pytest.raises(BadInput, match="varies"):
        two_groups([0.1] * 3, [0.3] * 3)
    with pytest.raises(BadInput, match="at least 2 groups"):
        many_groups([[1.0, 2.0]])
