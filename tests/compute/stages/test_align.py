"""The align stage: figures equal those of the metrics, draws pair up between raters, repeating it changes nothing."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from triadic.compute.answers import read_answers
from triadic.compute.metrics import METRICS, metric
from triadic.compute.ordinal.batch import fit_many
from triadic.compute.simulate import simulate_answers
from triadic.compute.stages.align import AlignSettings, align
from triadic.compute.stages.embed import FitSettings, embed
from triadic.compute.stages.plan import draw_triplet_set
from triadic.compute.subject import Subject
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lifecycle import Work, finish
from triadic.schema.tables import Rater, Response
from triadic.schema.vocabulary import Stage

FEW = AlignSettings(
    n_permutations=20, n_coin_flips=3, n_bootstraps=3, n_concept_bootstraps=20, n_ceiling=2, n_split_halves=2
)
FIT = FitSettings(n_dims=5)
N = 1200


def _questions(lab):
    triplet_set = draw_triplet_set(lab, "things-128", N, 0)
    columns = "SELECT anchor, left_item, right_item FROM triplet WHERE triplet_set_id = ? ORDER BY triplet_no"
    return triplet_set, lab.store.read(columns, [triplet_set]).to_numpy()


def _judged(
    lab, name="sim", kind="simulated", framing="anchored", invalid=0.0, temperature=0.05, seed=0, orders="drawn"
):
    """A finished judge run of a rater that answers from the WordNet space."""
    triplet_set, asked = _questions(lab)
    reference = read_embedding(lab, lab.store.row("SELECT embedding_id FROM embedding WHERE name = 'wordnet'")[0])
    rng = np.random.default_rng(seed)
    lab.store.insert(Rater, [Rater(rater_id=name, kind=kind)])
    work = Work(Stage.judge, name, {"framing": framing, "answer": "score", "orders": orders, "n_questions": N, "seed": seed},
                "things-128", triplet_set)  # fmt: skip
    run_id = work.begin(lab)
    frames = []
    for flipped in (False, True) if orders == "both" else (False,):
        gram = reference @ reference.T
        scores = np.stack([gram[asked[:, i], asked[:, j]] for i, j in ((0, 1), (0, 2), (1, 2))], 1) / temperature
        if framing == "anchored":
            scores = scores[:, :2]
        choice = np.array(["left", "right", "apart"], object)[(scores + rng.gumbel(size=scores.shape)).argmax(1)]
        logs = scores - np.logaddexp.reduce(scores, 1)[:, None]
        bad = rng.random(N) < invalid
        choice[bad] = None
        frames.append(pd.DataFrame({
            "run_id": run_id, "triplet_no": np.arange(N), "flipped": flipped, "repeat": 0, "choice": choice,
            "invalid_reason": np.where(bad, "refusal", None), "logprob_left": logs[:, 0], "logprob_right": logs[:, 1],
        }))  # fmt: skip
    finish(lab, run_id, [(Response, pd.concat(frames))])
    return run_id


def _draws(lab, run_id, kind, name="procrustes_r2"):
    sql = "SELECT value FROM metric_draw WHERE run_id = ? AND kind = ? AND name = ? ORDER BY draw"
    return lab.store.read(sql, [run_id, kind, name]).value.to_numpy()


def test_figures_are_those_of_the_metrics_with_draws_of_every_kind(lab):
    embedding = embed(lab, _judged(lab, invalid=0.05), FIT)
    (run_id,) = align(lab, embedding, settings=FEW)
    reference_id = lab.store.row("SELECT reference_id FROM metric WHERE run_id = ?", [run_id])[0]
    stored = lab.store.read("SELECT name, value FROM metric WHERE run_id = ?", [run_id]).set_index("name").value
    assert set(stored.index) == set(METRICS)
    human, model = read_embedding(lab, reference_id), read_embedding(lab, embedding)
    subject = Subject(lab, embedding, "things-128", embedding)
    for name in METRICS:
        expected = metric(name)(human, model, answers=subject.answers, **subject.given())
        assert stored[name] == pytest.approx(expected, abs=1e-10), name
    counts = lab.store.read("SELECT kind, name, count(*) AS n FROM metric_draw GROUP BY ALL")
    expected = {"permutation": 20, "coin_flips": 3, "bootstrap_answers": 3, "bootstrap_concepts": 20, "ceiling": 2,
                "ceiling_deterministic": 1}  # fmt: skip
    assert {(k, n): c for k, n, c in counts.itertuples(index=False)} == {
        (kind, name): n for kind, n in expected.items() for name in METRICS
    }
    detail = json.loads(lab.store.row("SELECT status_detail FROM run_status WHERE run_id = ?", [run_id])[0])
    assert detail["n_answers"] == lab.store.row("SELECT n_train FROM embedding WHERE embedding_id = ?", [embedding])[0]
    assert detail["n_unconverged_refits"] == 0
    assert detail["ceiling_temperature"] > 0


def test_repeating_it_changes_nothing_and_a_lost_embedding_is_named(lab):
    embedding = embed(lab, _judged(lab), FIT)
    told = []
    first = align(lab, embedding, ["wordnet"], FEW, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (9, 9)
    assert told == sorted(told)
    before = [lab.store.row(f"SELECT count(*) FROM {t}") for t in ("run", "run_event", "metric", "metric_draw")]
    assert align(lab, embedding, settings=FEW) == first
    assert [lab.store.row(f"SELECT count(*) FROM {t}") for t in ("run", "run_event", "metric", "metric_draw")] == before
    assert align(lab, embedding, settings=FEW, seed=1) != first
    with pytest.raises(NotFound, match="no embedding nothing"):
        align(lab, "nothing")
    with pytest.raises(NotFound, match="there are: wordnet"):
        align(lab, embedding, ["vice"])
    with pytest.raises(BadInput, match="n_bootstraps is -1"):
        AlignSettings(n_bootstraps=-1)
    with pytest.raises(NotFound, match="no metric"):
        AlignSettings(metrics=("r2",))


def test_the_same_fit_of_the_same_answers_gives_the_embedding_again(lab):
    """Refits go the embedding's own way: with every answer counted once they end where it did."""
    embedding = embed(lab, _judged(lab, invalid=0.05), FIT)
    subject = Subject(lab, embedding, "things-128", embedding)
    again = subject.fit(subject.answers, np.ones((1, len(subject.answers))))[0]
    assert metric("procrustes_r2")(read_embedding(lab, embedding), again) > 1 - 1e-6


