"""The raters that tests simulate answer at the rates their formulas state."""

import numpy as np
import pytest

from triadic.compute.triplets import sample_triplets
from triadic.tests.compute.simulated_raters import bayes_accuracy, flip_coins, simulate_answers, simulate_odd_one_out

LINE = np.array([[1.0], [0.5], [2.0]])  # inner products: 0–1 0.5, 0–2 2.0, 1–2 1.0


def repeated(row, n=40_000):
    return np.tile(np.array(row, dtype=np.int32), (n, 1))


def test_anchored_answers_follow_the_softmax_of_inner_products():
    answers = simulate_answers(LINE, repeated([0, 1, 2]), np.random.default_rng(0), temperature=0.5)
    p_left = np.exp(0.5 / 0.5) / (np.exp(0.5 / 0.5) + np.exp(2.0 / 0.5))
    assert (answers[:, 0] == 0).all()
    assert abs((answers[:, 1] == 1).mean() - p_left) < 5 * np.sqrt(p_left * (1 - p_left) / len(answers))


def test_odd_one_out_follows_the_three_way_softmax():
    answers = simulate_odd_one_out(LINE, repeated([0, 1, 2]), np.random.default_rng(0))
    weights = np.exp([1.0, 2.0, 0.5])  # odd 0 leaves pair 1–2, odd 1 leaves 0–2, odd 2 leaves 0–1
    rates = np.bincount(answers[:, 2], minlength=3) / len(answers)
    assert np.abs(rates - weights / weights.sum()).max() < 5 * 0.5 / np.sqrt(len(answers))


@pytest.mark.parametrize("simulate", [simulate_answers, simulate_odd_one_out])
def test_an_answer_keeps_the_three_items_and_the_input(simulate):
    rng = np.random.default_rng(3)
    embedding = rng.random((20, 4))
    triplets = sample_triplets(20, 500, rng)
    before = triplets.copy()
    answers = simulate(embedding, triplets, rng)
    assert np.array_equal(np.sort(answers, axis=1), np.sort(triplets, axis=1))
    assert np.array_equal(triplets, before)


def test_deterministic_raters_take_the_larger_similarity():
    rng = np.random.default_rng(4)
    embedding = rng.random((20, 4))
    triplets = sample_triplets(20, 500, rng)
    s = embedding @ embedding.T
    a, near, far = simulate_answers(embedding, triplets, rng, deterministic=True).T
    assert (s[a, near] > s[a, far]).all()
    i, j, odd = simulate_odd_one_out(embedding, triplets, rng, deterministic=True).T
    assert (s[i, j] > np.maximum(s[i, odd], s[j, odd])).all()


def test_ties_are_coin_flips():
    same = np.ones((3, 2))
    for deterministic in (False, True):
        answers = simulate_answers(same, repeated([0, 1, 2]), np.random.default_rng(5), deterministic=deterministic)
        assert abs((answers[:, 1] == 1).mean() - 0.5) < 0.0125
        odd = simulate_odd_one_out(same, repeated([0, 1, 2]), np.random.default_rng(5), deterministic=deterministic)
        assert np.abs(np.bincount(odd[:, 2]) / len(odd) - 1 / 3).max() < 0.0125


@pytest.mark.parametrize("rate", [0.0, 0.79, 1.0])
def test_coins_land_at_their_rate(rate):
    answers = flip_coins(repeated([0, 1, 2]), np.random.default_rng(6), first_option_rate=rate)
    assert abs((answers[:, 1] == 1).mean() - rate) < 0.0125


def test_bayes_accuracy_is_what_the_generating_space_scores():
    rng = np.random.default_rng(7)
    embedding = rng.random((30, 5)) * 2
    triplets = sample_triplets(30, 12_000, rng)
    s = embedding @ embedding.T
    a, near, far = simulate_answers(embedding, triplets, rng).T
    assert abs((s[a, near] > s[a, far]).mean() - bayes_accuracy(embedding, triplets)) < 5 * 0.5 / np.sqrt(12_000)
