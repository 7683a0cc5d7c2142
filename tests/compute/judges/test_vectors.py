"""Vectors as a rater: cosine, ties, missing words; and the packaged sentence model."""

import numpy as np
import pytest

from triadic.compute.judges.base import Questions
from triadic.compute.judges.local.packaged import packaged
from triadic.compute.judges.local.sentences import sentence_vectors
from triadic.compute.judges.vectors import VectorsJudge
from triadic.schema.errors import BadInput, NotFound


def one(anchor, left, right):
    column = lambda word: np.array([word], dtype=object)  # noqa: E731
    zero = np.zeros(1, dtype=int)
    return Questions(zero, column(anchor), column(left), column(right), zero.astype(bool), zero)


def test_scale_and_rotation_of_the_vectors_change_nothing(questions):
    rng = np.random.default_rng(0)
    asked = questions(100)
    words = sorted(set(asked.anchor) | set(asked.left) | set(asked.right))
    vectors = rng.normal(size=(len(words), 5))
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    for framing in ("anchored", "odd-one-out"):
        plain = VectorsJudge.from_vectors(words, vectors, "a", framing).answer(asked)
        turned = VectorsJudge.from_vectors(words, 3 * vectors @ turn, "a", framing).answer(asked)
        assert plain == turned


def test_the_nearer_one_is_chosen_and_ties_are_no_answer():
    judge = VectorsJudge.from_vectors(["a", "b", "c", "d"], np.array([[1, 0], [1, 0.1], [0, 1], [0, -1]]), "toy")
    assert judge.answer(one("a", "b", "c"))["choice"] == ["left"]
    assert judge.answer(one("a", "c", "b"))["choice"] == ["right"]
    assert judge.answer(one("a", "c", "d")) == {"raw_text": [None], "choice": [None], "invalid_reason": ["tie"]}
    odd = VectorsJudge(list(judge.position), judge.similarity, "toy", "odd-one-out")
    assert (odd.answer(one("c", "a", "b"))["choice"], odd.answer(one("c", "a", "b"))["raw_text"]) == (["apart"], ["c"])


def test_bad_vectors_are_refused():
    with pytest.raises(NotFound, match="zebra"):
        VectorsJudge.from_vectors(["a", "b"], np.eye(2), "toy").answer(one("a", "b", "zebra"))
    for vectors in (np.array([[1.0, 0], [0, 0]]), np.array([[1.0, 0], [np.nan, 0]])):
        with pytest.raises(BadInput):
            VectorsJudge.from_vectors(["a", "b"], vectors, "toy")
    with pytest.raises(BadInput, match="square"):
        VectorsJudge(["a"], np.eye(2), "toy")


def test_the_packaged_sentence_model_knows_what_is_alike(tmp_path):
    try:
        home = packaged("minilm", tmp_path)
    except NotFound as missing:
        pytest.skip(str(missing))
    vectors = sentence_vectors(home.folder, ["dog", "wolf", "tax"])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_missing_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("triadic.compute.judges.local.packaged.find_spec", lambda name: None)
    with pytest.raises(NotFound, match=r"pip install 'triadic\[demo\]'"):
        packaged("gemma3-270m", tmp_path)
    with pytest.raises(NotFound, match="no packaged model"):
        packaged("gpt-9", tmp_path)
