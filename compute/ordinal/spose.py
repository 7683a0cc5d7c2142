"""SPoSE: sparse, non-negative dimensions from odd-one-out answers."""

from __future__ import annotations

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.pairs import ODD_ONE_OUT
from triadic.schema.errors import BadInput

# A weight above this counts as an item having the dimension.
_PRESENT = 0.1


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

    columns = ODD_ONE_OUT
    lower = 0.0

    def __init__(self, n_dims=66, *, l1=0.004, prune=None, max_steps=500, tol=1e-4, **settings):
        super().__init__(n_dims, max_steps=max_steps, tol=tol, **settings)
        self.l1 = l1
        self.prune = prune

    def _check_parameters(self):
        super()._check_parameters()
        if not (np.isfinite(self.l1) and self.l1 >= 0):
            raise BadInput(f"l1 is {self.l1!r}: it must be finite and not negative")
        if self.prune is not None and self.prune < 1:
            raise BadInput(f"prune is {self.prune!r}: it must be at least 1 item, or None to keep all dimensions")

    def _matrix(self, embedding):
        return embedding @ embedding.T

    def _pull(self, weights, embedding):
        return (weights + weights.T) @ embedding

    def _penalty(self, embedding):
        rate = self.l1 / len(embedding)
        return rate * float(embedding.sum()), rate

    def _start(self, n_items, rng):
        # Inner products of about 1 between items, and every coordinate off its bound.
        return rng.random((n_items, self.n_dims)) * (2.0 / np.sqrt(self.n_dims))

    def _hits(self, chosen, left, right):
        among = 1.0 + (chosen == left) + (chosen == right)
        return ((chosen >= left) & (chosen >= right)) / among

    def _losses(self, chosen, left, right):
        return odd_one_out_loss(chosen, left, right)

    def _fit_pairs(self, pairs, watched):
        super()._fit_pairs(pairs, watched)
        order = np.argsort(-self.embedding_.sum(axis=0), kind="stable")
        if self.prune is not None:
            used = (self.embedding_ > _PRESENT).sum(axis=0) >= self.prune
            order = order[used[order]]
        self.embedding_ = np.ascontiguousarray(self.embedding_[:, order])
        self.n_dims_ = len(order)
        return self


def odd_one_out_loss(chosen: np.ndarray, left: np.ndarray, right: np.ndarray):
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
