"""Views over raw answers, rows in and rows out."""

import pyarrow as pa
import pytest

from triadic.schema.tables import Concept, ConceptSet, Rater, Response, Run, Triplet, TripletSet

WORDS = ("ant", "bee", "cow", "dog")


@pytest.fixture
def small(empty_lab):
    """Four concepts, two questions; function to add a judge run with answers (triplet_no, flipped, repeat, choice)."""
    store = empty_lab.store
    store.insert(ConceptSet, [ConceptSet(concept_set_id="c", digest="d", n_concepts=4, source="test")])
    store.insert(Concept, [Concept(concept_set_id="c", position=i, word=w) for i, w in enumerate(WORDS)])
    store.insert(TripletSet, [TripletSet(triplet_set_id="t", concept_set_id="c", scheme="imported", n_triplets=2)])
    rows = [
        dict(triplet_set_id="t", triplet_no=i, anchor=a, left_item=b, right_item=c)
        for i, (a, b, c) in enumerate([(0, 1, 2), (3, 2, 0)])
    ]
    store.insert(Triplet, [Triplet(**row) for row in rows])

    def add(rater, answers, kind="llm", framing="anchored"):
        store.insert(Rater, [Rater(rater_id=rater, kind=kind)])
        config = {"answer": "sample", "framing": framing, "n_questions": len(answers)}
        store.insert(
            Run,
            [
                Run(
                    run_id=rater,
                    stage="judge",
                    rater_id=rater,
                    concept_set_id="c",
                    triplet_set_id="t",
                    config=config,
                    config_hash="h",
                    versions={},
                )
            ],
        )
        columns = list(zip(*answers, strict=True))
        store.insert(
            Response,
            pa.table(
                {
                    "run_id": [rater] * len(answers),
                    "triplet_no": pa.array(columns[0], pa.int32()),
                    "flipped": list(columns[1]),
                    "repeat": pa.array(columns[2], pa.int16()),
                    "choice": pa.array(columns[3], pa.string()),
                    "invalid_reason": pa.array([None if c else "refusal" for c in columns[3]], pa.string()),
                }
            ),
        )
        return store

    return add


def test_judgment_reads_in_words(small):
    store = small("m", [(0, False, 0, "left"), (0, True, 0, "left"), (1, False, 0, None)])
    rows = store.read(
        "SELECT anchor, left_item, right_item, choice, chose_first, invalid_reason FROM judgment ORDER BY triplet_no, flipped"
    )
    assert rows.values.tolist()[0][:5] == ["ant", "bee", "cow", "bee", True]
    assert rows.values.tolist()[1][:5] == ["ant", "bee", "cow", "bee", False]
    assert rows.choice.isna()[2]
    assert rows.invalid_reason[2] == "refusal"


def test_quality_counts_by_hand(small):
    store = small(
        "m",
        [
            (0, False, 0, "left"),
            (0, True, 0, "left"),
            (0, False, 1, "left"),
            (0, True, 1, "right"),
            (1, False, 0, "right"),
            (1, True, 0, "left"),
            (1, False, 1, None),
            (1, True, 1, "left"),
        ],
    )
    row = store.read("SELECT * FROM answer_quality").iloc[0]
    assert (row.n_answers, row.n_invalid) == (8, 1)
    assert row.invalid_rate == pytest.approx(1 / 8)
    # Shown first: left as drawn, right flipped. Of seven valid answers: left, left, right(flipped) named it.
    assert row.first_option_rate == pytest.approx(3 / 7)
    # Flipped answers equal to the drawn ones, where both are valid: yes, no, no.
    assert row.order_agreement == pytest.approx(1 / 3)
    # Second askings equal to the first, where both are valid: yes, no, yes.
    assert row.repeat_agreement == pytest.approx(2 / 3)


def test_one_order_and_one_asking_have_no_agreement(small):
    row = (
        small("m", [(0, False, 0, "left")]).read("SELECT order_agreement, repeat_agreement FROM answer_quality").iloc[0]
    )
    assert row.isna().all()


def test_comparisons_of_both_framings(small):
    store = small("m", [(0, False, 0, "right")])
    assert store.read("SELECT anchor, near, far FROM nearer").values.tolist() == [[0, 2, 1]]
    small("people", [(0, False, 0, "left"), (0, False, 1, "right"), (0, False, 2, "apart")], "human", "odd-one-out")
    rows = store.read("SELECT anchor, near, far FROM nearer WHERE run_id = 'people' ORDER BY ALL").values.tolist()
    assert rows == sorted([[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [1, 2, 0], [2, 1, 0]])


def test_agreement_with_people_counts_their_votes(small, empty_lab):
    from triadic.reports.quality import report

    small("m", [(0, False, 0, "right")])
    small(
        "people",
        [(0, False, 0, "left"), (0, False, 1, "right"), (0, False, 2, "right"), (0, False, 3, "apart")],
        "human",
        "odd-one-out",
    )
    row = report(empty_lab.store).frame("quality").set_index("rater_name").loc["m"]
    assert row.human_agreement == pytest.approx(2 / 3)
    assert row.n_human_answers == 3


def test_concepts_that_fail_are_named(small):
    store = small("m", [(0, False, 0, None), (0, True, 0, "left"), (1, False, 0, "left")])
    rows = store.read("SELECT anchor, n_answers, invalid_rate, main_reason FROM concept_quality ORDER BY anchor")
    assert rows.anchor.tolist() == ["ant", "dog"]
    assert rows.invalid_rate.tolist() == [0.5, 0.0]
    assert rows.main_reason[0] == "refusal"


def test_status_counts_stages(small):
    row = small("m", [(0, False, 0, "left"), (1, False, 0, "left")]).read("SELECT * FROM rater_status").iloc[0]
    assert (row.n_answers, row.n_asked, row.judge_runs, row.open_runs) == (2, 2, 0, 1)
