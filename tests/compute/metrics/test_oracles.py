"""Each metric against a well-kept library, or against its published formula written out the slow way."""

import numpy as np
import pytest

from triadic.compute.metrics import (
    METRICS,
    answer_agreement,
    category_silhouette,
    cka_biased,
    cka_debiased,
    procrustes_r2,
    rsa_pearson_cosine,
    rsa_pearson_euclidean,
    rsa_spearman_cosine,
    rsa_spearman_euclidean,
    triplet_agreement,
)
from triadic.compute.metrics.inputs import Space
from triadic.compute.metrics.neighbours import NeighbourOverlap
from triadic.compute.metrics.procrustes import CrossValidatedR2, fold_of_concept
from triadic.compute.metrics.rsa import cosine
from triadic.schema.errors import BadInput


def test_procrustes_r2_is_one_minus_the_disparity_of_scipy(spaces):
    from scipy.spatial import procrustes

    human, model, _ = spaces
    padded = np.hstack([human, np.zeros((40, 3))])
    assert procrustes_r2(human, model) == pytest.approx(1 - procrustes(padded, model)[2], abs=1e-12)
    assert procrustes_r2(model, human) == pytest.approx(procrustes_r2(human, model), abs=1e-12)


def test_cross_validated_r2_is_what_a_loop_over_folds_gives(spaces):
    from scipy.linalg import orthogonal_procrustes

    human, model, _ = spaces
    padded = np.hstack([human, np.zeros((40, 3))])
    part = fold_of_concept(40, 5, 11)
    assert sorted(np.bincount(part)) == [8] * 5
    error = base = 0.0
    for fold in range(5):
        train, test = part != fold, part == fold
        h0, m0 = padded[train].mean(0), model[train].mean(0)
        turn, _ = orthogonal_procrustes(model[train] - m0, padded[train] - h0)
        turned = (model[train] - m0) @ turn
        scale = (turned * (padded[train] - h0)).sum() / (turned**2).sum()
        error += ((padded[test] - h0 - scale * (model[test] - m0) @ turn) ** 2).sum()
        base += ((padded[test] - h0) ** 2).sum()
    assert CrossValidatedR2(folds=5, seed=11)(human, model) == pytest.approx(1 - error / base, abs=1e-10)
    assert CrossValidatedR2(seed=11)(human, model) != CrossValidatedR2(seed=12)(human, model)
    with pytest.raises(BadInput, match="at least 42"):
        CrossValidatedR2(folds=14)(human, model)
    with pytest.raises(BadInput, match="2 or more"):
        CrossValidatedR2(folds=1)


@pytest.mark.parametrize(
    ("ours", "statistic", "distance"),
    [
        (rsa_spearman_euclidean, "spearmanr", "euclidean"),
        (rsa_spearman_cosine, "spearmanr", "cosine"),
        (rsa_pearson_euclidean, "pearsonr", "euclidean"),
        (rsa_pearson_cosine, "pearsonr", "cosine"),
    ],
)
def test_rsa_is_the_correlation_of_scipys_distances(ours, statistic, distance, spaces):
    from scipy import stats
    from scipy.spatial.distance import pdist

    human, model, rng = spaces
    # Whole numbers tie many distances, so the treatment of ties is tried too.
    for h, m in ((human, model), (rng.integers(0, 3, (30, 2)), rng.integers(0, 3, (30, 3)))):
        h, m = np.asarray(h, float), np.asarray(m, float)
        expected = getattr(stats, statistic)(*(pdist(np.round(x - x.mean(0), 12), distance).round(12) for x in (h, m)))[
            0
        ]
        assert ours(h, m) == pytest.approx(expected, abs=1e-6)


def test_rsa_agrees_with_rsatoolbox(spaces):
    import rsatoolbox

    human, model, _ = spaces
    rdm = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(x), method="euclidean") for x in (human, model)]
    # The toolbox's "euclidean" is the squared distance; ranks do not mind.
    assert rsa_spearman_euclidean(human, model) == pytest.approx(
        rsatoolbox.rdm.compare(*rdm, method="spearman").item(), abs=1e-9
    )
    for r in rdm:
        r.dissimilarities = np.sqrt(r.dissimilarities)
    assert rsa_pearson_euclidean(human, model) == pytest.approx(
        rsatoolbox.rdm.compare(*rdm, method="corr").item(), abs=1e-9
    )


def test_cka_biased_is_hsic_with_the_centring_matrix_written_out(spaces):
    human, model, _ = spaces
    h = np.eye(40) - 1 / 40
    k, m = human @ human.T, model @ model.T

    def hsic(a, b):
        return np.trace(a @ h @ b @ h)

    assert cka_biased(human, model) == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), abs=1e-12)


def test_cka_debiased_is_the_estimator_of_song_written_out(spaces):
    human, model, _ = spaces

    def hsic(x, y):
        k, m = x @ x.T, y @ y.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        n, one = len(k), np.ones(len(k))
        square = (
            np.trace(k @ m) + one @ k @ one * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ k @ m @ one
        )
        return square / (n * (n - 3))

    expected = hsic(human, model) / np.sqrt(hsic(human, human) * hsic(model, model))
    assert cka_debiased(human, model) == pytest.approx(expected, abs=1e-12)


