"""Agreement on the questions themselves: no rotation, no kernel, only which of two concepts is nearer to a third."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from triadic.compute.metrics.inputs import Inputs, Questions, Space
from triadic.compute.metrics.metric import Metric
from triadic.compute.metrics.rsa import euclidean
from triadic.schema.arrays import Floats, Ints


class TripletAgreement(Metric):
    """Share of the reference's own answers that the model's embedding predicts, between 0 and 1; chance is 1/2.

    The reference answers without noise: the option nearer by Euclidean distance. A tie on either side counts one half.
    """

    name = "triplet_agreement"
    needs = ("human", "model", "triplets")
    bounds = (0.0, 1.0)
    description = "share of the reference's own noise-free answers that the model's embedding predicts"
    chance = "one half"

    def value(self, inputs: Inputs) -> float:
        return float(0.5 + self._same(inputs).mean() / 2)

    def shuffled(self, inputs: Inputs, orders: Ints) -> Floats:
        human = inputs.human.get(preference, inputs.triplets)
        drawn = _shuffled_preferences(inputs.model, inputs.triplets, orders)
        return np.array([0.5 + (human * model).mean() / 2 for model in drawn])

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        return _weighted_share(0.5 + self._same(inputs) / 2, inputs.triplets.counts(weights))

    def _same(self, inputs: Inputs) -> Ints:
        """1 for the same preference, −1 for the opposite one, 0 where either is tied."""
        asked = inputs.triplets
        same: Ints = inputs.human.get(preference, asked) * inputs.model.get(preference, asked)
        return same


class AnswerAgreement(Metric):
    """Share of a rater's answers that the reference predicts, between 0 and 1; chance is 1/2.

    With a model's embedding in place of the human one and human answers, it is the share of those that the model
    predicts.
    """

    name = "answer_agreement"
    needs = ("human", "answers")
    bounds = (0.0, 1.0)
    description = "share of the model's answers that the reference predicts"
    chance = "one half"

    def value(self, inputs: Inputs) -> float:
        right = inputs.human.get(preference, inputs.answers) / 2 + 0.5
        return float(np.average(right, weights=inputs.answer_weights))

    def shuffled(self, inputs: Inputs, orders: Ints) -> Floats:
        drawn = _shuffled_preferences(inputs.human, inputs.answers, orders)
        return np.array([(1 + np.average(human, weights=inputs.answer_weights)) / 2 for human in drawn])

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        counts = inputs.answers.counts(weights)
        if inputs.answer_weights is not None:
            counts = counts * inputs.answer_weights
        return _weighted_share(0.5 + inputs.human.get(preference, inputs.answers) / 2, counts)


def preference(space: Space, asked: Questions) -> Ints:
    """+1 where a row's second is nearer to its first than its third is, −1 where farther, 0 for a tie; int8 (m,)."""
    distances, (anchor, left, right) = space.get(euclidean), asked.rows.T
    return _nearer(distances[anchor, left], distances[anchor, right])


def _nearer(left: Floats | Ints, right: Floats | Ints) -> Ints:
    return (left < right).astype(np.int8) - (left > right).astype(np.int8)


def _shuffled_preferences(space: Space, asked: Questions, orders: Ints) -> Iterator[Ints]:
    """`preference` of the shuffled space, one permutation after the other."""
    code, n = space.get(_distance_ranks), len(space)
    anchor, left, right = asked.rows.T
    left, right = anchor * n + left, anchor * n + right
    for order in orders:
        shuffled = code[order[:, None], order].ravel()
        yield _nearer(shuffled.take(left), shuffled.take(right))


def _distance_ranks(space: Space) -> Ints:
    """Ranks instead of distances (n, n): two bytes each, so that the table stays in the fastest cache."""
    _, code = np.unique(space.get(euclidean), return_inverse=True)
    small: Ints = code.reshape(len(space), len(space)).astype(np.uint16 if code.max() < 2**16 else np.int64)
    return small


def _weighted_share(right: Floats, counts: Floats) -> Floats:
    """Mean of `right` (m,) by each row of counts (b, m)."""
    total = counts.sum(1)
    # Of few questions, none may be left: then the answer is a coin's.
    return np.where(total > 0, (counts @ right) / np.where(total > 0, total, 1), 0.5)


triplet_agreement = TripletAgreement()
answer_agreement = AnswerAgreement()
