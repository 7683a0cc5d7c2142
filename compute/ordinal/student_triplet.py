"""t-distributed stochastic triplet embedding: heavy tails, so that one wrong answer pulls less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding, Tensor
from triadic.compute.ordinal.stochastic_triplet import softplus, torch_softplus
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


@dataclass(eq=False, kw_only=True)
class TSTE(OrdinalEmbedding):
    """Embedding by the Student-t stochastic triplet loss.

    P(nearer) = k(d²(a, nearer)) / (k(d²(a, nearer)) + k(d²(a, farther))), k(s) = (1 + s/alpha)^(−(alpha + 1)/2);
    the loss is −ln P. `alpha` None takes n_dims − 1 degrees of freedom (at least 1), as the authors do.

    van der Maaten & Weinberger (2012), Stochastic triplet embedding, IEEE MLSP, equation 5.
    """

    alpha: float | None = None

    def check_parameters(self, device: str | None = None) -> None:
        """Also: alpha is positive."""
        super().check_parameters(device)
        if self.alpha is not None and self.alpha <= 0:
            raise BadInput(f"alpha is {self.alpha!r}: degrees of freedom must be positive, or None for n_dims − 1")

    @property
    def degrees(self) -> float:
        """Degrees of freedom of the kernel."""
        return max(self.n_dims - 1, 1) if self.alpha is None else self.alpha

    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        return student_triplet_loss(*values, alpha=self.degrees)

    def _torch_losses(self, *values: Tensor) -> Tensor:
        near, far = values
        return torch_softplus(0.5 * (self.degrees + 1) * ((self.degrees + near) / (self.degrees + far)).log())


def student_triplet_loss(near: Floats, far: Floats, *, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Loss ln(1 + ((alpha + near)/(alpha + far))^((alpha + 1)/2)) and its slopes in `near` and `far`."""
    power = 0.5 * (alpha + 1.0)
    near = near + alpha
    far = far + alpha
    loss, slope = softplus(power * np.log(near / far))
    slope *= power
    return loss, slope / near, -slope / far
