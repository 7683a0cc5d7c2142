"""Do the known categories of the concepts stand apart in a space?"""

from __future__ import annotations

import numpy as np

from triadic.compute.metrics.inputs import Inputs
from triadic.compute.metrics.metric import Metric
from triadic.compute.metrics.rsa import euclidean
from triadic.schema.arrays import Floats, Ints


class CategorySilhouette(Metric):
    """Mean silhouette of the concepts over their categories (Rousseeuw 1987, Euclidean), between −1 and 1.

    Concepts with no label, or "other", are left out: that is what remains, not a kind. A concept alone in its category
    scores 0. A figure of one space: that of the human reference is what to compare it with. Meaningless categories
    score a little below 0.
    """

    name = "category_silhouette"
    needs = ("model", "labels")
    bounds = (-1.0, 1.0)
    perfect = None
    description = "how far the concepts' categories stand apart in the model's space"
    chance = "a little below zero"

    def value(self, inputs: Inputs) -> float:
        return float(self.weighted(inputs, np.ones((1, len(inputs))))[0])

    def shuffled(self, inputs: Inputs, orders: Ints) -> Floats:
        """Shuffling the concepts shuffles the labels: the concept that stands in each place has that place's."""
        code, distances = inputs.categories, inputs.model.get(euclidean)
        kept = np.flatnonzero(code >= 0)
        places = (order[kept] for order in orders)
        return np.array([silhouettes(distances[np.ix_(place, place)], code[kept][None])[0] for place in places])

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        kept = np.flatnonzero(inputs.categories >= 0)
        distances = inputs.model.get(euclidean)[np.ix_(kept, kept)]
        return silhouettes(distances, inputs.categories[kept][None], weights[:, kept])


def silhouettes(distances: Floats, codes: Ints, weights: Floats | None = None) -> Floats:
    """Mean silhouette for each row of codes (b, n), concepts weighted by weights (b, n); distances (n, n)."""
    weights = np.ones(codes.shape) if weights is None else weights
    inside = codes[:, :, None] == np.arange(codes.max() + 1)  # (b, n, m): is it the concept's category?
    member = inside * weights[:, :, None]
    total = distances @ member  # summed distance of each concept to each category
    size = member.sum(1, keepdims=True)  # (b, 1, m)
    # A concept is no neighbour of itself, nor is a second draw of it: its distance is zero, its weight comes off.
    n_alike = (size * inside).sum(2) - weights
    to_alike = (total * inside).sum(2) / np.where(n_alike > 0, n_alike, 1)
    to_nearest = np.where(inside | (size == 0), np.inf, total / np.where(size > 0, size, 1)).min(2)
    to_nearest = np.where(np.isfinite(to_nearest), to_nearest, 0)
    larger = np.maximum(to_alike, to_nearest)
    score = np.where((n_alike > 0) & (larger > 0), (to_nearest - to_alike) / np.where(larger > 0, larger, 1), 0.0)
    # A resample that drew one category only, or none, separates nothing.
    separable = ((size > 0).sum(2) > 1).all(1)
    return np.where(separable, (score * weights).sum(1) / np.maximum(weights.sum(1), np.finfo(float).tiny), 0.0)


category_silhouette = CategorySilhouette()
