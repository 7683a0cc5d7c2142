"""Generalised non-metric multidimensional scaling: a hinge on squared distances, with a liking for few dimensions."""

from __future__ import annotations

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.schema.errors import BadInput


class GNMDS(OrdinalEmbedding):
    """Embedding by the GNMDS hinge: max(0, 1 + d²(a, nearer) − d²(a, farther)), plus `trace` · tr(X·Xᵀ)/n_items.

    The trace of the kernel stands in for its rank, as in the paper; here X has n_dims columns at most, so the problem
    is solved over X. The corner of the hinge is rounded over a width of `corner` (quadratic inside, the plain hinge
    minus corner/2 beyond): L-BFGS needs a slope that does not jump. A space that knows nothing has loss 1 − corner/2.

    Agarwal, Wills, Cayton, Lanckriet, Kriegman & Belongie (2007), Generalized non-metric multidimensional scaling,
    AISTATS, equation 6.
    """

    def __init__(self, n_dims=30, *, trace=0.1, corner=0.1, **settings):
        super().__init__(n_dims, **settings)
        self.trace = trace
        self.corner = corner

    def _check_parameters(self):
        super()._check_parameters()
        if not (np.isfinite(self.trace) and self.trace >= 0):
            raise BadInput(f"trace is {self.trace!r}: it must be finite and not negative")
        if not (0 < self.corner <= 1):
            raise BadInput(f"corner is {self.corner!r}: it must lie above 0 and be at most 1, the margin")

    def _losses(self, near, far):
        return rounded_hinge_loss(near, far, self.corner)

    def _penalty(self, embedding):
        rate = self.trace / len(embedding)
        return rate * float(np.vdot(embedding, embedding)), 2.0 * rate * embedding


def rounded_hinge_loss(near: np.ndarray, far: np.ndarray, corner: float):
    """Hinge of 1 + near − far, its corner rounded, and its slopes in `near` and `far` (squared distances)."""
    violation = np.maximum(near - far + 1.0, 0.0)
    slope = np.minimum(violation / corner, 1.0)
    return slope * (violation - 0.5 * corner * slope), slope, -slope
