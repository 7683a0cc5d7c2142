"""Embeddings as arrays and as rows, one concept's vector a row, and the spectrum of their variance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab

# Sums of shares differ in their last bits between machines: a share counts as reached when it is short by less than this.
_TOLERANCE = 1e-12


def read_embedding(lab: Lab, embedding_id: str) -> Floats:
    """The vectors of an embedding, shape (n_concepts, n_dims), rows by position. Raises NotFound for an unknown id."""
    column = lab.store.arrow(
        "SELECT vector FROM embedding_row WHERE embedding_id = ? ORDER BY position", [embedding_id]
    ).column(0)
    if not len(column):
        raise NotFound(f'no embedding {embedding_id} in this lab: `triadic sql "FROM embedding"` lists them')
    return np.array(column.to_pylist(), float)


def vector_rows(embedding_id: str, vectors: Floats) -> pa.Table:
    """Rows of table embedding_row for `vectors` (n_concepts, n_dims), rows by position."""
    return pa.table(
        {
            "embedding_id": pa.repeat(embedding_id, len(vectors)),
            "position": np.arange(len(vectors), dtype=np.int32),
            "vector": list(np.ascontiguousarray(vectors, float)),
        }
    )


def principal_variances(rows: Floats) -> Floats:
    """Sums of squares of `rows` (n, d) along their principal axes, greatest first, shape (min(n, d),).

    Raises BadInput unless `rows` is a finite matrix.
    """
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all():
        raise BadInput(f"an array of shape {rows.shape} has no spectrum: give a finite matrix (n_items, n_dims)")
    variances: Floats = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    return variances


def components(rows: Floats, share: float = 0.95) -> int:
    """The fewest principal components of `rows` (n, d) that hold `share` of their variance (paper, appendix A.7).

    Raises BadInput when all rows are the same, or for a share that is none.
    """
    if not 0 < share <= 1:
        raise BadInput(f"{share} is no share of the variance: it must lie above 0 and not above 1")
    variances = principal_variances(rows)
    if not variances.sum() > 0:
        raise BadInput("all rows are the same: there is no variance to share")
    return int(np.searchsorted(np.cumsum(variances) / variances.sum(), share - _TOLERANCE) + 1)


def participation_ratio(rows: Floats) -> float:
    """(Σλ)² / Σλ² of the principal variances λ of `rows`: d for d equal axes, 1 for a line, 0 for a point."""
    variances = principal_variances(rows)
    total = variances.sum()
    return float(total * total / np.vdot(variances, variances)) if total > 0 else 0.0


def pca(rows: Floats, n_dims: int) -> tuple[Floats, float]:
    """Principal-component scores (n, n_dims) of `rows` (n, d), and the share of the variance they hold.

    The greatest loading of each component is positive, so that machines agree.
    """
    u, s, vt = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    signs = np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(1)])
    return (u * s * signs)[:, :n_dims], float((s[:n_dims] ** 2).sum() / (s**2).sum())
