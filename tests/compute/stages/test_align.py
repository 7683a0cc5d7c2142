"""The align stage: figures equal those of the metrics, draws pair up between raters, repeating it changes nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from triadic.compute.answers import AnswerSet
from triadic.compute.metrics import METRICS, metric
from triadic.compute.ordinal.batch import fit_many
from triadic.compute.settings import AlignSettings, FitSettings
from triadic.compute.stages.align import align, align_runs, newest_references
from triadic.compute.stages.embed import embed
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.tables import Embedding, Rater
from triadic.tests.compute.simulated_raters import simulate_answers
from triadic.tests.compute.stages.wordnet_rater import FEW, FIT, draw_questions, judge_by_wordnet

DEFAULT = {name for name, found in METRICS.items() if found.by_default}


def _draws(lab, run_id, kind, name="procrustes_r2"):
    sql = "SELECT value FROM metric_draw WHERE run_id = ? AND kind = ? AND name = ? ORDER BY draw"
    return lab.store.read(sql, [run_id, kind, name]).value.to_numpy()


def test_figures_are_those_of_the_metrics_with_draws_of_every_kind(lab):
    judged = judge_by_wordnet(lab, invalid=0.05)
    embedding = embed(lab, judged, FIT)
    (run_id,) = align(lab, embedding, settings=FEW)
    reference_id = lab.store.row("SELECT reference_id FROM metric WHERE run_id = ?", [run_id])[0]
    stored = lab.store.read("SELECT name, value FROM metric WHERE run_id = ?", [run_id]).set_index("name").value
    assert set(stored.index) == DEFAULT
    human, model = read_embedding(lab, reference_id), read_embedding(lab, embedding)
    answers = AnswerSet.read(lab, judged).split(0.2, 0)[0].triplets
    labels = lab.store.read("SELECT category FROM concept ORDER BY position").category.tolist()
    for name in DEFAULT:
        expected = metric(name)(human, model, answers=answers, triplets=draw_questions(lab)[1], labels=labels)
        assert stored[name] == pytest.approx(expected, abs=1e-10), name
    counts = lab.store.read("SELECT kind, name, count(*) AS n FROM metric_draw GROUP BY ALL")
    expected = {
        "permutation": 20,
        "coin_flips": 3,
        "bootstrap_answers": 3,
        "bootstrap_concepts": 20,
        "ceiling": 2,
        "ceiling_deterministic": 1,
    }
    assert {(k, n): c for k, n, c in counts.itertuples(index=False)} == {
        (kind, name): n for kind, n in expected.items() for name in DEFAULT
    }
    detail = json.loads(lab.store.row("SELECT status_detail FROM run_status WHERE run_id = ?", [run_id])[0])
    assert detail["n_answers"] == lab.store.row("SELECT n_train FROM embedding WHERE embedding_id = ?", [embedding])[0]
    assert detail["n_unconverged_refits"] == 0
    assert detail["ceiling_temperature"] > 0


def test_repeating_it_changes_nothing_and_a_lost_embedding_is_named(lab):
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    reports = []
    first = align(lab, embedding, ["wordnet"], FEW, progress=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (9, 9)
    assert reports == sorted(reports)
    before = [lab.store.row(f"SELECT count(*) FROM {t}") for t in ("run", "run_event", "metric", "metric_draw")]
    assert align(lab, embedding, settings=FEW) == first
    assert [lab.store.row(f"SELECT count(*) FROM {t}") for t in ("run", "run_event", "metric", "metric_draw")] == before
    assert align(lab, embedding, settings=FEW, seed=1) != first
    with pytest.raises(NotFound, match="no embedding nothing"):
        align(lab, "nothing")
    with pytest.raises(NotFound, match="use one of wordnet"):
        align(lab, embedding, ["vice"])
    with pytest.raises(BadInput, match="n_bootstraps is -1"):
        AlignSettings(n_bootstraps=-1)
    with pytest.raises(NotFound, match="no metric 'r2'"):
        align(lab, embedding, settings=AlignSettings(metrics=("r2",)))


def test_graded_answers_get_a_shuffled_null(lab):
    judge_run = judge_by_wordnet(lab)
    graded = embed(lab, judge_run, FitSettings(n_dims=5, answers="graded", temperature=2.0))
    (run_id,) = align(lab, graded, settings=FEW)
    assert len(_draws(lab, run_id, "coin_flips")) == 3
    assert len(_draws(lab, run_id, "permutation", "answer_agreement")) == 0
    hard = align(lab, embed(lab, judge_run, FIT), settings=FEW)
    kept = lab.store.read(
        "SELECT fit, answers, temperature FROM alignment WHERE metric_name = 'procrustes_r2' ORDER BY answers"
    )
    assert kept.answers.tolist() == ["graded", "hard"]
    assert kept.temperature.tolist() == [2.0, 1.0]
    assert hard != [run_id]


def test_odd_one_out_answers_of_people_give_split_halves(lab):
    few = AlignSettings(("procrustes_r2", "answer_agreement"), 5, 2, 2, 5, 1, 2)
    judge_by_wordnet(lab, "crowd", "human", framing="odd-one-out")
    people = judge_by_wordnet(lab, "again", framing="odd-one-out", seed=5)
    for settings in (FIT, FitSettings(algorithm="spose", n_dims=5)):
        (run_id,) = align(lab, embed(lab, people, settings), settings=few)
        halves = _draws(lab, run_id, "split_half")
        assert len(halves) == 2
        assert halves.mean() > _draws(lab, run_id, "coin_flips").mean()
    (run_id,) = align(
        lab, embed(lab, judge_by_wordnet(lab), FIT), settings=few
    )  # their pairs answer anchored questions too
    assert len(_draws(lab, run_id, "split_half")) == 2


def test_a_fit_to_nothing_is_at_chance_and_one_to_the_reference_is_not(lab):
    settings = AlignSettings(("procrustes_r2", "cka_debiased"), 50, 25, 5, 50, 2, 0)
    for name, temperature in (("knows", 0.03), ("coin", 1e6)):
        align(lab, embed(lab, judge_by_wordnet(lab, name, temperature=temperature), FIT), settings=settings)
    seen = lab.store.read("SELECT rater_name, metric_name, at_chance, share FROM alignment").set_index(
        ["rater_name", "metric_name"]
    )
    for name in ("procrustes_r2", "cka_debiased"):
        assert seen.at_chance["coin", name]
        assert abs(seen.share["coin", name]) < 0.25
        assert not seen.at_chance["knows", name]
        assert seen.share["knows", name] > 0.5


def test_an_embedding_without_answers_gets_what_needs_none(lab, vice):
    from triadic.ingest.reference import reference_from_file

    reference = reference_from_file(lab, vice, "things-128")
    (run_id,) = align(lab, reference, settings=FEW)
    kinds = set(lab.store.read("SELECT DISTINCT kind FROM metric_draw WHERE run_id = ?", [run_id]).kind)
    assert kinds == {"permutation", "bootstrap_concepts"}
    stored = lab.store.read("SELECT name, value FROM metric WHERE run_id = ?", [run_id]).set_index("name").value
    assert not {"answer_agreement", "triplet_agreement"} & set(stored.index)
    assert 0.4 < stored.procrustes_r2 < 0.55


def test_the_ceiling_against_people_is_simulated_from_their_own_scale(lab, vice):
    from triadic.ingest.reference import reference_from_file

    reference_from_file(lab, vice, "things-128")
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    (run_id,) = align(lab, embedding, ["vice"], FEW)
    detail = json.loads(lab.store.row("SELECT status_detail FROM run_status WHERE run_id = ?", [run_id])[0])
    assert detail["ceiling_temperature"] == 1.0


def test_a_refit_that_is_not_finite_fails_the_run_and_the_next_call_mends_it(lab, monkeypatch):
    embedding = embed(lab, judge_by_wordnet(lab), FIT)

    def broken(*args, **how):
        found = fit_many(*args, **how)
        found.embeddings[0, 0, 0] = np.nan
        return found

    with monkeypatch.context() as patch:
        patch.setattr("triadic.compute.stages.refitting.fit_many", broken)
        with pytest.raises(BadInput, match="not finite"):
            align(lab, embedding, settings=FEW)
    assert lab.store.row("SELECT count(*) FROM metric") == (0,)
    assert lab.store.row("SELECT status FROM run_status WHERE stage = 'align'") == ("failed",)
    align(lab, embedding, settings=FEW)
    assert lab.store.row("SELECT status FROM run_status WHERE stage = 'align'") == ("finished",)


def test_simulated_answers_here_are_those_of_the_simulator(lab):
    _, asked = draw_questions(lab)
    read = AnswerSet.read(lab, judge_by_wordnet(lab, temperature=1e-6)).triplets
    reference = read_embedding(lab, lab.store.row("SELECT embedding_id FROM embedding WHERE name = 'wordnet'")[0])
    expected = simulate_answers(reference, asked, np.random.default_rng(0), deterministic=True)
    gram = reference @ reference.T
    clear = np.abs(gram[asked[:, 0], asked[:, 1]] - gram[asked[:, 0], asked[:, 2]]) > 1e-4
    assert np.array_equal(read[clear], expected[clear])


def test_a_small_set_of_the_users_own_gets_the_figures_that_it_allows(empty_lab):
    """Eight concepts without categories: no ten neighbours, no five folds, no silhouette, and no failure."""
    from triadic.ingest.concepts import ingest_concepts
    from triadic.ingest.reference import reference_from_file

    folder = empty_lab.path
    (folder / "words.csv").write_text("word\n" + "\n".join("abcdefgh"))
    np.savetxt(folder / "space.txt", np.random.default_rng(0).normal(size=(8, 3)))
    ingest_concepts(empty_lab, folder / "words.csv", "letters")
    reference_from_file(empty_lab, folder / "space.txt", "letters", "own")
    other = reference_from_file(empty_lab, folder / "space.txt", "letters", "again", n_dims=2)
    align(empty_lab, other, ["own"], FEW)
    stored = set(empty_lab.store.read("SELECT name FROM metric").name)
    without = {"procrustes_r2_cv", "knn_overlap", "category_silhouette", "triplet_agreement", "answer_agreement"}
    assert stored == DEFAULT - without


def test_of_references_with_one_name_the_newest_counts(lab):
    from triadic.ingest.reference import reference_from_file

    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    rng = np.random.default_rng(0)
    ids = []
    for version in range(2):
        np.save(lab.path / f"space{version}.npy", rng.normal(size=(1854, 4)))
        ids.append(reference_from_file(lab, lab.path / f"space{version}.npy", "things-128", "noise"))
    names = newest_references(lab, "things-128")
    assert list(names) == ["wordnet", "noise"]
    assert names["noise"] == ids[1]

    def taken(references=None):
        return [work.config["reference"] for work in align_runs(lab, embedding, references)]

    assert taken() == list(names.values())
    assert taken(["noise"]) == [ids[1]]
    assert taken([ids[0]]) == [ids[0]]


def test_alignments_are_the_runs_that_version_0_1_0_entered(lab):
    lab.store.insert(Rater, [Rater(rater_id="gemma-3-270m", kind="llm")])
    rows = [
        {"embedding_id": "67b168779c9848ce", "role": "reference", "name": "old", "run_id": None, "algorithm": "none"},
        {
            "embedding_id": "ba87cedb337941bd",
            "role": "fitted",
            "name": "ckl",
            "run_id": "ba87cedb337941bd",
            "algorithm": "CKL",
        },
    ]
    common = {"rater_id": "gemma-3-270m", "concept_set_id": "things-128", "n_dims": 30}
    lab.store.insert(Embedding, [Embedding(**row, **common) for row in rows])
    few = AlignSettings(("procrustes_r2", "cka_debiased"), 5, 4, 3, 2, 1, 0, device="cpu")
    works = [
        align_runs(lab, "ba87cedb337941bd", ["old"], settings, seed)[0]
        for settings, seed in ((AlignSettings(), 0), (AlignSettings(metrics=()), 0), (few, 3))
    ]
    assert [work.run_id for work in works] == ["21f001995f470c73", "21f001995f470c73", "9bb74b5da23cabb6"]
