"""The permutation null: what a metric scores when the model's concepts are shuffled against the human ones.

A thousand shuffles cost little more than one figure, because nothing but positions changes: distances, ranks, Gram
matrices and neighbours are computed once and re-indexed, and Procrustes needs the singular values of small
cross-products, taken as one stack.
"""

import numpy as np

from triadic.compute.metrics.agreement import agree, preference
from triadic.compute.metrics.category import silhouettes
from triadic.compute.metrics.cka import doubly_centred, u_centred
from triadic.compute.metrics.gate import centred, groups, pair, questions
from triadic.compute.metrics.neighbours import neighbours
from triadic.compute.metrics.procrustes import cross_validated, explained, fold_of_concept
from triadic.compute.metrics.registry import applicable
from triadic.compute.metrics.rsa import condensed, cosine, euclidean, ranks, standard
from triadic.schema.errors import BadInput

_BLOCK = 50  # permutations at a time: 50 × 128 × 30 doubles stay in cache, and memory does not grow with n


def permutation_null(human, model, n, rng, metrics=None, *, triplets=None, answers=None, labels=None):
    """Every metric under n random pairings of the two spaces' concepts: {name: float64 (n,)}.

    human: (n_concepts, d_h), model: (n_concepts, d_m); rng: numpy Generator; metrics: names, all that the given
    triplets (m, 3), answers (m, 3) and labels allow by default. Draw i uses the same permutation for every metric.
    Defaults of the metrics (5 folds of seed 0, 10 neighbours). Raises BadInput as the metrics do.
    """
    if n < 1:
        raise BadInput(f"{n} permutations: ask for one or more")
    human, model = pair(human, model)
    orders = np.array([rng.permutation(len(human)) for _ in range(n)])
    names = [
        m.name for m in applicable(metrics, human=human, model=model, triplets=triplets, answers=answers, labels=labels)
    ]
    out = {}
    products = {name: tables(name, human, model) for name in names if name in INNER_PRODUCTS}
    if products:
        out |= _inner_products(products, orders)
    if "procrustes_r2" in names or "procrustes_r2_cv" in names:
        out |= _procrustes(names, human, model, orders)
    if "triplet_agreement" in names:
        asked = questions(triplets, len(human))
        own = preference(euclidean(human, "human embedding"), asked)
        shuffled = _preferences(euclidean(model, "model embedding"), asked, orders)
        out["triplet_agreement"] = np.array([agree(own, other) for other in shuffled])
    if "answer_agreement" in names:
        asked = questions(answers, len(human), "answers")
        shuffled = _preferences(euclidean(human, "human embedding"), asked, orders)
        out["answer_agreement"] = np.array([(1 + other.mean()) / 2 for other in shuffled])
    if "category_silhouette" in names:
        out["category_silhouette"] = _silhouettes(model, groups(labels, len(human)), orders)
    return {name: out[name] for name in names}


def p_value(value, null) -> float:
    """(1 + number of null draws at or above the value) / (1 + number of draws): never zero (Phipson and Smyth 2010)."""
    null = np.asarray(null, dtype=float)
    if not len(null):
        raise BadInput("a p-value needs null draws, and there are none")
    return float((1 + np.count_nonzero(null >= value)) / (1 + len(null)))


_RSA = {
    "rsa_spearman_euclidean": (euclidean, ranks),
    "rsa_spearman_cosine": (cosine, ranks),
    "rsa_pearson_euclidean": (euclidean, np.asarray),
    "rsa_pearson_cosine": (cosine, np.asarray),
}
#: Metrics that are the sum of products of two (n, n) tables, one of each space.
INNER_PRODUCTS = ("cka_biased", "cka_debiased", *_RSA, "knn_overlap")


def tables(name, human, model):
    """The two (n, n) tables whose sum of products is the metric; shuffling concepts re-indexes the second."""
    both = (human, "human embedding"), (model, "model embedding")
    if name == "cka_biased":
        return tuple(doubly_centred(*each) for each in both)
    if name == "cka_debiased":
        return tuple(u_centred(*each) for each in both)
    if name == "knn_overlap":
        first, second = (neighbours(euclidean(*each), 10).astype(float) for each in both)
        return first / first.sum(), second
    distance, transform = _RSA[name]
    return tuple(_square(standard(transform(condensed(distance(*each))), each[1])) for each in both)


def _square(vector):
    """A condensed vector as a symmetric table whose sum of products is that of the vectors."""
    n = round((1 + np.sqrt(1 + 8 * len(vector))) / 2)
    out = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = vector / np.sqrt(2)
    return out + out.T


def _inner_products(products, orders):
    human = np.stack([first.ravel() for first, _ in products.values()])
    model = np.stack([second.ravel() for _, second in products.values()], axis=1)  # one row per pair, read together
    n = orders.shape[1]
    drawn = np.empty((len(orders), len(products)))
    for i, order in enumerate(orders):
        flat = (order[:, None] * n + order).ravel()
        drawn[i] = np.einsum("mp,pm->m", human, model.take(flat, axis=0))
    return {name: drawn[:, i] for i, name in enumerate(products)}


def _procrustes(names, human, model, orders):
    human, model = centred(human, "human embedding"), centred(model, "model embedding")
    even = np.ones((1, len(human)))
    blocks = [model[orders[i : i + _BLOCK]] for i in range(0, len(orders), _BLOCK)]
    out = {}
    if "procrustes_r2" in names:
        out["procrustes_r2"] = np.concatenate([explained(human, block, even) for block in blocks])
    if "procrustes_r2_cv" in names:
        part = fold_of_concept(len(human), 5, 0)
        out["procrustes_r2_cv"] = np.concatenate([cross_validated(human, block, even, part) for block in blocks])
    return out


def _preferences(distances, asked, orders):
    """`preference` of the shuffled space, one permutation after the other."""
    n = len(distances)
    left, right = asked[:, 0] * n + asked[:, 1], asked[:, 0] * n + asked[:, 2]
    # Ranks instead of distances: two bytes each, so that the table stays in the fastest cache.
    _, code = np.unique(distances, return_inverse=True)
    code = code.reshape(n, n).astype(np.uint16 if code.max() < 2**16 else np.int64)
    for order in orders:
        shuffled = code[order[:, None], order].ravel()
        near, far = shuffled.take(left), shuffled.take(right)
        yield (near < far).astype(np.int8) - (near > far).astype(np.int8)


def _silhouettes(model, code, orders):
    # Category of the concept that stands in each place: shuffling the concepts shuffles the labels.
    distances = euclidean(model, "model embedding")
    kept = np.flatnonzero(code >= 0)
    out = np.empty(len(orders))
    for i, order in enumerate(orders):
        place = order[kept]
        out[i] = silhouettes(distances[np.ix_(place, place)], code[kept][None])[0]
    return out