def test_draws_resample_the_same_questions_in_two_raters(lab):
    """A question drawn for one rater is drawn as often for another, though each left other questions unanswered."""
    counted = []
    for name, seed in (("one", 1), ("two", 2)):
        embedding = embed(lab, _judged(lab, name, invalid=0.3, seed=seed), FIT)
        subject = Subject(lab, embedding, "things-128", embedding)
        drawn = subject.resampled(4, np.random.default_rng(9))
        counted.append(
            {tuple(q): w for q, w in zip(np.c_[subject._key(subject.answers)].tolist(), drawn.T, strict=True)}
        )
    both = counted[0].keys() & counted[1].keys()
    assert 200 < len(both) < N * 0.8
    assert all(np.array_equal(counted[0][q], counted[1][q]) for q in both)


def test_a_question_asked_in_both_orders_is_drawn_as_a_whole(lab):
    embedding = embed(lab, _judged(lab, orders="both"), FIT)
    subject = Subject(lab, embedding, "things-128", embedding)
    keys, drawn = subject._key(subject.answers), subject.resampled(3, np.random.default_rng(9))
    for key in np.unique(keys)[:200]:
        assert (np.ptp(drawn[:, keys == key], axis=1) == 0).all()
    shown = {tuple(row) for row in subject.asked.tolist()}
    a, left, right = subject.asked[0]
    assert (a, right, left) in shown


