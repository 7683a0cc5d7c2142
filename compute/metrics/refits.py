"""Draws that go through the whole pipeline again: other answers → the same fit → the same metrics.

Four questions, one machinery. How far does a figure move with other answers (bootstrap)? What would coin flips with the
model's own first-option rate score? What would people score who answered the same questions (ceiling)? And how alike
are two halves of the people themselves? The fit comes in as a function, so that any algorithm can be asked:

    fit(answers, weights) -> embeddings

with answers (m, 3), weights float64 (b, m) saying how often each answer counts in each of b fits (0: not at all), and
embeddings (b, n_concepts, d). Answers are anchored (anchor, nearer, farther) or odd-one-out (the pair, the odd one).
"""

from collections.abc import Callable

import numpy as np

from triadic.compute.metrics.agreement import preference
from triadic.compute.metrics.gate import questions, space
from triadic.compute.metrics.registry import applicable
from triadic.compute.metrics.rsa import euclidean
from triadic.schema.errors import BadInput

Fit = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: The answers a question can get, as orders of its three columns: which pair belongs together, then the other one.
WAYS = {"anchored": np.array([[0, 1, 2], [0, 2, 1]]), "odd-one-out": np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])}


def answer_weights(n_answers, n, rng):
    """How often each answer is drawn in n resamples with replacement: float64 (n, n_answers); rows sum to n_answers."""
    if n_answers < 1 or n < 1:
        raise BadInput(f"{n} resamples of {n_answers} answers: there must be one or more of each")
    out = np.empty((n, n_answers))
    for row in out:
        row[:] = np.bincount(rng.integers(0, n_answers, n_answers), minlength=n_answers)
    return out


def bootstrap_answers(human, answers, fit: Fit, draws, metrics=None, *, framing="anchored", **given):
    """Every metric after a refit to each resample of the answers: {name: float64 (n,)}.

    human: (n_concepts, d); answers: (m, 3); draws: float64 (n, m), what each answer counts in each resample, from
    `answer_weights` (times the answers' own weights where they are graded); given: triplets and labels for the metrics
    that need them. Refits see fewer different answers (63% on average) and score lower than the figure they are for:
    `interval` with `value` takes that shift out. Raises BadInput.
    """
    answers = questions(answers, len(space(human)), "answers")
    draws = np.asarray(draws, dtype=float)
    if draws.ndim != 2 or draws.shape[1] != len(answers):
        raise BadInput(f"draws have shape {draws.shape} for {len(answers)} answers")
    return _score(human, answers, draws, fit, metrics, framing, given)


def coin_flip_null(human, asked, rates, fit: Fit, n, rng, metrics=None, *, framing="anchored", **given):
    """Every metric after n fits to coin flips on the same questions: {name: float64 (n,)}.

    asked: (m, 3) as shown: anchor and the options, first one first. rates: how often the model gives each answer of
    `WAYS[framing]`, so that its bias is in the null; (first-option rate, the rest) for anchored questions. Graded
    answers, (m, k) shares per question, are shuffled among the questions instead.
    """
    asked = questions(asked, len(space(human)), "questions")
    rates = np.asarray(rates, dtype=float)
    k = len(WAYS[framing])
    if rates.shape not in ((k,), (len(asked), k)) or (rates < 0).any() or not np.allclose(rates.sum(-1), 1):
        raise BadInput(f"answer rates of shape {rates.shape} are not {k} shares that sum to 1")
    if rates.ndim == 1:
        edges = np.cumsum(rates)[:-1]
        chosen = _one_hot((np.searchsorted(edges, rng.random((n, len(asked))), side="right")), k)
    else:
        chosen = np.stack([rates[rng.permutation(len(asked))].T.ravel() for _ in range(n)])
    return _score(human, _all_ways(asked, framing), chosen, fit, metrics, framing, given)


