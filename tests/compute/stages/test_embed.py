"""The embed stage: fitted once, kept whole, refused when it makes no sense."""

import numpy as np
import pytest

from triadic.compute.answers import read_answers
from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.judges.vectors import VectorsJudge
from triadic.compute.stages.embed import FitSettings, embed, held_out
from triadic.compute.stages.judge import ask, judge_run
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lookup import read_concepts


def judged(lab, judge, n=3000, name="rule", **how):
    rater, _ = add_model(lab, "scripted:", name)
    work = judge_run(lab, rater, judge, draw_triplet_set(lab, "things-128", n, 0), **how)
    ask(lab, work, judge)
    return work.run_id


@pytest.fixture
def space():
    return np.random.default_rng(0).normal(size=(128, 3))


@pytest.fixture
def run(lab, space):
    words = list(read_concepts(lab, "things-128").word)
    return judged(lab, VectorsJudge.from_vectors(words, space, "known"))


def test_a_fit_is_stored_with_all_that_tells_whether_to_believe_it(lab, run):
    fit = embed(lab, run, FitSettings(n_dims=5))
    row = lab.store.read("SELECT * FROM embedding WHERE embedding_id = ?", [fit]).iloc[0]
    assert (row.algorithm, row.n_dims, row.n_train, row.n_heldout) == ("CKL", 5, 2400, 600)
    assert row.heldout_accuracy > 0.7
    assert not row.at_chance
    assert row.converged
    assert read_embedding(lab, fit).shape == (128, 5)
    history = lab.store.read("SELECT * FROM fit_history WHERE run_id = ? ORDER BY step", [fit])
    assert history.train_loss.is_monotonic_decreasing
    assert history.heldout_loss.iloc[-1] == pytest.approx(row.heldout_loss)


def test_fitting_twice_fits_once_and_other_settings_are_another_run(lab, run):
    first = embed(lab, run, FitSettings(n_dims=3))
    events = lab.store.row("SELECT count(*) FROM run_event")
    assert embed(lab, run, FitSettings(n_dims=3)) == first
    assert lab.store.row("SELECT count(*) FROM run_event") == events
    assert len({first, embed(lab, run, FitSettings(n_dims=4)), embed(lab, run, FitSettings(n_dims=3), seed=1)}) == 3


def test_the_same_seed_gives_the_same_embedding_to_the_bit(lab, run, tmp_path, space):
    from triadic.ingest.everything import ingest_everything
    from triadic.schema.lab import Lab

    other = Lab.create(tmp_path / "other")
    ingest_everything(other)
    words = list(read_concepts(other, "things-128").word)
    again = judged(other, VectorsJudge.from_vectors(words, space, "known"))
    assert again == run
    settings = FitSettings(n_dims=4, n_restarts=2)
    assert np.array_equal(
        read_embedding(lab, embed(lab, run, settings)), read_embedding(other, embed(other, run, settings))
    )


def test_coin_flips_are_marked(lab):
    run = judged(lab, ScriptedJudge(similarity=lambda a, b: 0.0, name="coin"))
    fit = embed(lab, run)
    assert lab.store.row("SELECT at_chance, heldout_loss > ln(2) FROM embedding WHERE embedding_id = ?", [fit]) == (
        True,
        True,
    )


@pytest.mark.parametrize("algorithm", ["ste", "tste", "soe", "gnmds"])
def test_every_algorithm_of_anchored_answers(lab, run, algorithm):
    fit = embed(lab, run, FitSettings(algorithm, n_dims=3))
    assert lab.store.row("SELECT heldout_accuracy > 0.7 FROM embedding WHERE embedding_id = ?", [fit]) == (True,)


def test_odd_one_out_answers_fit_either_way(lab, space):
    words = list(read_concepts(lab, "things-128").word)
    judge = VectorsJudge.from_vectors(words, space, "known", framing="odd-one-out")
    run = judged(lab, judge, framing="odd-one-out")
    for algorithm in ("spose", "ckl"):
        fit = embed(lab, run, FitSettings(algorithm, n_dims=4))
        accuracy, chance = lab.store.row(
            "SELECT heldout_accuracy, at_chance FROM embedding WHERE embedding_id = ?", [fit]
        )
        assert not chance, algorithm
        assert accuracy > (0.4 if algorithm == "spose" else 0.6)


def test_whole_questions_are_held_out(lab, space):
    words = list(read_concepts(lab, "things-128").word)
    judge = VectorsJudge.from_vectors(words, space, "known")
    run = judged(lab, judge, 500, orders="both", repeats=2)
    answers = read_answers(lab, run)
    held = held_out(answers.triplets, answers.framing, 0.2, 0)
    questions = {tuple([a, *sorted((b, c))]) for a, b, c in answers.triplets[held].tolist()}
    assert not questions & {tuple([a, *sorted((b, c))]) for a, b, c in answers.triplets[~held].tolist()}
    assert held.sum() == 400


def test_what_cannot_be_fitted_is_refused_in_one_line(lab, run):
    with pytest.raises(NotFound, match="no judge run"):
        embed(lab, "0" * 16)
    with pytest.raises(BadInput, match="at least one dimension"):
        embed(lab, run, FitSettings(n_dims=0))
    with pytest.raises(BadInput, match="at most 127"):
        embed(lab, run, FitSettings(n_dims=128))
    with pytest.raises(BadInput, match="no algorithm"):
        embed(lab, run, FitSettings("magic"))
    with pytest.raises(BadInput, match="odd-one-out"):
        embed(lab, run, FitSettings("spose"))
    with pytest.raises(BadInput, match="no log-probabilities"):
        embed(lab, run, FitSettings(answers="graded"))
    rater, _ = add_model(lab, "scripted:", "unfinished")
    work = judge_run(lab, rater, ScriptedJudge(), draw_triplet_set(lab, "things-128", 100, 5))
    work.begin(lab)
    with pytest.raises(Conflict, match="not finished"):
        embed(lab, work.run_id)
