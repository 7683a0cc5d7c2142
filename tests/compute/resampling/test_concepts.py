"""The bootstrap over concepts: weights are repeated concepts, no pair of a concept with itself, intervals that cover."""

import numpy as np
import pytest

from triadic.compute.metrics import METRICS, metric, procrustes_r2
from triadic.compute.metrics.inputs import Inputs, Space
from triadic.compute.metrics.metric import condensed
from triadic.compute.metrics.rsa import euclidean
from triadic.compute.resampling.concepts import bootstrap_concepts, concept_weights
from triadic.schema.errors import BadInput
from triadic.tests.compute.resampling.summaries import interval

LABELS = [f"kind{i % 4}" for i in range(40)]


def _weighted(name, human, model, weights, **given):
    return METRICS[name].weighted(Inputs(human, model, **given), weights)


@pytest.mark.parametrize("name", METRICS)
def test_every_concept_once_is_the_figure_itself(name, spaces):
    human, model, rng = spaces
    triplets = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    given = {"triplets": triplets, "answers": triplets, "labels": LABELS}
    drawn = _weighted(name, human, model, np.ones((3, 40)), **given)
    assert drawn == pytest.approx(np.full(3, metric(name)(human, model, **given)), abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_the_scale_of_the_weights_does_not_matter_and_undrawn_concepts_do_not_count(name, spaces):
    human, model, rng = spaces
    triplets = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    given = {"triplets": triplets, "answers": triplets, "labels": LABELS}
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=2).astype(float)
    if name != "category_silhouette":  # there, only whole draws have "the others of my kind"
        assert _weighted(name, human, model, 3 * weights, **given) == pytest.approx(
            _weighted(name, human, model, weights, **given), abs=1e-9
        )
    weights[:, 5] = 0
    elsewhere = model.copy()
    elsewhere[5] += 1e-3
    if name not in ("knn_overlap",):  # neighbours are found among all concepts, drawn or not
        assert _weighted(name, human, elsewhere, weights, **given) == pytest.approx(
            _weighted(name, human, model, weights, **given), abs=2e-3
        )


@pytest.mark.parametrize("name", ["procrustes_r2", "cka_biased"])
def test_weights_are_repeated_rows(name, spaces):
    human, model, rng = spaces
    weights = concept_weights(40, 1, rng)
    rows = np.repeat(np.arange(40), weights[0].astype(int))
    expected = metric(name)(human[rows], model[rows])
    assert _weighted(name, human, model, weights)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rank", [False, True])
def test_rsa_leaves_out_pairs_of_a_concept_with_itself(rank, spaces):
    from scipy.stats import pearsonr, spearmanr

    human, model, rng = spaces
    weights = concept_weights(40, 1, rng)
    rows = np.repeat(np.arange(40), weights[0].astype(int))
    i, j = np.triu_indices(len(rows), 1)
    different = rows[i] != rows[j]
    assert not different.all()
    a, b = (condensed(euclidean(Space(x[rows])))[different] for x in (human, model))
    expected = (spearmanr if rank else pearsonr)(a, b)[0]
    name = "rsa_spearman_euclidean" if rank else "rsa_pearson_euclidean"
    assert _weighted(name, human, model, weights)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("weights", [[1.0] * 7, [2.0, 1, 0, 1, 3, 1, 1], [0.5, 2, 1, 0.25, 3, 1, 0.7]])
def test_the_weighted_unbiased_hsic_is_the_mean_over_sets_of_different_concepts(weights):
    """K₁₂M₁₂ over pairs, K₁₂M₃₄ over fours, K₁₂M₁₃ over threes, each mean over its own sets, weights multiplied."""
    from itertools import permutations

    rng, weights = np.random.default_rng(2), np.array(weights)
    human, model = rng.normal(size=(7, 2)), rng.normal(size=(7, 3))
    k, m = ((x - x.mean(0)) @ (x - x.mean(0)).T for x in (human, model))

    def mean(size, term):
        sets = list(permutations(range(7), size))
        counts = [weights[list(each)].prod() for each in sets]
        return np.average([term(*each) for each in sets], weights=counts)

    def hsic(k, m):
        pairs = mean(2, lambda a, b: k[a, b] * m[a, b])
        fours = mean(4, lambda a, b, c, d: k[a, b] * m[c, d])
        return pairs + fours - 2 * mean(3, lambda a, b, c: k[a, b] * m[a, c])

    # A self-term that the weights make negative counts as the least positive number: these do not.
    assert hsic(k, k) > 0
    assert hsic(m, m) > 0
    expected = hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))
    assert _weighted("cka_debiased", human, model, weights[None])[0] == pytest.approx(expected, abs=1e-10)
    if (weights == 1).all():
        assert metric("cka_debiased")(human, model) == pytest.approx(expected, abs=1e-10)


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
    assert set(drawn) == {name for name, found in METRICS.items() if found.by_default} - {
        "procrustes_r2_cv",
        "knn_overlap",
    }
    assert all(np.isfinite(values).all() for values in drawn.values())
    assert ((concept_weights(5, 500, rng) > 0).sum(1) >= 4).all()
    with pytest.raises(BadInput, match="at least 4"):
        bootstrap_concepts(rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), 3, rng)


def test_intervals_are_percentiles_and_can_be_moved_onto_the_figure():
    draws = np.arange(101.0)
    assert interval(draws, 0.9) == pytest.approx((5, 95))
    assert interval(draws, 0.9, value=70.0) == pytest.approx((25, 115))


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
