"""The bootstrap over concepts: how far would a figure move with other concepts of the same kind? No refit.

A resample is a weight for each concept: how often it was drawn. A concept drawn twice is never paired with itself: such
a pair has distance zero in both spaces and would count as agreement. So the metrics on pairs weigh pairs of different
concepts only, the unbiased HSIC weighs sets of different concepts, neighbours are found among all concepts and only
their average is resampled, and cross-validation keeps all draws of a concept on one side. Procrustes R² takes the
weights as they are; with fewer different concepts (63% on average) the turn fits them better, so that its draws lie
above the figure. `interval` can take that shift out.
"""

import numpy as np

from triadic.compute.metrics.agreement import preference
from triadic.compute.metrics.category import silhouettes
from triadic.compute.metrics.gate import centred, groups, pair, questions
from triadic.compute.metrics.neighbours import neighbours
from triadic.compute.metrics.procrustes import cross_validated, explained, fold_of_concept
from triadic.compute.metrics.registry import applicable
from triadic.compute.metrics.rsa import condensed, cosine, euclidean
from triadic.schema.errors import BadInput

_BLOCK = 50


def concept_weights(n_concepts, n, rng):
    """How often each concept is drawn in n resamples with replacement: float64 (n, n_concepts); rows sum to n_concepts.

    A resample of fewer than four different concepts, which tiny sets can give, is drawn again: nothing is defined on it.
    """
    even = np.full(n_concepts, 1 / n_concepts)
    out = rng.multinomial(n_concepts, even, size=n)
    while len(few := np.flatnonzero((out > 0).sum(1) < 4)):
        out[few] = rng.multinomial(n_concepts, even, size=len(few))
    return out.astype(float)


def bootstrap_concepts(human, model, n, rng, metrics=None, *, triplets=None, answers=None, labels=None):
    """Every metric on n resamples of the concepts: {name: float64 (n,)}. Arguments as in `permutation_null`.

    The same generator state draws the same resamples, so that two models can be compared draw by draw.
    """
    if n < 1:
        raise BadInput(f"{n} resamples: ask for one or more")
    human, model = pair(human, model, least=4)
    chosen = applicable(metrics, human=human, model=model, triplets=triplets, answers=answers, labels=labels)
    weights = concept_weights(len(human), n, rng)
    given = {"triplets": triplets, "answers": answers, "labels": labels}
    out = {}
    for metric in chosen:
        statistic = _STATISTICS[metric.name](human, model, given)
        out[metric.name] = np.concatenate([statistic(weights[i : i + _BLOCK]) for i in range(0, n, _BLOCK)])
    return out


def interval(draws, level=0.95, value=None):
    """Percentile interval (low, high) of bootstrap draws; with `value`, moved so that the draws' mean is the value.

    The plain percentile interval inherits whatever shift resampling itself brings (refits of resampled answers see
    fewer different answers and score lower; fewer different concepts give a higher Procrustes R²).
    """
    draws = np.asarray(draws, dtype=float)
    if len(draws) < 2 or not np.isfinite(draws).all():
        raise BadInput(f"an interval needs two finite draws or more; there are {len(draws)}")
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    shift = 0.0 if value is None else value - draws.mean()
    return float(low + shift), float(high + shift)


def _procrustes(human, model, given):
    human, model = centred(human, "human embedding"), centred(model, "model embedding")[None]
    return lambda weights: explained(human, model, weights)


def _procrustes_cv(human, model, given):
    human, model = centred(human, "human embedding"), centred(model, "model embedding")[None]
    part = fold_of_concept(len(human), 5, 0)
    return lambda weights: cross_validated(human, model, weights, part)


def _cka_biased(human, model, given):
    human, model = centred(human, "human embedding"), centred(model, "model embedding")

    def hsic(weights, a, b):
        cross = (a.T * weights[:, None]) @ b - (weights @ a)[:, :, None] * (weights @ b)[:, None]
        return (cross**2).sum((1, 2))

    def statistic(weights):
        weights = weights / weights.sum(1, keepdims=True)
        return hsic(weights, human, model) / np.sqrt(hsic(weights, human, human) * hsic(weights, model, model))

    return statistic


