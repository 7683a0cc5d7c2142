"""Procrustes R²: how much of the human space is left after turning, mirroring and scaling the model's onto it.

Chance is not zero. With n concepts and d dimensions an unrelated space explains a sizeable share, because the turn
is fitted to the very concepts it is scored on; `procrustes_r2_cv` scores other concepts than it fits.
"""

import numpy as np

from triadic.compute.metrics.gate import centred, pair
from triadic.schema.errors import BadInput


def procrustes_r2(human, model) -> float:
    """R² = 1 − SSE / SS(human) after the best rotation or reflection and one scale of the model's space.

    human: (n, d_h), model: (n, d_m), rows the same concepts; both are centred, the smaller rank padded with zeros.
    With σ the singular values of HᵀM the optimum is R² = (Σσ)² / (SS(H)·SS(M)), between 0 and 1 (Gower and
    Dijksterhuis, Procrustes Problems, 2004, section 4). At the optimum the figure is the same in both directions.
    Raises BadInput for spaces that do not fit together, are not finite, or have no spread.
    """
    human, model = pair(human, model)
    human, model = centred(human, "human embedding"), centred(model, "model embedding")
    nuclear = np.linalg.svd(human.T @ model, compute_uv=False).sum()
    # Rounding can pass 1 by one unit in the last place; the bound is exact (Cauchy–Schwarz).
    return float(min(1.0, nuclear**2 / ((human**2).sum() * (model**2).sum())))


def procrustes_r2_cv(human, model, folds=5, seed=0) -> float:
    """Cross-validated R²: centre, turn and scale are fitted on some concepts and scored on the others.

    Σ over held-out concepts of the squared error, divided by their squared distance from the mean of the human
    training concepts; 1 minus that. At most 1, below 0 where predicting the mean is better, and below 0 by chance.
    folds: number of parts, each concept is held out once; seed: of the division into parts.
    """
    human, model = pair(human, model)
    human, model = centred(human, "human embedding"), centred(model, "model embedding")
    part = fold_of_concept(len(human), folds, seed)
    return float(cross_validated(human, model[None], np.ones((1, len(human))), part)[0])


def fold_of_concept(n, folds, seed):
    """A part 0…folds−1 for each of n concepts, parts equal in size to within one, from the seed."""
    if not 2 <= folds <= n // 3:
        raise BadInput(
            f"{folds} folds of {n} concepts: choose 2 to {n // 3}, so that three concepts or more remain in each"
        )
    return np.random.default_rng(seed).permutation(np.arange(n) % folds)


def explained(human, models, weights):
    """`procrustes_r2` of a stack: models (b, n, d_m) against human (n, d_h), concept weights (b or 1, n)."""
    weight = weights / weights.sum(1, keepdims=True)
    cross, human_square, model_square = _moments(human, models, weight)
    nuclear = np.linalg.svd(cross, compute_uv=False).sum(1)
    return np.minimum(1.0, nuclear**2 / (human_square * model_square))


def cross_validated(human, models, weights, part):
    """`procrustes_r2_cv` of a stack, shapes as in `explained`; part (n,) is the fold of each concept."""
    error = base = 0.0
    for fold in range(part.max() + 1):
        train = np.where(part == fold, 0.0, weights)
        test = weights - train
        train = train / train.sum(1, keepdims=True)
        cross, _, model_square = _moments(human, models, train)
        turn, scale = _turn(cross)
        scale = scale / np.where(model_square > 0, model_square, np.inf)
        # ‖h − s·Rm‖² summed over held-out concepts. With padding, R is square and keeps ‖m‖, so the model's
        # dimensions beyond the human's count as error, exactly as in the fitted R².
        held = np.flatnonzero(part == fold)
        h = human[held] - (train @ human)[:, None]
        m = models[:, held] - (train[:, None] @ models)
        w = test[:, held]
        predicted = m @ turn.transpose(0, 2, 1)
        square = (h**2).sum(2)
        error += (w * (square - 2 * scale[:, None] * (h * predicted).sum(2) + scale[:, None] ** 2 * (m**2).sum(2))).sum(
            1
        )
        base += (w * square).sum(1)
    return 1 - error / base


def _moments(human, models, weight):
    """Weighted, centred cross-products (b, d_h, d_m) and sums of squares (b,), (b,); weight sums to one in each row."""
    human_mean, model_mean = weight @ human, (weight[:, None] @ models)[:, 0]
    cross = (human.T * weight[:, None]) @ models - human_mean[:, :, None] * model_mean[:, None]
    human_square = weight @ (human**2).sum(1) - (human_mean**2).sum(1)
    model_square = (weight * (models**2).sum(2)).sum(1) - (model_mean**2).sum(1)
    return cross, human_square, model_square


def _turn(cross):
    """The rotation UVᵀ (b, d_h, d_m) nearest each cross-product, and Σσ (b,): Schönemann 1966."""
    u, sigma, vt = np.linalg.svd(cross, full_matrices=False)
    return u @ vt, sigma.sum(1)
