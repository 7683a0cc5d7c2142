"""Do concepts keep the same nearest neighbours?"""

import numpy as np

from triadic.compute.metrics.gate import pair
from triadic.compute.metrics.rsa import euclidean
from triadic.schema.errors import BadInput


def knn_overlap(human, model, k=10) -> float:
    """Mean share of a concept's k nearest neighbours (Euclidean) that both spaces have in common, between 0 and 1.

    human: (n, d_h), model: (n, d_m); 1 ≤ k ≤ n − 2. Unrelated spaces share k/(n − 1): 0.079 for k = 10 of 128.
    Neighbours at exactly the same distance are taken in the order of the concepts.
    """
    human, model = pair(human, model)
    first = neighbours(euclidean(human, "human embedding"), k)
    second = neighbours(euclidean(model, "model embedding"), k)
    return float((first & second).sum() / first.sum())


def neighbours(distances, k):
    """(n, n) of bool: is the column one of the row's k nearest? A concept is not its own neighbour."""
    n = len(distances)
    if not 1 <= k <= n - 2:
        raise BadInput(f"k = {k} neighbours of {n} concepts: choose 1 to {n - 2}")
    distances = distances.copy()
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
    out = np.zeros((n, n), dtype=bool)
    np.put_along_axis(out, nearest, True, axis=1)
    return out