def _cka_debiased(human, model, given):
    grams = []
    for array, who in ((human, "human embedding"), (model, "model embedding")):
        array = centred(array, who)
        gram = array @ array.T
        np.fill_diagonal(gram, 0)
        grams.append(gram / np.linalg.norm(gram))
    k, m = grams
    ones = np.ones_like(k) - np.eye(len(k))

    def hsic(w, a, b):
        # Song et al.'s estimator is the mean over sets of four different concepts of K₁₂L₁₂ + K₁₂L₃₄ − 2K₁₂L₁₃. Here the
        # mean is weighted by the product of the four weights; with equal weights it is theirs to rounding.
        def means(a, b):
            product, square = a * b, w**2
            both = np.einsum("bi,ij,bj->b", w, product, w)
            overlap = np.einsum("bi,ij,bj->b", square, product, square)
            rows = (w @ a) * (w @ b)
            one_shared = (w * rows).sum(1) - np.einsum("bi,ij,bj->b", w, product, square)
            none_shared = (
                np.einsum("bi,ij,bj->b", w, a, w) * np.einsum("bi,ij,bj->b", w, b, w)
                - 4 * (square * rows).sum(1)
                + 2 * overlap
            )
            return np.stack([both, none_shared, -2 * one_shared])

        size = np.abs(means(ones, ones)) / np.array([[1], [1], [2]])
        return (means(a, b) / size).sum(0)

    def statistic(weights):
        squares = hsic(weights, k, k) * hsic(weights, m, m)
        return hsic(weights, k, m) / np.sqrt(np.maximum(squares, np.finfo(float).tiny))

    return statistic


def _rsa(distance, ranked):
    def prepare(human, model, given):
        first = condensed(distance(human, "human embedding"))
        second = condensed(distance(model, "model embedding"))
        i, j = np.triu_indices(len(human), 1)

        def statistic(weights):
            weight = weights[:, i] * weights[:, j]
            x, y = (_weighted_ranks(v, weight) if ranked else v[None] for v in (first, second))
            total = weight.sum(1, keepdims=True)
            x = x - (weight * x).sum(1, keepdims=True) / total
            y = y - (weight * y).sum(1, keepdims=True) / total
            squares = (weight * x * x).sum(1) * (weight * y * y).sum(1)
            return (weight * x * y).sum(1) / np.sqrt(squares)

        return statistic

    return prepare


def _weighted_ranks(values, weight):
    """Mean rank of each value when it stands as often as its weight (b, m) says; ties share theirs."""
    _, code = np.unique(np.round(values / values.max(), 12), return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    grouped = np.add.reduceat(weight[:, order], starts, axis=1)
    return (np.cumsum(grouped, axis=1) - grouped / 2)[:, code]


def _agreement(human, model, given):
    asked = questions(given["triplets"], len(human))
    own = preference(euclidean(human, "human embedding"), asked)
    other = preference(euclidean(model, "model embedding"), asked)
    return _weighted_questions(asked, 0.5 + own * other / 2)


def _answers(human, model, given):
    asked = questions(given["answers"], len(human), "answers")
    return _weighted_questions(asked, 0.5 + preference(euclidean(human, "human embedding"), asked) / 2)


def _weighted_questions(asked, right):
    """A question counts as often as its three concepts' draws can be combined."""

    def statistic(weights):
        weight = weights[:, asked[:, 0]] * weights[:, asked[:, 1]] * weights[:, asked[:, 2]]
        total = weight.sum(1)
        # Of few questions, none may be left: then the answer is a coin's.
        return np.where(total > 0, (weight @ right) / np.where(total > 0, total, 1), 0.5)

    return statistic


def _knn(human, model, given):
    first = neighbours(euclidean(human, "human embedding"), 10)
    second = neighbours(euclidean(model, "model embedding"), 10)
    shared = (first & second).sum(1) / first.sum(1)
    return lambda weights: weights @ shared / weights.sum(1)


def _silhouette(human, model, given):
    code = groups(given["labels"], len(model))
    kept = code >= 0
    distances = euclidean(model, "model embedding")[np.ix_(kept, kept)]
    return lambda weights: silhouettes(distances, code[kept][None], weights[:, kept])


_STATISTICS = {
    "procrustes_r2": _procrustes,
    "procrustes_r2_cv": _procrustes_cv,
    "cka_biased": _cka_biased,
    "cka_debiased": _cka_debiased,
    "rsa_spearman_euclidean": _rsa(euclidean, ranked=True),
    "rsa_spearman_cosine": _rsa(cosine, ranked=True),
    "rsa_pearson_euclidean": _rsa(euclidean, ranked=False),
    "rsa_pearson_cosine": _rsa(cosine, ranked=False),
    "triplet_agreement": _agreement,
    "answer_agreement": _answers,
    "knn_overlap": _knn,
    "category_silhouette": _silhouette,
}
