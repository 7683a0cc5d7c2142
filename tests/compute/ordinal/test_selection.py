"""Held-out splits keep a question whole; dimensions and learning curves have known answers."""

import numpy as np
import pytest

from triadic.compute.ordinal import CKL, STE
from triadic.compute.ordinal.selection import accuracy_error, choose_dims, hold_out, learning_curve
from triadic.compute.triplets import sample_triplets
from triadic.schema.errors import BadInput


def answers_of(space, n, rng, noise=0.0):
    triplets = sample_triplets(len(space), n, rng)
    a, b, c = triplets.T
    swap = ((space[a] - space[b]) ** 2).sum(-1) > ((space[a] - space[c]) ** 2).sum(-1)
    swap ^= rng.random(n) < noise
    return np.where(swap[:, None], triplets[:, [0, 2, 1]], triplets)


def test_a_question_is_never_on_both_sides():
    rng = np.random.default_rng(31)
    triplets = sample_triplets(20, 400, rng)
    asked_again = np.concatenate([triplets, triplets[:150, [0, 2, 1]], triplets[:100]])
    held = hold_out(asked_again, 0.2, rng)
    key = np.concatenate([asked_again[:, :1], np.sort(asked_again[:, 1:], axis=1)], axis=1)
    sides = {tuple(row) for row in key[held]} & {tuple(row) for row in key[~held]}
    assert not sides
    assert len(np.unique(key[held], axis=0)) == 80
    assert np.array_equal(
        hold_out(triplets, 0.2, np.random.default_rng(1)), hold_out(triplets, 0.2, np.random.default_rng(1))
    )


def test_an_odd_one_out_question_is_a_set_of_three():
    rng = np.random.default_rng(36)
    triplets = np.unique(np.sort(sample_triplets(20, 400, rng), axis=1), axis=0)
    answered_thrice = np.concatenate([triplets, triplets[:, [2, 0, 1]], triplets[:, [1, 2, 0]]])
    held = hold_out(answered_thrice, 0.25, rng, as_sets=True).reshape(3, -1)
    assert (held == held[0]).all()
    assert held[0].sum() == round(0.25 * len(triplets))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 0.01])
def test_a_split_with_an_empty_side_is_refused(share):
    with pytest.raises(BadInput):
        hold_out(sample_triplets(10, 20, np.random.default_rng(0)), share, np.random.default_rng(0))


def test_the_smallest_sufficient_dimension_is_chosen():
    rng = np.random.default_rng(32)
    answers = answers_of(rng.standard_normal((30, 2)), 6_000, rng, noise=0.1)
    train, heldout = answers[:4_500], answers[4_500:]
    choice = choose_dims(STE(30), train, heldout, candidates=(1, 2, 3, 5))
    assert choice.n_dims == 2
    assert choice.estimator.embedding_.shape == (30, 2)
    assert [trial.n_dims for trial in choice.trials] == [1, 2, 3, 5]
    best = max(choice.trials, key=lambda trial: trial.heldout_accuracy)
    for trial in choice.trials:
        enough = trial.heldout_accuracy >= best.heldout_accuracy - best.standard_error
        assert enough == (trial.n_dims >= choice.n_dims) or trial.n_dims > choice.n_dims


def test_no_choice_among_fits_that_did_not_converge():
    rng = np.random.default_rng(33)
    answers = answers_of(rng.standard_normal((10, 2)), 300, rng)
    with pytest.raises(BadInput, match="no fit converged"):
        choose_dims(CKL(max_steps=2), answers[:200], answers[200:], candidates=(1, 2))
    with pytest.raises(BadInput, match="no candidate"):
        choose_dims(CKL(), answers[:200], answers[200:], candidates=())


def test_the_learning_curve_rises():
    rng = np.random.default_rng(34)
    answers = answers_of(rng.standard_normal((30, 2)), 8_000, rng)
    curve = learning_curve(CKL(2), answers[2_000:], answers[:2_000], rng, score=lambda space: float(space.shape[1]))
    assert [trial.n_answers for trial in curve] == [187, 375, 750, 1_500, 3_000, 6_000]
    assert curve[-1].heldout_accuracy > curve[0].heldout_accuracy + 0.05
    assert all(trial.score == 2.0 for trial in curve)
    with pytest.raises(BadInput, match="sizes"):
        learning_curve(CKL(2), answers[:100], answers[100:], rng, sizes=[101])


def test_standard_error_counts_weighted_answers_by_their_effective_number():
    assert accuracy_error(0.5, 100) == pytest.approx(0.05)
    assert accuracy_error(0.5, 4, weights=[1, 1, 0, 0]) == pytest.approx(0.5 / np.sqrt(2))
