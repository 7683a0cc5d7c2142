"""View `alignment`: rows in, rows out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from triadic.schema.tables import ConceptSet, Embedding, Metric, MetricDraw, Rater, Run

START = datetime(2026, 1, 1, tzinfo=UTC)


def add_figure(
    lab,
    rater="m",
    value=0.5,
    draws=None,
    *,
    number=0,
    reference="vice",
    name="cka_debiased",
    align=None,
    n_answers=None,
    concepts="set",
    **embed,
):
    """One figure with its draws {kind: values}; `number` orders the fits in time, `align` a fit's alignments."""
    fitted, aligned = timedelta(hours=number), timedelta(minutes=align or 0)
    insert = lab.store.insert
    with lab.store.transaction():
        insert(ConceptSet, [ConceptSet(concept_set_id=concepts, digest="d", n_concepts=3, source="test")])
        insert(Rater, [Rater(rater_id=rater, kind="llm"), Rater(rater_id="people", kind="human")])
        ids = {stage: f"{stage}-{rater}-{number}" for stage in ("judge", "embed", "align")}
        ids["align"] += "" if align is None else f"-{align}"
        run = {"rater_id": rater, "config_hash": "h", "versions": {}, "created_at": START + fitted + aligned}
        insert(
            Run,
            [
                {**run, "run_id": ids["judge"], "stage": "judge", "config": {"framing": "anchored", "answer": "score"}},
                {
                    **run,
                    "run_id": ids["embed"],
                    "stage": "embed",
                    "parent_run_id": ids["judge"],
                    "config": {"answers": "hard", "temperature": 1.0, **embed},
                },
                {**run, "run_id": ids["align"], "stage": "align", "parent_run_id": ids["embed"], "config": {}},
            ],
        )
        shared = {"concept_set_id": concepts, "n_dims": 30, "algorithm": "CKL", "created_at": START + fitted}
        insert(
            Embedding,
            [
                {
                    **shared,
                    "embedding_id": f"ref-{reference}-{concepts}",
                    "rater_id": "people",
                    "role": "reference",
                    "name": reference,
                },
                {
                    **shared,
                    "embedding_id": ids["embed"],
                    "rater_id": rater,
                    "role": "fitted",
                    "name": "ckl-30-hard",
                    "run_id": ids["embed"],
                    "n_train": n_answers,
                    "n_heldout": None if n_answers is None else 0,
                    "heldout_accuracy": 0.7,
                    "converged": True,
                },
            ],
        )
        insert(
            Metric,
            [
                {
                    "run_id": ids["align"],
                    "name": name,
                    "embedding_id": ids["embed"],
                    "reference_id": f"ref-{reference}-{concepts}",
                    "value": value,
                }
            ],
        )
        rows = [
            {"run_id": ids["align"], "name": name, "kind": kind, "draw": i, "value": float(v)}
            for kind, values in (draws or {}).items()
            for i, v in enumerate(values)
        ]
        insert(MetricDraw, rows)


@pytest.fixture
def lab(empty_lab):
    return empty_lab


def view(lab):
    return lab.store.read("SELECT * FROM alignment ORDER BY rater_name, metric_name, run_id")


def test_no_rows_in_no_rows_out(lab):
    assert view(lab).empty


