"""SPoSE: sparse, non-negative dimensions from odd-one-out answers."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.pairs import ODD_ONE_OUT, Columns, Pairs
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput

# A weight above this counts as an item having the dimension.
_PRESENT = 0.1


@dataclass(eq=False)
class SPoSE(OrdinalEmbedding):
    """Non-negative embedding of odd-one-out answers (chosen pair, then the odd one) by a softmax of inner products.

    P(i, j) = e^(i·j) / (e^(i·j) + e^(i·k) + e^(j·k)); the loss is −ln P, plus l1/n_items · Σ|x|, x ≥ 0, the scaling of
    the published program. Columns come ordered by their sum, largest first. The default l1 brought back 44 columns
    of a 42-dimensional space from 4.7 million simulated answers (0.008, another published value, brought back 27);
    with fewer answers an item, a larger one keeps noise out of the spare columns.

    `prune` chooses the number of dimensions as VICE does: a column stays when at least so many items (VICE asks for 5)
    have a weight above 0.1 in it. `n_dims_` is what is left; None keeps all n_dims.

    Zheng, Pereira, Baker & Hebart (2019), Revealing interpretable object representations from human behavior, ICLR;
    Hebart, Zheng, Pereira & Baker (2020), Nature Human Behaviour 4, 1173–1185. Pruning: Muttenthaler, Zheng, McClure,
    Vandermeulen, Hebart & Pereira (2022), VICE, NeurIPS, Section 3.3; they test a posterior, here it is the weight.
    """

    n_dims: int = 66
    _: KW_ONLY
    max_steps: int = 500
    tol: float = 1e-4
    l1: float = 0.004
    prune: int | None = None

    columns: ClassVar[Columns] = ODD_ONE_OUT
    lower: ClassVar[float | None] = 0.0

    def check_parameters(self, device: str | None = None) -> None:
        """Also: l1 is not negative, and prune asks for an item or more."""
        super().check_parameters(device)
        if self.l1 < 0:
            raise BadInput(f"l1 is {self.l1!r}: it must not be negative")
        if self.prune is not None and self.prune < 1:
            raise BadInput(f"prune is {self.prune!r}: it must be at least 1 item, or None to keep all dimensions")

    @property
    def n_dims_(self) -> int:
        """Columns left after the fit."""
        return int(self.embedding_.shape[1])

    def _matrix(self, embedding: Floats) -> Floats:
        matrix: Floats = embedding @ embedding.T
        return matrix

    def _pull(self, weights: Floats, embedding: Floats) -> Floats:
        pull: Floats = (weights + weights.T) @ embedding
        return pull

    def _penalty(self, embedding: Floats) -> tuple[float, float]:
        rate = self.l1 / len(embedding)
        return rate * float(embedding.sum()), rate

    def _start(self, n_items: int, rng: np.random.Generator) -> Floats:
        # Inner products of about 1 between items, and every coordinate off its bound.
        start: Floats = rng.random((n_items, self.n_dims)) * (2.0 / np.sqrt(self.n_dims))
        return start

    def _hits(self, *values: Any) -> Any:
        chosen, left, right = values
        among = 1.0 + (chosen == left) + (chosen == right)
        return ((chosen >= left) & (chosen >= right)) / among

    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        return odd_one_out_loss(*values)

    def _fit_pairs(self, pairs: Pairs, watched: Pairs | None, device: str | None = None) -> None:
        super()._fit_pairs(pairs, watched, device)
        order = np.argsort(-self.embedding_.sum(axis=0), kind="stable")
        if self.prune is not None:
            used = (self.embedding_ > _PRESENT).sum(axis=0) >= self.prune
            order = order[used[order]]
        self.embedding_ = np.ascontiguousarray(self.embedding_[:, order])


def odd_one_out_loss(chosen: Floats, left: Floats, right: Floats) -> tuple[Floats, ...]:
    """Loss −ln softmax(chosen; left, right) of three inner products, and its slope in each of them."""
    left = left - chosen
    right = right - chosen
    np.minimum(left, 700.0, out=left)  # e^709 is the largest double
    np.minimum(right, 700.0, out=right)
    np.exp(left, out=left)
    np.exp(right, out=right)
    whole = left + right
    whole += 1.0
    loss = np.log(whole)
    np.reciprocal(whole, out=whole)
    left *= whole
    right *= whole
    whole -= 1.0
    return loss, whole, left, right
