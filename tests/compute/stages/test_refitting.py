"""Refits go the embedding's own way, by the settings that are stored with it, and pair up between raters."""

from __future__ import annotations

import numpy as np
import pytest

from triadic.compute.metrics import metric
from triadic.compute.ordinal import CKL
from triadic.compute.settings import FitSettings
from triadic.compute.stages.embed import embed
from triadic.compute.stages.refitting import Refitter
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import NotFound
from triadic.tests.compute.stages.wordnet_rater import FEW, FIT, N, judge_by_wordnet


def refitter_of(lab, embed_run_id):
    return Refitter(lab, embed_run_id, read_embedding(lab, embed_run_id).shape[1], FEW, 0)


def all_refits(refitter):
    """Refits of every kind, (b, n_concepts, n_dims)."""
    people = refitter.people(np.random.default_rng(0).normal(size=(128, 3)), 1.0, 2)
    kinds = refitter.bootstraps, refitter.coin_flips, people
    return np.concatenate([kind.embeddings for kind in kinds])


def test_the_same_fit_of_the_same_answers_gives_the_embedding_again(lab):
    embedding = embed(lab, judge_by_wordnet(lab, invalid=0.05), FIT)
    refitter = refitter_of(lab, embedding)
    again = refitter.fit(refitter.answers.triplets, np.ones((1, len(refitter.answers))))[0]
    assert metric("procrustes_r2")(read_embedding(lab, embedding), again) > 1 - 1e-6


def test_no_default_that_changes_moves_a_refit(lab, monkeypatch):
    judged = judge_by_wordnet(lab)
    embedding = embed(lab, judged, FIT)
    before = refitter_of(lab, embedding)
    for name, value in (("mu", 0.7), ("tol", 0.1), ("max_steps", 3)):
        monkeypatch.setitem(CKL.__init__.__kwdefaults__, name, value)
    defaults = {"heldout_share": 0.5, "temperature": 9.0}
    shifted = tuple(defaults.get(name, getattr(FitSettings, name)) for name in FitSettings.__dataclass_fields__)
    monkeypatch.setattr(FitSettings.__init__, "__defaults__", shifted)
    assert (CKL().mu, CKL().max_steps, FitSettings().heldout_share) == (0.7, 3, 0.5)
    after = refitter_of(lab, embedding)
    assert (after.estimator.mu, after.estimator.tol, after.estimator.max_steps) == (0.05, 3e-4, 1000)
    assert np.array_equal(after.answers.triplets, before.answers.triplets)
    assert np.array_equal(all_refits(after), all_refits(before))
    assert embed(lab, judged, FitSettings(n_dims=5)) != embedding  # for those made now, the defaults are others


def test_refits_use_the_parameters_that_the_fit_was_given(lab):
    judged = judge_by_wordnet(lab)
    given = FitSettings(n_dims=5, parameters=(("mu", 0.2), ("max_steps", 40)))
    refitter = refitter_of(lab, embed(lab, judged, given))
    assert (refitter.estimator.mu, refitter.estimator.max_steps) == (0.2, 40)
    plain = refitter_of(lab, embed(lab, judged, FIT))
    assert not np.allclose(all_refits(refitter), all_refits(plain))


def test_refits_start_once_and_do_not_stop_early(lab):
    settings = FitSettings(n_dims=4, n_restarts=2, patience=3)
    estimator = refitter_of(lab, embed(lab, judge_by_wordnet(lab), settings)).estimator
    assert (estimator.n_restarts, estimator.patience, estimator.n_dims) == (1, None, 4)


def test_draws_resample_the_same_questions_in_two_raters(lab):
    """A question drawn for one rater is drawn as often for another, though each left other questions unanswered."""
    counted = []
    for name, seed in (("one", 1), ("two", 2)):
        refitter = refitter_of(lab, embed(lab, judge_by_wordnet(lab, name, invalid=0.3, seed=seed), FIT))
        drawn = refitter.resampled(4, np.random.default_rng(9))
        numbers = refitter.question_numbers(refitter.answers.triplets).tolist()
        counted.append(dict(zip(numbers, drawn.T, strict=True)))
    both = counted[0].keys() & counted[1].keys()
    assert 200 < len(both) < N * 0.8
    assert all(np.array_equal(counted[0][number], counted[1][number]) for number in both)


def test_a_question_asked_in_both_orders_is_drawn_as_a_whole(lab):
    refitter = refitter_of(lab, embed(lab, judge_by_wordnet(lab, orders="both"), FIT))
    numbers = refitter.question_numbers(refitter.answers.triplets)
    drawn = refitter.resampled(3, np.random.default_rng(9))
    for number in np.unique(numbers)[:200]:
        assert (np.ptp(drawn[:, numbers == number], axis=1) == 0).all()


def test_an_embedding_of_no_run_is_named(lab):
    with pytest.raises(NotFound, match="no embed run nothing"):
        Refitter(lab, "nothing", 3, FEW, 0)
