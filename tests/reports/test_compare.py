"""`report compare A B`: differences draw by draw, and what pairing them is worth."""

from __future__ import annotations

import numpy as np
import pytest

from triadic.reports import compare
from triadic.reports.output import render
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.tables import ConceptSet, Embedding, Metric, MetricDraw, Rater, RaterEvent, Run


def add(lab, rater, value, draws, fit="ckl-30-hard", triplet_set="t", seed=0, n_answers=None, concepts="set"):
    """One figure of `rater` with bootstrap draws {kind: values}."""
    insert = lab.store.insert
    with lab.store.transaction():
        insert(ConceptSet, [ConceptSet(concept_set_id=concepts, digest="d", n_concepts=3, source="test")])
        insert(Rater, [Rater(rater_id=rater, kind="llm"), Rater(rater_id="people", kind="human")])
        run = {"rater_id": rater, "config_hash": "h", "versions": {}}
        insert(
            Run,
            [
                {**run, "run_id": f"embed-{rater}", "stage": "embed", "triplet_set_id": triplet_set, "config": {}},
                {
                    **run,
                    "run_id": f"align-{rater}",
                    "stage": "align",
                    "parent_run_id": f"embed-{rater}",
                    "seed": seed,
                    "config": {},
                },
            ],
        )
        shared = {"concept_set_id": concepts, "n_dims": 30, "algorithm": "CKL"}
        insert(
            Embedding,
            [
                {
                    **shared,
                    "embedding_id": f"ref-{concepts}",
                    "rater_id": "people",
                    "role": "reference",
                    "name": "vice",
                },
                {
                    **shared,
                    "embedding_id": f"fit-{rater}",
                    "rater_id": rater,
                    "role": "fitted",
                    "name": fit,
                    "run_id": f"embed-{rater}",
                    "n_train": n_answers,
                    "n_heldout": None if n_answers is None else 0,
                },
            ],
        )
        insert(
            Metric,
            [
                {
                    "run_id": f"align-{rater}",
                    "name": "cka_debiased",
                    "embedding_id": f"fit-{rater}",
                    "reference_id": f"ref-{concepts}",
                    "value": value,
                }
            ],
        )
        insert(
            MetricDraw,
            [
                {"run_id": f"align-{rater}", "name": "cka_debiased", "kind": kind, "draw": i, "value": float(v)}
                for kind, values in draws.items()
                for i, v in enumerate(values)
            ],
        )


def test_what_two_models_share_drops_out_of_their_difference(empty_lab):
    rng = np.random.default_rng(0)
    shared, apart = 0.1 * rng.normal(size=400), 0.01 * rng.normal(size=(2, 400))
    add(empty_lab, "A", 0.50, {"bootstrap_answers": 0.45 + shared + apart[0], "bootstrap_concepts": 0.5 + shared})
    add(empty_lab, "B", 0.45, {"bootstrap_answers": 0.42 + shared + apart[1], "bootstrap_concepts": 0.45 + shared})
    (row,) = compare.differences(empty_lab.store, "A", "B").itertuples()
    assert row.difference == pytest.approx(0.05)
    assert row.answers_high - row.answers_low == pytest.approx(2 * 1.96 * 0.01 * np.sqrt(2), rel=0.15)
    assert row.answers_low < 0.05 < row.answers_high
    assert row.answers_p == pytest.approx(2 / 401, abs=0.01)
    assert (row.concepts_low, row.concepts_high) == pytest.approx((0.05, 0.05))
    assert row.same_questions
    (back,) = compare.differences(empty_lab.store, "B", "A").itertuples()
    assert (back.answers_low, back.answers_high) == pytest.approx((-row.answers_high, -row.answers_low))
    assert "A minus B" in render(compare.report(empty_lab.store, "A", "B"))


def test_no_difference_is_no_difference(empty_lab):
    for name, seed in (("A", 1), ("B", 2)):
        add(
            empty_lab,
            name,
            0.5,
            {"bootstrap_answers": 0.5 + 0.1 * np.random.default_rng(seed).normal(size=300)},
            seed=seed,
        )
    found = compare.report(empty_lab.store, "A", "B")
    (row,) = found.frame("compare").itertuples()
    assert row.answers_low < 0 < row.answers_high
    assert row.answers_p > 0.5
    assert not row.same_questions
    assert any("unpaired" in note for note in found.notes)


def test_the_answers_and_draws_behind_each_figure_stand_beside_it(empty_lab):
    add(empty_lab, "A", 0.5, {"permutation": np.zeros(30)}, n_answers=35_000)
    add(empty_lab, "B", 0.5, {"permutation": np.zeros(20)}, n_answers=300)
    empty_lab.store.insert(RaterEvent, [RaterEvent(rater_id="A", action="renamed", name="Anna")])
    found = compare.report(empty_lab.store, "Anna", "B")
    (row,) = found.frame("compare").itertuples()
    assert (row.n_answers_first, row.n_draws_first, row.n_answers_second, row.n_draws_second) == (35_000, 30, 300, 20)
    assert found.title == "Anna minus B"
    assert "first: Anna, 35,000 answers and 30 draws behind each figure; second: B, 300 answers" in found.notes[0]
    assert any("less than 25% of the other's answers" in note for note in found.notes)


def test_figures_over_two_concept_sets_are_never_compared(empty_lab):
    add(empty_lab, "A", 0.5, {}, concepts="fruit")
    add(empty_lab, "B", 0.5, {}, concepts="animals")
    with pytest.raises(BadInput, match="A and B share no reference"):
        compare.differences(empty_lab.store, "A", "B")


def test_models_that_cannot_be_compared_are_named(empty_lab):
    add(empty_lab, "A", 0.5, {})
    add(empty_lab, "C", 0.5, {}, fit="ste-30-hard")
    with pytest.raises(NotFound, match="of nobody here"):
        compare.differences(empty_lab.store, "A", "nobody")
    with pytest.raises(BadInput, match="A and C share no"):
        compare.differences(empty_lab.store, "A", "C")


def test_a_difference_is_tested_from_both_sides():
    draws = np.linspace(-1, 1, 199)
    low, high, p = compare.paired(0.5, draws)
    assert (low, high) == pytest.approx((0.5 - 0.95, 0.5 + 0.95))
    assert p == pytest.approx(2 * (1 + 50) / 200, abs=0.02)
    assert compare.paired(0.0, draws)[2] == 1.0
    assert compare.paired(9.0, draws)[2] == pytest.approx(2 / 200)
    with pytest.raises(BadInput, match="1 draws are too few"):
        compare.paired(0.1, np.array([0.1]))
