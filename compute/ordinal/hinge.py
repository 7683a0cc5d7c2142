"""Generalised non-metric multidimensional scaling: a hinge on squared distances, with a liking for few dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding, Tensor
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


@dataclass(eq=False, kw_only=True)
class GNMDS(OrdinalEmbedding):
    """Embedding by the GNMDS hinge: max(0, 1 + d²(a, nearer) − d²(a, farther)), plus `trace` · tr(X·Xᵀ)/n_items.

    The trace of the kernel stands in for its rank, as in the paper; here X has n_dims columns at most, so the problem
    is solved over X. The corner of the hinge is rounded over a width of `corner` (quadratic inside, the plain hinge
    minus corner/2 beyond): L-BFGS needs a slope that does not jump. A space that knows nothing has loss 1 − corner/2.

    Agarwal, Wills, Cayton, Lanckriet, Kriegman & Belongie (2007), Generalized non-metric multidimensional scaling,
    AISTATS, equation 6.
    """

    trace: float = 0.1
    corner: float = 0.1

    def check_parameters(self, device: str | None = None) -> None:
        """Also: trace is not negative, and the rounded corner no wider than the margin."""
        super().check_parameters(device)
        if self.trace < 0:
            raise BadInput(f"trace is {self.trace!r}: it must not be negative")
        if not 0 < self.corner <= 1:
            raise BadInput(f"corner is {self.corner!r}: it must lie above 0 and be at most 1, the margin")

    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        return rounded_hinge_loss(*values, corner=self.corner)

    def _torch_losses(self, *values: Tensor) -> Tensor:
        near, far = values
        violation = (1.0 + near - far).relu()
        slope = (violation / self.corner).clamp(max=1.0).detach()  # which is then the slope that torch derives, too
        return slope * (violation - 0.5 * self.corner * slope)

    def _penalty(self, embedding: Floats) -> tuple[float, Floats]:
        rate = self.trace / len(embedding)
        return rate * float(np.vdot(embedding, embedding)), 2.0 * rate * embedding

    def _torch_penalty(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        rate = self.trace / embeddings.shape[1]
        return rate * embeddings.square().sum((1, 2)), 2.0 * rate * embeddings


def rounded_hinge_loss(near: Floats, far: Floats, *, corner: float) -> tuple[Floats, Floats, Floats]:
    """Hinge of 1 + near − far, its corner rounded, and its slopes in `near` and `far` (squared distances)."""
    violation = np.maximum(near - far + 1.0, 0.0)
    slope = np.minimum(violation / corner, 1.0)
    return slope * (violation - 0.5 * corner * slope), slope, -slope
