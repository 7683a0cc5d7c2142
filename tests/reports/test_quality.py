"""`report quality`: which rows are the same questions, what is wrong with answers, and what there is to do without any."""

from __future__ import annotations

import pyarrow as pa
import pytest

from triadic.reports import quality
from triadic.reports.output import render
from triadic.schema.tables import (
    Concept,
    ConceptSet,
    Rater,
    RaterEvent,
    Response,
    Run,
    Triplet,
    TripletSet,
    TripletSetEvent,
)


@pytest.fixture
def judged(empty_lab):
    """Two raters who were asked one set of questions, and one of them another set too; some answers are refusals."""
    insert = empty_lab.store.insert
    insert(ConceptSet, [ConceptSet(concept_set_id="c", digest="d", n_concepts=3, source="test")])
    insert(
        Concept, [Concept(concept_set_id="c", position=i, word=word) for i, word in enumerate(("ant", "bee", "cow"))]
    )
    for name in ("s1", "s2"):
        insert(TripletSet, [TripletSet(triplet_set_id=name, concept_set_id="c", scheme="uniform", n_triplets=1)])
        insert(Triplet, [Triplet(triplet_set_id=name, triplet_no=0, anchor=0, left_item=1, right_item=2)])
    insert(TripletSetEvent, [TripletSetEvent(triplet_set_id="s1", action="named", name="first-set")])
    for rater, asked, choice in (("A", "s1", "left"), ("B", "s1", None), ("A", "s2", "right")):
        insert(Rater, [Rater(rater_id=rater, kind="llm")])
        run_id = f"{rater}-{asked}"
        config = {"answer": "sample", "framing": "anchored", "n_questions": 1}
        about = {"rater_id": rater, "concept_set_id": "c", "triplet_set_id": asked, "config_hash": "h", "versions": {}}
        insert(Run, [Run(run_id=run_id, stage="judge", config=config, **about)])
        rows = {"run_id": [run_id], "triplet_no": pa.array([0], pa.int32()), "flipped": [False]}
        rows |= {"repeat": pa.array([0], pa.int16()), "choice": pa.array([choice], pa.string())}
        insert(Response, pa.table(rows | {"invalid_reason": pa.array([None if choice else "refusal"], pa.string())}))
    return empty_lab


def test_rows_of_one_name_are_the_same_questions(judged):
    found = quality.report(judged.store)
    rows = found.frame("quality")
    asked = rows.groupby("rater_name").questions.agg(sorted).to_dict()
    assert asked == {"A": ["c-1", "first-set"], "B": ["first-set"]}
    assert any(note.startswith("questions: ") for note in found.notes)


def test_a_rater_is_shown_by_its_name(judged):
    judged.store.insert(RaterEvent, [RaterEvent(rater_id="B", action="renamed", name="Bert")])
    found = quality.report(judged.store)
    assert {name for table in found.tables for name in table.frame.rater_name} == {"A", "Bert"}
    assert found.frame("reasons").reason.tolist() == ["refusal"]
    assert found.frame("concepts").anchor.tolist() == ["ant"]


def test_without_answers_it_says_how_to_get_some(empty_lab):
    assert "`triadic run MODEL`" in render(quality.report(empty_lab.store))
