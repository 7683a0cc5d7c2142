"""One reference, prepared once, against many spaces: what refits by the hundred are scored with."""

from __future__ import annotations

from collections.abc import Iterable

from numpy.typing import ArrayLike

from triadic.compute.metrics import applicable
from triadic.compute.metrics.inputs import Inputs
from triadic.compute.metrics.metric import Metric
from triadic.schema.arrays import Floats
from triadic.schema.vocabulary import Framing


class ReferenceScorer:
    """Scores spaces against `human` (n_concepts, d) on every metric that triplets (m, 3) and labels allow.

    The figures of the metrics, several times as fast, since what is derived of the reference is kept. metrics: names
    or metrics, all by default.
    """

    def __init__(
        self,
        human: ArrayLike,
        metrics: Iterable[str | Metric] | None = None,
        *,
        triplets: ArrayLike | None = None,
        labels: Iterable[object] | None = None,
    ) -> None:
        self._reference = Inputs(human, triplets=triplets, labels=labels)
        human_space = self._reference.human
        self.human: Floats = human_space.rows
        given = {"human": human_space, "model": human_space, "answers": True}  # these two come with each space
        self.metrics = applicable(metrics, **(self._reference.given | given))
        if any("triplets" in metric.needs for metric in self.metrics):
            _ = self._reference.triplets  # checked now, once

    def score(
        self,
        model: ArrayLike,
        answers: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        framing: Framing = Framing.anchored,
    ) -> dict[str, float]:
        """Every figure of one space; answers (m, 3), counting by weights (m,), are for metrics that need them."""
        inputs = self._reference.replace(model=model, answers=answers, weights=weights, framing=framing)
        _ = inputs.model  # refused if it does not fit, whichever metrics are wanted
        return {metric.name: metric.value(inputs) for metric in self.metrics if inputs.given.keys() >= {*metric.needs}}
