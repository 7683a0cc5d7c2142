"""The simulated rater answers with the frequencies it was given, like a reference of the lab."""

import numpy as np
import pytest

from triadic.compute.judges.base import Questions
from triadic.compute.judges.factory import make_judge
from triadic.compute.judges.prompts import options_of, presentation_order
from triadic.compute.judges.simulated import SimulatedJudge
from triadic.compute.settings import JudgeSettings
from triadic.ingest.reference import reference_from_file
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.store import insert_rows
from triadic.schema.tables import Model, Rater

WORDS = ["a", "b", "c"]
VECTORS = np.array([[1.0, 0.0], [0.9, 0.4], [-0.2, 1.0]])
N = 20_000


def same_question(n, flipped=False):
    """The question about a, b and c, n times."""
    columns = [np.full(n, word, dtype=object) for word in WORDS]
    return Questions(np.arange(n), *columns, np.full(n, flipped), np.zeros(n, dtype=int))


@pytest.mark.parametrize("framing", ["anchored", "odd-one-out"])
@pytest.mark.parametrize("first_bias", [0.0, 0.6])
@pytest.mark.parametrize("flipped", [False, True])
def test_frequencies_are_the_softmax_and_the_bias(framing, first_bias, flipped):
    judge = SimulatedJudge(WORDS, VECTORS, "toy", temperature=0.5, first_bias=first_bias, framing=framing)
    asked = same_question(N, flipped)
    got = judge.answer(asked)
    pairs = {"left": VECTORS[0] @ VECTORS[1], "right": VECTORS[0] @ VECTORS[2]}
    if framing == "odd-one-out":
        pairs["apart"] = VECTORS[1] @ VECTORS[2]
    total = sum(np.exp(s / 0.5) for s in pairs.values())
    words, choices = options_of(asked, framing)
    offered = presentation_order(asked, framing)[1 if framing == "anchored" else 0]
    for side, s in pairs.items():
        first = np.mean([names[choices.index(side)] == word for names, word in zip(words, offered, strict=True)])
        expected = (1 - first_bias) * np.exp(s / 0.5) / total + first_bias * first
        assert np.mean(np.array(got["choice"]) == side) == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(N))
    assert got["raw_text"][0] == words[0][choices.index(got["choice"][0])]


@pytest.mark.parametrize("framing", ["anchored", "odd-one-out"])
def test_log_probabilities_are_those_of_naming(framing):
    judge = SimulatedJudge(WORDS, VECTORS, "toy", temperature=0.5, first_bias=0.3, framing=framing)
    asked = same_question(N)
    got = judge.answer(asked)
    sides = ("left", "right", "anchor")[: 2 if framing == "anchored" else 3]
    chances = np.exp([got[f"logprob_{side}"] for side in sides])
    np.testing.assert_allclose(chances.sum(axis=0), 1)
    for side, chance in zip(sides, chances, strict=True):
        named = np.array(got["raw_text"]) == getattr(asked, side)
        assert named.mean() == pytest.approx(chance.mean(), abs=4 * 0.5 / np.sqrt(N))
    assert "logprob_left" not in SimulatedJudge(WORDS, VECTORS, "toy", answer="sample").answer(asked)
    for certain in ({"temperature": 0.0}, {"first_bias": 1.0}):  # some log-probability is not a number
        assert "logprob_left" not in SimulatedJudge(WORDS, VECTORS, "toy", **certain).answer(asked)
    cold = SimulatedJudge(WORDS, VECTORS, "toy", temperature=1e-4).answer(same_question(5))
    assert np.isfinite(cold["logprob_right"]).all()


def test_at_temperature_zero_it_never_errs_and_a_tie_is_a_coin():
    assert set(SimulatedJudge(WORDS, VECTORS, "toy", temperature=0).answer(same_question(500))["choice"]) == {"left"}
    alike = SimulatedJudge(WORDS, VECTORS[[0, 1, 1]], "toy", temperature=0).answer(same_question(N))
    assert np.mean(np.array(alike["choice"]) == "left") == pytest.approx(0.5, abs=0.02)
    always = SimulatedJudge(WORDS, VECTORS, "toy", temperature=0, first_bias=1.0)
    assert set(always.answer(same_question(500, flipped=True))["choice"]) == {"right"}


