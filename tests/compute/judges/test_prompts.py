"""The exact words, and exactly one BOS."""

from datetime import date

import numpy as np
import pytest

from triadic.compute.judges.prompts import (
    SYSTEM,
    Prompter,
    options_of,
    presentation_order,
    prompt_hash,
    question_texts,
    wording,
)
from triadic.schema.errors import BadInput

REFUSES = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<turn>{{ m['role'] }}\n{{ m['content'] }}<end>\n{% endfor %}<turn>model\n"
)
DROPS = "{% for m in messages if m['role'] == 'user' %}<turn>{{ m['content'] }}<end>{% endfor %}<turn>"
SWITCH = (
    "{% for m in messages %}<turn>{{ m['content'] }}{% endfor %}{% if enable_thinking is false %}<quiet>{% endif %}"
)
TRIMS = "{% for m in messages %}<turn>{{ m['content'].replace('QUESTION: ', '') }}<end>{% endfor %}<turn>"


def test_words_of_the_paper(questions):
    asked = questions(5)
    first = np.where(asked.flipped, asked.right, asked.left)
    second = np.where(asked.flipped, asked.left, asked.right)
    assert question_texts(asked, "anchored") == [
        f"QUESTION: Which item is most similar to {a}: {b} or {c}? Respond only with the item name."
        for a, b, c in zip(asked.anchor, first, second, strict=True)
    ]
    assert SYSTEM == "You are a helpful assistant who gives responses to questions"


def test_base_prompt_is_plain_text_with_one_bos(new_tokenizer):
    prompter = Prompter(new_tokenizer(), "base")
    text = prompter.text("QUESTION: x")
    assert text == f"{SYSTEM}\nQUESTION: x\nAnswer:"
    (ids,) = prompter.encode([text])
    assert ids[0] == 1
    assert ids.count(1) == 1


@pytest.mark.parametrize("template", ["default", REFUSES, DROPS])
def test_chat_prompt_has_one_bos_whoever_writes_it(new_tokenizer, template):
    tokenizer = new_tokenizer() if template == "default" else new_tokenizer(template)
    prompter = Prompter(tokenizer, "chat")
    (ids,) = prompter.encode([prompter.text("QUESTION: x")])
    assert ids[0] == 1
    assert ids.count(1) == 1


def test_a_tokenizer_without_bos_gets_none(new_tokenizer):
    from tokenizers import processors

    tokenizer = new_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    assert 1 not in Prompter(tokenizer, "base").encode(["dog"])[0]


def test_an_encoder_keeps_the_closing_token(new_tokenizer):
    from tokenizers import processors

    tokenizer = new_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    assert Prompter(tokenizer, "base", encoder=True).encode(["dog"])[0][-1] == 2
    assert 2 not in Prompter(tokenizer, "base").encode(["dog"])[0]


@pytest.mark.parametrize("template", [REFUSES, DROPS])
def test_a_refused_or_dropped_system_prompt_moves_into_the_user_turn(new_tokenizer, template):
    prompter = Prompter(new_tokenizer(template), "chat")
    assert prompter.record()["system"] == "folded"
    assert f"{SYSTEM}\n\nQUESTION: x" in prompter.text("QUESTION: x")


def test_thinking_is_off_where_there_is_a_switch(new_tokenizer):
    prompter = Prompter(new_tokenizer(SWITCH), "chat")
    assert prompter.record()["thinking"] == "off"
    assert prompter.text("q").endswith("<quiet>")
    assert Prompter(new_tokenizer(), "chat").record()["thinking"] is None


def test_a_template_that_edits_the_words_is_followed(new_tokenizer):
    tokenizer = new_tokenizer(TRIMS)
    prompter = Prompter(tokenizer, "chat")
    turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "QUESTION: dog"}]
    assert prompter.text("QUESTION: dog") == tokenizer.apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True
    )


def test_style_is_never_guessed(new_tokenizer):
    assert "<turn>" not in Prompter(new_tokenizer(), "base").text("q")
    with pytest.raises(BadInput, match="no chat template"):
        Prompter(new_tokenizer(None), "chat")
    with pytest.raises(BadInput, match="no prompt style 'instruct'"):
        Prompter(new_tokenizer(), "instruct")
    with pytest.raises(BadInput, match="no framing 'pairs': use one of anchored, odd-one-out"):
        Prompter(new_tokenizer(), "base", framing="pairs")


def test_odd_one_out_shows_each_concept_in_each_place(questions):
    asked = questions(600)
    columns = presentation_order(asked, "odd-one-out")
    for row in range(20):
        assert {column[row] for column in columns} == {asked.anchor[row], asked.left[row], asked.right[row]}
    share = [np.mean(column == asked.anchor) for column in columns]
    assert share == pytest.approx([1 / 3] * 3, abs=0.01)
    names, choices = options_of(asked, "odd-one-out")
    assert choices == ["right", "left", "apart"]
    assert names[0] == (asked.left[0], asked.right[0], asked.anchor[0])


DATED = "{{ strftime_now('%d %b %Y') }}{% for m in messages %}<turn>{{ m['content'] }}{% endfor %}"


def test_wording_is_what_the_prompt_says_around_its_concepts(new_tokenizer, questions):
    asked = questions(4)
    for framing in ("anchored", "odd-one-out"):
        for style, template in (("base", None), ("chat", REFUSES)):
            texts = Prompter(new_tokenizer(template), style, framing).texts(asked)
            columns = zip(*presentation_order(asked, framing), strict=True)
            for text, words in zip(texts, columns, strict=True):
                assert wording(style, framing).format(*words) in text
    assert len({wording(style, framing) for style in ("chat", "base") for framing in ("anchored", "odd-one-out")}) == 4


def test_a_template_that_writes_the_date_goes_on_with_the_first_days(new_tokenizer):
    prompter = Prompter(new_tokenizer(DATED), "chat")
    record = prompter.record()
    assert prompter.text("q").startswith(date.today().strftime("%d %b %Y"))
    earlier = record | {"date": "2024-07-26"}
    prompter.resume(earlier)
    assert prompter.text("q").startswith("26 Jul 2024<turn>")
    assert prompter.record()["date"] == "2024-07-26"
    assert "date" not in Prompter(new_tokenizer(), "chat").record()


def test_hash_is_a_signed_64_bit_name_of_the_text():
    assert prompt_hash("a") == prompt_hash("a") != prompt_hash("b")
    hashes = [prompt_hash(str(k)) for k in range(200)]
    assert min(hashes) < 0 < max(hashes)
    assert all(-(2**63) <= value < 2**63 for value in hashes)
