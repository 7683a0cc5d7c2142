"""Refits that the lab keeps: made once for a fit, and scored against whatever reference comes.

Draw i of a seed is the same however many are made, so that a set with fewer draws is extended, not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from triadic.compute.ordinal.batch import ManyFits
from triadic.compute.resampling.refits import Fit
from triadic.compute.settings import AlignSettings
from triadic.schema.arrays import Bools, Floats, Ints
from triadic.schema.lab import Lab
from triadic.schema.tables import Refit
from triadic.schema.vocabulary import DrawKind

Fitter: TypeAlias = Callable[[Ints, Floats], ManyFits]  # answers (m, 3), weights (b, m)
_Made: TypeAlias = tuple[Ints, NDArray[np.float32], Bools]  # draws (b,), spaces (b, n_items, n_dims), converged (b,)
_STORED = "SELECT {} FROM refit WHERE embedding_id = ? AND kind = ? AND seed = ? AND draw < ?"


class KeptRefits:
    """The draws of one kind and seed for the fit `embedding_id`, whose spaces are (n_items, n_dims).

    They are kept in four bytes a number, and given so whether they were read or made: a figure never depends on which.
    `n_unconverged` counts those given that did not converge.
    """

    def __init__(self, lab: Lab, embedding_id: str, kind: DrawKind, seed: int, shape: tuple[int, int]) -> None:
        self.lab, self.embedding_id, self.kind, self.seed, self.shape = lab, embedding_id, kind, seed, shape
        self.n_unconverged = 0

    def n_missing(self, n: int) -> int:
        """How many of the first n draws are still to be made."""
        return n - int(self.lab.store.value(_STORED.format("count(DISTINCT draw)"), [*self._key, n]))

    @contextmanager
    def through(self, fit_many: Fitter) -> Iterator[Fit]:
        """A fit for `triadic.compute.resampling.refits`, which hands it all draws in order, block by block.

        What was made is stored when the block of the `with` ends, also by an error or Ctrl-C.
        """
        following, made = 0, list[_Made]()

        def fit(answers: Ints, weights: Floats) -> Floats:
            nonlocal following
            draws = np.arange(following, following + len(weights))
            following += len(weights)
            known, spaces, converged = self._read(draws)
            if len(lacking := np.flatnonzero(~known)):
                found = fit_many(answers, weights[lacking])
                spaces[lacking], converged[lacking] = found.embeddings, found.converged
                made.append((draws[lacking], spaces[lacking], converged[lacking]))
            self.n_unconverged += int(np.count_nonzero(~converged))
            return spaces.astype(float)

        try:
            yield fit
        finally:
            if made:
                draws, spaces, converged = (np.concatenate(part) for part in zip(*made, strict=True))
                self._store(draws, spaces, converged)

    @property
    def _key(self) -> list[str | int]:
        return [self.embedding_id, str(self.kind), self.seed]

    def _read(self, draws: Ints) -> tuple[Bools, NDArray[np.float32], Bools]:
        """Which of the draws (b,) there are, their spaces (b, n_items, n_dims), and whether they converged."""
        end = int(draws[-1]) + 1
        rows = self.lab.store.arrow(
            _STORED.format("draw, converged, vector") + f" AND draw >= {int(draws[0])} ORDER BY draw, position",
            [*self._key, end],
        )
        known, spaces = np.zeros(len(draws), dtype=bool), np.zeros((len(draws), *self.shape), dtype=np.float32)
        converged = np.zeros(len(draws), dtype=bool)
        if len(rows):
            every = slice(None, None, self.shape[0])  # a draw has a row for each concept
            at = rows.column("draw").to_numpy()[every] - int(draws[0])
            known[at] = True
            spaces[at] = rows.column("vector").combine_chunks().flatten().to_numpy().reshape(-1, *self.shape)
            converged[at] = rows.column("converged").to_numpy(zero_copy_only=False)[every]
        return known, spaces, converged

    def _store(self, draws: Ints, spaces: NDArray[np.float32], converged: Bools) -> None:
        n_items, n_dims = self.shape
        n_rows = len(draws) * n_items
        offsets = np.arange(0, n_rows * n_dims + 1, n_dims, dtype=np.int32)
        rows = {
            "embedding_id": pa.repeat(self.embedding_id, n_rows),
            "kind": pa.repeat(str(self.kind), n_rows),
            "seed": pa.repeat(self.seed, n_rows),
            "draw": np.repeat(draws.astype(np.int32), n_items),
            "position": np.tile(np.arange(n_items, dtype=np.int32), len(draws)),
            "converged": np.repeat(converged, n_items),
            "vector": pa.ListArray.from_arrays(offsets, spaces.ravel()),
        }
        self.lab.store.insert(Refit, pa.table(rows))


def n_kept_missing(lab: Lab, embedding_id: str, settings: AlignSettings, seed: int = 0) -> int:
    """How many of the refits that the lab keeps are still to be made for a fit."""
    wanted = {DrawKind.bootstrap_answers: settings.n_bootstraps, DrawKind.coin_flips: settings.n_coin_flips}
    return sum(KeptRefits(lab, embedding_id, kind, seed, (0, 0)).n_missing(n) for kind, n in wanted.items())
