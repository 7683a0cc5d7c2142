"""Many fits at once are the single fits, on either road."""

import numpy as np
import pytest

from triadic.compute.ordinal import CKL, GNMDS, SOE, STE, TSTE, SPoSE
from triadic.compute.ordinal.batch import bootstrap_weights, fit_many, stack_answers
from triadic.compute.simulate import simulate_answers
from triadic.compute.triplets import sample_triplets
from triadic.schema.errors import BadInput, Unavailable


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(21)
    space = rng.random((25, 3)) * 2
    return simulate_answers(space, sample_triplets(25, 1_500, rng), rng)


def test_each_row_of_weights_is_a_fit_of_its_own(answers):
    train, heldout = answers[:1_200], answers[1_200:]
    weights = bootstrap_weights(len(train), 3, np.random.default_rng(0))
    many = fit_many(CKL(4), train, weights, heldout)
    assert many.embeddings.shape == (3, 25, 4)
    for row, embedding, accuracy in zip(weights, many.embeddings, many.heldout_accuracy, strict=True):
        alone = CKL(4).fit(train, weights=row, heldout=heldout)
        assert np.array_equal(alone.embedding_, embedding)
        assert alone.score(heldout) == accuracy


def test_repeated_answers_do_not_disturb_the_weights(answers):
    twice = np.concatenate([answers, answers[:300]])
    weights = bootstrap_weights(len(twice), 2, np.random.default_rng(1))
    many = fit_many(CKL(3), twice, weights)
    for row, embedding in zip(weights, many.embeddings, strict=True):
        assert embedding == pytest.approx(CKL(3).fit(twice, weights=row).embedding_, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "estimator", [CKL(3, mu=0.2), STE(3), TSTE(3), SOE(3), GNMDS(3)], ids=lambda e: type(e).__name__
)
def test_the_torch_road_takes_the_same_steps(estimator, answers):
    weights = bootstrap_weights(len(answers), 3, np.random.default_rng(2))
    estimator.max_steps, estimator.tol = 12, 0
    here, there = (fit_many(estimator, answers, weights, device=device) for device in (None, "cpu"))
    assert there.embeddings == pytest.approx(here.embeddings, rel=1e-6, abs=1e-8)
    assert there.train_loss == pytest.approx(here.train_loss, rel=1e-9)
    assert set(there.reason) == {"max_steps"}
    assert not there.converged.any()


def test_the_torch_road_stops_fit_by_fit(answers):
    weights = bootstrap_weights(len(answers), 4, np.random.default_rng(3))
    done = []
    here = fit_many(CKL(3), answers, weights, progress=done.append)
    there = fit_many(CKL(3), answers, weights, device="cpu")
    assert done == [1, 2, 3, 4]
    assert there.converged.all()
    assert np.array_equal(here.n_iter, there.n_iter)
    again = fit_many(CKL(3), answers, weights, device="cpu")
    assert np.array_equal(there.embeddings, again.embeddings)


def test_raters_stack_onto_one_list_of_answers(answers):
    flipped = answers[:, [0, 2, 1]]
    distinct, weights = stack_answers([answers, flipped[:200], np.repeat(answers[:50], 2, axis=0)])
    assert weights.shape == (3, len(distinct))
    assert weights.sum(axis=1).tolist() == [1_500, 200, 100]
    many = fit_many(CKL(2), distinct, weights, n_items=25)
    assert many.embeddings[0] == pytest.approx(CKL(2).fit(answers, n_items=25).embedding_)


def test_bootstrap_counts_add_up_to_the_answers():
    counts = bootstrap_weights(500, 40, np.random.default_rng(4))
    assert (counts.sum(axis=1) == 500).all()
    assert abs((counts == 0).mean() - np.exp(-1)) < 0.02
    assert (bootstrap_weights(4, 3, np.random.default_rng(4), base=[0, 1, 1, 2])[:, 0] == 0).all()


def test_bad_input_is_refused(answers):
    with pytest.raises(BadInput, match="n_fits, n_answers"):
        fit_many(CKL(2), answers, np.ones(len(answers)))
    with pytest.raises(BadInput, match="finite"):
        fit_many(CKL(2), answers, np.full((2, len(answers)), np.nan))
    with pytest.raises(BadInput, match="device=None"):
        fit_many(SPoSE(2), answers, np.ones((1, len(answers))), device="cpu")
    with pytest.raises(Unavailable, match="no device"):
        fit_many(CKL(2), answers, np.ones((1, len(answers))), device="cuda:99")
    with pytest.raises(BadInput, match="no answer sets"):
        stack_answers([])
