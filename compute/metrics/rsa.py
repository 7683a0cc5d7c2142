"""Representational similarity analysis (Kriegeskorte et al. 2008): correlate two tables of distances between concepts.

Two distances: Euclidean, and cosine about the centroid. An ordinal embedding has no origin (only distances enter its
loss), so the cosine is taken after centring; that makes every figure here invariant to translation.
"""

import numpy as np

from triadic.compute.metrics.gate import centred, pair
from triadic.schema.errors import BadInput


def rsa_spearman_euclidean(human, model) -> float:
    """Spearman correlation of the n(n−1)/2 Euclidean distances in human (n, d_h) and model (n, d_m): −1 to 1."""
    return _correlate(human, model, euclidean, ranks)


def rsa_spearman_cosine(human, model) -> float:
    """Spearman correlation of the cosine distances about the centroid, between −1 and 1."""
    return _correlate(human, model, cosine, ranks)


def rsa_pearson_euclidean(human, model) -> float:
    """Pearson correlation of the Euclidean distances, between −1 and 1."""
    return _correlate(human, model, euclidean, np.asarray)


def rsa_pearson_cosine(human, model) -> float:
    """Pearson correlation of the cosine distances about the centroid, between −1 and 1."""
    return _correlate(human, model, cosine, np.asarray)


#: The variant meant when none is named: Spearman on Euclidean distances, which is what the ordinal fit orders.
rsa_spearman = rsa_spearman_euclidean


def euclidean(array, who="embedding"):
    """Euclidean distances (n, n), in units of the space's largest entry; the diagonal is exactly zero."""
    centred(array, who)  # refuses a space with no spread
    # Differences, not the Gram matrix, and a power of two for the scale: equal distances stay equal to the bit.
    array = array / 2.0 ** np.frexp(np.abs(array).max())[1]
    out = np.zeros((len(array), len(array)))
    for column in array.T:
        out += (column[:, None] - column) ** 2
    return np.sqrt(out)


def cosine(array, who="embedding"):
    """Cosine distances 1 − cos (n, n) about the centroid, between 0 and 2.

    A concept on the centroid has no direction; it counts as unrelated to all others, at distance 1. Refits to a few
    hundred answers come to that when one concept runs away from all the rest.
    """
    array = centred(array, who)
    norm = np.linalg.norm(array, axis=1)
    array = np.where(norm[:, None] > 1e-12, array / np.maximum(norm, 1e-12)[:, None], 0.0)
    out = 1 - np.clip(array @ array.T, -1, 1)
    out = (out + out.T) / 2
    np.fill_diagonal(out, 0)
    return out


def ranks(values):
    """Ranks 1…m of a vector, ties sharing their mean (scipy's `rankdata`, without its second of import).

    Values closer than 10⁻¹² of the largest are the same: below that the order is rounding.
    """
    _, code, count = np.unique(
        np.round(values / (np.abs(values).max() or 1), 12), return_inverse=True, return_counts=True
    )
    return (np.cumsum(count) - (count - 1) / 2.0)[code]


def condensed(square):
    """The n(n−1)/2 entries above the diagonal of (n, n)."""
    return square[np.triu_indices(len(square), 1)]


def standard(vector, who="embedding"):
    """Centred and scaled to unit norm, so that the correlation of two is their inner product."""
    vector = vector - vector.mean()
    norm = np.linalg.norm(vector)
    if norm <= 1e-12 * len(vector):
        raise BadInput(f"all distances in the {who} are equal: their correlation is undefined")
    return vector / norm


def _correlate(human, model, distance, transform):
    human, model = pair(human, model)
    a = standard(transform(condensed(distance(human, "human embedding"))), "human embedding")
    b = standard(transform(condensed(distance(model, "model embedding"))), "model embedding")
    return float(np.clip(a @ b, -1, 1))
