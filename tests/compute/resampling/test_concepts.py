"""The bootstrap over concepts: weights are repeated concepts, no pair of a concept with itself, intervals that cover."""

import numpy as np
import pytest

from triadic.compute.metrics import METRICS, metric, procrustes_r2
from triadic.compute.metrics.rsa import condensed, euclidean
from triadic.compute.resampling import concepts as module
from triadic.compute.resampling.concepts import bootstrap_concepts, concept_weights, interval
from triadic.schema.errors import BadInput

LABELS = [f"kind{i % 4}" for i in range(40)]


def _statistic(name, human, model, given):
    return module._STATISTICS[name](human, model, given)


@pytest.mark.parametrize("name", METRICS)
def test_every_concept_once_is_the_figure_itself(name, spaces):
    human, model, rng = spaces
    triplets = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    given = {"triplets": triplets, "answers": triplets, "labels": LABELS}
    drawn = _statistic(name, human, model, given)(np.ones((3, 40)))
    assert drawn == pytest.approx(np.full(3, metric(name)(human, model, **given)), abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_the_scale_of_the_weights_does_not_matter_and_undrawn_concepts_do_not_count(name, spaces):
    human, model, rng = spaces
    triplets = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    given = {"triplets": triplets, "answers": triplets, "labels": LABELS}
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=2).astype(float)
    if name != "category_silhouette":  # there, only whole draws have "the others of my kind"
        assert _statistic(name, human, model, given)(3 * weights) == pytest.approx(
            _statistic(name, human, model, given)(weights), abs=1e-9
        )
    weights[:, 5] = 0
    elsewhere = model.copy()
    elsewhere[5] += 1e-3
    if name not in ("knn_overlap",):  # neighbours are found among all concepts, drawn or not
        assert _statistic(name, human, elsewhere, given)(weights) == pytest.approx(
            _statistic(name, human, model, given)(weights), abs=2e-3
        )


@pytest.mark.parametrize("name", ["procrustes_r2", "cka_biased"])
def test_weights_are_repeated_rows(name, spaces):
    human, model, rng = spaces
    weights = concept_weights(40, 1, rng)
    rows = np.repeat(np.arange(40), weights[0].astype(int))
    assert _statistic(name, human, model, {})(weights)[0] == pytest.approx(
        metric(name)(human[rows], model[rows]), abs=1e-9
    )


@pytest.mark.parametrize("rank", [False, True])
def test_rsa_leaves_out_pairs_of_a_concept_with_itself(rank, spaces):
    from scipy.stats import pearsonr, spearmanr

    human, model, rng = spaces
    weights = concept_weights(40, 1, rng)
    rows = np.repeat(np.arange(40), weights[0].astype(int))
    i, j = np.triu_indices(len(rows), 1)
    different = rows[i] != rows[j]
    assert not different.all()
    a, b = (condensed(euclidean(x[rows]))[different] for x in (human, model))
    expected = (spearmanr if rank else pearsonr)(a, b)[0]
    name = "rsa_spearman_euclidean" if rank else "rsa_pearson_euclidean"
    assert _statistic(name, human, model, {})(weights)[0] == pytest.approx(expected, abs=1e-9)


def test_the_weighted_unbiased_hsic_is_the_mean_over_sets_of_four_different_concepts():
    from itertools import permutations

    rng = np.random.default_rng(2)
    human, model = rng.normal(size=(7, 2)), rng.normal(size=(7, 3))
    human, model = human - human.mean(0), model - model.mean(0)
    weights = np.array([2.0, 1, 0, 1, 3, 1, 1])

    def hsic(k, m):
        total = size = 0.0
        for a, b, c, d in permutations(range(7), 4):
            w = weights[[a, b, c, d]].prod()
            total += w * (k[a, b] * m[a, b] + k[a, b] * m[c, d] - 2 * k[a, b] * m[a, c])
            size += w
        return total / size

    # Each of the three terms is averaged over its own number of concepts, which for equal weights is the same thing.
    even = np.ones((1, 7))
    statistic = _statistic("cka_debiased", human, model, {})
    k, m = human @ human.T, model @ model.T
    weights_kept, weights = weights, np.ones(7)
    assert statistic(even)[0] == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), abs=1e-10)
    assert np.isfinite(statistic(weights_kept[None])).all()


