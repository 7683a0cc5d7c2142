"""The bootstrap over concepts: how far would a figure move with other concepts of the same kind? No refit.

A resample is a weight for each concept: how often it was drawn. A concept drawn twice is never paired with itself: such
a pair has distance zero in both spaces and would count as agreement. Each metric says in its `weighted` form how it
leaves such pairs out; where resampling itself shifts a figure, view `alignment` takes the shift out of the interval.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from triadic.compute.metrics import applicable
from triadic.compute.metrics.inputs import Inputs
from triadic.compute.metrics.metric import BLOCK, Metric
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


def concept_weights(n_concepts: int, n: int, rng: np.random.Generator) -> Floats:
    """How often each concept is drawn in n resamples with replacement: float64 (n, n_concepts); rows sum to n_concepts.

    A resample of fewer than four different concepts, which tiny sets can give, is drawn again: nothing is defined on it.
    """
    even = np.full(n_concepts, 1 / n_concepts)
    out = rng.multinomial(n_concepts, even, size=n)
    while len(few := np.flatnonzero((out > 0).sum(1) < 4)):
        out[few] = rng.multinomial(n_concepts, even, size=len(few))
    return out.astype(float)


def bootstrap_concepts(
    human: ArrayLike,
    model: ArrayLike,
    n: int,
    rng: np.random.Generator,
    metrics: Iterable[str | Metric] | None = None,
    *,
    triplets: ArrayLike | None = None,
    answers: ArrayLike | None = None,
    labels: Iterable[object] | None = None,
) -> dict[str, Floats]:
    """Every metric on n resamples of the concepts: {name: float64 (n,)}. Arguments as in `permutation_null`.

    The same generator state draws the same resamples, so that two models can be compared draw by draw.
    """
    if n < 1:
        raise BadInput(f"{n} resamples: ask for one or more")
    inputs = Inputs(human, model, triplets=triplets, answers=answers, labels=labels)
    weights = concept_weights(len(inputs.model), n, rng)
    blocks = [weights[i : i + BLOCK] for i in range(0, n, BLOCK)]
    return {
        metric.name: np.concatenate([metric.weighted(inputs, block) for block in blocks])
        for metric in applicable(metrics, **inputs.given)
    }
