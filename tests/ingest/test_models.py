"""Adding one model at a time: what is given, what is read, what the suite knows; never a guess."""

import json

import pytest

from triadic.compute.judges.local import packaged
from triadic.ingest import models
from triadic.ingest.demo_models import DEMO_NAMES, add_packaged
from triadic.ingest.ingredients import lacking
from triadic.ingest.models import PACKAGED, about_model, add_model, simulate_model
from triadic.ingest.raters import remove_rater, rename_rater
from triadic.reports.models import model_card
from triadic.schema.errors import BadInput, Conflict, NotFound, TriadicError
from triadic.schema.weights import Weights


@pytest.fixture
def checkpoint(monkeypatch):
    """What a checkpoint's files would say, without a hub."""
    found = {"n_params": (7.62, "safetensors headers"), "n_layers": (28, "config.json")}
    monkeypatch.setattr(models, "_read", lambda *args, guessed: found)


def current(lab, rater):
    return lab.store.read("SELECT * FROM model_current WHERE rater_id = ?", [rater]).iloc[0]


def test_a_model_of_the_suite_keeps_its_name_and_what_is_known_of_it(lab, checkpoint):
    rater, found = add_model(lab, "Qwen/Qwen2.5-7B-Instruct")
    assert (rater, found) == ("qwen25-7b-instruct", 2)
    row = current(lab, rater)
    assert row.n_params == 7.62  # the checkpoint outranks the suite's 7.616
    assert (row.hidden_size, row.family, row.prompt_style, row.training_tokens) == (3584, "Qwen", "chat", 18)
    card = model_card(lab, rater).set_index("ingredient")
    assert card.loc["n_params", "also"] == "suite: 7.616"
    assert card.loc["n_params", "provenance"] == "safetensors headers"
    assert card.loc["n_layers", "value"] == "28"


def test_adding_twice_changes_nothing_and_giving_more_adds_to_it(lab, checkpoint):
    add_model(lab, "some/new-model")
    n = lab.store.row("SELECT count(*) FROM model")
    add_model(lab, "some/new-model")
    assert lab.store.row("SELECT count(*) FROM model") == n
    assert "family" in lacking(lab, "new-model")
    add_model(lab, "some/new-model", given={"family": "New", "training_tokens": 1.5})
    assert current(lab, "new-model").family == "New"
    assert current(lab, "new-model").hf_id == "some/new-model"
    assert "family" not in lacking(lab, "new-model")
    add_model(lab, "some/new-model", given={"family": "Newer"})
    assert current(lab, "new-model").family == "Newer"
    assert current(lab, "new-model").training_tokens == 1.5


def test_what_nobody_says_stays_empty(lab, checkpoint):
    add_model(lab, "some/new-model")
    row = current(lab, "new-model")
    assert row[["family", "instruction_tuned", "post_training_stage", "training_tokens", "prompt_style"]].isna().all()


def test_every_value_has_its_provenance(lab, checkpoint):
    add_model(lab, "some/new-model", given={"family": "New"})
    for evidence, provenance in lab.store.read(
        "SELECT evidence, provenance FROM model WHERE rater_id = 'new-model'"
    ).values:
        assert json.loads(provenance), evidence


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"prompt_style": "poem"}, "no prompt_style 'poem': use one of chat, base"),
        ({"n_layers": -3}, "n_layers = -3 is refused"),
        (
            {"training_tokens": "many"},
            "training_tokens='many' is no number: pre-training tokens, in trillions, such as",
        ),
        ({"flavour": "mint"}, "no ingredient 'flavour'"),
    ],
)
def test_impossible_values_are_refused_whole(lab, checkpoint, given, line):
    before = lab.store.row("SELECT count(*) FROM model")
    with pytest.raises(BadInput, match=line):
        add_model(lab, "some/new-model", given=given)
    assert lab.store.row("SELECT count(*) FROM model") == before


def test_a_gguf_file_is_its_folder_and_its_name(lab, tmp_path, checkpoint):
    (tmp_path / "tiny.Q4_0.gguf").write_bytes(b"GGUF")
    rater, _ = add_model(lab, str(tmp_path / "tiny.Q4_0.gguf"))
    assert rater == "tiny.Q4_0"
    assert tuple(current(lab, rater)[["weights", "gguf_file"]]) == (str(tmp_path), "tiny.Q4_0.gguf")


@pytest.mark.parametrize("name", DEMO_NAMES)
def test_packaged_raters_are_entered_without_their_packages(lab, name):
    assert add_packaged(lab, name) == DEMO_NAMES[name]
    assert current(lab, DEMO_NAMES[name]).weights == f"package:{name}"


