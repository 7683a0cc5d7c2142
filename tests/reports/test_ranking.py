"""`report ranking` and the demo's last words: places within references, chance marked for published models too."""

from __future__ import annotations

import numpy as np
import pytest

from triadic.ingest.published import ingest_published, ingest_suite
from triadic.reports import ranking
from triadic.reports.output import render
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.tables import ConceptSet, Embedding, Metric, MetricDraw, Rater, Run

R2 = "procrustes_r2"


def add(lab, rater, values, reference="vice", kind="human", chance=0.11):
    """An align run of `rater` with figures {metric: value}, and draws about them."""
    insert = lab.store.insert
    with lab.store.transaction():
        insert(ConceptSet, [ConceptSet(concept_set_id="set", digest="d", n_concepts=3, source="test")])
        insert(Rater, [Rater(rater_id=rater, kind="llm"), Rater(rater_id=f"r-{reference}", kind=kind)])
        run = {"rater_id": rater, "config_hash": "h", "versions": {}, "stage": "align"}
        run_id, fit_id = f"align-{rater}-{reference}", f"fit-{rater}"
        insert(Run, [{**run, "run_id": run_id, "config": {}}])
        shared = {"concept_set_id": "set", "n_dims": 30, "algorithm": "CKL"}
        insert(
            Embedding,
            [
                {
                    **shared,
                    "embedding_id": f"ref-{reference}",
                    "rater_id": f"r-{reference}",
                    "role": "reference",
                    "name": reference,
                    "notes": None if kind == "human" else "a taxonomy, not human judgments",
                },
                {**shared, "embedding_id": fit_id, "rater_id": rater, "role": "fitted", "name": "ckl-30-hard"},
            ],
        )
        insert(
            Metric,
            [
                {
                    "run_id": run_id,
                    "name": name,
                    "embedding_id": fit_id,
                    "reference_id": f"ref-{reference}",
                    "value": value,
                }
                for name, value in values.items()
            ],
        )
        draws = {"coin_flips": chance + np.linspace(-0.01, 0.01, 99), "ceiling": [0.6], "ceiling_deterministic": [0.45]}
        for name, value in values.items():
            insert(
                MetricDraw,
                [
                    {"run_id": run_id, "name": name, "kind": kind, "draw": i, "value": float(v)}
                    for kind, drawn in {
                        **draws,
                        "bootstrap_answers": value - 0.03 + np.linspace(-0.01, 0.01, 99),
                    }.items()
                    for i, v in enumerate(drawn)
                ],
            )


@pytest.fixture
def filled(empty_lab):
    ingest_suite(empty_lab)
    ingest_published(empty_lab)
    add(empty_lab, "good", {R2: 0.41, "cka_debiased": 0.5, "rsa_spearman_euclidean": 0.3})
    add(empty_lab, "coin", {R2: 0.115, "cka_debiased": 0.0})
    add(empty_lab, "good", {R2: 0.30}, reference="wordnet", kind="vectors")
    return empty_lab


def test_measured_and_published_models_stand_in_order_with_chance_marked(filled):
    frame = ranking.ranked(filled.store)
    published, vice = frame[frame.origin == "published"], frame[frame.reference == "vice"]
    assert len(published) == 75
    assert published.value.is_monotonic_decreasing
    assert vice.rater_name.tolist() == ["good", "coin"]
    assert vice.place.tolist() == [1, 2]
    assert vice.at_chance.tolist() == [False, True]
    assert vice.cka_debiased.tolist() == [0.5, 0.0]
    good = vice.iloc[0]
    assert good.low < good.value < good.high
    assert good.share == pytest.approx((0.41 - 0.11) / (0.6 - 0.11))
    # The simulated null's 95th percentile is 0.132; 19 of the 75 published figures are below it.
    assert published.at_chance.sum() == (published.value <= 0.132).sum() == 19


def test_the_published_suite_alone_makes_a_ranking(suite):
    found = ranking.report(suite)
    assert len(found.frame("ranking")) == 75
    assert any("19 of 75" in note for note in found.notes)
    assert "gemma-3-270m" in render(found)


def test_one_origin_one_reference_or_another_metric(filled):
    assert set(ranking.ranked(filled.store, "measured").reference) == {"vice", "wordnet"}
    assert set(ranking.ranked(filled.store, reference="wordnet").rater_name) == {"good"}
    assert ranking.ranked(filled.store, metric="cka_debiased").rater_name.tolist() == ["good", "coin"]
    with pytest.raises(BadInput, match="use one of published, measured, both"):
        ranking.ranked(filled.store, "ours")
    with pytest.raises(NotFound, match="measured cka_debiased against vice"):
        ranking.ranked(filled.store, metric="cka")


def test_the_report_has_a_table_beside_the_published_and_says_what_a_reference_is(filled):
    found = ranking.report(filled.store)
    beside = found.frame("beside")
    assert len(beside) == 77
    assert beside.value.is_monotonic_decreasing
    assert beside[beside.rater_name == "good"].place.item() == 1 + (beside.value > 0.41).sum()
    assert any("taxonomy, not human judgments" in note for note in found.notes)
    assert any("not monotone" in note for note in found.notes)
    for form in ("text", "csv", "json", "markdown", "latex"):
        assert render(found, form)
    from matplotlib.figure import Figure

    assert isinstance(found.figures["ranking"](), Figure)


def test_the_last_words_of_the_demo(filled):
    text = ranking.summary(filled)
    assert "Against vice" in text
    assert "Against wordnet (a taxonomy, not human judgments)" in text
    assert "good: R² 0.410 against vice lies below" in text
    assert "coin: R² 0.115" in text
    assert text.count("does not stand out from coin flips") == 1
    assert "triadic ui" in text
    assert "triadic model add" in text


def test_the_last_words_without_a_human_reference_say_how_to_get_one(empty_lab):
    ingest_suite(empty_lab)
    ingest_published(empty_lab)
    add(empty_lab, "good", {R2: 0.3}, reference="wordnet", kind="vectors")
    assert "triadic ingest reference --path" in ranking.summary(empty_lab)
