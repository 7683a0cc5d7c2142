"""Crowd-kernel learning: the loss the paper fits its embeddings with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding, Tensor
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


@dataclass(eq=False, kw_only=True)
class CKL(OrdinalEmbedding):
    """Embedding by the crowd-kernel loss: odds of the answer are the ratio of squared distances, softened by mu.

    P(nearer) = (mu + d²(a, farther)) / (2·mu + d²(a, nearer) + d²(a, farther)); the loss is −ln P.

    >>> import numpy as np
    >>> CKL(n_dims=1, seed=0).fit(np.array([[0, 1, 2], [2, 1, 0]])).score(np.array([[0, 1, 2]]))
    1.0

    Tamuz, Liu, Belongie, Shamir & Kalai (2011), Adaptively learning the crowd kernel, ICML, Section 4 (mu is theirs).
    """

    mu: float = 0.05

    def check_parameters(self, device: str | None = None) -> None:
        """Also: mu is positive."""
        super().check_parameters(device)
        if self.mu <= 0:
            raise BadInput(f"mu is {self.mu!r}: it must be positive, or coinciding items would have no odds")

    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        return crowd_kernel_loss(*values, mu=self.mu)

    def _torch_losses(self, *values: Tensor) -> Tensor:
        near, far = values
        return ((2.0 * self.mu + near + far) / (self.mu + far)).log()


def crowd_kernel_loss(near: Floats, far: Floats, *, mu: float) -> tuple[Floats, Floats, Floats]:
    """Loss −ln((mu + far) / (2·mu + near + far)) and its slopes in `near` and `far` (squared distances)."""
    far = far + mu
    whole = near + far
    whole += mu
    np.reciprocal(whole, out=whole)
    loss = far * whole
    np.log(loss, out=loss)
    np.negative(loss, out=loss)
    np.reciprocal(far, out=far)
    return loss, whole, whole - far
