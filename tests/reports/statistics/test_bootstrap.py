"""Leave-one-out against leaving one out; intervals against scipy's and by coverage."""

import numpy as np
import pytest
import scipy.stats as st

from triadic.reports.statistics.bootstrap import interval, leave_one_out
from triadic.reports.statistics.correlation import pearson, spearman
from triadic.schema.errors import BadInput


def sample(seed, n, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 0.5 * x + rng.normal(size=n)
    return (np.round(x * 2), np.round(y * 2)) if ties else (x, y)


@pytest.mark.parametrize("ranked", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_leave_one_out_is_what_its_name_says(ranked, ties):
    x, y = sample(0, 25, ties)
    x[3] = 40  # one that matters
    statistic = spearman if ranked else pearson
    slow = np.array([statistic(np.delete(x, i), np.delete(y, i)).r for i in range(x.size)])
    ours = leave_one_out(x, y, ranked)
    assert ours.without == pytest.approx(slow, abs=1e-10)
    assert ours.most == np.argmax(np.abs(slow - statistic(x, y).r))


@pytest.mark.parametrize("ranked", [False, True])
def test_bca_interval_is_scipys_up_to_resampling_noise(ranked):
    x, y = sample(1, 60)
    statistic = (lambda a, b: st.spearmanr(a, b).statistic) if ranked else (lambda a, b: st.pearsonr(a, b).statistic)
    theirs = st.bootstrap(
        (x, y), statistic, paired=True, vectorized=False, n_resamples=3000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    ours = interval(x, y, np.random.default_rng(3), n_resamples=6000, ranked=ranked)
    assert ours.method == "BCa"
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_ranks_within_a_resample_are_those_of_the_drawn_values():
    from triadic.reports.statistics.bootstrap import _weighted_spearman

    x, y = sample(4, 20, ties=True)
    rng = np.random.default_rng(5)
    weights = rng.multinomial(20, np.full(20, 1 / 20), size=10)
    slow = [st.spearmanr(np.repeat(x, w), np.repeat(y, w)).statistic for w in weights]
    assert _weighted_spearman(x, y, weights.astype(float)) == pytest.approx(slow, abs=1e-10)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(200):
        x = rng.normal(size=40)
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=40)
        ends = interval(x, y, rng, n_resamples=500)
        hits += ends.low <= 0.5 <= ends.high
    assert 0.88 <= hits / 200 <= 0.99  # nominal 0.95, SD 0.015


def test_same_generator_state_same_interval():
    x, y = sample(7, 30)
    assert interval(x, y, np.random.default_rng(1)) == interval(x, y, np.random.default_rng(1))


def test_refusals():
    x, y = sample(8, 30)
    with pytest.raises(BadInput, match="too few"):
        interval(x, y, np.random.default_rng(0), n_resamples=10)
    with pytest.raises(BadInput, match="constant"):
        interval(np.ones(10), np.arange(10), np.random.default_rng(0))


@pytest.mark.parametrize("ranked", [False, True])
def test_clusters_of_one_are_the_ordinary_bootstrap(ranked):
    x, y = sample(9, 30)
    plain = interval(x, y, np.random.default_rng(0), 300, ranked=ranked)
    ones = interval(x, y, np.random.default_rng(0), 300, ranked=ranked, clusters=np.arange(30))
    assert (ones.low, ones.high) == pytest.approx((plain.low, plain.high), abs=1e-9)


def test_resampling_clusters_allows_for_members_being_alike():
    rng = np.random.default_rng(10)
    covered, alone = 0, 0
    for _ in range(120):
        cluster = np.repeat(np.arange(12), 6)
        x, y = (rng.normal(size=12)[cluster] + 0.3 * rng.normal(size=72) for _ in range(2))  # no true correlation
        by_cluster = interval(x, y, rng, 300, clusters=cluster)
        by_row = interval(x, y, rng, 300)
        covered += by_cluster.low <= 0 <= by_cluster.high
        alone += by_row.low <= 0 <= by_row.high
    assert covered > alone + 20
    assert covered > 0.75 * 120
    with pytest.raises(BadInput, match="clusters"):
        interval(np.arange(9.0), np.arange(9.0) ** 2, rng, 300, clusters=np.arange(9) % 3)


def test_the_correction_is_scipys_where_it_matters():
    # One extreme point and few rows: the percentile interval starts at 0.70, the corrected one near 0.74.
    rng = np.random.default_rng(11)
    x = rng.normal(size=18)
    x[0] = 4
    y = 0.8 * x + 0.6 * rng.normal(size=18)

    def r(a, b, axis):
        a, b = (v - v.mean(axis, keepdims=True) for v in (a, b))
        return (a * b).sum(axis) / np.sqrt((a * a).sum(axis) * (b * b).sum(axis))

    theirs = st.bootstrap((x, y), r, paired=True, n_resamples=40_000, method="BCa", rng=np.random.default_rng(0))
    theirs = theirs.confidence_interval
    ours = interval(x, y, np.random.default_rng(0), n_resamples=40_000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012)