def test_a_figure_with_all_its_draws(lab):
    add_figure(
        lab,
        value=0.5,
        draws={
            "bootstrap_answers": np.linspace(0.3, 0.5, 101),  # mean 0.4: refits score lower
            "bootstrap_concepts": np.linspace(0.5, 0.9, 101),
            "coin_flips": np.linspace(0, 0.2, 101),
            "permutation": np.linspace(0, 0.1, 101),
            "ceiling": [0.8, 1.0],
            "ceiling_deterministic": [0.7],
            "split_half": [0.6, 0.8],
        },
    )
    (row,) = view(lab).itertuples()
    assert (row.rater_name, row.reference, row.metric_name, row.fit, row.framing, row.answer) == (
        "m",
        "vice",
        "cka_debiased",
        "ckl-30-hard",
        "anchored",
        "score",
    )
    assert (row.low, row.high) == pytest.approx((0.405, 0.595))
    assert (row.concepts_low, row.concepts_high) == pytest.approx((0.31, 0.69))
    assert (row.answers_shift, row.concepts_shift) == pytest.approx((-0.1, 0.2))
    assert (row.chance, row.chance_p95, row.chance_kind) == (pytest.approx(0.1), pytest.approx(0.19), "coin_flips")
    assert (row.permutation_mean, row.permutation_p95) == pytest.approx((0.05, 0.095))
    assert row.p == row.permutation_p == pytest.approx(1 / 102)
    assert not row.at_chance
    assert (row.ceiling, row.ceiling_deterministic, row.split_half) == pytest.approx((0.9, 0.7, 0.7))
    assert row.share == pytest.approx((0.5 - 0.1) / (0.9 - 0.1))
    assert (row.n_answer_draws, row.n_concept_draws, row.n_coin_flip_draws, row.n_ceiling_draws) == (101, 101, 101, 2)
    assert (row.answers, row.temperature, row.heldout_accuracy, row.is_shown) == ("hard", 1.0, 0.7, True)


def test_without_coins_chance_is_the_shuffled_concepts_and_a_tie_counts_against(lab):
    add_figure(lab, value=0.1, draws={"permutation": [0.0, 0.1, 0.1] * 10, "bootstrap_concepts": [0.0, 0.2]})
    (row,) = view(lab).itertuples()
    assert row.p == pytest.approx(21 / 31)
    assert row.at_chance
    assert row.chance_kind == "permutation"
    assert (row.low, row.high) == pytest.approx((row.concepts_low, row.concepts_high))
    assert np.isnan(row.share)
    assert np.isnan(row.ceiling)


def test_a_figure_without_draws_is_still_there(lab):
    add_figure(lab, value=0.4)
    (row,) = view(lab).itertuples()
    assert row.value == 0.4
    assert np.isnan(row.low)
    assert row.chance_kind is None or row.chance_kind != row.chance_kind


def test_three_answers_do_not_supersede_many_however_new(lab):
    add_figure(lab, value=0.4, number=0, n_answers=35_000)
    add_figure(lab, value=0.9, number=1, n_answers=3, draws={"coin_flips": np.linspace(0, 1, 200)})
    assert view(lab).query("is_shown").value.tolist() == [0.4]
    assert view(lab).sort_values("n_answers").n_answers.tolist() == [3, 35_000]
    assert lab.store.read("SELECT alignment, n_answers FROM alignment_score").values.tolist() == [[0.4, 35_000]]
    assert lab.store.read("SELECT n_answers FROM fit WHERE is_shown").n_answers.tolist() == [35_000]


def test_of_a_fit_aligned_twice_the_figure_with_most_draws_is_shown_however_old(lab):
    many, few = ({"bootstrap_answers": np.linspace(0.3, 0.5, n), "permutation": np.zeros(50)} for n in (100, 10))
    add_figure(lab, value=0.4, align=0, draws=many, n_answers=1000)
    add_figure(lab, value=0.5, align=60, draws=few, n_answers=1000)
    found = view(lab).sort_values("n_draws")
    assert found.n_draws.tolist() == [60, 150]
    assert found.is_shown.tolist() == [False, True]
    assert found.n_answer_draws.tolist() == [10, 100]


def test_most_answers_come_before_most_draws(lab):
    add_figure(lab, value=0.4, number=0, n_answers=4000, draws={"permutation": np.zeros(10)})
    add_figure(lab, value=0.5, number=1, n_answers=400, draws={"permutation": np.zeros(1000)})
    assert view(lab).query("is_shown").value.tolist() == [0.4]


def test_of_figures_with_equally_many_the_newest_is_shown(lab):
    for number, value in enumerate([0.4, 0.5, 0.3]):
        add_figure(lab, value=value, number=number, n_answers=1000, draws={"permutation": np.zeros(50)})
    assert view(lab).query("is_shown").value.tolist() == [0.3]


