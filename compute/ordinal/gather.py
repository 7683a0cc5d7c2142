"""The inner loop of every fit: read the entries that answers compare, and add their slopes up again.

Memory is the price of this loop, so it works in two sizes. Outer blocks bound what is held besides the pair numbers
themselves. Within one, the arithmetic runs over stretches short enough to stay in the first levels of cache and below
the size at which malloc hands memory back to the system: that alone made a step twice as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triadic.compute.ordinal.pairs import Pairs
from triadic.schema.arrays import Floats

Losses = Callable[..., tuple[Floats, ...]]
Hits = Callable[..., Any]
Index = NDArray[np.intp]

_STRETCH = 8192
_KEPT = 1 << 18  # up to so many answers, machine-sized pair numbers are made once and kept


class Gather:
    """Answers as `Pairs`, ready to be read many times by one fit."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        # At least as long as a quarter of the matrix: each block costs one pass over it.
        self.block = max(1 << 15, pairs.n_items * pairs.n_items // 4)
        longest = min(self.block, len(pairs))
        self.buffer = np.empty(len(pairs.index) * longest)
        self.kept = list(self._blocks()) if len(pairs) <= _KEPT else None

    def _blocks(self) -> Iterator[tuple[Index, Floats | None]]:
        for start in range(0, len(self.pairs), self.block):
            stop = start + self.block
            weights = None if self.pairs.weights is None else self.pairs.weights[start:stop]
            yield self.pairs.index[:, start:stop].astype(np.intp), weights

    def _read(self, matrix: Floats) -> Iterator[tuple[Index, Floats | None, Floats]]:
        """Per block: pair numbers (k, m), weights, and a view (k, m) of the buffer holding the entries."""
        for index, weights in self.kept if self.kept is not None else self._blocks():
            values = self.buffer[: index.size].reshape(index.shape)
            # clip: with the default mode numpy would copy `out` first; the numbers are checked already.
            np.take(matrix, index, out=values, mode="clip")
            yield index, weights, values

    def slopes(self, matrix: Floats, losses: Losses) -> tuple[float, Floats]:
        """Mean loss, and its slope at every entry of the flattened `matrix` (n²,)."""
        total: Any = 0.0
        slopes: Floats = np.zeros(0)
        for index, weights, values in self._read(matrix):
            for start in range(0, index.shape[1], _STRETCH):
                stretch = values[:, start : start + _STRETCH]
                loss, *pulls = losses(*stretch)
                if weights is None:
                    total += loss.sum()
                    for row, pull in zip(stretch, pulls, strict=True):
                        row[:] = pull
                else:
                    weight = weights[start : start + _STRETCH]
                    total += weight.dot(loss)
                    for row, pull in zip(stretch, pulls, strict=True):
                        np.multiply(pull, weight, out=row)
            added = np.asarray(np.bincount(index.ravel(), values.ravel(), minlength=matrix.size), np.float64)
            slopes = np.add(slopes, added, out=slopes) if slopes.size else added
        slopes /= self.pairs.total
        return total / self.pairs.total, slopes

    def figures(self, matrix: Floats, losses: Losses, hits: Hits) -> tuple[float, float]:
        """Mean loss and mean hit."""
        total: Any = 0.0
        right: Any = 0.0
        for index, weights, values in self._read(matrix):
            for start in range(0, index.shape[1], _STRETCH):
                stretch = values[:, start : start + _STRETCH]
                loss, hit = losses(*stretch)[0], hits(*stretch)
                if weights is None:
                    total, right = total + loss.sum(), right + hit.sum()
                else:
                    weight = weights[start : start + _STRETCH]
                    total, right = total + weight.dot(loss), right + weight.dot(hit)
        return float(total / self.pairs.total), float(right / self.pairs.total)