def simulated_ceiling(
    human, source, asked, fit: Fit, n, rng, metrics=None, *, temperature=1.0, framing="anchored", **given
):
    """Every metric after n fits to simulated people's answers to the same questions: {name: float64 (n,)}.

    source: (n_concepts, d) the space people are simulated from, in which similarity is the inner product (for a human
    reference its coordinates before PCA); they choose by softmax of the similarities of the pairs divided by
    `temperature`. At temperature 0 they never err, and the draws differ by ties only. `human` is compared with.
    """
    asked = questions(asked, len(space(human)), "questions")
    if not (np.isfinite(temperature) and temperature >= 0):
        raise BadInput(f"a temperature of {temperature} is not possible: choose 0 (no noise) or more")
    similar = _similarities(source, asked, framing)
    chosen = []
    for _ in range(n):
        noise = rng.gumbel(size=similar.shape)  # the largest of value plus Gumbel noise falls where the softmax says
        if temperature == 0:
            noisy = np.where(similar == similar.max(0), noise, -np.inf)
        else:
            noisy = similar / temperature + noise
        chosen.append(noisy.argmax(0))
    chosen = _one_hot(np.stack(chosen), len(similar))
    return _score(human, _all_ways(asked, framing), chosen, fit, metrics, framing, given)


def split_halves(answers, fit: Fit, n, rng, n_concepts, metrics=None, *, framing="anchored", **given):
    """Every metric between the fits to two random halves of one rater's answers, n times: {name: float64 (n,)}.

    answers: (m, 3). Each half has m/2 answers, so this is the ceiling at half the data. answer_agreement is the share
    of the second half's answers that the fit to the first predicts.
    """
    answers = questions(answers, n_concepts, "answers")
    if len(answers) < 2:
        raise BadInput("split halves need two answers or more")
    half = np.zeros((n, len(answers)))
    for row in half:
        row[rng.permutation(len(answers))[: len(answers) // 2]] = 1
    first, second = _fitted(fit, answers, half), _fitted(fit, answers, 1 - half)
    drawn = [
        _figures(a, b, answers, 1 - row, metrics, framing, given) for a, b, row in zip(first, second, half, strict=True)
    ]
    return {name: np.array([each[name] for each in drawn]) for name in drawn[0]}


def temperature_for(source, asked, accuracy):
    """The temperature at which simulated answers to anchored questions agree so often with the noise-free ones.

    For a reference whose inner products have no scale of their own (a taxonomy), so that its simulated raters err as
    often as people do. accuracy: between 1/2 and 1, the mean of the larger of the two choice probabilities.
    """
    if not 0.5 < accuracy < 1:
        raise BadInput(f"an accuracy of {accuracy} cannot be reached: choose between 1/2 and 1")
    first, second = _similarities(source, questions(asked, len(space(source)), "questions"), "anchored")
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


def _similarities(source, asked, framing):
    """Inner product of the pair that each possible answer joins, (k, m)."""
    source = space(source, "reference")
    similarity = source @ source.T
    return np.stack([similarity[asked[:, way[0]], asked[:, way[1]]] for way in WAYS[framing]])


def _all_ways(asked, framing):
    return np.concatenate([asked[:, way] for way in WAYS[framing]])


def _one_hot(chosen, k):
    """Choices (b, m) as weights (b, k·m) on `_all_ways`."""
    return np.concatenate([chosen == way for way in range(k)], axis=1).astype(float)


def _fitted(fit, answers, weights):
    embeddings = np.asarray(fit(answers, weights))
    if len(embeddings) != len(weights):
        raise BadInput(f"the fit returned {len(embeddings)} embeddings for {len(weights)} sets of weights")
    return embeddings


def _score(human, answers, weights, fit, metrics, framing, given):
    drawn = [
        _figures(human, embedding, answers, row, metrics, framing, given)
        for embedding, row in zip(_fitted(fit, answers, weights), weights, strict=True)
    ]
    return {name: np.array([each[name] for each in drawn]) for name in (drawn[0] if drawn else ())}


def _figures(human, model, answers, weights, metrics, framing, given):
    out = {}
    for metric in applicable(metrics, human=human, model=model, answers=answers, **given):
        if metric.name == "answer_agreement":
            out[metric.name] = weighted_answer_agreement(human, answers, weights, framing)
        else:
            out[metric.name] = metric(human, model, **given)
    return out


def weighted_answer_agreement(human, answers, weights=None, framing="anchored") -> float:
    """`answer_agreement` where answers count by weights (m,). A pair joined over an odd one is two anchored answers."""
    distances = euclidean(human, "human embedding")
    right = preference(distances, answers) / 2 + 0.5
    if framing == "odd-one-out":
        right = (right + preference(distances, answers[:, [1, 0, 2]]) / 2 + 0.5) / 2
    return float(np.average(right, weights=weights))
