"""Views `disagreement`, `reference_answer` and what `judgment` says of the reference: each against plain Python."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from triadic.schema.embeddings import vector_rows
from triadic.schema.tables import (
    Concept,
    ConceptSet,
    Embedding,
    EmbeddingRow,
    Rater,
    RaterEvent,
    Response,
    Run,
    Triplet,
    TripletSet,
)

WORDS = ("ant", "bee", "cow", "dog", "eel", "fox")
# Two concepts at one place, and many equal distances: ties of every sort.
GRID = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1], [1, 1], [3, 0]])
FRAMINGS = ("anchored", "odd-one-out")


def sides(framing):
    return ["left", "right", None] + ["apart"] * (framing == "odd-one-out")


@pytest.fixture
def crowd(empty_lab):
    """Three raters answer forty questions over six concepts: both framings, both orders, twice; two references."""
    store, rng = empty_lab.store, np.random.default_rng(0)
    store.insert(ConceptSet, [ConceptSet(concept_set_id="c", digest="d", n_concepts=6, source="test")])
    store.insert(Concept, [Concept(concept_set_id="c", position=i, word=w) for i, w in enumerate(WORDS)])
    store.insert(TripletSet, [TripletSet(triplet_set_id="t", concept_set_id="c", scheme="uniform", n_triplets=40)])
    asked = [rng.choice(6, 3, replace=False).tolist() for _ in range(40)]
    names = ("anchor", "left_item", "right_item")
    store.insert(
        Triplet,
        [
            Triplet(triplet_set_id="t", triplet_no=i, **dict(zip(names, question, strict=True)))
            for i, question in enumerate(asked)
        ],
    )
    answers = []
    for rater, framing in product(("ann", "bob", "cat"), FRAMINGS):
        store.insert(Rater, [Rater(rater_id=rater, kind="human" if rater == "cat" else "llm")])
        run = dict(rater_id=rater, concept_set_id="c", triplet_set_id="t", config_hash="h", versions={})
        run |= dict(run_id=f"{rater}-{framing}", stage="judge")
        config = {"answer": "imported" if rater == "cat" else "score", "framing": framing, "n_questions": 160}
        store.insert(Run, [Run(**run, config=config)])
        for number, flipped, repeat in product(range(40), (False, True), (0, 1)):
            if rng.random() < 0.9:  # some questions were never put
                choice = rng.choice(np.array(sides(framing), dtype=object))
                odds = rng.normal(size=2) if rater != "cat" else (None, None)
                answers.append((f"{rater}-{framing}", number, flipped, repeat, choice, *odds))
    store.insert(
        Response,
        pa.table(
            {
                "run_id": [row[0] for row in answers],
                "triplet_no": pa.array([row[1] for row in answers], pa.int32()),
                "flipped": [row[2] for row in answers],
                "repeat": pa.array([row[3] for row in answers], pa.int16()),
                "choice": pa.array([row[4] for row in answers], pa.string()),
                "logprob_left": pa.array([row[5] for row in answers], pa.float64()),
                "logprob_right": pa.array([row[6] for row in answers], pa.float64()),
            }
        ),
    )
    spaces = {"grid": GRID, "clouds": rng.normal(size=(6, 3))}
    for name, rows in spaces.items():
        about = dict(concept_set_id="c", rater_id="cat" if name == "grid" else "bob", role="reference", name=name)
        store.insert(Embedding, [Embedding(embedding_id=f"e-{name}", algorithm="none", n_dims=rows.shape[1], **about)])
        store.insert(EmbeddingRow, vector_rows(f"e-{name}", rows))
    return store, asked, answers, spaces


def rows_of(store, sql):
    """Rows with None for NULL."""
    frame = store.read(sql).astype(object)
    return list(frame.where(frame.notna(), None).itertuples())


def said_by(rows, question, framing):
    """What a space answers, None for a tie."""
    anchor, left, right = (rows[position] for position in question)
    lengths = {"left": math.dist(anchor, left), "right": math.dist(anchor, right)}
    if framing == "odd-one-out":
        lengths["apart"] = math.dist(left, right)
    nearest = sorted(lengths, key=lengths.get)
    return None if math.isclose(lengths[nearest[0]], lengths[nearest[1]], rel_tol=1e-9) else nearest[0]


def test_a_reference_answers_by_its_distances_and_a_tie_is_no_answer(crowd):
    store, asked, _, spaces = crowd
    found = store.read("SELECT * FROM reference_answer")
    assert len(found) == 80
    for row in rows_of(store, "SELECT * FROM reference_answer"):
        rows, question = spaces[row.reference], asked[row.triplet_no]
        for framing, said in zip(FRAMINGS, (row.anchored, row.odd_one_out), strict=True):
            assert said == said_by(rows, question, framing)
        anchor, left, right = (rows[position] for position in question)
        assert row.margin == pytest.approx(math.dist(anchor, right) - math.dist(anchor, left), abs=1e-12)
    ties = found[found.reference == "grid"]
    assert 0 < ties.anchored.isna().sum() < 40  # there are some of both
    assert 0 < ties.odd_one_out.isna().sum() < 40


def test_rounding_is_a_tie(crowd):
    store, asked, _, _ = crowd
    rows = np.array([[0.0], [1], [-1 - 1e-12], [2], [3], [4]])
    about = dict(concept_set_id="c", rater_id="cat", role="reference", name="round", algorithm="none", n_dims=1)
    store.insert(Embedding, [Embedding(embedding_id="e-round", **about)])
    store.insert(EmbeddingRow, vector_rows("e-round", rows))
    number = len(asked)
    store.insert(Triplet, [Triplet(triplet_set_id="t", triplet_no=number, anchor=0, left_item=1, right_item=2)])
    found = "SELECT anchored FROM reference_answer WHERE reference = 'round' AND triplet_no = ?"
    assert store.value(found, [number]) is None


def test_two_raters_disagree_where_both_chose_and_not_the_same(crowd):
    store, asked, answers, _ = crowd
    by_run = {}
    for run, *question, choice, left, right in answers:
        by_run.setdefault(run, {})[tuple(question)] = (choice, None if left is None else left - right)
    expected = set()
    for first, other in product(("ann", "bob", "cat"), repeat=2):
        for framing in FRAMINGS:
            given, others = by_run[f"{first}-{framing}"], by_run[f"{other}-{framing}"]
            for question in given.keys() & others.keys():
                mine, theirs = given[question][0], others[question][0]
                if mine is not None and theirs is not None and mine != theirs:
                    expected.add((first, other, framing, *question, mine, theirs))
    found = store.read("SELECT * FROM disagreement WHERE other_kind <> 'reference'")
    keys = ["rater_name", "other_name", "framing", "triplet_no", "flipped", "repeat", "side", "other_side"]
    assert len(found) == len(expected) > 300
    assert set(found[keys].itertuples(index=False, name=None)) == expected
    for row in rows_of(store, "SELECT * FROM disagreement WHERE other_kind <> 'reference'"):
        anchor, left, right = (WORDS[position] for position in asked[row.triplet_no])
        assert (row.anchor, row.left_item, row.right_item) == (anchor, left, right)
        words = {"left": left, "right": right, "apart": None}
        assert (row.choice, row.other_choice) == (words[row.side], words[row.other_side])
        question = (row.triplet_no, row.flipped, row.repeat)
        for name, preference in ((row.rater_name, row.preference), (row.other_name, row.other_preference)):
            expected_odds = by_run[f"{name}-{row.framing}"][question][1]
            assert preference is None if expected_odds is None else preference == pytest.approx(expected_odds)
        assert row.answer == ("imported" if row.rater_name == "cat" else "score")
        assert row.other_answer == ("imported" if row.other_name == "cat" else "score")
    assert set(found[found.other_name == "cat"].other_kind) == {"human"}


def test_a_rater_disagrees_with_a_reference_where_that_has_an_answer(crowd):
    store, asked, answers, spaces = crowd
    expected = set()
    for run, number, flipped, repeat, choice, *_ in answers:
        rater, _, framing = run.partition("-")
        for name, rows in spaces.items():
            said = said_by(rows, asked[number], framing)
            if choice is not None and said is not None and said != choice:
                expected.add((rater, name, framing, number, flipped, repeat, choice, said))
    found = store.read("SELECT * FROM disagreement WHERE other_kind = 'reference'")
    keys = ["rater_name", "other_name", "framing", "triplet_no", "flipped", "repeat", "side", "other_side"]
    assert len(found) == len(expected) > 300
    assert set(found[keys].itertuples(index=False, name=None)) == expected
    assert found.other_run_id.isna().all()


def test_a_removed_rater_disagrees_with_nobody_and_a_renamed_one_by_its_name(crowd):
    store, *_ = crowd
    store.insert(
        RaterEvent,
        [RaterEvent(rater_id="bob", action="removed"), RaterEvent(rater_id="ann", action="renamed", name="Anna")],
    )
    found = store.read("SELECT DISTINCT rater_name, other_name, rater_id FROM disagreement ORDER BY ALL")
    assert set(found.rater_name) == {"Anna", "cat"}
    assert set(found.other_name) == {"Anna", "cat", "grid", "clouds"}
    assert set(found[found.rater_name == "Anna"].rater_id) == {"ann"}


def test_a_judgment_says_what_the_main_reference_says_and_that_is_peoples(crowd):
    """The quick way of the view that everybody reads against the plain one."""
    store, asked, answers, _ = crowd
    found = store.read("SELECT * FROM judgment")
    assert len(found) == len(answers)
    assert set(found.reference) == {"grid"}
    for row in rows_of(store, "SELECT * FROM judgment"):
        _, left, right = (WORDS[position] for position in asked[row.triplet_no])
        said = {"left": left, "right": right}.get(said_by(GRID, asked[row.triplet_no], row.framing))
        assert row.reference_choice == said
        assert row.left_item == left


def test_without_a_reference_every_answer_is_still_a_judgment(crowd):
    store, _, answers, _ = crowd
    with store.transaction() as con:
        con.execute("DELETE FROM embedding")
    found = store.read("SELECT * FROM judgment")
    assert len(found) == len(answers)
    assert found.reference_choice.isna().all()
    assert store.read("SELECT * FROM disagreement WHERE other_kind = 'reference'").empty
