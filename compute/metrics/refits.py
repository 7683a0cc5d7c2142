"""Draws that go through the whole pipeline again: other answers → the same fit → the same metrics.

Four questions, one machinery. How far does a figure move with other answers (bootstrap)? What would coin flips with the
model's own first-option rate score? What would people score who answered the same questions (ceiling)? And how alike
are two halves of the people themselves? The fit comes in as a function, so that any algorithm can be asked:

    fit(answers, weights) -> embeddings

with answers (m, 3) of anchor, nearer and farther, weights float64 (b, m) saying how often each answer counts in each of
b fits (0: not at all), and embeddings (b, n_concepts, d).
"""

from collections.abc import Callable

import numpy as np

from triadic.compute.metrics.agreement import preference
from triadic.compute.metrics.gate import questions, space
from triadic.compute.metrics.registry import applicable
from triadic.compute.metrics.rsa import euclidean
from triadic.schema.errors import BadInput

Fit = Callable[[np.ndarray, np.ndarray], np.ndarray]


def answer_weights(n_answers, n, rng):
    """How often each answer is drawn in n resamples with replacement: float64 (n, n_answers), rows sum to n_answers."""
    if n_answers < 1 or n < 1:
        raise BadInput(f"{n} resamples of {n_answers} answers: there must be one or more of each")
    out = np.empty((n, n_answers))
    for row in out:
        row[:] = np.bincount(rng.integers(0, n_answers, n_answers), minlength=n_answers)
    return out


def bootstrap_answers(human, answers, fit: Fit, n, rng, metrics=None, *, weights=None, draws=None, **given):
    """Every metric after n refits to resampled answers: {name: float64 (n,)}.

    human: (n_concepts, d); answers: (m, 3) of anchor, nearer, farther; weights: (m,) where answers are graded; an
    answer is drawn as a whole and brings its weight. draws: (n, m) counts drawn elsewhere, for resamples that are the
    same questions in two models; rng is not used then. given: triplets and labels for the metrics that need them.
    Raises BadInput, and refuses (never drops) draws whose fit is not finite.
    """
    answers = questions(answers, len(space(human)), "answers")
    draws = answer_weights(len(answers), n, rng) if draws is None else np.asarray(draws, dtype=float)
    if draws.shape != (n, len(answers)):
        raise BadInput(f"draws have shape {draws.shape} for {n} resamples of {len(answers)} answers")
    return _score(human, answers, draws if weights is None else draws * weights, fit, metrics, given)


def coin_flip_null(human, asked, first_option_rate, fit: Fit, n, rng, metrics=None, **given):
    """Every metric after n fits to coin flips on the same questions: {name: float64 (n,)}.

    asked: (m, 3) of anchor, option shown first, option shown second; first_option_rate: how often the model takes the
    first, so that its bias is in the null.
    """
    if not 0 <= first_option_rate <= 1:
        raise BadInput(f"a first-option rate of {first_option_rate} is no share")
    asked = questions(asked, len(space(human)), "questions")
    return _score(human, *_choices(asked, rng.random((n, len(asked))) < first_option_rate), fit, metrics, given)


def simulated_ceiling(human, source, asked, fit: Fit, n, rng, metrics=None, *, temperature=1.0, **given):
    """Every metric after n fits to simulated people's answers to the same questions: {name: float64 (n,)}.

    source: (n_concepts, d) the space people are simulated from, in which similarity is the inner product (for a human
    reference its coordinates before PCA); they choose by softmax of the two similarities divided by `temperature`. At
    temperature 0 they never err, and one draw is all there is but for ties. `human` is what metrics compare with.
    """
    asked = questions(asked, len(space(human)), "questions")
    difference = _difference(source, asked)
    return _score(human, *_choices(asked, _first(difference, temperature, n, rng)), fit, metrics, given)


def split_halves(answers, fit: Fit, n, rng, n_concepts, metrics=None, **given):
    """Every metric between the fits to two random halves of one rater's answers, n times: {name: float64 (n,)}.

    answers: (m, 3) of anchor, nearer, farther. Each half has m/2 answers, so that this is the ceiling at half the data.
    answer_agreement is the share of the second half's answers that the fit to the first predicts.
    """
    answers = questions(answers, n_concepts, "answers")
    if len(answers) < 2:
        raise BadInput("split halves need two answers or more")
    half = np.zeros((n, len(answers)))
    for row in half:
        row[rng.permutation(len(answers))[: len(answers) // 2]] = 1
    first, second = _fitted(fit, answers, half), _fitted(fit, answers, 1 - half)
    drawn = [_figures(a, b, answers, 1 - row, metrics, given) for a, b, row in zip(first, second, half, strict=True)]
    return {name: np.array([each[name] for each in drawn]) for name in drawn[0]}


def temperature_for(source, asked, accuracy):
    """The temperature at which simulated answers to these questions agree with the source's noise-free ones so often.

    For a reference whose inner products have no scale of their own (a taxonomy), so that its simulated raters err as
    often as people do. accuracy: between 1/2 and 1, the mean of the larger of the two choice probabilities.
    """
    if not 0.5 < accuracy < 1:
        raise BadInput(f"an accuracy of {accuracy} cannot be reached: choose between 1/2 and 1")
    difference = np.abs(_difference(source, questions(asked, len(space(source)), "questions")))
    difference = difference / (difference.mean() or 1.0)
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = (1 / (1 + np.exp(-np.minimum(difference * np.exp(middle), 700)))).mean()
        low, high = (middle, high) if reached < accuracy else (low, middle)
    return float(np.abs(_difference(source, np.asarray(asked))).mean() / np.exp(middle))


def _difference(source, asked):
    """Similarity of the anchor with the first option minus that with the second, (m,)."""
    source = space(source, "reference")
    similarity = source @ source.T
    return similarity[asked[:, 0], asked[:, 1]] - similarity[asked[:, 0], asked[:, 2]]


def _first(difference, temperature, n, rng):
    """n times: is the first option taken? bool (n, m)."""
    if temperature < 0 or not np.isfinite(temperature):
        raise BadInput(f"a temperature of {temperature} is not possible: choose 0 (no noise) or more")
    if temperature == 0:
        return np.where(difference == 0, rng.random((n, len(difference))) < 0.5, difference > 0)
    # Logistic noise added to the difference is the softmax of two options.
    return difference / temperature + rng.logistic(size=(n, len(difference))) > 0


def _choices(asked, first):
    """Both answers to every question, and the weights (b, 2m) that say which was given in each draw."""
    return np.concatenate([asked, asked[:, [0, 2, 1]]]), np.concatenate([first, ~first], axis=1).astype(float)


def _fitted(fit, answers, weights):
    embeddings = np.asarray(fit(answers, weights))
    if len(embeddings) != len(weights):
        raise BadInput(f"the fit returned {len(embeddings)} embeddings for {len(weights)} sets of weights")
    return embeddings


def _score(human, answers, weights, fit, metrics, given):
    drawn = [
        _figures(human, embedding, answers, row, metrics, given)
        for embedding, row in zip(_fitted(fit, answers, weights), weights, strict=True)
    ]
    return {name: np.array([each[name] for each in drawn]) for name in drawn[0]}


def _figures(human, model, answers, weights, metrics, given):
    out = {}
    for metric in applicable(metrics, human=human, model=model, answers=answers, **given):
        if metric.name == "answer_agreement":
            right = (1 + preference(euclidean(human, "human embedding"), answers)) / 2
            out[metric.name] = float(weights @ right / weights.sum())
        else:
            out[metric.name] = metric(human, model, **given)
    return out
