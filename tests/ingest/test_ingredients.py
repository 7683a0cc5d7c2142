"""Ingredients by hand and from a table: read by the column's type and unit, refused in one line, stored all or none."""

import json

import pytest

from triadic.ingest.ingredients import (
    EXAMPLES,
    SETTABLE,
    WANTED,
    WORDS,
    about_all,
    read_pairs,
    read_value,
    set_from_csv,
    set_ingredients,
)
from triadic.ingest.models import add_model
from triadic.schema.errors import BadInput, NotFound

SERVED = "http://api.example.com/v1#"


def current(lab, rater, *columns):
    return lab.store.row(f"SELECT {', '.join(columns)} FROM model_current WHERE rater_id = ?", [rater])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n_params", "70", 70.0),
        ("n_params", "70B", 70.0),
        ("n_params", "270 M", 0.27),
        ("n_params", "7e-1", 0.7),
        ("training_tokens", "15T", 15.0),
        ("training_tokens", "300b", 0.3),
        ("n_layers", "32", 32),
        ("n_layers", "32.0", 32),
        ("context_length", "131,072", 131072),
        ("context_length", "131_072", 131072),
        ("instruction_tuned", "Yes", True),
        ("multimodal", "FALSE", False),
        ("post_training_stage", "BASE_STAGE1", "base-stage1"),
        ("family", " Llama ", "Llama"),
    ],
)
def test_a_text_is_read_by_the_type_and_unit_of_its_column(name, text, value):
    assert read_value(name, text) == value
    assert type(read_value(name, text)) is type(value)


@pytest.mark.parametrize(
    ("pair", "line"),
    [
        ("n_params=many", "n_params='many' is no number: parameters, in billions, such as n_params=70"),
        ("n_params=7000000000", "too much: parameters, in billions"),
        ("n_params=1,5", "is no number"),
        ("n_params=-1", "is not above 0"),
        ("context_length=128k", "no number: context as advertised, in tokens, such as context_length=131072"),
        ("n_layers=32.5", "no whole number"),
        ("multimodal=maybe", "neither yes nor no: takes images too, such as multimodal=no"),
        ("attention=flash", "no attention 'flash': use one of mha, gqa, mqa, none"),
        ("n_parms=7", "no ingredient 'n_parms': did you mean n_params"),
        ("weights=/tmp", "triadic model add WEIGHTS"),
        ("rater_id=x", "no ingredient 'rater_id'"),
        ("n_params", "is not KEY=VALUE"),
        ("n_params=", "n_params is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(pair, line):
    with pytest.raises(BadInput, match=line) as said:
        read_pairs([pair])
    assert "\n" not in str(said.value)


def test_every_ingredient_has_an_example_that_can_be_read():
    for name in SETTABLE:
        assert read_value(name, EXAMPLES.get(name) or WORDS.get(name, ["text"])[0]) is not None
    assert set(WANTED) <= set(SETTABLE)


def test_a_model_behind_an_api_gets_its_ingredients(empty_lab):
    add_model(empty_lab, SERVED + "big", given=read_pairs(["n_params=70", "family=Llama"]))
    set_ingredients(empty_lab, "BIG", read_pairs(["training_tokens=15", "instruction_tuned=yes"]))
    columns = ("n_params", "family", "training_tokens", "instruction_tuned")
    assert current(empty_lab, "big", *columns) == (70.0, "Llama", 15.0, True)
    known, unknown, command = about_all(empty_lab, ["big"])
    assert known == "known of big: family=Llama, n_params=70, instruction_tuned=yes, training_tokens=15"
    assert "n_layers" in unknown
    assert "training_tokens" not in unknown
    assert "triadic model set big n_layers=NUMBER" in command


def test_the_last_word_counts_and_the_same_again_changes_nothing(empty_lab):
    add_model(empty_lab, SERVED + "big")
    for text in ("70", "7", "7", "70"):
        set_ingredients(empty_lab, "big", read_pairs([f"n_params={text}"]))
    assert current(empty_lab, "big", "n_params") == (70.0,)
    assert empty_lab.store.value("SELECT count(*) FROM model WHERE n_params IS NOT NULL") == 3


def test_people_have_no_ingredients_and_nobody_has_none(lab):
    with pytest.raises(NotFound, match="no model or rater 'nobody'"):
        set_ingredients(lab, "nobody", {"n_params": 1.0})
    with pytest.raises(BadInput, match="nothing is given"):
        set_ingredients(lab, "gemma-3-270m", {})


def test_a_table_of_models_is_stored_with_the_row_of_each_value(lab, tmp_path):
    (tmp_path / "models.csv").write_text("hf_id;n_params;notes\nQwen/Qwen2.5-7B;8B;mine\ngoogle/gemma-3-270m;;\n")
    assert set_from_csv(lab, tmp_path / "models.csv") == ["qwen25-7b", "gemma-3-270m"]
    assert current(lab, "qwen25-7b", "n_params", "notes") == (8.0, "mine")
    assert current(lab, "gemma-3-270m", "n_params") == (0.268,)
    (text,) = lab.store.row("SELECT provenance FROM model WHERE evidence = 'user'")
    assert json.loads(text)["n_params"] == "models.csv, row 2"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Model,n_params\ngemma-3-270m,1\nqwen25-7b,big\n", "row 3: n_params='big' is no number"),
        ("name,n_params\ngemma-3-270m,1\nnobody,1\n", "row 3: no model or rater 'nobody'"),
        ("name,n_params\ngemma-3-270m,1\n,1\n", "row 3: no name"),
        ("name,colour,n_parm\ngemma-3-270m,red,1\n", "no ingredient colour, n_parm"),
        ("who,n_params\ngemma-3-270m,1\n", "no column name, model or hf_id"),
        ("name\ngemma-3-270m\n", "no column but name"),
    ],
)
def test_of_a_bad_table_nothing_is_stored(lab, tmp_path, text, line):
    (tmp_path / "models.csv").write_text(text)
    with pytest.raises(BadInput, match=line):
        set_from_csv(lab, tmp_path / "models.csv")
    assert lab.store.value("SELECT count(*) FROM model WHERE evidence = 'user'") == 0
