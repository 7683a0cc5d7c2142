"""Linear CKA corrected for few items and few features (Chun, Canatar, Chung and Lee 2025, arXiv 2502.15104).

Where features are a sample of many (neurons of an area, units of a layer), debiased CKA is too low: a space's HSIC with
itself holds pairs of a feature with itself, which swell the denominator; the numerator, of two spaces, has none. The
paper leaves them out. With k_f the kernel of feature f alone, K = Σ_f k_f of p features, and HSIC₁ the estimator of
Song et al., which leaves out pairs of an item with itself,

    CKA = HSIC₁(K, L) / √(S(K)·S(L)),    S(K) = p/(p − 1) · Σ_{f ≠ g} HSIC₁(k_f, k_g).

That sum depends on the axes; on principal axes, where no two features correlate, it is zero or less. But a fitted space
has no axes that mean anything, and references here are on their principal ones. So S is averaged over all turns of the
axes, which leaves the numerator alone. The fourth moments of a direction r drawn evenly, E[r_a r_b r_c r_d] =
(δ_ab δ_cd + δ_ac δ_bd + δ_ad δ_bc) / (p(p + 2)), give

    S(K) = p (p·HSIC₁(K, K) − T(K)) / ((p − 1)(p + 2)),

T(K) being the mean over different items of K₁₁K₂₂ + K₁₂K₃₄ − 2K₁₁K₂₃, an unbiased estimate of the squared trace of the
covariance. For Gaussian features S is unbiased (Srivastava 2005, J. Japan Statist. Soc. 35, 251, estimates a sum of
squared eigenvalues so); heavy tails of the features leave an error of order 1/p.
"""

from __future__ import annotations

import numpy as np

from triadic.compute.metrics.cka import hollow_gram, hsic, n_sets, sums_over_sets, u_centred
from triadic.compute.metrics.inputs import Inputs, Space, centred
from triadic.compute.metrics.metric import InnerProduct
from triadic.schema.arrays import Floats


class CorrectedCKA(InnerProduct):
    """Linear CKA estimated for all the items and features that those of both spaces are samples of.

    Limits. The features of the two spaces must be sampled apart: a copy scores above 1. The dimensions of a fitted
    space were chosen, not sampled; of those it says what would follow if they were a sample: read it beside
    `cka_debiased`. A space that fills its p dimensions evenly cannot be told from one that goes on for ever, where the
    figure would be 0/0: S is HSIC₁(K, K)/(p + 2) at least, a p-th of what it is for a line. The three terms are
    unbiased; their ratio is a little too high and can pass 1: at 128 concepts and 30 features 0.58 for a true 0.55,
    where `cka_debiased` gives 0.35. Columns without spread are no features, and one feature alone is not corrected.
    """

    name = "cka_corrected"
    bounds = (-float("inf"), float("inf"))
    perfect = None
    by_default = False  # it answers another question than the rest, and asks for sampled features
    description = "linear centred kernel alignment corrected for few concepts and few sampled features"
    chance = "zero on average, widely spread where a space fills its dimensions evenly"

    def entries(self, space: Space) -> Floats:
        """The U-centred Gram matrix (n, n), scaled by the corrected HSIC₁ of the space with itself."""
        n, even = len(space), np.ones((1, len(space)))
        table = space.get(u_centred)  # first: it refuses a space whose HSIC₁ is zero
        size = n * (n - 1) * np.array([[1.0], [(n - 2) * (n - 3)], [n - 2]])  # n_sets(even)
        scaled: Floats = table / np.sqrt(n * (n - 3) * corrected_hsic(space, even, size)[0])
        return scaled

    def weighted(self, inputs: Inputs, weights: Floats) -> Floats:
        """Means over sets of different concepts, weighted by the product of their weights, as in `cka_debiased`."""
        size = n_sets(weights)
        squares = corrected_hsic(inputs.human, weights, size) * corrected_hsic(inputs.model, weights, size)
        cross = hsic(inputs.human.get(hollow_gram), inputs.model.get(hollow_gram), weights, size)
        return cross / np.sqrt(np.maximum(squares, np.finfo(float).tiny))


def corrected_hsic(space: Space, weights: Floats, size: Floats) -> Floats:
    """S (b,) of a space whose concepts count by weights (b, n); size: `n_sets(weights)`."""
    gram, rows = space.get(hollow_gram), space.get(centred)
    both, none_shared, one_shared = sums_over_sets(gram, gram, weights) / size
    plain = both + none_shared - 2 * one_shared  # HSIC₁(K, K)
    p = np.count_nonzero(np.abs(rows).max(0) > 1e-12)
    if p == 1:
        return np.asarray(plain)
    diagonal, squares, sums = (rows**2).sum(1), weights**2, weights @ gram
    on_diagonal = (weights @ diagonal) ** 2 - squares @ diagonal**2  # Σ K₁₁K₂₂
    half_diagonal = (weights @ diagonal) * (weights * sums).sum(1) - 2 * (squares * sums) @ diagonal  # Σ K₁₁K₂₃
    trace_square = on_diagonal / size[0] + none_shared - 2 * half_diagonal / size[2]
    corrected: Floats = np.maximum(p * (p * plain - trace_square) / ((p - 1) * (p + 2)), plain / (p + 2))
    return corrected


cka_corrected = CorrectedCKA()
