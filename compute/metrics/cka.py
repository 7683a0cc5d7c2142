"""Linear centred kernel alignment (Kornblith et al., ICML 2019), biased and debiased.

The biased figure grows with d/n: two unrelated 30-dimensional spaces of 128 concepts score about 0.12. The
debiased one uses the unbiased HSIC of Song et al. (JMLR 2012, section 3.2, equation 4) and is zero on average there.
"""

from __future__ import annotations

import numpy as np

from triadic.compute.metrics.inputs import Inputs, Space, centred
from triadic.compute.metrics.metric import InnerProduct
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput


class BiasedCKA(InnerProduct):
    """Linear CKA: ‖HᵀM‖²_F / (‖HᵀH‖_F ‖MᵀM‖_F) of the centred spaces, between 0 and 1."""

    name = "cka_biased"
    bounds = (0.0, 1.0)
    description = "linear centred kernel alignment"
    chance = "not zero: 0.11 for coin flips at 128 concepts and 30 dimensions; it grows with dimensions per concept"

    def entries(self, space: Space) -> Floats:
        """Gram matrix (n, n) of the centred space, scaled to unit Frobenius norm."""
        array = space.get(centred)
        gram = array @ array.T
        unit: Floats = gram / np.linalg.norm(gram)
        return unit

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        """Repeated rows, as they are."""
        weights = weights / weights.sum(1, keepdims=True)
        human, model = inputs.human.get(centred), inputs.model.get(centred)

        def hsic(a: Floats, b: Floats) -> Floats:
            cross = (a.T * weights[:, None]) @ b - (weights @ a)[:, :, None] * (weights @ b)[:, None]
            squares: Floats = (cross**2).sum((1, 2))
            return squares

        return hsic(human, model) / np.sqrt(hsic(human, human) * hsic(model, model))


class DebiasedCKA(InnerProduct):
    """Linear CKA from the unbiased HSIC: 0 on average for unrelated spaces, at most 1.

    HSIC₁(K, L) = [tr(K̃L̃) + 1ᵀK̃1·1ᵀL̃1/((n−1)(n−2)) − 2·1ᵀK̃L̃1/(n−2)] / (n(n−3)),
    K̃ being the Gram matrix with a zero diagonal; it equals the inner product of the U-centred matrices
    (Székely and Rizzo 2014, section 2), which is what is computed.
    """

    name = "cka_debiased"
    bounds = (-1.0, 1.0)
    description = "linear centred kernel alignment from the unbiased HSIC"
    chance = "zero on average"

    def entries(self, space: Space) -> Floats:
        """The U-centred Gram matrix (n, n), scaled to unit Frobenius norm."""
        table = space.get(u_centred)
        unit: Floats = table / np.linalg.norm(table)
        return unit

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        """Song et al.'s mean over sets of different concepts, weighted by the product of their weights."""
        k, m = (space.get(hollow_gram) for space in (inputs.human, inputs.model))
        k, m = k / np.linalg.norm(k), m / np.linalg.norm(m)
        size = n_sets(weights)
        squares = hsic(k, k, weights, size) * hsic(m, m, weights, size)
        return hsic(k, m, weights, size) / np.sqrt(np.maximum(squares, np.finfo(float).tiny))


def hollow_gram(space: Space) -> Floats:
    """Gram matrix (n, n) of the centred space with a zero diagonal: no concept is paired with itself."""
    array = space.get(centred)
    gram = array @ array.T
    np.fill_diagonal(gram, 0)
    return gram


def u_centred(space: Space) -> Floats:
    """`hollow_gram`, U-centred: HSIC₁ is the inner product of two of them, divided by n(n−3)."""
    n, array = len(space), space.get(centred)
    gram = space.get(hollow_gram).copy()
    rows = gram.sum(1) / (n - 2)
    gram -= rows[:, None] + rows[None] - gram.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(gram, 0)
    # The largest entry of a Gram matrix is on its diagonal.
    if np.linalg.norm(gram) <= 1e-12 * n * (array**2).sum(1).max():
        raise BadInput(f"debiased CKA is undefined: all concepts are equally alike in the {space.who}")
    return gram


def sums_over_sets(a: Floats, b: Floats, weights: Floats) -> Floats:
    """Σ over different concepts of A₁₂B₁₂, of A₁₂B₃₄ and of A₁₂B₁₃, each times its concepts' weights: (3, b).

    a, b: (n, n), symmetric with zero diagonals; weights: (b, n).
    """
    product, square = a * b, weights**2
    both = np.einsum("bi,ij,bj->b", weights, product, weights)
    overlap = np.einsum("bi,ij,bj->b", square, product, square)
    rows = (weights @ a) * (weights @ b)
    one_shared = (weights * rows).sum(1) - np.einsum("bi,ij,bj->b", weights, product, square)
    none_shared = (
        np.einsum("bi,ij,bj->b", weights, a, weights) * np.einsum("bi,ij,bj->b", weights, b, weights)
        - 4 * (square * rows).sum(1)
        + 2 * overlap
    )
    return np.stack([both, none_shared, one_shared])


def n_sets(weights: Floats) -> Floats:
    """The weight of all pairs, fours and threes of different concepts (3, b): what `sums_over_sets` divides by."""
    different = 1 - np.eye(weights.shape[1])
    return np.abs(sums_over_sets(different, different, weights))


def hsic(a: Floats, b: Floats, weights: Floats, size: Floats) -> Floats:
    """Song et al.'s estimator (b,): the means over different concepts of A₁₂B₁₂ + A₁₂B₃₄ − 2A₁₂B₁₃.

    Each mean has its own number of sets, `size` from `n_sets`; with equal weights it is theirs to rounding.
    """
    both, none_shared, one_shared = sums_over_sets(a, b, weights) / size
    estimate: Floats = both + none_shared - 2 * one_shared
    return estimate


cka_biased = BiasedCKA()
cka_debiased = DebiasedCKA()
