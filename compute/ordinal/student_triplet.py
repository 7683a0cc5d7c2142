"""t-distributed stochastic triplet embedding: heavy tails, so that one wrong answer pulls less."""

from __future__ import annotations

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.stochastic_triplet import softplus
from triadic.schema.errors import BadInput


class TSTE(OrdinalEmbedding):
    """Embedding by the Student-t stochastic triplet loss.

    P(nearer) = k(d²(a, nearer)) / (k(d²(a, nearer)) + k(d²(a, farther))), k(s) = (1 + s/alpha)^(−(alpha + 1)/2);
    the loss is −ln P. `alpha` None takes n_dims − 1 degrees of freedom (at least 1), as the authors do.

    van der Maaten & Weinberger (2012), Stochastic triplet embedding, IEEE MLSP, equation 5.
    """

    def __init__(self, n_dims=30, *, alpha=None, **settings):
        super().__init__(n_dims, **settings)
        self.alpha = alpha

    def _check_parameters(self):
        super()._check_parameters()
        if self.alpha is not None and not (np.isfinite(self.alpha) and self.alpha > 0):
            raise BadInput(f"alpha is {self.alpha!r}: degrees of freedom must be positive, or None for n_dims − 1")

    def _losses(self, near, far):
        return student_triplet_loss(near, far, max(self.n_dims - 1, 1) if self.alpha is None else self.alpha)


def student_triplet_loss(near: np.ndarray, far: np.ndarray, alpha: float):
    """Loss ln(1 + ((alpha + near)/(alpha + far))^((alpha + 1)/2)) and its slopes in `near` and `far`."""
    power = 0.5 * (alpha + 1.0)
    near = near + alpha
    far = far + alpha
    loss, slope = softplus(power * np.log(near / far))
    slope *= power
    return loss, slope / near, -slope / far
