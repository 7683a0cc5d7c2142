"""Embeddings as arrays and as rows: one concept's vector a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from triadic.schema.errors import NotFound
from triadic.schema.lab import Lab

if TYPE_CHECKING:
    import pyarrow as pa


def read_embedding(lab: Lab, embedding_id: str) -> np.ndarray:
    """The vectors of an embedding, shape (n_concepts, n_dims), rows by position. Raises NotFound for an unknown id."""
    column = lab.store.arrow(
        "SELECT vector FROM embedding_row WHERE embedding_id = ? ORDER BY position", [embedding_id]
    ).column(0)
    if not len(column):
        raise NotFound(f'no embedding {embedding_id} in this lab: `triadic sql "FROM embedding"` lists them')
    return np.array(column.to_pylist(), float)


def vector_rows(embedding_id: str, vectors: np.ndarray) -> pa.Table:
    """Rows of table embedding_row for `vectors` (n_concepts, n_dims), rows by position."""
    import pyarrow as pa

    return pa.table(
        {
            "embedding_id": pa.repeat(embedding_id, len(vectors)),
            "position": np.arange(len(vectors), dtype=np.int32),
            "vector": list(np.ascontiguousarray(vectors, float)),
        }
    )
