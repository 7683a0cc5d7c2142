"""Renaming and removing: both names find a rater, nothing of it is lost, and nothing is asked again."""

import pytest

from triadic.compute.settings import RunSettings
from triadic.compute.stages.pipeline import judge_rater, missing
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.ingest.raters import remove_rater, rename_rater
from triadic.reports.models import model_card, model_list
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lookup import find_rater


@pytest.fixture
def asked(lab):
    """A scripted rater that has answered, and the questions."""
    rater, _ = add_model(lab, "scripted:", "rule")
    questions = draw_triplet_set(lab, "things-128", 60, 0)
    judge_rater(lab, rater, questions, RunSettings())
    return questions


def test_a_rename_changes_what_is_shown_and_asks_nothing_again(lab, asked):
    before = missing(lab, "rule", asked, RunSettings())
    run_id = judge_rater(lab, "rule", asked, RunSettings())
    assert rename_rater(lab, "RULE", "my rule") == "rule"
    assert find_rater(lab.store, "My Rule") == find_rater(lab.store, "rule") == "rule"
    after = missing(lab, find_rater(lab.store, "my rule"), asked, RunSettings())
    assert [line.replace("my rule", "rule") for line in after] == before
    assert not any("judge" in line for line in before)
    assert judge_rater(lab, find_rater(lab.store, "my rule"), asked, RunSettings()) == run_id
    assert lab.store.value("SELECT count(*) FROM run WHERE stage = 'judge'") == 1
    assert lab.store.read("SELECT DISTINCT rater_name FROM judgment").rater_name.tolist() == ["my rule"]
    assert model_card(lab, "my rule").set_index("ingredient").loc["name", "also"] == "first called rule"


def test_a_name_that_another_rater_has_or_had_is_refused(lab, asked):
    rename_rater(lab, "rule", "law")
    for taken in ("gemma-3-270m", "GEMMA-3-270m"):
        with pytest.raises(Conflict, match="name of another rater"):
            rename_rater(lab, "law", taken)
    with pytest.raises(Conflict, match="first name of law"):
        rename_rater(lab, "gemma-3-270m", "Rule")
    with pytest.raises(Conflict, match="name of another rater"):
        rename_rater(lab, "gemma-3-270m", "LAW")
    for empty in (" ", "-x"):
        with pytest.raises(BadInput, match="is no name"):
            rename_rater(lab, "law", empty)
    assert rename_rater(lab, "law", "rule") == "law"  # and back
    assert find_rater(lab.store, "rule") == find_rater(lab.store, "rule")
    n = lab.store.value("SELECT count(*) FROM rater_event")
    rename_rater(lab, "rule", "rule")
    assert lab.store.value("SELECT count(*) FROM rater_event") == n


def test_a_removed_rater_is_hidden_with_every_answer_kept_and_comes_back(lab, asked):
    assert remove_rater(lab, "rule") == ("rule", 60)
    assert remove_rater(lab, "rule") == ("rule", 60)  # twice changes nothing
    assert lab.store.value("SELECT count(*) FROM rater_event") == 1
    assert "rule" not in model_list(lab).model.tolist()
    everyone = model_list(lab, everyone=True)
    assert everyone.model[everyone.removed].tolist() == ["rule"]
    assert lab.store.value("SELECT count(*) FROM response") == 60
    with pytest.raises(
        NotFound, match="rule was removed from this lab: `triadic model remove rule --undo` brings it back"
    ):
        find_rater(lab.store, "rule")
    assert model_card(lab, "rule").set_index("ingredient").loc["removed", "value"] == "yes"
    assert remove_rater(lab, "rule", undo=True) == ("rule", 60)
    assert find_rater(lab.store, "rule") == "rule"
    assert "rule" in model_list(lab).model.tolist()
