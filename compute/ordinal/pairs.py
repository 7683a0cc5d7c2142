"""The one gate for answers, and the form every fit works on: which entries of the n × n matrix each answer reads.

Answers are integer arrays (n_answers, 3). Anchored: anchor, nearer, farther. Odd-one-out: the chosen pair, then the
odd one. A fit never needs them again once it knows the *pairs* they compare, so repeats collapse to counts here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

Columns = tuple[tuple[int, int], ...]  # which two of an answer's three columns make each pair

ANCHORED: Columns = ((0, 1), (0, 2))  # columns compared: anchor with nearer, anchor with farther
ODD_ONE_OUT: Columns = ((0, 1), (0, 2), (1, 2))  # the chosen pair, and the two pairs passed over

_BLOCK = 1 << 18
_MOST_ITEMS = 46_340  # pair numbers are int32; a matrix of this many items squared takes 17 GB anyway


@dataclass(frozen=True)
class Pairs:
    """Distinct answers as positions in a flattened n × n matrix.

    `index` int32 (n_pairs_per_answer, m); `weights` float64 (m,), or None when every answer counts once;
    `total` is the sum of weights, `n_items` is n.
    """

    index: NDArray[np.int32]
    weights: Floats | None
    total: float
    n_items: int

    def __len__(self) -> int:
        return int(self.index.shape[1])


def check_answers(
    triplets: ArrayLike, weights: ArrayLike | None = None, n_items: int | None = None, what: str = "triplets"
) -> tuple[Ints, Floats | None, int]:
    """Refuse what is no set of answers. Returns (integer array (n, 3), float64 weights (n,) or None, n_items).

    Raises BadInput for a wrong shape or dtype, no rows, items outside 0 … n_items − 1, an item compared with itself,
    and weights that are negative, not finite, all zero or of another length.
    """
    answers = np.asarray(triplets)
    if answers.ndim != 2 or answers.shape[1] != 3:
        raise BadInput(f"{what} must be an array (n_answers, 3), not {answers.shape}")
    if answers.dtype.kind not in "iu":
        raise BadInput(f"{what} must hold integers (positions of items), not {answers.dtype}")
    if not len(answers):
        raise BadInput(f"{what} are empty: there is nothing to fit or score")
    lowest, highest = int(answers.min()), int(answers.max())
    if n_items is None:
        n_items = highest + 1
    if lowest < 0 or highest >= n_items:
        raise BadInput(f"{what} name items {lowest} … {highest}, outside 0 … {n_items - 1}")
    if n_items > _MOST_ITEMS:
        raise BadInput(f"{n_items:,} items are too many: distances of all pairs must fit in memory (≤ {_MOST_ITEMS:,})")
    for start in range(0, len(answers), _BLOCK):
        a, b, c = answers[start : start + _BLOCK].T
        same = np.flatnonzero((a == b) | (a == c) | (b == c))
        if len(same):
            row = start + int(same[0])
            raise BadInput(f"{what} row {row} is {answers[row].tolist()}: the three items must differ")
    return answers, _check_weights(weights, len(answers), what), int(n_items)


def _check_weights(weights: ArrayLike | None, n_answers: int, what: str) -> Floats | None:
    if weights is None:
        return None
    given = np.asarray(weights)
    if given.shape != (n_answers,) or given.dtype.kind not in "iufb":
        raise BadInput(f"weights of {what} must be {n_answers} numbers, not {given.dtype} {given.shape}")
    counts = given.astype(np.float64)
    if not np.isfinite(counts).all() or counts.min() < 0:
        raise BadInput(f"weights of {what} must be finite and not negative")
    if not counts.sum() > 0:
        raise BadInput(f"weights of {what} are all zero")
    return counts


def collapse(triplets: Ints, weights: Floats | None, n_items: int, columns: Columns = ANCHORED) -> Pairs:
    """Checked answers → `Pairs`, repeats added up, sorted (so the order of the rows never matters to a fit).

    Takes 8 bytes an answer while it sorts (24 with weights), on top of the 8 or 12 a distinct answer that it keeps.
    """
    codes = _encode(triplets, n_items, symmetric=len(columns) == 3)
    if weights is None:
        codes.sort()
    else:
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        weights = weights[order]
        del order
    first = np.empty(len(codes), dtype=bool)
    first[0] = True
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    if first.all():
        counts = weights
    else:
        starts = np.flatnonzero(first)
        if weights is None:
            counts = np.diff(starts, append=len(codes)).astype(np.float64)
        else:
            counts = np.add.reduceat(weights, starts)
        codes = codes[starts]
    if counts is not None and not counts.all():
        codes, counts = codes[counts > 0], counts[counts > 0]  # a weight of zero is an answer not given
    index = np.empty((len(columns), len(codes)), dtype=np.int32)
    for start in range(0, len(codes), _BLOCK):
        block, c = np.divmod(codes[start : start + _BLOCK], n_items)
        a, b = np.divmod(block, n_items)
        item = (a, b, c)
        for row, (p, q) in enumerate(columns):
            index[row, start : start + _BLOCK] = item[p] * n_items + item[q]
    total = float(len(codes)) if counts is None else float(counts.sum())
    return Pairs(index=index, weights=counts, total=total, n_items=n_items)


def _encode(triplets: Ints, n_items: int, symmetric: bool) -> NDArray[np.int64]:
    """One int64 an answer. `symmetric`: the first two columns are a set, whose order says nothing."""
    codes = np.empty(len(triplets), dtype=np.int64)
    for start in range(0, len(triplets), _BLOCK):
        a, b, c = triplets[start : start + _BLOCK].T.astype(np.int64)
        if symmetric:
            a, b = np.minimum(a, b), np.maximum(a, b)
        codes[start : start + _BLOCK] = (a * n_items + b) * n_items + c
    return codes


def question_numbers(rows: Ints, n_items: int, as_sets: bool) -> Ints:
    """A number for the question of each row (n, 3), int64: an anchor with two options, or (`as_sets`) any three items."""
    a, b, c = (np.sort(rows, axis=1) if as_sets else np.asarray(rows)).T.astype(np.int64)
    numbers: Ints = (a * n_items + np.minimum(b, c)) * n_items + np.maximum(b, c)
    return numbers