def test_silhouette_is_that_of_scikit_learn(spaces):
    from sklearn.metrics import silhouette_score

    human, _, rng = spaces
    labels = [f"kind{i}" for i in rng.integers(0, 4, 39)] + ["alone"]
    human[: len(human) // 2] += 2
    assert category_silhouette(model=human, labels=labels) == pytest.approx(silhouette_score(human, labels), abs=1e-9)
    left_out = [*labels[:35], "other", None, "", float("nan"), "other"]
    expected = silhouette_score(human[:35], labels[:35])
    assert category_silhouette(model=human, labels=left_out) == pytest.approx(expected, abs=1e-9)
    with pytest.raises(BadInput, match="two categories"):
        category_silhouette(model=human, labels=["animal"] * 40)
    with pytest.raises(BadInput, match="39 category labels"):
        category_silhouette(model=human, labels=labels[:-1])


def test_neighbours_are_those_of_scikit_learn(spaces):
    from sklearn.neighbors import NearestNeighbors

    human, model, _ = spaces
    found = [NearestNeighbors(n_neighbors=7).fit(x).kneighbors(return_distance=False) for x in (human, model)]
    expected = np.mean([len(set(a) & set(b)) / 7 for a, b in zip(*found, strict=True)])
    assert NeighbourOverlap(k=7)(human, model) == pytest.approx(expected)
    with pytest.raises(BadInput, match="at least 41"):
        NeighbourOverlap(k=39)(human, model)
    with pytest.raises(BadInput, match="1 or more"):
        NeighbourOverlap(k=0)


def test_agreement_on_a_line_by_hand():
    human = np.array([[0.0], [1.0], [3.0], [7.0]])
    model = np.array([[0.0], [4.0], [3.0], [7.0]])
    triplets = np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3], [3, 2, 0], [2, 1, 3]])
    # human prefers 1, 1, 1, 2, 1; the model 2, 2, 1, 2, 1.
    assert triplet_agreement(human, model, triplets=triplets) == pytest.approx(3 / 5)
    answers = np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3], [3, 0, 2]])
    assert answer_agreement(human, answers=answers) == pytest.approx(2 / 4)
    tied = np.array([[0.0], [2.0], [-2.0], [9.0]])
    assert answer_agreement(tied, answers=np.array([[0, 1, 2], [0, 1, 3]])) == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("triplets", "word"),
    [
        (np.zeros((0, 3), int), "no triplets"),
        (np.array([[0, 1, 40]]), "position 40"),
        (np.array([[0, 1, -1]]), "-1"),
        (np.array([[0, 1, 1]]), "twice"),
        (np.array([[0.0, 1, 2]]), "whole numbers"),
        (np.array([[0, 1]]), "three a row"),
    ],
)
def test_bad_questions_are_refused(triplets, word, spaces):
    human, model, _ = spaces
    with pytest.raises(BadInput, match=word):
        triplet_agreement(human, model, triplets=triplets)


def test_equidistant_concepts_have_no_second_order_structure():
    simplex = np.eye(6)
    rng = np.random.default_rng(0)
    with pytest.raises(BadInput, match="equally alike"):
        cka_debiased(simplex, rng.normal(size=(6, 3)))
    with pytest.raises(BadInput, match="distances"):
        rsa_spearman_euclidean(rng.normal(size=(6, 3)), simplex)


def test_a_concept_without_a_direction_is_unrelated_to_all():
    human = np.vstack([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    assert np.array_equal(cosine(Space(human))[0], [0, 1, 1, 1, 1, 1, 1])
    assert rsa_pearson_cosine(human, human) == pytest.approx(1)


def test_unrelated_spaces_score_what_the_registry_says(people):
    human, labels, _ = people
    rng = np.random.default_rng(5)
    triplets = np.array([rng.choice(128, 3, replace=False) for _ in range(2000)])
    mean, error = {}, {}
    for name, metric in METRICS.items():
        values = [
            metric(
                human,
                rng.normal(size=(128, 30)),
                triplets=triplets,
                answers=np.where(rng.random((2000, 1)) < 0.5, triplets, triplets[:, [0, 2, 1]]),
                labels=labels,
            )
            for _ in range(60)
        ]
        mean[name], error[name] = np.mean(values), np.std(values) / np.sqrt(60)
    assert 0.11 < mean["procrustes_r2"] < 0.14
    assert 0.10 < mean["cka_biased"] < 0.15
    assert mean["procrustes_r2_cv"] < -0.1
    assert mean["knn_overlap"] == pytest.approx(10 / 127, abs=4 * error["knn_overlap"])
    assert -0.2 < mean["category_silhouette"] < 0
    for name in ("cka_debiased", *(n for n in METRICS if n.startswith("rsa_"))):
        assert mean[name] == pytest.approx(0, abs=4 * error[name]), name
    for name in ("triplet_agreement", "answer_agreement"):
        assert mean[name] == pytest.approx(0.5, abs=4 * error[name]), name
