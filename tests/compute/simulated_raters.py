"""Raters that are known, for tests and benchmarks: answers simulated from an embedding, and coins.

A simulated rater chooses by a softmax of inner products, as SPoSE (Hebart et al. 2020, Nature Human Behaviour 4) and
VICE (Muttenthaler et al. 2022, NeurIPS, eq. 3) model people: the anchored question leaves two of the three pairs.
"""

import numpy as np

BLOCK = 1 << 20


def simulate_answers(embedding, triplets, rng, temperature=1.0, deterministic=False):
    """Answer anchored questions: P(left) = e^(a·l/T) / (e^(a·l/T) + e^(a·r/T)).

    `embedding` (n_items, n_dims), `triplets` (n, 3) of anchor, left, right. Returns int32 (n, 3) of anchor, nearer,
    farther. `deterministic` takes the larger inner product; exact ties are still coin flips.
    """
    similarity, answers = embedding @ embedding.T, np.array(triplets, dtype=np.int32, order="C")
    for start in range(0, len(answers), BLOCK):
        block = answers[start : start + BLOCK]
        anchor, left, right = block.T
        margin = similarity[anchor, left] - similarity[anchor, right]
        swap = rng.random(len(block)) >= (
            0.5 * (1 + np.sign(margin)) if deterministic else logistic(margin / temperature)
        )
        block[swap, 1:] = block[swap, :0:-1]
    return answers


def simulate_odd_one_out(embedding, triplets, rng, temperature=1.0, deterministic=False):
    """Pick the most similar pair of three: P(i, j) = e^(i·j/T) / (e^(i·j/T) + e^(i·k/T) + e^(j·k/T)).

    Returns int32 (n, 3): the chosen pair, then the odd one, as in the THINGS triplet files.
    """
    similarity, answers = embedding @ embedding.T, np.array(triplets, dtype=np.int32, order="C")
    for start in range(0, len(answers), BLOCK):
        block = answers[start : start + BLOCK]
        i, j, k = block.T
        scores = np.stack([similarity[j, k], similarity[i, k], similarity[i, j]])  # row = position of the odd one
        # The largest score plus Gumbel noise falls where the softmax says (Gumbel-max).
        noise = rng.gumbel(size=scores.shape)
        if deterministic:
            scores = np.where(scores == scores.max(axis=0), noise, -np.inf)  # only exact ties are left to the noise
        else:
            scores = scores / temperature + noise
        odd = scores.argmax(axis=0)
        for position in (0, 1):
            rows = np.flatnonzero(odd == position)
            block[rows, position], block[rows, 2] = block[rows, 2], block[rows, position].copy()
    return answers


def flip_coins(triplets, rng, first_option_rate=0.5):
    """A rater without concepts: takes the option shown first with the given probability, whatever the question.

    Returns int32 (n, 3) of anchor, nearer, farther.
    """
    answers = np.array(triplets, dtype=np.int32, order="C")
    swap = rng.random(len(answers)) >= first_option_rate
    answers[swap, 1:] = answers[swap, :0:-1]
    return answers


def bayes_accuracy(embedding, triplets, temperature=1.0):
    """Best accuracy anybody can reach on anchored answers simulated from `embedding`: mean of max(p, 1 − p)."""
    similarity = embedding @ embedding.T
    anchor, left, right = triplets.T
    margin = np.abs(similarity[anchor, left] - similarity[anchor, right])
    return float(np.mean(logistic(margin / temperature)))


def logistic(margin):
    """1 / (1 + e^−margin), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * margin))