def test_a_served_model_is_read_where_its_files_are(empty_lab, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(models, "_read", lambda files, *_, guessed: read.append((files.source, guessed)) or {})
    served = "http://localhost:1/v1#"
    assert add_model(empty_lab, served + "qwen")[0] == "qwen"
    add_model(empty_lab, served + "qwen", given={"hf_id": str(tmp_path)})
    assert read == [("qwen", True), (str(tmp_path.resolve()), False)]  # a name is a guess, a folder is not
    with pytest.raises(BadInput, match=r"write http://localhost:1/v1#NAME"):
        add_model(empty_lab, served)


def test_files_that_were_named_and_are_not_there_are_refused(empty_lab):
    with pytest.raises(TriadicError):
        add_model(empty_lab, "http://localhost:1/v1#qwen", given={"hf_id": "/no/such/folder"})
    assert add_model(empty_lab, "http://localhost:1/v1#qwen") == ("qwen", 0)


def test_a_path_that_is_not_there_is_refused_before_anything_is_stored(empty_lab):
    with pytest.raises(NotFound, match="no model at /no/such/folder"):
        add_model(empty_lab, "/no/such/folder")
    assert empty_lab.store.value("SELECT count(*) FROM rater") == 0


def test_a_simulated_rater_is_its_settings(lab):
    rater = simulate_model(lab, "wordnet", temperature=0.5, first_bias=0.6, seed=3)
    assert rater == "simulated-wordnet-0.5-0.6-3"
    assert lab.store.value("SELECT kind FROM rater WHERE rater_id = ?", [rater]) == "simulated"
    weights = Weights.parse(current(lab, rater).weights)
    assert weights.kind == "simulated"
    assert weights.params == {"like": "wordnet", "temperature": "0.5", "first_bias": "0.6", "seed": "3"}
    assert simulate_model(lab, "wordnet", 1.0, 0.0, 0, "people") == "people"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"like": "wordnets"}, "no reference 'wordnets' in this lab: use one of wordnet, or add it"),
        ({"like": "wordnet", "temperature": -1.0}, "temperature of 0 or more"),
        ({"like": "wordnet", "temperature": float("nan")}, "temperature of 0 or more"),
        ({"like": "wordnet", "first_bias": 1.5}, "bias between 0 and 1"),
    ],
)
def test_no_rater_is_like_nothing(lab, settings, line):
    with pytest.raises(BadInput, match=line):
        simulate_model(lab, **{"temperature": 1.0, "first_bias": 0.0, "seed": 0} | settings)


def n_rows(lab):
    return lab.store.row("SELECT (SELECT count(*) FROM model), (SELECT count(*) FROM rater)")


def test_a_taken_name_is_not_pointed_elsewhere_without_a_word(lab, checkpoint):
    add_model(lab, "some/new-model")
    before = n_rows(lab)
    with pytest.raises(
        Conflict, match="new-model points at some/new-model in this lab: give this one --name OTHER"
    ) as said:
        add_model(lab, "other/new-model")
    assert "\n" not in str(said.value)
    assert n_rows(lab) == before
    assert add_model(lab, "other/new-model", replace=True)[0] == "new-model"
    assert current(lab, "new-model").weights == "other/new-model"
    add_model(lab, "some/new-model", replace=True)
    assert current(lab, "new-model").weights == "some/new-model"  # what was said once is said again
    with pytest.raises(Conflict, match="is in the lab as vectors"):
        add_model(lab, "some/new-model", "wordnet")


def test_a_name_with_a_file_or_revision_of_its_own_is_not_mixed_with_other_weights(empty_lab, tmp_path, checkpoint):
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    add_model(empty_lab, str(tmp_path / "tiny.gguf"))
    with pytest.raises(Conflict, match="whose gguf_file would stay"):
        add_model(empty_lab, "some/tiny", "tiny", replace=True)


@pytest.mark.parametrize("weights", ["scripted:", "some/qwen25-7b", "package:gemma3-270m"])
def test_a_name_of_the_suite_does_not_become_another_model(lab, checkpoint, weights):
    with pytest.raises(Conflict, match=r"points at Qwen/Qwen2\.5-7B in this lab"):
        add_model(lab, weights, "qwen25-7b")


def test_a_model_of_the_suite_may_lie_in_a_folder_of_its_shape(lab, tmp_path, checkpoint, monkeypatch):
    add_model(lab, str(tmp_path), "qwen25-7b")
    assert current(lab, "qwen25-7b").weights == str(tmp_path)
    monkeypatch.setattr(models, "_read", lambda *args, guessed: {"hidden_size": (2048, "config.json")})
    with pytest.raises(
        Conflict, match=r"qwen25-14b has hidden size 5120 in the paper's suite, and the checkpoint at .* 2048"
    ):
        add_model(lab, str(tmp_path), "qwen25-14b")
    with pytest.raises(Conflict, match="has hidden size"):
        add_model(lab, str(tmp_path), "qwen25-14b", replace=True)


def test_packages_are_known_by_the_hub_id_that_the_judges_know(lab):
    assert {name: known[4] for name, known in packaged._KNOWN.items()} == PACKAGED


def test_a_removed_model_is_not_added_over(lab, checkpoint):
    add_model(lab, "some/new-model")
    remove_rater(lab, "new-model")
    with pytest.raises(Conflict, match="triadic model remove new-model --undo"):
        add_model(lab, "some/new-model")


def test_a_renamed_model_is_added_to_by_either_name(lab, checkpoint):
    add_model(lab, "some/new-model")
    rename_rater(lab, "new-model", "Fresh")
    for name in ("fresh", "new-model"):
        assert add_model(lab, "some/new-model", name)[0] == "new-model"
    assert about_model(lab, "new-model", 2)[-1].endswith("triadic run Fresh")


def test_after_adding_it_says_what_is_unknown_and_the_command_to_tell_it(lab, checkpoint):
    lines = about_model(lab, *add_model(lab, "some/new-model", given={"family": "New"}))
    assert lines[1] == "known of new-model: family=New, n_params=7.62, n_layers=28"
    assert lines[2].startswith("unknown, and left empty: hidden_size, mlp_dim")
    assert "triadic model set new-model hidden_size=NUMBER" in lines[3]
    assert "prompt_style=chat" in lines[4]
    add_model(lab, "some/new-model", given={"prompt_style": "base"})
    assert about_model(lab, "new-model", 0)[-1] == "next: triadic run new-model"
    assert "stands in for a model" in about_model(lab, *add_model(lab, "scripted:", "rule"))[0]


def test_a_packaged_sentence_embedding_answers_by_its_vectors(lab):
    rater, _ = add_model(lab, "package:minilm")
    assert lab.store.row("SELECT rater_id, kind FROM rater WHERE rater_id = ?", [rater]) == (
        "all-MiniLM-L6-v2",
        "vectors",
    )