def test_two_concept_sets_with_a_reference_of_one_name_are_two_kinds(lab):
    add_figure(lab, value=0.4, number=0, n_answers=1000, concepts="fruit")
    add_figure(lab, value=0.5, number=1, n_answers=10, concepts="animals")
    shown = view(lab).query("is_shown").sort_values("value")
    assert shown.concept_set_id.tolist() == ["fruit", "animals"]
    assert shown.reference.tolist() == ["vice", "vice"]
    assert [method.rpartition(", ")[2] for method in shown.method] == ["fruit", "animals"]


def test_the_newest_of_each_kind_is_marked(lab):
    add_figure(lab, value=0.1, number=0)
    add_figure(lab, value=0.2, number=1)
    add_figure(lab, value=0.3, number=2, answers="graded", temperature=1.0)
    add_figure(lab, value=0.4, number=3, answers="graded", temperature=2.0)
    add_figure(lab, value=0.5, number=4, reference="wordnet")
    add_figure(lab, "other", value=0.6, number=0)
    newest = view(lab).query("is_shown")
    assert sorted(newest.value) == [0.2, 0.3, 0.4, 0.5, 0.6]


def test_the_newest_fit_speaks_also_when_an_older_one_is_aligned_again(lab):
    add_figure(lab, value=0.1, number=0)
    add_figure(lab, value=0.2, number=1)
    add_figure(lab, value=0.3, number=0, align=600)  # the older fit, aligned again ten hours after it was made
    assert view(lab).query("is_shown").value.tolist() == [0.2]
    add_figure(lab, value=0.4, number=1, align=1)
    assert view(lab).query("is_shown").value.tolist() == [0.4]
    assert set(view(lab).n_fits) == {2}


def test_a_temperature_that_decides_nothing_makes_no_kind(lab):
    add_figure(lab, value=0.1, number=0, temperature=1.0)
    add_figure(lab, value=0.2, number=1, temperature=2.0)
    assert view(lab).query("is_shown").value.tolist() == [0.2]


def test_scores_are_the_newest_figures_of_the_same_kinds(lab):
    """One meaning of newest: what `alignment` marks is what `alignment_score` has, chance and all."""
    draws = {"permutation": np.linspace(0, 0.1, 30)}
    for number, (value, temperature) in enumerate([(0.1, 1.0), (0.2, 2.0), (0.3, 1.0)]):
        add_figure(lab, value=value, number=number, draws=draws, answers="graded", temperature=temperature)
    add_figure(lab, value=0.05, number=3, draws=draws)
    scores = lab.store.read("SELECT * FROM alignment_score ORDER BY alignment")
    marked = view(lab).query("is_shown").sort_values("value")
    assert scores.alignment.tolist() == marked.value.tolist() == [0.05, 0.2, 0.3]
    assert scores.method.tolist() == [
        "ckl-30-hard, 30D, anchored, score, set",
        "ckl-30-hard, 30D, anchored, score, temperature 2, set",
        "ckl-30-hard, 30D, anchored, score, temperature 1, set",
    ]
    assert scores.n_fits.tolist() == [1, 1, 2]
    assert scores.chance_p95.tolist() == marked.chance_p95.tolist()
    assert scores.at_chance.tolist() == marked.at_chance.tolist() == [True, False, False]


def test_a_ceiling_at_chance_gives_no_share(lab):
    add_figure(lab, value=0.4, draws={"coin_flips": [0.25, 0.25], "ceiling": [0.25]})
    (row,) = view(lab).itertuples()
    assert np.isnan(row.share)


def test_too_few_draws_do_not_decide(lab):
    """With 19 draws p cannot fall below 0.05, however good the figure."""
    add_figure(lab, value=0.9, draws={"permutation": [0.0] * 19, "bootstrap_concepts": [0.0, 0.2]})
    (row,) = view(lab).itertuples()
    assert row.p == pytest.approx(1 / 20)
    assert row.at_chance is None
