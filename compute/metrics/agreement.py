"""Agreement on the questions themselves: no rotation, no kernel, only which of two concepts is nearer to a third."""

import numpy as np

from triadic.compute.metrics.gate import pair, questions, space
from triadic.compute.metrics.rsa import euclidean


def triplet_agreement(human, model, triplets) -> float:
    """Share of the reference's own answers that the model's embedding predicts, between 0 and 1; chance is 1/2.

    human: (n, d_h), model: (n, d_m); triplets: (n_answers, 3) positions of anchor and the two options, in any order.
    The reference answers without noise: the option nearer by Euclidean distance. A tie on either side counts one half.
    """
    human, model = pair(human, model)
    triplets = questions(triplets, len(human))
    return float(
        agree(
            preference(euclidean(human, "human embedding"), triplets),
            preference(euclidean(model, "model embedding"), triplets),
        )
    )


def answer_agreement(human, answers) -> float:
    """Share of a rater's answers that the reference predicts, between 0 and 1; chance is 1/2.

    human: (n, d); answers: (n_answers, 3) positions of anchor, nearer and farther option as the rater chose. With a
    model's embedding in place of the human one and human answers, it is the share of those that the model predicts.
    """
    human = space(human, "human embedding")
    answers = questions(answers, len(human), "answers")
    return float((preference(euclidean(human, "human embedding"), answers) + 1).mean() / 2)


def preference(distances, triplets):
    """+1 where a row's second is nearer to its first than its third is, −1 where farther, 0 for a tie; int8 (n_answers,)."""
    left = distances[triplets[:, 0], triplets[:, 1]]
    right = distances[triplets[:, 0], triplets[:, 2]]
    return (left < right).astype(np.int8) - (left > right).astype(np.int8)


def agree(first, second):
    """Mean of 1 for the same preference, 0 for the opposite one, 1/2 where either is tied."""
    return 0.5 + (first * second).mean() / 2
