"""Raters that are known: answers simulated from an embedding, and coins.

A simulated rater chooses by a softmax of inner products, as SPoSE (Hebart et al. 2020, Nature Human Behaviour 4) and
VICE (Muttenthaler et al. 2022, NeurIPS, eq. 3) model people: the anchored question leaves two of the three pairs.
"""

from __future__ import annotations

import numpy as np

from triadic.schema.errors import BadInput

_BLOCK = 1 << 20


def simulate_answers(
    embedding: np.ndarray,
    triplets: np.ndarray,
    rng: np.random.Generator,
    temperature: float = 1.0,
    deterministic: bool = False,
) -> np.ndarray:
    """Answer anchored questions: P(left) = e^(a·l/T) / (e^(a·l/T) + e^(a·r/T)).

    `embedding` (n_items, n_dims), `triplets` (n, 3) of anchor, left, right. Returns int32 (n, 3) of anchor, nearer,
    farther. `deterministic` takes the larger inner product; exact ties are still coin flips.
    """
    similarity, triplets = _gate(embedding, triplets, temperature)
    answers = np.array(triplets, dtype=np.int32, order="C")
    for start in range(0, len(answers), _BLOCK):
        block = answers[start : start + _BLOCK]
        anchor, left, right = block.T
        margin = similarity[anchor, left] - similarity[anchor, right]
        swap = rng.random(len(block)) >= _left_rate(margin / temperature, deterministic)
        block[swap, 1:] = block[swap, :0:-1]
    return answers


def simulate_odd_one_out(
    embedding: np.ndarray,
    triplets: np.ndarray,
    rng: np.random.Generator,
    temperature: float = 1.0,
    deterministic: bool = False,
) -> np.ndarray:
    """Pick the most similar pair of three: P(i, j) = e^(i·j/T) / (e^(i·j/T) + e^(i·k/T) + e^(j·k/T)).

    Returns int32 (n, 3): the chosen pair, then the odd one, as in the THINGS triplet files.
    """
    similarity, triplets = _gate(embedding, triplets, temperature)
    answers = np.array(triplets, dtype=np.int32, order="C")
    for start in range(0, len(answers), _BLOCK):
        block = answers[start : start + _BLOCK]
        i, j, k = block.T
        scores = np.stack([similarity[j, k], similarity[i, k], similarity[i, j]])  # row = position of the odd one
        # The largest score plus Gumbel noise falls where the softmax says (Gumbel-max).
        noise = rng.gumbel(size=scores.shape)
        if deterministic:
            # Only exact ties are left to the noise.
            scores = np.where(scores == scores.max(axis=0), noise, -np.inf)
        else:
            scores = scores / temperature + noise
        odd = scores.argmax(axis=0)
        for position in (0, 1):
            rows = np.flatnonzero(odd == position)
            block[rows, position], block[rows, 2] = block[rows, 2], block[rows, position].copy()
    return answers


def flip_coins(triplets: np.ndarray, rng: np.random.Generator, first_option_rate: float = 0.5) -> np.ndarray:
    """A rater without concepts: takes the option shown first with the given probability, whatever the question.

    Returns int32 (n, 3) of anchor, nearer, farther.
    """
    if not 0.0 <= first_option_rate <= 1.0:
        raise BadInput(f"first_option_rate is {first_option_rate!r}: a probability lies between 0 and 1")
    answers = np.array(_questions(triplets), dtype=np.int32, order="C")
    swap = rng.random(len(answers)) >= first_option_rate
    answers[swap, 1:] = answers[swap, :0:-1]
    return answers


def bayes_accuracy(embedding: np.ndarray, triplets: np.ndarray, temperature: float = 1.0) -> float:
    """Best accuracy anybody can reach on anchored answers simulated from `embedding`: mean of max(p, 1 − p)."""
    similarity, triplets = _gate(embedding, triplets, temperature)
    anchor, left, right = triplets.T
    margin = np.abs(similarity[anchor, left] - similarity[anchor, right])
    return float(np.mean(_left_rate(margin / temperature, deterministic=False)))


def _left_rate(margin: np.ndarray, deterministic: bool) -> np.ndarray:
    if deterministic:
        return 0.5 * (1.0 + np.sign(margin))
    return 0.5 * (1.0 + np.tanh(0.5 * margin))  # the logistic function, without overflow


def _gate(embedding: np.ndarray, triplets: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    embedding = np.asarray(embedding, dtype=np.float64)
    if embedding.ndim != 2 or not np.isfinite(embedding).all():
        raise BadInput("embedding must be a finite array (n_items, n_dims)")
    if not (np.isfinite(temperature) and temperature > 0):
        raise BadInput(f"temperature is {temperature!r}: it must be positive")
    triplets = _questions(triplets)
    if len(triplets) and (triplets.min() < 0 or triplets.max() >= len(embedding)):
        raise BadInput(f"triplets name items outside 0 … {len(embedding) - 1}")
    return embedding @ embedding.T, triplets


def _questions(triplets: np.ndarray) -> np.ndarray:
    triplets = np.asarray(triplets)
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.dtype.kind not in "iu":
        raise BadInput(f"triplets must be an integer array (n, 3), not {triplets.dtype} {triplets.shape}")
    return triplets
