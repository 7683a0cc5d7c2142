"""Draws that go through the whole pipeline again: other answers → the same fit → the same metrics.

Four questions, one machinery. How far does a figure move with other answers (bootstrap)? What would coin flips with the
model's own first-option rate score? What would people score who answered the same questions (ceiling)? And how alike
are two halves of the people themselves? The fit comes in as a function, so that any algorithm can be asked:

    fit(answers, weights) -> embeddings

with answers (m, 3), weights float64 (b, m) saying how often each answer counts in each of b fits (0: not at all), and
embeddings (b, n_concepts, d). Answers are anchored (anchor, nearer, farther) or odd-one-out (the pair, the odd one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from triadic.compute.metrics.inputs import Questions, Space
from triadic.compute.metrics.metric import Metric
from triadic.compute.metrics.scorer import ReferenceScorer
from triadic.schema.arrays import Bools, Floats, Ints
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import Framing

Fit = Callable[[Ints, Floats], Floats]

#: The answers a question can get, as orders of its three columns: which pair belongs together, then the other one.
WAYS = {
    Framing.anchored: np.array([[0, 1, 2], [0, 2, 1]]),
    Framing.odd_one_out: np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]]),
}

_BLOCK = 25  # fits at a time, so that the weights of a block stay small as doubles


@dataclass(frozen=True)
class Refits:
    """Spaces (n, n_concepts, d) fitted to draws: answers (m, 3), and what each counts in each draw, weights (n, m)."""

    answers: Ints
    weights: Floats | Bools
    embeddings: Floats
    framing: Framing = Framing.anchored

    def score(self, scorer: ReferenceScorer) -> dict[str, Floats]:
        """Every metric of every draw: {name: float64 (n,)}."""
        return _by_metric(
            [
                scorer.score(embedding, self.answers, weights, self.framing)
                for embedding, weights in zip(self.embeddings, self.weights, strict=True)
            ]
        )


def answer_weights(n_answers: int, n: int, rng: Generator) -> Floats:
    """How often each answer is drawn in n resamples with replacement: float64 (n, n_answers); rows sum to n_answers."""
    if n_answers < 1 or n < 1:
        raise BadInput(f"{n} resamples of {n_answers} answers: there must be one or more of each")
    out = np.empty((n, n_answers))
    for row in out:
        row[:] = np.bincount(rng.integers(0, n_answers, n_answers), minlength=n_answers)
    return out


def bootstrap_answers(answers: ArrayLike, draws: ArrayLike, fit: Fit, *, framing: Framing = Framing.anchored) -> Refits:
    """A refit to each resample of answers (m, 3); draws (n, m) from `answer_weights`, times the answers' own weights.

    Refits see fewer different answers (63% on average) and score lower than the figure they are for; `interval` with
    `value` takes that shift out. Raises BadInput.
    """
    answers, draws = np.asarray(answers), np.asarray(draws, dtype=float)
    if draws.ndim != 2 or draws.shape[1] != len(answers):
        raise BadInput(f"draws have shape {draws.shape} for {len(answers)} answers")
    return Refits(answers, draws, _fitted(fit, answers, draws), framing)


def coin_flips(
    asked: ArrayLike, rates: ArrayLike, fit: Fit, n: int, rng: Generator, *, framing: Framing = Framing.anchored
) -> Refits:
    """n fits to coin flips on the same questions.

    asked: (m, 3) as shown: anchor and the options, first one first. rates: how often the model gives each answer of
    `WAYS[framing]`, so that its bias is in the null: (first-option rate, the rest) for anchored questions. Graded
    answers, (m, k) shares per question, are shuffled among the questions instead.
    """
    asked, rates = np.asarray(asked), np.asarray(rates, dtype=float)
    k = len(_ways(framing))
    if rates.shape not in ((k,), (len(asked), k)) or (rates < 0).any() or not np.allclose(rates.sum(-1), 1):
        raise BadInput(f"answer rates of shape {rates.shape} are not {k} shares that sum to 1")
    chosen: Floats | Bools
    if rates.ndim == 1:
        edges = np.cumsum(rates)[:-1]
        chosen = _one_hot(np.searchsorted(edges, rng.random((n, len(asked))), side="right"), k)
    else:
        chosen = np.stack([rates[rng.permutation(len(asked))].T.ravel() for _ in range(n)])
    answers = _all_ways(asked, framing)
    return Refits(answers, chosen, _fitted(fit, answers, chosen), framing)


def simulated_people(
    source: ArrayLike,
    asked: ArrayLike,
    fit: Fit,
    n: int,
    rng: Generator,
    *,
    temperature: float = 1.0,
    framing: Framing = Framing.anchored,
) -> Refits:
    """n fits to simulated people's answers to the same questions: the ceiling.

    source: (n_concepts, d) the space people are simulated from, in which similarity is the inner product (for a human
    reference its coordinates before PCA); they choose by softmax of the similarities of the pairs divided by
    `temperature`. At temperature 0 they never err, and the draws differ by ties only.
    """
    if not (np.isfinite(temperature) and temperature >= 0):
        raise BadInput(f"a temperature of {temperature} is not possible: choose 0 (no noise) or more")
    similar = _similarities(source, asked, framing)
    drawn = []
    for _ in range(n):
        noise = rng.gumbel(size=similar.shape)  # the largest of value plus Gumbel noise falls where the softmax says
        if temperature == 0:
            noisy = np.where(similar == similar.max(0), noise, -np.inf)
        else:
            noisy = similar / temperature + noise
        drawn.append(noisy.argmax(0))
    chosen, answers = _one_hot(np.stack(drawn), len(similar)), _all_ways(np.asarray(asked), framing)
    return Refits(answers, chosen, _fitted(fit, answers, chosen), framing)


def split_halves(
    answers: ArrayLike,
    fit: Fit,
    n: int,
    rng: Generator,
    metrics: Iterable[str | Metric] | None = None,
    *,
    framing: Framing = Framing.anchored,
    triplets: ArrayLike | None = None,
    labels: Iterable[object] | None = None,
) -> dict[str, Floats]:
    """Every metric between the fits to two random halves of one rater's answers (m, 3), n times: {name: float64 (n,)}.

    Each half has m/2 answers, so this is the ceiling at half the data. answer_agreement is the share of the second
    half's answers that the fit to the first predicts.
    """
    answers = np.asarray(answers)
    if len(answers) < 2:
        raise BadInput("split halves need two answers or more")
    half = np.zeros((n, len(answers)), dtype=bool)
    for row in half:
        row[rng.permutation(len(answers))[: len(answers) // 2]] = True
    return _by_metric(
        [
            ReferenceScorer(first, metrics, triplets=triplets, labels=labels).score(second, answers, ~row, framing)
            for first, second, row in zip(_fitted(fit, answers, half), _fitted(fit, answers, ~half), half, strict=True)
        ]
    )


def temperature_for(source: ArrayLike, asked: ArrayLike, accuracy: float) -> float:
    """The temperature at which simulated answers to anchored questions agree so often with the noise-free ones.

    For a reference whose inner products have no scale of their own (a taxonomy), so that its simulated raters err as
    often as people do. accuracy: between 1/2 and 1, the mean of the larger of the two choice probabilities.
    """
    if not 0.5 < accuracy < 1:
        raise BadInput(f"an accuracy of {accuracy} cannot be reached: choose between 1/2 and 1")
    first, second = _similarities(source, asked, Framing.anchored)
    margin = np.abs(first - second)
    scale = margin.mean()
    if scale == 0:
        raise BadInput("all options are equally similar to their anchors: no temperature makes them differ")
    low, high = -30.0, 30.0  # ln of scale/temperature
    for _ in range(60):
        middle = (low + high) / 2
        reached = (1 / (1 + np.exp(-np.minimum(margin / scale * np.exp(middle), 700)))).mean()
        low, high = (middle, high) if reached < accuracy else (low, middle)
    return float(scale / np.exp(middle))


def _ways(framing: Framing) -> Ints:
    if framing not in WAYS:
        raise BadInput(f"no framing {framing!r}: use one of {', '.join(WAYS)}")
    return WAYS[framing]


def _similarities(source: ArrayLike, asked: ArrayLike, framing: Framing) -> Floats:
    """Inner product of the pair that each possible answer joins, (k, m)."""
    rows = Space(source, "reference").rows
    questions, similarity = Questions(asked, len(rows), "questions").rows, rows @ rows.T
    return np.stack([similarity[questions[:, way[0]], questions[:, way[1]]] for way in _ways(framing)])


def _all_ways(asked: Ints, framing: Framing) -> Ints:
    return np.concatenate([asked[:, way] for way in _ways(framing)])


def _one_hot(chosen: Ints, k: int) -> Bools:
    """Choices (b, m) as bool weights (b, k·m) on `_all_ways`."""
    return np.concatenate([chosen == way for way in range(k)], axis=1)


def _fitted(fit: Fit, answers: Ints, weights: Floats | Bools) -> Floats:
    blocks = [weights[i : i + _BLOCK].astype(float) for i in range(0, len(weights), _BLOCK)]
    if not blocks:
        raise BadInput("no draws were asked for")
    found = [np.asarray(fit(answers, block)) for block in blocks]
    if [len(embeddings) for embeddings in found] != [len(block) for block in blocks]:
        raise BadInput("the fit did not return one embedding for each row of weights")
    return np.concatenate(found)


def _by_metric(scores: list[dict[str, float]]) -> dict[str, Floats]:
    return {name: np.array([score[name] for score in scores]) for name in scores[0]}
