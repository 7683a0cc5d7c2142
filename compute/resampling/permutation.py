"""The permutation null: what a metric scores when the model's concepts are shuffled against the human ones.

A thousand shuffles cost little more than one figure, because nothing but positions changes: distances, ranks, Gram
matrices and neighbours are computed once and re-indexed, all inner products of tables in one pass, and what needs the
singular values of small cross-products takes them as one stack.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from triadic.compute.metrics import applicable
from triadic.compute.metrics.inputs import Inputs
from triadic.compute.metrics.metric import BLOCK, InnerProduct, Metric, shuffle_products
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


def permutation_null(
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
    """Every metric under n random pairings of the two spaces' concepts: {name: float64 (n,)}.

    human: (n_concepts, d_h), model: (n_concepts, d_m); metrics: names or metrics, all that the given triplets (m, 3),
    answers (m, 3) and labels allow by default. Draw i uses the same permutation for every metric. Raises BadInput as
    the metrics do.
    """
    if n < 1:
        raise BadInput(f"{n} permutations: ask for one or more")
    inputs = Inputs(human, model, triplets=triplets, answers=answers, labels=labels)
    orders = np.array([rng.permutation(len(inputs.model)) for _ in range(n)])
    chosen = applicable(metrics, **inputs.given)
    products = [metric for metric in chosen if isinstance(metric, InnerProduct)]
    drawn: dict[Metric, Floats] = {}
    if products:
        drawn |= zip(products, shuffle_products(products, inputs, orders), strict=True)
    for metric in chosen:
        if metric not in drawn:
            blocks = (orders[i : i + BLOCK] for i in range(0, n, BLOCK))
            drawn[metric] = np.concatenate([metric.shuffled(inputs, block) for block in blocks])
    return {metric.name: drawn[metric] for metric in chosen}
