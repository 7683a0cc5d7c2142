"""Do concepts keep the same nearest neighbours?"""

from __future__ import annotations

import numpy as np

from triadic.compute.metrics.inputs import Inputs, Space
from triadic.compute.metrics.metric import InnerProduct
from triadic.compute.metrics.rsa import euclidean
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


class NeighbourOverlap(InnerProduct):
    """Mean share of a concept's k nearest neighbours (Euclidean) that both spaces have in common, between 0 and 1.

    1 ≤ k ≤ n − 2. Unrelated spaces share k/(n − 1). Neighbours at exactly the same distance are taken in the order of
    the concepts. When concepts are resampled, neighbours are found among all of them, and only their mean is resampled.
    """

    name = "knn_overlap"
    bounds = (0.0, 1.0)
    description = "share of each concept's 10 nearest neighbours common to both spaces"
    chance = "10 / (concepts − 1): 0.079 at 128"

    def __init__(self, k: int = 10) -> None:
        if k < 1:
            raise BadInput(f"{k} neighbours: choose 1 or more")
        self.k, self.least = k, k + 2

    def entries(self, space: Space) -> Floats:
        """(n, n): 1 where the column is one of the row's k nearest, else 0. A concept is not its own neighbour."""
        distances = space.get(euclidean).copy()
        np.fill_diagonal(distances, np.inf)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
        out = np.zeros(distances.shape)
        np.put_along_axis(out, nearest, 1.0, axis=1)
        return out

    def value(self, inputs: Inputs) -> float:
        human, model = inputs.human.get(self.entries), inputs.model.get(self.entries)
        return float((human * model).sum() / human.sum())

    def tables(self, inputs: Inputs) -> tuple[Floats, Floats]:
        human, model = super().tables(inputs)
        return human / human.sum(), model

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        human, model = inputs.human.get(self.entries), inputs.model.get(self.entries)
        shared = (human * model).sum(1) / human.sum(1)
        mean: Floats = weights @ shared / weights.sum(1)
        return mean


knn_overlap = NeighbourOverlap()
