"""Which questions to ask: anchored triplets, sampled without repeats, and how many of them theory asks for.

A question is `anchor, left, right`: which of the two is more like the anchor? Swapping left and right asks the same
question, so every {left, right} occurs once per anchor at most, and which of them is shown first is a coin flip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from triadic.schema.arrays import Bools, Ints
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import PAPER_TRIPLETS

_BLOCK = 1 << 20  # questions decoded at a time: temporaries stay at a few MB however many are asked for


def n_possible(n_items: int) -> int:
    """Number of different anchored questions about `n_items` things: n · C(n − 1, 2)."""
    n_items = _count("n_items", n_items, least=3)
    return n_items * math.comb(n_items - 1, 2)


def sample_triplets(n_items: int, n_triplets: int, rng: np.random.Generator) -> Ints:
    """Draw questions uniformly without replacement.

    Returns an int32 array (n_triplets, 3) of anchor, left, right in random order; positions 0 … n_items − 1.
    Any prefix of it is itself a uniform sample. Raises BadInput when more are asked for than there are.
    """
    n_triplets = _count("n_triplets", n_triplets, least=1)
    possible = n_possible(n_items)
    if n_triplets > possible:
        raise BadInput(
            f"{n_triplets:,} triplets were asked for, but {n_items} concepts have only {possible:,} different ones: "
            f"ask for {possible:,} or fewer"
        )
    codes = _distinct(possible, n_triplets, rng)
    triplets = np.empty((n_triplets, 3), dtype=np.int32)
    for start in range(0, n_triplets, _BLOCK):
        block = codes[start : start + _BLOCK]
        triplets[start : start + _BLOCK] = _decode(block, n_items, rng.random(len(block), dtype=np.float32) < 0.5)
    return triplets


@dataclass(frozen=True)
class SampleSize:
    """What the theory of ordinal embedding asks for: `constant · n_dims · n_items · log(n_items)` answers.

    `bits` is the bound with log to base 2 and constant 1, the 26,900 of the paper's text at 128 × 30;
    `appendix` is the paper's appendix with log to base 10 and constant 4, its 31,288 being at 128 × 29;
    `natural` is the same bound with the natural logarithm and constant 1, the smallest reading of it.
    `collected` is what the paper gathered per model, whatever the sizes here.
    """

    n_items: int
    n_dims: int
    bits: int
    appendix: int
    natural: int
    collected: int = PAPER_TRIPLETS

    def lines(self) -> list[str]:
        """One line a reading, each with its logarithm and its constant."""
        n, d = self.n_items, self.n_dims
        return [
            f"1·n·d·ln(n)    = {self.natural:>9,}  (n={n}, d={d}; natural logarithm, constant 1)",
            f"1·n·d·log2(n)  = {self.bits:>9,}  (n={n}, d={d}; base 2, constant 1: the paper's text has 26,900)",
            f"4·n·d·log10(n) = {self.appendix:>9,}  (n={n}, d={d}; base 10, constant 4: its appendix, 31,288 at d=29)",
            f"collected      = {self.collected:>9,}  (the paper, per model, at n=128)",
        ]


def sample_size(n_items: int, n_dims: int) -> SampleSize:
    """The n·d·log(n) of the sample-size theory (Jamieson & Nowak 2011; Jain, Jamieson & Nowak 2016), both readings."""
    n_items, n_dims = _count("n_items", n_items, least=3), _count("n_dims", n_dims, least=1)
    size = n_items * n_dims
    return SampleSize(
        n_items=n_items,
        n_dims=n_dims,
        bits=round(size * math.log2(n_items)),
        appendix=round(4 * size * math.log10(n_items)),
        natural=round(size * math.log(n_items)),
    )


def _distinct(population: int, size: int, rng: np.random.Generator) -> Ints:
    """`size` distinct integers below `population`, int64, in random order."""
    if population <= 4 * size or population <= 1 << 16:
        return rng.choice(population, size, replace=False)  # a partial shuffle: 8 bytes × population
    # Sparse: draw with replacement, sort, drop repeats, top up. Every distinct set of a given size is equally likely
    # by symmetry, and dropping a random surplus keeps it so; one final shuffle makes the order random too.
    kept = np.empty(0, dtype=np.int64)
    while len(kept) < size:
        missing = size - len(kept)
        surplus = int(missing * missing / population) + int(missing * len(kept) / population) + 16
        kept = np.concatenate([kept, rng.integers(0, population, missing + surplus)])
        kept.sort()
        first = np.empty(len(kept), dtype=bool)
        first[0] = True
        np.not_equal(kept[1:], kept[:-1], out=first[1:])
        kept = kept[first]
    rng.shuffle(kept)
    return kept[:size]


def _decode(codes: Ints, n_items: int, flip: Bools) -> Ints:
    """Number of a question → (anchor, left, right): pairs i < j of the other items, counted j·(j − 1)/2 + i."""
    anchor, pair = np.divmod(codes, math.comb(n_items - 1, 2))
    j = ((1.0 + np.sqrt(8.0 * pair + 1.0)) * 0.5).astype(np.int64)
    j -= j * (j - 1) // 2 > pair  # the root is a float: put right the last digit, either way
    j += (j + 1) * j // 2 <= pair
    i = pair - j * (j - 1) // 2
    i += i >= anchor  # the anchor itself is no option
    j += j >= anchor
    return np.stack([anchor, np.where(flip, j, i), np.where(flip, i, j)], axis=1)


def _count(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise BadInput(f"{name} is {value!r}: it must be a whole number of at least {least}")
    return int(value)
