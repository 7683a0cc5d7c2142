"""Linear centred kernel alignment (Kornblith et al., ICML 2019), biased and debiased.

The biased figure grows with d/n: two unrelated 30-dimensional spaces of 128 concepts score about 0.12. The
debiased one uses the unbiased HSIC of Song et al. (JMLR 2012, section 3.2, equation 4) and is zero on average there.
"""

import numpy as np

from triadic.compute.metrics.gate import centred, pair
from triadic.schema.errors import BadInput


def cka_biased(human, model) -> float:
    """Linear CKA: ‖HᵀM‖²_F / (‖HᵀH‖_F ‖MᵀM‖_F) of the centred spaces, between 0 and 1.

    human: (n, d_h), model: (n, d_m), rows the same concepts.
    """
    human, model = pair(human, model)
    human, model = doubly_centred(human, "human embedding"), doubly_centred(model, "model embedding")
    return float(np.clip((human * model).sum(), 0, 1))


def cka_debiased(human, model) -> float:
    """Linear CKA from the unbiased HSIC: 0 on average for unrelated spaces, at most 1.

    human: (n, d_h), model: (n, d_m), n ≥ 4.
    HSIC₁(K, L) = [tr(K̃L̃) + 1ᵀK̃1·1ᵀL̃1/((n−1)(n−2)) − 2·1ᵀK̃L̃1/(n−2)] / (n(n−3)),
    K̃ being the Gram matrix with a zero diagonal; it equals the inner product of the U-centred matrices
    (Székely and Rizzo 2014, section 2), which is what is computed.
    """
    human, model = pair(human, model, least=4)
    human, model = u_centred(human, "human embedding"), u_centred(model, "model embedding")
    return float(np.clip((human * model).sum(), -1, 1))


def doubly_centred(array, who="embedding"):
    """Gram matrix (n, n) of the centred space, scaled to unit Frobenius norm: CKA is the inner product of two."""
    array = centred(array, who)
    gram = array @ array.T
    return gram / np.linalg.norm(gram)


def u_centred(array, who="embedding"):
    """Gram matrix (n, n) with zero diagonal, U-centred, unit norm: debiased CKA is the inner product of two."""
    array = centred(array, who)
    n = len(array)
    gram = array @ array.T
    size = np.abs(gram).max()
    np.fill_diagonal(gram, 0)
    rows = gram.sum(1) / (n - 2)
    gram -= rows[:, None] + rows[None] - gram.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(gram, 0)
    norm = np.linalg.norm(gram)
    if norm <= 1e-12 * n * size:
        raise BadInput(f"debiased CKA is undefined: all concepts are equally alike in the {who}")
    return gram / norm