def test_two_models_are_resampled_alike(spaces):
    human, model, rng = spaces
    first = bootstrap_concepts(human, model, 30, np.random.default_rng(5))
    again = bootstrap_concepts(
        human, 2 * model @ np.linalg.qr(rng.normal(size=(9, 9)))[0], 30, np.random.default_rng(5)
    )
    for name in first:
        assert first[name] == pytest.approx(again[name], abs=1e-9), name
    with pytest.raises(BadInput, match="one or more"):
        bootstrap_concepts(human, model, 0, rng)


def test_tiny_sets_give_finite_draws():
    rng = np.random.default_rng(3)
    labels, asked = ["a", "a", "b", "b", None], np.array([[0, 1, 2], [3, 4, 0]])
    given = {"triplets": asked, "answers": asked, "labels": labels}
    drawn = bootstrap_concepts(rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), 300, rng, **given)
    assert set(drawn) == set(METRICS) - {"procrustes_r2_cv", "knn_overlap"}
    assert all(np.isfinite(values).all() for values in drawn.values())
    assert ((concept_weights(5, 500, rng) > 0).sum(1) >= 4).all()
    with pytest.raises(BadInput, match="at least 4"):
        bootstrap_concepts(rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), 3, rng)


def test_intervals_are_percentiles_and_can_be_moved_onto_the_figure():
    draws = np.arange(101.0)
    assert interval(draws, 0.9) == pytest.approx((5, 95))
    assert interval(draws, 0.9, value=70.0) == pytest.approx((25, 115))
    for bad in ([1.0], [np.nan, 1.0]):
        with pytest.raises(BadInput, match="two finite draws"):
            interval(bad)


def _coverage(repeats, n_boot, seed):
    """How often the moved 95% interval over concepts holds the mean figure of the population, by metric."""
    rng = np.random.default_rng(seed)
    names = ["procrustes_r2", "cka_debiased", "rsa_spearman_euclidean", "rsa_pearson_cosine"]

    def sample():
        human = rng.normal(size=(60, 5)) * np.array([2, 1.5, 1, 0.8, 0.6])
        return human, human + rng.normal(size=(60, 5))

    truth = {n: np.mean([metric(n)(*sample()) for _ in range(400)]) for n in names}
    held = dict.fromkeys(names, 0)
    for _ in range(repeats):
        human, model = sample()
        for name, draws in bootstrap_concepts(human, model, n_boot, rng, names).items():
            low, high = interval(draws, value=metric(name)(human, model))
            held[name] += low <= truth[name] <= high
    return {name: count / repeats for name, count in held.items()}


def test_intervals_over_concepts_cover_about_as_often_as_they_say():
    for name, share in _coverage(60, 150, 0).items():
        assert share >= 0.82, (name, share)


@pytest.mark.slow
def test_intervals_over_concepts_cover_in_a_long_simulation():
    for name, share in _coverage(600, 400, 1).items():
        assert 0.90 <= share <= 0.99, (name, share)


def test_repeated_concepts_raise_procrustes_r2_which_the_moved_interval_takes_out(spaces):
    rng = np.random.default_rng(9)
    human, model = rng.normal(size=(60, 20)), rng.normal(size=(60, 20))
    draws = bootstrap_concepts(human, model, 200, rng, ["procrustes_r2"])["procrustes_r2"]
    value = procrustes_r2(human, model)
    assert interval(draws)[0] > value
    low, high = interval(draws, value=value)
    assert low < value < high
