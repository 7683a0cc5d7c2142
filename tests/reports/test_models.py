"""`model list` and `model show`: what is known of models, and by whom."""

from __future__ import annotations

import pytest

from triadic.ingest.models import add_model
from triadic.ingest.published import ingest_suite
from triadic.reports.models import model_card, model_list
from triadic.schema.errors import NotFound


@pytest.fixture
def lab(empty_lab):
    ingest_suite(empty_lab)
    return empty_lab


def test_the_list_has_every_model_once_by_family_and_size(lab):
    models = model_list(lab)
    assert len(models) == models.model.nunique() == lab.store.row("SELECT count(*) FROM rater WHERE kind = 'llm'")[0]
    assert models.equals(models.sort_values(["family", "n_params", "model"], ignore_index=True))


def test_a_card_shows_the_most_trusted_value_and_names_what_differs(lab):
    add_model(lab, "scripted:", "gemma-3-270m", given={"family": "mine", "n_params": 7.0})
    card = model_card(lab, "Gemma-3-270M").set_index("ingredient")
    assert card.value["n_params"] == "7.0"
    assert card.evidence["n_params"] == "user"
    assert card.also["n_params"].startswith("suite: 0.268")
    assert card.evidence["n_layers"] == "suite"
    assert card.also.isna()["n_layers"]


def test_an_unknown_model_is_named_with_its_neighbours(lab):
    with pytest.raises(NotFound, match="did you mean gemma-3-270m"):
        model_card(lab, "gema-3-270m")