def test_graded_answers_keep_their_weights_and_get_a_shuffled_null(lab):
    judge_run = _judged(lab)
    graded = embed(lab, judge_run, FitSettings(n_dims=5, answers="graded", temperature=2.0))
    (run_id,) = align(lab, graded, settings=FEW)
    subject = Subject(lab, graded, "things-128", graded)
    assert subject.weights is not None
    assert len(subject.asked) * 2 == len(subject.answers)
    assert subject.shares.sum(1) == pytest.approx(np.ones(len(subject.asked)))
    assert len(_draws(lab, run_id, "coin_flips")) == 3
    assert len(_draws(lab, run_id, "permutation", "answer_agreement")) == 0
    hard = align(lab, embed(lab, judge_run, FIT), settings=FEW)
    kept = lab.store.read(
        "SELECT fit, answers, temperature FROM alignment WHERE metric = 'procrustes_r2' ORDER BY answers"
    )
    assert kept.answers.tolist() == ["graded", "hard"]
    assert kept.temperature.tolist() == [2.0, 1.0]
    assert hard != [run_id]


def test_odd_one_out_answers_of_people_give_split_halves(lab):
    few = AlignSettings(("procrustes_r2", "answer_agreement"), 5, 2, 2, 5, 1, 2)
    _judged(lab, "crowd", "human", framing="odd-one-out")
    people = _judged(lab, "again", framing="odd-one-out", seed=5)
    for settings in (FIT, FitSettings(algorithm="spose", n_dims=5)):
        (run_id,) = align(lab, embed(lab, people, settings), settings=few)
        halves = _draws(lab, run_id, "split_half")
        assert len(halves) == 2
        assert halves.mean() > _draws(lab, run_id, "coin_flips").mean()
    (run_id,) = align(lab, embed(lab, _judged(lab), FIT), settings=few)  # their pairs answer anchored questions too
    assert len(_draws(lab, run_id, "split_half")) == 2


def test_a_fit_to_nothing_is_at_chance_and_one_to_the_reference_is_not(lab):
    settings = AlignSettings(("procrustes_r2", "cka_debiased"), 50, 25, 5, 50, 2, 0)
    for name, heat in (("knows", 0.03), ("coin", 1e6)):
        align(lab, embed(lab, _judged(lab, name, temperature=heat), FIT), settings=settings)
    seen = lab.store.read("SELECT rater, metric, at_chance, share FROM alignment").set_index(["rater", "metric"])
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
    embedding = embed(lab, _judged(lab), FIT)
    (run_id,) = align(lab, embedding, ["vice"], FEW)
    detail = json.loads(lab.store.row("SELECT status_detail FROM run_status WHERE run_id = ?", [run_id])[0])
    assert detail["ceiling_temperature"] == 1.0


def test_a_refit_that_is_not_finite_fails_the_run_and_the_next_call_mends_it(lab, monkeypatch):
    embedding = embed(lab, _judged(lab), FIT)

    def broken(*args, **how):
        found = fit_many(*args, **how)
        found.embeddings[0, 0, 0] = np.nan
        return found

    with monkeypatch.context() as patch:
        patch.setattr("triadic.compute.subject.fit_many", broken)
        with pytest.raises(BadInput, match="not finite"):
            align(lab, embedding, settings=FEW)
    assert lab.store.row("SELECT count(*) FROM metric") == (0,)
    assert lab.store.row("SELECT status FROM run_status WHERE stage = 'align'") == ("failed",)
    align(lab, embedding, settings=FEW)
    assert lab.store.row("SELECT status FROM run_status WHERE stage = 'align'") == ("finished",)


def test_simulated_answers_here_are_those_of_the_simulator(lab):
    _, asked = _questions(lab)
    read = read_answers(lab, _judged(lab, temperature=1e-6)).triplets
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
    assert stored == set(METRICS) - without
