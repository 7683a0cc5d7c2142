"""Crowd-kernel learning: the loss the paper fits its embeddings with."""

from __future__ import annotations

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.schema.errors import BadInput


class CKL(OrdinalEmbedding):
    """Embedding by the crowd-kernel loss: odds of the answer are the ratio of squared distances, softened by mu.

    P(nearer) = (mu + d²(a, farther)) / (2·mu + d²(a, nearer) + d²(a, farther)); the loss is −ln P.

    >>> import numpy as np
    >>> CKL(n_dims=1, seed=0).fit(np.array([[0, 1, 2], [2, 1, 0]])).score(np.array([[0, 1, 2]]))
    1.0

    Tamuz, Liu, Belongie, Shamir & Kalai (2011), Adaptively learning the crowd kernel, ICML, Section 4 (mu is theirs).
    """

    def __init__(self, n_dims=30, *, mu=0.05, **settings):
        super().__init__(n_dims, **settings)
        self.mu = mu

    def _check_parameters(self):
        super()._check_parameters()
        if not (np.isfinite(self.mu) and self.mu > 0):
            raise BadInput(f"mu is {self.mu!r}: it must be positive, or coinciding items would have no odds")

    def _losses(self, near, far):
        return crowd_kernel_loss(near, far, self.mu)


def crowd_kernel_loss(near: np.ndarray, far: np.ndarray, mu: float):
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
