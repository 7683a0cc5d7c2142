"""Whom a report is about: --raters and --exclude, and raters that answer by a rule in no statistic over models."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from triadic.reports import ingredients, ranking, raters
from triadic.reports.registry import REPORTS
from triadic.schema.errors import NotFound
from triadic.schema.lab import Lab
from triadic.schema.tables import Embedding, Metric, Model, Rater, RaterEvent

MEASURED = ("--origin", "measured")


@pytest.fixture
def with_stand_ins(measured):
    """A lab whose models have measured figures, with a scripted and a simulated rater that have some too."""
    insert = measured.insert
    for name, kind, weights in (("by-letters", "llm", "scripted:"), ("like-vice", "simulated", "simulated:like=vice")):
        insert(Rater, [Rater(rater_id=name, kind=kind)])
        insert(
            Model,
            [
                Model(
                    model_id=f"m-{name}", rater_id=name, evidence="user", weights=weights, instruction_tuned=True,
                    hidden_size=99_000, n_params=900.0, family=name, post_training_stage="it",
                )
            ],
        )  # fmt: skip
        fit = {"concept_set_id": "set", "n_dims": 30, "algorithm": "CKL", "created_at": datetime.now(UTC)}
        insert(Embedding, [Embedding(embedding_id=f"fit-{name}", rater_id=name, role="fitted", name="CKL", **fit)])
        figures = {"embedding_id": f"fit-{name}", "reference_id": "people", "value": 0.99}
        insert(Metric, [Metric(run_id=f"align-{name}", name="procrustes_r2", **figures)])
    return Lab(measured.path.parent)


def n_models(store):
    return ingredients.report(store, "measured", n_resamples=0).frame("correlations").n.max()


def test_who_answers_by_a_rule_enters_no_statistic_unless_named(with_stand_ins):
    store = with_stand_ins.store
    found = ingredients.report(store, "measured", n_resamples=0)
    assert found.frame("correlations").n.max() == 30
    note = "Left out, being simulated or scripted: by-letters, like-vice (2). `--raters A,B` takes whom it names."
    assert note in found.notes
    names = list(store.read("SELECT DISTINCT rater_name FROM ingredient_frame WHERE origin = 'measured'").rater_name)
    raters.choose(store, [*names, "by-letters"])
    found = ingredients.report(store, "measured", n_resamples=0)
    assert found.frame("correlations").n.max() == 31
    assert "by-letters" in set(found.frame("influence").without)
    assert not any("by-letters" in note for note in found.notes)


@pytest.mark.parametrize("name", ["ingredients", "regression", "stages", "benchmarks"])
def test_every_report_with_a_regression_says_who_is_left_out(with_stand_ins, name):
    few = {"regression": {}, "stages": {}}.get(name, {"n_resamples": 0})
    notes = REPORTS[name](with_stand_ins.store, "measured", **few).notes
    assert sum("being simulated or scripted: by-letters, like-vice (2)" in note for note in notes) == 1
    assert raters.stand_ins(with_stand_ins.store, "published") == []


def test_a_ranking_shows_them_all_the_same(with_stand_ins):
    assert {"by-letters", "like-vice"} <= set(ranking.ranked(with_stand_ins.store, "measured").rater_name)


def test_only_some_raters_or_all_but_some(with_stand_ins):
    store = with_stand_ins.store
    names = list(ranking.ranked(store, "measured").rater_name)
    assert raters.choose(store, [f"{names[3].upper()}, {names[0]}"], []) == {"raters": [names[3], names[0]]}
    assert list(ranking.ranked(store, "measured").rater_name) == [names[0], names[3]]
    raters.choose(store, [], [names[0], names[1]])
    assert list(ranking.ranked(store, "measured").rater_name) == names[2:]
    assert raters.choose(store) == {}
    assert len(ranking.ranked(store, "measured")) == len(names)


def test_unknown_and_removed_raters_are_refused(with_stand_ins):
    store = with_stand_ins.store
    with pytest.raises(NotFound, match=r"no model or rater 'by-leters' in this lab \(did you mean by-letters"):
        raters.choose(store, ["by-leters"])
    store.insert(RaterEvent, [RaterEvent(rater_id="by-letters", action="removed")])
    with pytest.raises(
        NotFound, match="by-letters was removed from this lab: `triadic model remove by-letters --undo`"
    ):
        raters.choose(store, ["by-letters"])


def test_where_only_stand_ins_have_figures_the_message_names_them(with_stand_ins):
    store = with_stand_ins.store
    with store.transaction() as con:
        con.execute("DELETE FROM metric WHERE embedding_id NOT IN ('fit-by-letters', 'fit-like-vice')")
    with pytest.raises(NotFound, match=r"scripted: by-letters, like-vice \(2\)\. `--raters A,B` takes whom it names$"):
        ingredients.report(store, "measured")


def test_the_command_line_narrows_every_report(call, with_stand_ins):
    at = ("--lab", with_stand_ins.path, "report")
    names = list(ranking.ranked(with_stand_ins.store, "measured").rater_name)[2:4]
    code, out, err = call(*at, "ranking", *MEASURED, "--raters", ",".join(names), "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    assert [row["rater_name"] for row in found["tables"]["ranking"]] == names
    assert f"Only these raters: {', '.join(names)}." in found["notes"]
    out = call(*at, "ranking", *MEASURED, "--exclude", names[0], "--exclude", names[1], "--format", "json")[1]
    assert not set(names) & {row["rater_name"] for row in json.loads(out)["tables"]["ranking"]}
    assert f"Without these raters: {', '.join(names)}." in json.loads(out)["notes"]
    for name in REPORTS:
        code, _, err = call(*at, name, *(("a", "b") if name == "compare" else ()), "--raters", "nobody-at-all")
        if code == 2 and "Missing argument" in err:
            continue
        assert (code, err.strip().count("\n")) == (2, 0), (name, err)
        assert "no model or rater 'nobody-at-all'" in err


def test_a_report_of_other_raters_is_saved_beside_the_first(call, with_stand_ins):
    at = ("--lab", with_stand_ins.path, "report", "ranking", *MEASURED, "--save")
    names = list(ranking.ranked(with_stand_ins.store, "measured").rater_name)
    assert call(*at)[0] == 0
    assert call(*at, "--raters", names[0])[0] == 0
    folders = sorted(with_stand_ins.reports.iterdir())
    assert len(folders) == 2
    texts = [(folder / "ranking.txt").read_text() for folder in folders]
    assert sum("Only these raters" in text for text in texts) == 1
    assert not any("left out to fit" in text for text in texts)