def test_an_answer_depends_on_its_question_alone(questions):
    asked = questions(300)
    words = sorted(set(asked.anchor) | set(asked.left) | set(asked.right))
    judge = SimulatedJudge(words, np.random.default_rng(0).normal(size=(len(words), 4)), "toy", first_bias=0.2)
    whole, mixed = judge.answer(asked), np.random.default_rng(1).permutation(300)
    parts = judge.answer(asked.take(mixed))
    for name, column in whole.items():
        assert [column[row] for row in mixed] == parts[name]
    assert [judge.answer(asked.take(np.array([row])))["choice"][0] for row in range(50)] == whole["choice"][:50]


def test_seed_repeat_and_order_each_draw_anew():
    judge, asked = SimulatedJudge(["a", "b", "c"], np.eye(3), "toy"), same_question(400)
    choices = judge.answer(asked)["choice"]
    others = [
        SimulatedJudge(["a", "b", "c"], np.eye(3), "toy", seed=1).answer(asked)["choice"],
        judge.answer(Questions(**vars(asked) | {"repeat": asked.repeat + 1}))["choice"],
        judge.answer(Questions(**vars(asked) | {"flipped": ~asked.flipped}))["choice"],
    ]
    for other in others:
        assert np.mean(np.array(choices) == np.array(other)) == pytest.approx(0.5, abs=0.1)


def test_impossible_numbers_are_refused():
    for wrong in ({"temperature": -1.0}, {"temperature": float("inf")}, {"first_bias": 1.5}, {"framing": "pairs"}):
        with pytest.raises(BadInput):
            SimulatedJudge(WORDS, VECTORS, "toy", **wrong)


def enter(lab, rater_id, weights):
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [Rater(rater_id=rater_id, kind="simulated", description="made up")])
        values = {"rater_id": rater_id, "evidence": "user", "provenance": {}, "weights": weights}
        insert_rows(con, Model, [Model(model_id=rater_id, **values)])


def test_it_answers_like_a_reference_before_that_was_reduced(lab, vice):
    reference = reference_from_file(lab, vice, "things-128")
    (raw,) = lab.store.row("SELECT parent_id FROM embedding WHERE embedding_id = ?", [reference])
    enter(lab, "people", "simulated:like=vice,temperature=2,first_bias=0.25,seed=3")
    judge = make_judge(lab, "people", JudgeSettings(), "things-128")
    vectors = read_embedding(lab, raw)
    np.testing.assert_array_equal(judge.similarity, vectors @ vectors.T)
    assert judge.identity() == {
        "judge": "simulated",
        "like": "vice",
        "embedding": raw,
        "temperature": 2.0,
        "first_bias": 0.25,
        "seed": 3,
        "framing": "anchored",
    }
    enter(lab, "taxonomy", "simulated:like=wordnet")
    assert make_judge(lab, "taxonomy", JudgeSettings(), "things-128").similarity.shape == (128, 128)


def test_what_cannot_be_simulated_says_why(lab):
    for rater_id, weights, error, match in (
        ("like-x", "simulated:like=x", NotFound, "no reference 'x' for things-128 to answer like: there are wordnet"),
        ("like-nobody", "simulated:temperature=1", BadInput, "like nobody: write simulated:like=REFERENCE"),
        ("much", "simulated:like=wordnet,temperature=much", BadInput, "is not simulated:"),
        ("loud", "simulated:like=wordnet,volume=1", BadInput, "is not simulated:"),
    ):
        enter(lab, rater_id, weights)
        with pytest.raises(error, match=match):
            make_judge(lab, rater_id, JudgeSettings(), "things-128")
