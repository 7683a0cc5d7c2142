"""Stochastic triplet embedding: a logistic model of the difference of squared distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding, Tensor
from triadic.schema.arrays import Floats


@dataclass(eq=False, kw_only=True)
class STE(OrdinalEmbedding):
    """Embedding by the Gaussian stochastic triplet loss.

    P(nearer) = e^(−d²(a, nearer)) / (e^(−d²(a, nearer)) + e^(−d²(a, farther))); the loss is −ln P.

    van der Maaten & Weinberger (2012), Stochastic triplet embedding, IEEE MLSP, equation 3. Their width parameter is
    absorbed by the scale of the space.
    """

    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        return stochastic_triplet_loss(*values)

    def _torch_losses(self, *values: Tensor) -> Tensor:
        near, far = values
        return torch_softplus(near - far)


def stochastic_triplet_loss(near: Floats, far: Floats) -> tuple[Floats, Floats, Floats]:
    """Loss ln(1 + e^(near − far)) and its slopes in `near` and `far` (squared distances)."""
    loss, slope = softplus(near - far)
    return loss, slope, -slope


def softplus(gap: Floats) -> tuple[Floats, Floats]:
    """ln(1 + e^gap) and its slope, the logistic function; exact for large gaps of either sign."""
    tail = np.exp(-np.abs(gap))
    slope = np.where(gap >= 0, 1.0, tail)
    slope /= 1.0 + tail
    np.log1p(tail, out=tail)
    tail += np.maximum(gap, 0.0)
    return tail, slope


def torch_softplus(gap: Tensor) -> Tensor:
    """ln(1 + e^gap), as exact."""
    return gap.logaddexp(gap.new_zeros(()))
