"""Odd-one-out files: every answer arrives once, fits by SPoSE, becomes a reference; bad rows are refused by number."""

import numpy as np
import pytest

from triadic.compute.answers import AnswerSet
from triadic.compute.settings import FitSettings
from triadic.compute.stages.embed import embed
from triadic.compute.triplets import sample_triplets
from triadic.ingest.responses import ingest_responses, reference_from_fit
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.tests.compute.simulated_raters import simulate_odd_one_out

ROWS = [[0, 1, 2], [2, 1, 0], [5, 3, 4], [1, 0, 2], [127, 3, 9]]


def write(tmp_path, text, name="triplets.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(answers):
    """Chosen pairs as sets with their odd one: the order within a pair says nothing."""
    return sorted((tuple(sorted(row[:2])), row[2]) for row in np.asarray(answers).tolist())


@pytest.mark.parametrize("separator", [" ", "\t", ","])
def test_every_answer_comes_back_as_it_was(lab, tmp_path, separator):
    path = write(tmp_path, "\n".join(separator.join(map(str, row)) for row in ROWS))
    run_id = ingest_responses(lab, path, "people", "things-128")
    answers = AnswerSet.read(lab, run_id)
    assert answers.framing == "odd-one-out"
    assert rows_of(answers.triplets) == rows_of(ROWS)
    assert lab.store.row("SELECT kind FROM rater WHERE rater_id = 'people'") == ("human",)
    # 0, 1, 2 was answered three times: one question, three repeats.
    assert lab.store.row("SELECT count(*) FROM triplet JOIN run USING (triplet_set_id) WHERE run_id = ?", [run_id]) == (
        3,
    )
    repeats = lab.store.read("SELECT repeat FROM response WHERE run_id = ? AND triplet_no = 0 ORDER BY 1", [run_id])
    assert list(repeats["repeat"]) == [0, 1, 2]


def test_twice_changes_nothing_and_floats_are_whole_numbers(lab, tmp_path):
    path = write(tmp_path, "0.000e+00 1.000e+00 2.000e+00\n3 4 5\n")
    first = ingest_responses(lab, path, "people", "things-128")
    counts = [lab.store.row(f"SELECT count(*) FROM {t}") for t in ("response", "triplet", "run", "run_event", "rater")]
    assert ingest_responses(lab, path, "people", "things-128") == first
    again = [lab.store.row(f"SELECT count(*) FROM {t}") for t in ("response", "triplet", "run", "run_event", "rater")]
    assert counts == again
    np.save(tmp_path / "same.npy", np.array([[0, 1, 2], [3, 4, 5]]))
    assert rows_of(
        AnswerSet.read(lab, ingest_responses(lab, tmp_path / "same.npy", "others", "things-128")).triplets
    ) == [
        ((0, 1), 2),
        ((3, 4), 5),
    ]


def test_people_become_a_reference_by_the_same_road(lab, tmp_path):
    rng = np.random.default_rng(0)
    space = rng.gamma(0.6, 1.2, (128, 4)) * (rng.random((128, 4)) < 0.5)
    answers = simulate_odd_one_out(space, sample_triplets(128, 30_000, rng), rng)
    np.save(tmp_path / "people.npy", answers)
    judged = ingest_responses(lab, tmp_path / "people.npy", "people", "things-128")
    fitted = embed(lab, judged, FitSettings(algorithm="spose", n_dims=4))
    reference = reference_from_fit(lab, fitted, "people-spose")
    assert reference_from_fit(lab, fitted, "people-spose") == reference
    role, parent, kept, rater = lab.store.row(
        "SELECT role, parent_id, variance_kept, rater_id FROM embedding WHERE embedding_id = ?", [reference]
    )
    assert (role, parent, rater) == ("reference", fitted, "people")
    assert kept >= 0.95
    vectors = read_embedding(lab, reference)
    human = space - space.mean(axis=0)
    shared = np.linalg.svd(vectors.T @ human, compute_uv=False).sum()
    assert shared**2 / ((vectors**2).sum() * (human**2).sum()) > 0.9
    with pytest.raises(BadInput, match="between 1 and"):
        reference_from_fit(lab, fitted, "people-spose", n_dims=99)


def test_coins_make_no_reference(lab, tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "coins.npy", sample_triplets(128, 4_000, rng))
    judged = ingest_responses(lab, tmp_path / "coins.npy", "coins", "things-128")
    with pytest.raises(BadInput, match="at chance"):
        reference_from_fit(lab, embed(lab, judged, FitSettings(algorithm="spose", n_dims=4)), "coins")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0 1 2\n0 1 128\n", r"row 2 is \[0, 1, 128\]: the concept set has positions 0 … 127"),
        ("0 1 -1\n", "row 1"),
        ("0 1 1\n", "must differ"),
        ("0 1\n", "three columns"),
        ("0 1 2\n0 1\n", "three columns"),
        ("0 1 2.5\n", "whole numbers"),
        ("a b c\n", "three columns"),
        ("0 1 nan\n", "whole numbers"),
    ],
)
def test_bad_rows_are_named(lab, tmp_path, text, match):
    with pytest.raises(BadInput, match=match) as caught:
        ingest_responses(lab, write(tmp_path, text), "people", "things-128")
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused(lab, tmp_path):
    path = write(tmp_path, "0 1 2\n")
    with pytest.raises(NotFound, match="no file"):
        ingest_responses(lab, tmp_path / "none.txt", "people", "things-128")
    with pytest.raises(NotFound, match="concept set"):
        ingest_responses(lab, path, "people", "things-999")
    with pytest.raises(NotFound, match="no fit"):
        reference_from_fit(lab, "0" * 16, "people")
    model = lab.store.row("SELECT rater_id FROM rater WHERE kind = 'llm' LIMIT 1")[0]
    with pytest.raises(Conflict, match="another --rater"):
        ingest_responses(lab, path, model, "things-128")
