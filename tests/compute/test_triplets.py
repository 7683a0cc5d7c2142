"""Sampled questions are distinct, uniform and shown in both orders; the sample-size figures are the paper's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triadic.compute.triplets import n_possible, sample_size, sample_triplets
from triadic.schema.errors import BadInput


def questions(triplets):
    """One number per question; left and right swapped is the same question."""
    a, b, c = triplets.T.astype(np.int64)
    n = int(triplets.max()) + 1
    return (a * n + np.minimum(b, c)) * n + np.maximum(b, c)


@given(st.integers(3, 12), st.integers(0, 2**32 - 1), st.data())
def test_questions_are_distinct_and_within_range(n_items, seed, data):
    size = data.draw(st.integers(1, n_possible(n_items)))
    triplets = sample_triplets(n_items, size, np.random.default_rng(seed))
    assert triplets.shape == (size, 3)
    assert triplets.dtype == np.int32
    assert triplets.min() >= 0
    assert triplets.max() < n_items
    assert all(len(set(row)) == 3 for row in triplets.tolist())
    assert len(np.unique(questions(triplets))) == size


@pytest.mark.parametrize("n_items", [3, 4, 7, 20])
def test_all_questions_can_be_asked_and_no_more(n_items):
    possible = n_items * math.comb(n_items - 1, 2)
    assert n_possible(n_items) == possible
    triplets = sample_triplets(n_items, possible, np.random.default_rng(0))
    assert len(np.unique(questions(triplets))) == possible
    with pytest.raises(BadInput, match=f"only {possible:,} different"):
        sample_triplets(n_items, possible + 1, np.random.default_rng(0))


def test_every_question_is_equally_likely_and_so_is_every_order():
    rng = np.random.default_rng(1)
    counts = np.zeros((5, 5, 5))
    for _ in range(4_000):
        a, b, c = sample_triplets(5, 3, rng).T
        np.add.at(counts, (a, b, c), 1)
    seen = counts[counts > 0]
    assert len(seen) == 2 * n_possible(5)  # each question in both orders
    expected = 12_000 / 60
    # χ² of 60 cells: mean 59, standard deviation 11.
    assert ((seen - expected) ** 2 / expected).sum() < 59 + 5 * 11


def test_the_sparse_road_is_uniform_too():
    # 20,000 of 8,032,000: drawn with replacement and made distinct.
    n_items, size = 254, 20_000
    triplets = sample_triplets(n_items, size, np.random.default_rng(2))
    assert len(np.unique(questions(triplets))) == size
    assert abs((triplets[:, 1] < triplets[:, 2]).mean() - 0.5) < 5 * 0.5 / math.sqrt(size)
    for column in triplets.T:
        expected = size / n_items
        assert ((np.bincount(column, minlength=n_items) - expected) ** 2 / expected).sum() < 253 + 5 * 22.5
    # Random order: the halves know nothing of their place.
    assert abs(triplets[: size // 2, 0].mean() - triplets[size // 2 :, 0].mean()) < 5 * 73.3 * math.sqrt(4 / size)


def test_same_seed_same_questions():
    one, two = (sample_triplets(128, 5_000, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, sample_triplets(128, 5_000, np.random.default_rng(8)))


def test_sample_size_states_both_readings():
    assert sample_size(128, 30).bits == 128 * 30 * 7 == 26_880  # log2(128) = 7; the text rounds to 26,900
    assert sample_size(128, 29).appendix == 31_288
    assert sample_size(128, 30).natural == round(3840 * math.log(128))
    assert any("log10" in line and "constant 4" in line for line in sample_size(128, 30).lines())


@pytest.mark.parametrize(("n_items", "size"), [(2, 1), (5, 0), (5, -1), (5, 2.0), (True, 1), ("5", 1)])
def test_impossible_numbers_are_refused(n_items, size):
    with pytest.raises(BadInput, match="whole number"):
        sample_triplets(n_items, size, np.random.default_rng(0))
