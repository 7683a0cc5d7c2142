"""How many dimensions a set of vectors needs."""

import numpy as np

from triadic.schema.errors import BadInput


def components(rows: np.ndarray, share: float = 0.95) -> int:
    """The fewest principal components of `rows` (n, d) that hold `share` of their variance (paper, appendix A.7)."""
    if not 0 < share <= 1:
        raise BadInput(f"a share of the variance lies between 0 and 1, got {share}")
    squares = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    if squares[0] == 0:
        raise BadInput("all rows are the same; there is no variance to share")
    return int(np.searchsorted(np.cumsum(squares) / squares.sum(), share - 1e-12) + 1)
