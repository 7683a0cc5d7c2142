"""`model list` and `model show`: what is known of models, and by whom."""

from __future__ import annotations

import pytest

from triadic.ingest import models
from triadic.ingest.models import add_model
from triadic.ingest.published import ingest_suite
from triadic.ingest.raters import rename_rater
from triadic.reports.models import model_card, model_list
from triadic.schema.errors import NotFound
from triadic.schema.tables import Rater


@pytest.fixture
def lab(empty_lab):
    ingest_suite(empty_lab)
    return empty_lab


def test_the_list_has_every_model_once_by_family_and_size(lab):
    listed = model_list(lab)
    assert len(listed) == listed.model.nunique() == lab.store.row("SELECT count(*) FROM rater WHERE kind = 'llm'")[0]
    assert listed.equals(listed.sort_values(["family", "n_params", "model"], ignore_index=True))


def test_own_models_come_first_by_the_name_they_are_shown_by(lab):
    add_model(lab, "scripted:", "zz", given={"family": "Zz"})
    rename_rater(lab, "zz", "my model")
    first = model_list(lab).iloc[0]
    assert (first.model, first.weights, first.n_answers) == ("my model", "scripted:", 0)


def test_a_rater_without_ingredients_has_a_card_too(lab):
    lab.store.insert(Rater, [Rater(rater_id="people", kind="human", description="people, study.csv")])
    card = model_card(lab, "people").set_index("ingredient")
    assert card.value.to_dict() == {"name": "people", "kind": "human", "answers": "0"}
    assert card.provenance["kind"] == "people, study.csv"


def test_a_card_shows_the_most_trusted_value_and_names_what_differs(lab, monkeypatch):
    monkeypatch.setattr(models, "_read", lambda *args, guessed: {})
    add_model(lab, "google/gemma-3-270m", given={"family": "mine", "n_params": 7.0})
    card = model_card(lab, "Gemma-3-270M").set_index("ingredient")
    assert card.value["n_params"] == "7.0"
    assert card.evidence["n_params"] == "user"
    assert card.also["n_params"].startswith("suite: 0.268")
    assert card.evidence["n_layers"] == "suite"
    assert card.also.isna()["n_layers"]


def test_an_unknown_model_is_named_with_its_neighbours(lab):
    with pytest.raises(NotFound, match="did you mean gemma-3-270m"):
        model_card(lab, "gema-3-270m")
