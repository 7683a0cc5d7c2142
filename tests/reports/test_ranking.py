"""`report ranking` and the demo's last words: places within references, chance marked for published models too."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from triadic.ingest.published import ingest_published, ingest_suite
from triadic.reports import ranking
from triadic.reports.output import render
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.tables import ConceptSet, Embedding, Metric, MetricDraw, Rater, Run
from triadic.schema.vocabulary import DEFAULT_SET

R2 = "procrustes_r2"


def add(
    lab,
    rater,
    values,
    reference="vice",
    kind="human",
    chance=0.11,
    n_answers=None,
    concepts=DEFAULT_SET,
    rater_kind="llm",
):
    """An align run of `rater` with figures {metric: value}, and draws about them."""
    insert = lab.store.insert
    with lab.store.transaction():
        insert(ConceptSet, [ConceptSet(concept_set_id=concepts, digest="d", n_concepts=3, source="test")])
        insert(Rater, [Rater(rater_id=rater, kind=rater_kind), Rater(rater_id=f"r-{reference}", kind=kind)])
        run = {"rater_id": rater, "config_hash": "h", "versions": {}, "stage": "align"}
        run_id, fit_id = f"align-{rater}-{reference}-{concepts}", f"fit-{rater}-{concepts}"
        reference_id = f"ref-{reference}-{concepts}"
        insert(Run, [{**run, "run_id": run_id, "config": {}}])
        shared = {"concept_set_id": concepts, "n_dims": 30, "algorithm": "CKL"}
        insert(
            Embedding,
            [
                {
                    **shared,
                    "embedding_id": reference_id,
                    "rater_id": f"r-{reference}",
                    "role": "reference",
                    "name": reference,
                    "notes": None if kind == "human" else "a taxonomy, not human judgments",
                },
                {**shared, "embedding_id": fit_id, "rater_id": rater, "role": "fitted", "name": "ckl-30-hard"}
                | ({} if n_answers is None else {"n_train": n_answers, "n_heldout": 0}),
            ],
        )
        insert(
            Metric,
            [
                {
                    "run_id": run_id,
                    "name": name,
                    "embedding_id": fit_id,
                    "reference_id": reference_id,
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
    for form in ("table", "csv", "json", "markdown", "latex"):
        assert render(found, form)
    from matplotlib.figure import Figure

    assert isinstance(found.figures["ranking"](), Figure)


def test_a_model_of_this_lab_stands_first_beside_what_the_paper_printed_of_it_unasked(filled, call):
    add(filled, "gemma-3-270m", {R2: 0.154}, n_answers=35_000)
    code, out, err = call("report", "ranking", "--lab", filled.path, "--format", "csv", "--table", "ranking")
    assert code == 0, err
    rows = [row for row in csv.DictReader(out.splitlines()) if row["rater_name"] == "gemma-3-270m"]
    assert [(row["origin"], float(row["value"])) for row in rows] == [("measured", 0.154), ("published", 0.092)]
    found = ranking.report(filled.store)
    assert [table.name for table in found.tables] == ["own", "ranking", "beside"]
    own = found.frame("own").set_index(["rater_name", "reference"])
    gemma = own.loc[("gemma-3-270m", "vice")]
    published = ranking.ranked(filled.store, "published").value
    assert (gemma.place, gemma.published) == (2, 0.092)
    assert gemma.place_among_published == 1 + (published > 0.154).sum()
    assert (gemma.n_answers, gemma.n_draws) == (35_000, 199)
    assert np.isnan(own.loc[("good", "wordnet")].place_among_published)  # the paper asked about people
    assert set(found.frame("ranking").origin[:4]) == {"measured"}
    lines = render(found, "table", width=100).splitlines()
    assert next(line for line in lines if "gemma-3-270m" in line).split()[1:4] == ["vice", "2", "0.154"]


def test_only_measured_models_are_ranked_where_that_is_asked(filled):
    found = ranking.report(filled.store, "measured")
    assert [table.name for table in found.tables] == ["ranking"]
    assert set(found.frame("ranking").rater_name) == {"good", "coin"}
    assert not any("Published" in note for note in found.notes)


def test_few_answers_are_marked_beside_many_and_not_beside_as_few(filled):
    add(filled, "many", {R2: 0.3}, n_answers=35_000)
    add(filled, "three", {R2: 0.5}, n_answers=3)
    add(filled, "three", {R2: 0.5}, n_answers=3, reference="wordnet", kind="vectors")
    found = ranking.report(filled.store, "measured")
    frame = found.frame("ranking").set_index(["rater_name", "reference"])
    assert frame.loc[("three", "vice")].note == "few answers"
    assert frame.loc[("three", "vice")].n_answers == 3
    assert pd.isna(frame.loc[("many", "vice")].note)
    assert pd.isna(frame.loc[("three", "wordnet")].note)
    assert any(note.startswith("few answers: less than 25%") for note in found.notes)


def test_a_simulated_rater_is_marked(filled):
    add(filled, "sim", {R2: 0.3}, rater_kind="simulated")
    found = ranking.report(filled.store, "measured")
    assert found.frame("ranking").set_index("rater_name").loc["sim"].note == "stand-in"
    assert any(note.startswith("stand-in: ") for note in found.notes)


def test_references_of_one_name_over_two_concept_sets_are_two_rankings(filled):
    add(filled, "best", {R2: 0.9}, concepts="fruit")
    add(filled, "worst", {R2: 0.2}, concepts="fruit")
    found = ranking.report(filled.store)
    frame = found.frame("ranking")
    assert list(frame.columns[3:5]) == ["reference", "concept_set_id"]
    fruit = frame[frame.concept_set_id == "fruit"]
    assert list(zip(fruit.rater_name, fruit.place, strict=True)) == [("best", 1), ("worst", 2)]
    assert frame.set_index(["rater_name", "reference", "concept_set_id"]).loc[("good", "vice", DEFAULT_SET)].place == 1
    own = found.frame("own").set_index(["rater_name", "concept_set_id"])
    assert np.isnan(own.loc[("best", "fruit")].place_among_published)  # the paper asked about other concepts
    assert "best" not in set(found.frame("beside").rater_name)


def test_rows_of_one_rater_say_in_what_they_differ(filled):
    with filled.store.transaction() as con:
        con.execute("UPDATE embedding SET n_dims = 5, name = 'ckl-5-hard' WHERE embedding_id LIKE 'fit-coin%'")
    found = ranking.report(filled.store, "measured").frame("ranking")
    assert set(zip(found.rater_name, found.variant, strict=True)) == {("good", "ckl-30-hard"), ("coin", "ckl-5-hard")}


def test_who_has_answers_and_no_figure_is_named(filled):
    with filled.store.transaction() as con:
        con.execute("INSERT INTO rater (rater_id, kind, created_at) VALUES ('quiet', 'llm', now())")
        con.execute(
            "INSERT INTO run (run_id, stage, rater_id, config, config_hash, versions, created_at) "
            "VALUES ('q', 'judge', 'quiet', '{}', 'h', '{}', now())"
        )
        con.execute("INSERT INTO response (run_id, triplet_no, flipped, repeat) VALUES ('q', 0, false, 0)")
    assert any("they have answers: quiet. " in note for note in ranking.report(filled.store).notes)
    assert not any("quiet" in note for note in ranking.report(filled.store, "published").notes)


def test_the_last_words_of_the_demo(filled):
    text = ranking.summary(filled)
    assert "Against vice" in text
    assert "Against wordnet (a taxonomy, not human judgments)" in text
    assert "good: R² 0.410 against vice lies below" in text
    assert "coin: R² 0.115" in text
    assert text.count("does not stand out from coin flips") == 1
    assert "triadic ui" in text
    assert "triadic model add" in text
    assert "triadic report concepts" in text
    heading = next(line for line in text.splitlines() if "rater_name" in line)
    assert "n_draws" in heading


def test_the_last_words_without_a_human_reference_say_how_to_get_one(empty_lab):
    ingest_suite(empty_lab)
    ingest_published(empty_lab)
    add(empty_lab, "good", {R2: 0.3}, reference="wordnet", kind="vectors")
    assert "triadic ingest reference FILE" in ranking.summary(empty_lab)
