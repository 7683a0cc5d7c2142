"""Procrustes R²: how much of the human space is left after turning, mirroring and scaling the model's onto it.

Chance is not zero. With n concepts and d dimensions an unrelated space explains a sizeable share, because the turn
is fitted to the very concepts it is scored on; `procrustes_r2_cv` scores other concepts than it fits.
"""

from __future__ import annotations

import numpy as np

from triadic.compute.metrics.inputs import Inputs, centred
from triadic.compute.metrics.metric import Metric
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput


class ProcrustesR2(Metric):
    """R² = 1 − SSE / SS(human) after the best rotation or reflection and one scale of the model's space.

    Both spaces are centred, the smaller rank padded with zeros. With σ the singular values of HᵀM the optimum is
    R² = (Σσ)² / (SS(H)·SS(M)), between 0 and 1 (Gower and Dijksterhuis, Procrustes Problems, 2004, section 4). At the
    optimum the figure is the same in both directions. Resampled concepts count as they are drawn; with fewer different
    ones (63% on average) the turn fits them better, so that the draws lie above the figure.
    """

    name = "procrustes_r2"
    bounds = (0.0, 1.0)
    description = "share of the human space's squares left after centring, rotation or reflection, and one scale"
    chance = (
        "not zero: 0.11–0.13 for coin flips at 128 concepts and 30 dimensions, more with a reference of more dimensions"
    )

    def value(self, inputs: Inputs) -> float:
        return float(self.weighted(inputs, np.ones((1, len(inputs))))[0])

    def shuffled(self, inputs: Inputs, orders: Ints) -> Floats:
        even = np.ones((1, len(inputs)))
        return self.explained(inputs.human.get(centred), inputs.model.get(centred)[orders], even)

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        return self.explained(inputs.human.get(centred), inputs.model.get(centred)[None], weights)

    def explained(self, human: Floats, models: Floats, weights: Floats) -> Floats:
        """The figure of a stack (b,): models (b or 1, n, d_m) against human (n, d_h), concept weights (b or 1, n)."""
        weight = weights / weights.sum(1, keepdims=True)
        cross, human_square, model_square = _moments(human, models, weight)
        nuclear = np.linalg.svd(cross, compute_uv=False).sum(1)
        # Rounding can pass 1 by one unit in the last place; the bound is exact (Cauchy–Schwarz).
        figure: Floats = np.minimum(1.0, nuclear**2 / (human_square * model_square))
        return figure


class CrossValidatedR2(ProcrustesR2):
    """R² whose centre, turn and scale are fitted on some concepts and scored on the others.

    Σ over held-out concepts of the squared error, divided by their squared distance from the mean of the human
    training concepts; 1 minus that. At most 1, below 0 where predicting the mean is better, and below 0 by chance.
    folds: number of parts, each concept is held out once; seed: of the division into parts. All draws of a resampled
    concept are on one side.
    """

    name = "procrustes_r2_cv"
    bounds = (-float("inf"), 1.0)
    description = "the same, the turn fitted on four fifths of the concepts and scored on the rest"
    chance = "below zero: a turn fitted to noise predicts worse than the mean"

    def __init__(self, folds: int = 5, seed: int = 0) -> None:
        if folds < 2:
            raise BadInput(f"{folds} folds: choose 2 or more")
        self.folds, self.seed = folds, seed
        self.least = 3 * folds  # three concepts or more in each part

    def explained(self, human: Floats, models: Floats, weights: Floats) -> Floats:
        part = fold_of_concept(len(human), self.folds, self.seed)
        error = base = np.zeros(1)
        for fold in range(self.folds):
            train = np.where(part == fold, 0.0, weights)
            test = weights - train
            train = train / train.sum(1, keepdims=True)
            cross, _, model_square = _moments(human, models, train)
            turn, scale = _turn(cross)
            scale = (scale / np.where(model_square > 0, model_square, np.inf))[:, None]
            # ‖h − s·Rm‖² summed over held-out concepts. With padding, R is square and keeps ‖m‖, so the model's
            # dimensions beyond the human's count as error, exactly as in the fitted R².
            held = np.flatnonzero(part == fold)
            h = human[held] - (train @ human)[:, None]  # (b, held, d_h)
            m = models[:, held] - (train[:, None] @ models)  # (b, held, d_m)
            w = test[:, held]
            predicted = m @ turn.transpose(0, 2, 1)
            square = (h**2).sum(2)
            error = error + (w * (square - 2 * scale * (h * predicted).sum(2) + scale**2 * (m**2).sum(2))).sum(1)
            base = base + (w * square).sum(1)
        return 1 - error / base


def fold_of_concept(n: int, folds: int, seed: int) -> Ints:
    """A part 0…folds−1 for each of n concepts, parts equal in size to within one, from the seed."""
    return np.random.default_rng(seed).permutation(np.arange(n) % folds)


def _moments(human: Floats, models: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Weighted, centred cross-products (b, d_h, d_m) and sums of squares (b,), (b,); weight sums to one in each row."""
    human_mean, model_mean = weight @ human, (weight[:, None] @ models)[:, 0]
    cross = (human.T * weight[:, None]) @ models - human_mean[:, :, None] * model_mean[:, None]
    human_square = weight @ (human**2).sum(1) - (human_mean**2).sum(1)
    model_square = (weight * (models**2).sum(2)).sum(1) - (model_mean**2).sum(1)
    return cross, human_square, model_square


def _turn(cross: Floats) -> tuple[Floats, Floats]:
    """The rotation UVᵀ (b, d_h, d_m) nearest each cross-product, and Σσ (b,): Schönemann 1966."""
    u, sigma, vt = np.linalg.svd(cross, full_matrices=False)
    return u @ vt, sigma.sum(1)


procrustes_r2 = ProcrustesR2()
procrustes_r2_cv = CrossValidatedR2()
