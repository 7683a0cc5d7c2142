"""The embed stage: fitted once, kept whole, refused when it makes no sense."""

import json

import numpy as np
import pytest

from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.judges.vectors import VectorsJudge
from triadic.compute.settings import FitSettings, JudgeSettings
from triadic.compute.stages.embed import embed, embed_run
from triadic.compute.stages.judge import ask, judge_run
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lifecycle import record_event
from triadic.schema.lookup import read_concepts
from triadic.schema.tables import Rater, Run


def judged(lab, judge, n=3000, name="rule", **how):
    rater, _ = add_model(lab, "scripted:", name)
    work = judge_run(lab, rater, judge, draw_triplet_set(lab, "things-128", n, 0), JudgeSettings(**how))
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


def test_what_cannot_be_fitted_is_refused_in_one_line(lab, run):
    with pytest.raises(NotFound, match="no judge run"):
        embed(lab, "0" * 16)
    with pytest.raises(BadInput, match="n_dims is 0: it must be at least 1"):
        embed(lab, run, FitSettings(n_dims=0))
    with pytest.raises(BadInput, match="at most 127"):
        embed(lab, run, FitSettings(n_dims=128))
    with pytest.raises(BadInput, match="no algorithm"):
        embed(lab, run, FitSettings("magic"))
    with pytest.raises(BadInput, match="no parameter 'l1' of ckl"):
        embed(lab, run, FitSettings(parameters=(("l1", 0.1),)))
    with pytest.raises(BadInput, match="odd-one-out"):
        embed(lab, run, FitSettings("spose"))
    with pytest.raises(BadInput, match="no log-probabilities"):
        embed(lab, run, FitSettings(answers="graded"))
    rater, _ = add_model(lab, "scripted:", "unfinished")
    work = judge_run(lab, rater, ScriptedJudge(), draw_triplet_set(lab, "things-128", 100, 5), JudgeSettings())
    work.begin(lab)
    with pytest.raises(Conflict, match="not finished"):
        embed(lab, work.run_id)


def test_a_parameter_that_equals_the_default_makes_the_same_run_and_another_one_another(lab, run):
    def id_of(**how):
        return embed_run(lab, run, FitSettings(n_dims=3, **how), 0)[0].run_id

    assert id_of(parameters=(("mu", 0.05), ("max_steps", 1000))) == id_of()
    assert id_of(parameters=(("mu", 1),)) == id_of(parameters=(("mu", 1.0),)) != id_of()
    config = embed_run(lab, run, FitSettings(parameters=(("mu", 0.2),)), 0)[0].config
    assert (config["mu"], config["tol"]) == (0.2, 3e-4)


def test_a_device_is_recorded_and_decides_nothing(lab, run):
    fitted = embed(lab, run, FitSettings(n_dims=3, device="cpu"))
    assert embed(lab, run, FitSettings(n_dims=3)) == fitted
    started = lab.store.row(
        "SELECT detail ->> 'device' FROM run_event WHERE run_id = ? AND status = 'started'", [fitted]
    )
    assert started == ("cpu",)
    assert lab.store.row("SELECT at_chance, converged FROM embedding WHERE embedding_id = ?", [fitted]) == (False, True)
    assert lab.store.row("SELECT count(*) >= 2 FROM fit_history WHERE run_id = ?", [fitted]) == (True,)


AUTO = {"n_dims": None, "heldout_share": 0.1, "n_restarts": 3, "patience": 4}
IDS_OF_0_1_0 = {
    "ckl": ("f3a345c7f26591e9", "a5c7cdb73a6f3946"),
    "ste": ("cc61651972079d0b", "ba34708f13e74ada"),
    "tste": ("d3db59efd3f63a67", "94f379bd3ff95fcb"),
    "soe": ("702b4d70ff959cd9", "d46a6b391214c1eb"),
    "gnmds": ("a7c2e59d923a7d03", "dc9f20dd3b45dc6d"),
    "spose": ("9261c6a161d89a2d", "1747f2e76755f8d6"),
}


@pytest.mark.parametrize("algorithm", IDS_OF_0_1_0)
def test_fits_are_the_runs_that_version_0_1_0_entered(lab, algorithm):
    lab.store.insert(Rater, [Rater(rater_id="scripty", kind="llm")])
    judged = Run(
        run_id="f328e83a028edbaf",
        stage="judge",
        rater_id="scripty",
        concept_set_id="things-128",
        triplet_set_id="11136af351027b78",
        config={"framing": "odd-one-out"},
        config_hash="",
        versions={},
    )
    lab.store.insert(Run, [judged])
    record_event(lab, judged.run_id, "finished")
    works = [
        embed_run(lab, judged.run_id, settings, seed)[0]
        for settings, seed in ((FitSettings(algorithm), 0), (FitSettings(algorithm, **AUTO), 7))
    ]
    assert tuple(work.run_id for work in works) == IDS_OF_0_1_0[algorithm]
    if algorithm == "ckl":
        assert json.dumps(works[0].config, sort_keys=True) == (
            '{"algorithm": "ckl", "answers": "hard", "heldout_share": 0.2, "max_steps": 1000, "mu": 0.05, "n_dims": 30, '
            '"n_restarts": 1, "patience": null, "record_every": 1, "temperature": 1.0, "tol": 0.0003}'
        )


def test_fits_with_other_parameters_are_figures_of_another_kind(lab, run):
    """Their name tells them apart, so that neither stands in a report for the other."""
    ids = {embed(lab, run, FitSettings(n_dims=5, parameters=given)) for given in ((), (("mu", 0.2),), (("mu", 0.05),))}
    names = lab.store.read("SELECT name FROM fit WHERE is_shown ORDER BY name").name
    assert (len(ids), names.tolist()) == (2, ["ckl-5-hard", "ckl-5-hard mu=0.2"])


def test_settings_that_do_not_go_together_leave_no_run_behind(lab, run):
    before = lab.store.value("SELECT count(*) FROM run")
    for settings in (FitSettings(n_dims=3, patience=3, device="cpu"), FitSettings("spose", 3, device="cpu")):
        with pytest.raises(BadInput, match="without a device"):
            embed(lab, run, settings)
    assert lab.store.value("SELECT count(*) FROM run") == before
