"""Soft ordinal embedding: distances in the right order by a margin, and no probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding, Tensor
from triadic.schema.arrays import Floats

# Distances are √(d² + this): their slope would be infinite where two items coincide.
_SOFTENING = 1e-10


@dataclass(eq=False, kw_only=True)
class SOE(OrdinalEmbedding):
    """Embedding by the soft ordinal loss: max(0, margin + d(a, nearer) − d(a, farther))², d not squared.

    The margin only sets the scale of the space; it is 1. A space that knows nothing has loss 1.

    Terada & von Luxburg (2014), Local ordinal embedding, ICML, equation 2 (for quadruples; a triplet shares an item).
    """

    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        return soft_ordinal_loss(*values)

    def _torch_losses(self, *values: Tensor) -> Tensor:
        near, far = values
        return (1.0 + (near + _SOFTENING).sqrt() - (far + _SOFTENING).sqrt()).relu().square()


def soft_ordinal_loss(near: Floats, far: Floats) -> tuple[Floats, Floats, Floats]:
    """Loss max(0, 1 + √near − √far)² and its slopes in `near` and `far` (squared distances)."""
    near, far = np.sqrt(near + _SOFTENING), np.sqrt(far + _SOFTENING)
    violation = np.maximum(near - far + 1.0, 0.0)
    return violation * violation, violation / near, -violation / far
