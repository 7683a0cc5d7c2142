"""What a metric is: one object in one file, with its facts, its value, and its fast forms where it has any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from triadic.compute.metrics.inputs import Inputs, Space
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

#: Draws at a time: 50 × 128 × 30 doubles stay in cache, and memory does not grow with the number of draws.
BLOCK = 50


class Metric(ABC):
    """How alike two spaces of the same concepts are, or how well a space agrees with answers or categories.

    A subclass states its facts and its `value`. `shuffled` and `weighted` give many figures at once; left out, they
    are computed from `value`. Work that metrics share goes through `Space.get`, which does it once for a space; so one
    human space in many `Inputs` is prepared once. Instances are called like functions: `metric(human, model)`.
    """

    name: str  #: the variant in the name; the name that the instance is imported by
    needs: tuple[str, ...] = ("human", "model")  #: out of human, model, triplets, answers and labels
    bounds: tuple[float, float]  #: the least and the greatest possible value
    perfect: float | None = 1.0  #: what a copy of the human space scores; None where that depends on the space
    description: str
    chance: str  #: what unrelated spaces score
    least: int = 4  #: how many concepts it needs
    by_default: bool = True  #: False: computed only where it is asked for by name

    @abstractmethod
    def value(self, inputs: Inputs) -> float:
        """The figure; `inputs` have all that the metric needs."""

    def shuffled(self, inputs: Inputs, orders: Ints) -> Floats:
        """The figure (b,) when the concepts of the model stand in each of `orders` (b, n) against the human ones.

        Of a metric that needs no model's space, it is the human concepts that are shuffled against the answers.
        """
        moved = "model" if "model" in self.needs else "human"
        space: Space = getattr(inputs, moved)
        return np.array([self.value(inputs.replace(**{moved: Space(space.rows[o], space.who)})) for o in orders])

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        """The figure (b,) on each resample of the concepts, `weights` (b, n) saying how often each was drawn.

        Computed from `value` on repeated rows, which pairs a concept with its own copies, at distance zero in both
        spaces: a metric on pairs should leave them out in a form of its own. BadInput for weights that are no counts.
        """
        times = weights.astype(np.intp)
        if (times != weights).any() or (times < 0).any():
            raise BadInput(f"{self.name} resamples whole concepts: weights must be counts, 0 or more")
        return np.array([self.value(inputs.repeat(row)) for row in times])

    def __call__(
        self,
        human: ArrayLike | None = None,
        model: ArrayLike | None = None,
        *,
        triplets: ArrayLike | None = None,
        answers: ArrayLike | None = None,
        labels: Iterable[object] | None = None,
    ) -> float:
        """The figure, from whatever of the five the metric needs, shapes as in `Inputs`; BadInput names what is missing."""
        given = Inputs(human, model, triplets=triplets, answers=answers, labels=labels).given
        for need in self.needs:
            if need not in given:
                raise BadInput(f"{self.name} needs {need}, and none were given")
        return self.value(Inputs(**{need: given[need] for need in self.needs}, least=self.least))

    def __repr__(self) -> str:
        return f"<metric {self.name}>"


class InnerProduct(Metric):
    """A metric that is the sum of products of two tables, one of each space.

    A subclass gives what of a space is compared. Shuffling concepts re-indexes the second table and computes nothing
    anew, which `shuffle_products` does for several such metrics in one pass.
    """

    @abstractmethod
    def entries(self, space: Space) -> Floats:
        """What of a space is compared: a table (n, n), or of a symmetric one the n(n−1)/2 entries above the diagonal."""

    def value(self, inputs: Inputs) -> float:
        """The inner product, clipped to the bounds, which rounding can pass by a unit in the last place."""
        human, model = inputs.human.get(self.entries), inputs.model.get(self.entries)
        return float(np.clip(human.ravel() @ model.ravel(), *self.bounds))

    def tables(self, inputs: Inputs) -> tuple[Floats, Floats]:
        """The two (n, n) tables whose sum of products is the metric."""
        human, model = inputs.human.get(self.entries), inputs.model.get(self.entries)
        return (human, model) if human.ndim == 2 else (square(human), square(model))

    def shuffled(self, inputs: Inputs, orders: Ints) -> Floats:
        """As `Metric.shuffled`."""
        return shuffle_products([self], inputs, orders)[0]


def shuffle_products(metrics: Sequence[InnerProduct], inputs: Inputs, orders: Ints) -> list[Floats]:
    """`shuffled` of several metrics in one pass: one array (b,) each."""
    tables = [metric.tables(inputs) for metric in metrics]
    human = np.stack([first.ravel() for first, _ in tables])
    model = np.stack([second.ravel() for _, second in tables], axis=1)  # one row per pair, read together
    n = orders.shape[1]
    drawn = np.empty((len(orders), len(tables)))
    for i, order in enumerate(orders):
        flat = (order[:, None] * n + order).ravel()
        drawn[i] = np.einsum("mp,pm->m", human, model.take(flat, axis=0))
    return list(drawn.T)


def condensed(square: Floats) -> Floats:
    """The n(n−1)/2 entries above the diagonal of (n, n)."""
    entries: Floats = square[np.triu_indices(len(square), 1)]
    return entries


def square(vector: Floats) -> Floats:
    """A condensed vector as a symmetric table whose sum of products is that of the vectors."""
    n = round((1 + np.sqrt(1 + 8 * len(vector))) / 2)
    out = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = vector / np.sqrt(2)
    return out + out.T
