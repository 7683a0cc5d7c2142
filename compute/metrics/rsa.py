"""Representational similarity analysis (Kriegeskorte et al. 2008): correlate two tables of distances between concepts.

Two distances: Euclidean, and cosine about the centroid. An ordinal embedding has no origin (only distances enter its
loss), so the cosine is taken after centring; that makes every figure here invariant to translation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from triadic.compute.metrics.inputs import Inputs, Space, centred
from triadic.compute.metrics.metric import InnerProduct, condensed
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


def euclidean(space: Space) -> Floats:
    """Euclidean distances (n, n), in units of the space's largest entry; the diagonal is exactly zero."""
    space.get(centred)  # refuses a space with no spread
    # Differences, not the Gram matrix, and a power of two for the scale: equal distances stay equal to the bit.
    array = space.rows / 2.0 ** np.frexp(np.abs(space.rows).max())[1]
    out = np.zeros((len(array), len(array)))
    for column in array.T:
        out += (column[:, None] - column) ** 2
    return np.sqrt(out)


def cosine(space: Space) -> Floats:
    """Cosine distances 1 − cos (n, n) about the centroid, between 0 and 2.

    A concept on the centroid has no direction; it counts as unrelated to all others, at distance 1. Refits to a few
    hundred answers come to that when one concept runs away from all the rest.
    """
    array = space.get(centred)
    norm = np.linalg.norm(array, axis=1)
    array = np.where(norm[:, None] > 1e-12, array / np.maximum(norm, 1e-12)[:, None], 0.0)
    out = 1 - np.clip(array @ array.T, -1, 1)
    out = (out + out.T) / 2
    np.fill_diagonal(out, 0)
    return out


class RSA(InnerProduct):
    """Pearson or, `ranked`, Spearman correlation of the n(n−1)/2 distances in both spaces, between −1 and 1."""

    bounds = (-1.0, 1.0)
    chance = "zero on average"

    def __init__(self, distance: Callable[[Space], Floats], kind: str, ranked: bool) -> None:
        self.distance, self.ranked = distance, ranked
        self.name = f"rsa_{'spearman' if ranked else 'pearson'}_{distance.__name__}"
        self.description = f"{'rank ' if ranked else ''}correlation of {kind}"

    def entries(self, space: Space) -> Floats:
        """The distances or their ranks, centred and scaled to unit norm: the correlation is the inner product of two."""
        values = space.get(pairwise, self.distance)
        values = ranks(values) if self.ranked else values
        vector = values - values.mean()
        norm = np.linalg.norm(vector)
        if norm <= 1e-12 * len(vector):
            raise BadInput(f"all distances in the {space.who} are equal: their correlation is undefined")
        unit: Floats = vector / norm
        return unit

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        """A pair counts by the product of its concepts' weights; there are no pairs of a concept with itself."""
        i, j = np.triu_indices(len(inputs), 1)
        weight = weights[:, i] * weights[:, j]
        both = (space.get(pairwise, self.distance) for space in (inputs.human, inputs.model))
        x, y = (_weighted_ranks(values, weight) if self.ranked else values[None] for values in both)
        total = weight.sum(1, keepdims=True)
        x = x - (weight * x).sum(1, keepdims=True) / total
        y = y - (weight * y).sum(1, keepdims=True) / total
        squares = (weight * x * x).sum(1) * (weight * y * y).sum(1)
        correlation: Floats = (weight * x * y).sum(1) / np.sqrt(squares)
        return correlation


def pairwise(space: Space, distance: Callable[[Space], Floats]) -> Floats:
    """The n(n−1)/2 distances of a space."""
    return condensed(space.get(distance))


def ranks(values: Floats) -> Floats:
    """Ranks 1…m of a vector, ties sharing their mean (scipy's `rankdata`, without its second of import).

    Values closer than 10⁻¹² of the largest are the same: below that the order is rounding.
    """
    _, code, count = np.unique(
        np.round(values / (np.abs(values).max() or 1), 12), return_inverse=True, return_counts=True
    )
    mean_ranks: Floats = (np.cumsum(count) - (count - 1) / 2.0)[code]
    return mean_ranks


def _weighted_ranks(values: Floats, weight: Floats) -> Floats:
    """Mean rank of each value when it stands as often as its weight (b, m) says; ties share theirs."""
    _, code = np.unique(np.round(values / values.max(), 12), return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    grouped = np.add.reduceat(weight[:, order], starts, axis=1)
    mean_ranks: Floats = (np.cumsum(grouped, axis=1) - grouped / 2)[:, code]
    return mean_ranks


_EUCLIDEAN, _COSINE = "Euclidean distances between concepts", "cosine distances about the centroid"
rsa_spearman_euclidean = RSA(euclidean, _EUCLIDEAN, ranked=True)
rsa_spearman_cosine = RSA(cosine, _COSINE, ranked=True)
rsa_pearson_euclidean = RSA(euclidean, _EUCLIDEAN, ranked=False)
rsa_pearson_cosine = RSA(cosine, _COSINE, ranked=False)
#: The variant meant when none is named: Spearman on Euclidean distances, which is what the ordinal fit orders.
rsa_spearman = rsa_spearman_euclidean
