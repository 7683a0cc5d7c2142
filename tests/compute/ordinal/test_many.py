"""Many fits at once are the single fits, on either road."""

import numpy as np
import pytest

from triadic.compute.ordinal import CKL, GNMDS, SOE, STE, TSTE, SPoSE
from triadic.compute.ordinal.batch import fit_many
from triadic.compute.resampling.refits import answer_weights
from triadic.compute.triplets import sample_triplets
from triadic.schema.errors import BadInput, Unavailable
from triadic.tests.compute.simulated_raters import simulate_answers, simulate_odd_one_out


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(21)
    space = rng.random((25, 3)) * 2
    return simulate_answers(space, sample_triplets(25, 1_500, rng), rng)


def test_each_row_of_weights_is_a_fit_of_its_own(answers):
    train, heldout = answers[:1_200], answers[1_200:]
    weights = answer_weights(len(train), 3, np.random.default_rng(0))
    many = fit_many(CKL(4), train, weights, heldout)
    assert many.embeddings.shape == (3, 25, 4)
    for row, embedding, accuracy in zip(weights, many.embeddings, many.heldout_accuracy, strict=True):
        alone = CKL(4).fit(train, weights=row, heldout=heldout)
        assert np.array_equal(alone.embedding_, embedding)
        assert alone.score(heldout) == accuracy


def test_repeated_answers_do_not_disturb_the_weights(answers):
    twice = np.concatenate([answers, answers[:300]])
    weights = answer_weights(len(twice), 2, np.random.default_rng(1))
    many = fit_many(CKL(3), twice, weights)
    for row, embedding in zip(weights, many.embeddings, strict=True):
        assert embedding == pytest.approx(CKL(3).fit(twice, weights=row).embedding_, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "estimator", [CKL(3, mu=0.2), STE(3), TSTE(3), SOE(3), GNMDS(3)], ids=lambda e: type(e).__name__
)
def test_the_torch_road_takes_the_same_steps(estimator, answers):
    weights = answer_weights(len(answers), 3, np.random.default_rng(2))
    estimator.max_steps, estimator.tol = 12, 0
    with_numpy, with_torch = (fit_many(estimator, answers, weights, device=device) for device in (None, "cpu"))
    assert with_torch.embeddings == pytest.approx(with_numpy.embeddings, rel=1e-6, abs=1e-8)
    assert with_torch.train_loss == pytest.approx(with_numpy.train_loss, rel=1e-9)
    assert set(with_torch.reason) == {"max_steps"}
    assert not with_torch.converged.any()


def test_the_torch_road_stops_fit_by_fit(answers):
    weights = answer_weights(len(answers), 4, np.random.default_rng(3))
    done = []
    with_numpy = fit_many(CKL(3), answers, weights, progress=done.append)
    with_torch = fit_many(CKL(3), answers, weights, device="cpu")
    assert done == [1, 2, 3, 4]
    assert with_torch.converged.all()
    assert np.array_equal(with_numpy.n_iter, with_torch.n_iter)
    again = fit_many(CKL(3), answers, weights, device="cpu")
    assert np.array_equal(with_torch.embeddings, again.embeddings)


def test_fits_that_prune_differently_stand_side_by_side():
    rng = np.random.default_rng(5)
    space = rng.gamma(0.6, 1.2, (40, 3))
    answers = simulate_odd_one_out(space, sample_triplets(40, 4_000, rng), rng)
    few, all_of_them = np.zeros((2, len(answers)))
    few[:300] = 1.0
    all_of_them[:] = 1.0
    estimator = SPoSE(8, l1=0.05, prune=5)
    many = fit_many(estimator, answers, np.stack([few, all_of_them]), n_items=40)
    assert many.embeddings.shape == (2, 40, 8)
    for row, embedding in zip((few, all_of_them), many.embeddings, strict=True):
        alone = SPoSE(8, l1=0.05, prune=5).fit(answers, weights=row, n_items=40).embedding_
        assert np.array_equal(embedding[:, : alone.shape[1]], alone)
        assert not embedding[:, alone.shape[1] :].any()


def test_bad_input_is_refused(answers):
    with pytest.raises(BadInput, match="n_fits, n_answers"):
        fit_many(CKL(2), answers, np.ones(len(answers)))
    with pytest.raises(BadInput, match="finite"):
        fit_many(CKL(2), answers, np.full((2, len(answers)), np.nan))
    with pytest.raises(BadInput, match="SPoSE has no torch form"):
        fit_many(SPoSE(2), answers, np.ones((1, len(answers))), device="cpu")
    with pytest.raises(Unavailable, match="no device 'cuda:99'"):
        fit_many(CKL(2), answers, np.ones((1, len(answers))), device="cuda:99")
