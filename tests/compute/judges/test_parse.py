"""What counts as an answer: names only, with an explicit else."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triadic.compute.judges.parse import RULE, decided, parse, strip_reasoning
from triadic.schema.vocabulary import InvalidReason

WORDS = ["dog", "baseball", "baseball glove", "hot-air balloon", "mouse", "knife", "cherry", "souffle", "jeans", "bus"]


@pytest.mark.parametrize(
    ("text", "options", "choice", "reason"),
    [
        ("dog", ("dog", "cat"), 0, None),
        (" DOG.", ("dog", "cat"), 0, None),
        ("The Cat", ("dog", "cat"), 1, None),
        ("**cats**", ("dog", "cat"), 1, None),
        ("Answer: a dog!\nQUESTION: Which item is most similar to cat", ("dog", "cat"), 0, None),
        ("Answer:\n\ncat", ("dog", "cat"), 1, None),
        ("The answer is the cat.", ("dog", "cat"), 1, None),
        ("baseball glove", ("baseball", "baseball glove"), 1, None),
        ("A baseball.", ("baseball", "baseball glove"), 0, None),
        ("baseball-gloves", ("baseball", "baseball glove"), 1, None),
        ("baseball or baseball glove", ("baseball", "baseball glove"), None, "both"),
        ("dog is closer than cat", ("dog", "cat"), None, "both"),
        ("dog, not cat", ("dog", "cat"), 0, None),
        ("The one most similar to bird is the dog", ("dog", "cat"), 0, None),
        ("hot air balloon", ("hot-air balloon", "dog"), 0, None),
        ("Mice", ("mouse", "dog"), 0, None),
        ("knives", ("knife", "dog"), 0, None),
        ("cherries", ("cherry", "dog"), 0, None),
        ("Soufflé", ("souffle", "dog"), 0, None),
        ("a jean", ("jeans", "dog"), 0, None),
        ("dogma", ("dog", "cat"), None, "neither"),
        ("hotdog", ("dog", "cat"), None, "neither"),
        ("I'm sorry, I cannot say.", ("dog", "cat"), None, "refusal"),
        ("Neither", ("dog", "cat"), None, "neither"),
        ("", ("dog", "cat"), None, "empty"),
        (" \n ", ("dog", "cat"), None, "empty"),
        (None, ("dog", "cat"), None, "empty"),
        ("<think>dog? cat?</think>\ncat", ("dog", "cat"), 1, None),
        ("is it a dog? no</think> cat", ("dog", "cat"), 1, None),
        ("<think>a dog is", ("dog", "cat"), None, "truncated"),
        ("<|channel|>analysis<|message|>dog<|end|><|channel|>final<|message|>cat", ("dog", "cat"), 1, None),
    ],
)
def test_examples(text, options, choice, reason):
    assert parse(text, options) == (choice, reason)


def test_a_text_cut_off_before_a_name_is_truncated():
    assert parse("The item that is", ("dog", "cat"), finished=False) == (None, "truncated")
    assert parse("", ("dog", "cat"), finished=False) == (None, "truncated")
    assert parse("The dog", ("dog", "cat"), finished=False) == (0, None)


def test_an_exact_name_beats_another_names_plural():
    assert parse("glasses", ("glass", "glasses")) == (1, None)
    assert parse("glass", ("glass", "glasses")) == (0, None)


two = st.lists(st.sampled_from(WORDS), min_size=2, max_size=3, unique=True)


@given(st.text(max_size=60), two)
def test_always_a_choice_or_a_known_reason(text, options):
    choice, reason = parse(text, options)
    assert (choice is None) != (reason is None)
    assert reason in (None, *InvalidReason)
    assert choice is None or 0 <= choice < len(options)


@given(
    two,
    st.sampled_from(["{}", "{}.", "The {}", "answer: {}", "A {}!", '"{}"', "I choose {}", "{}\nmore words"]),
    st.data(),
)
def test_any_option_is_recognised_in_any_dress(options, dress, data):
    which = data.draw(st.integers(0, len(options) - 1))
    change = data.draw(st.sampled_from([str, str.upper, str.title, str.capitalize]))
    assert parse(dress.format(change(options[which])), options) == (which, None)


@given(two)
def test_naming_two_is_no_answer(options):
    assert parse(f"either {options[0]} or {options[1]}", options) == (None, "both")


@given(two, st.text(max_size=20), st.sampled_from(["", "the ", "Answer: "]), st.text(max_size=30), st.data())
def test_once_decided_no_continuation_changes_the_answer(options, noise, lead, more, data):
    name = data.draw(st.sampled_from([*options, noise]))
    text = lead + name + data.draw(st.sampled_from([".", "\n", ", ", "s\n", " or", ""]))
    if decided(text, options) and "<" not in more and "[" not in more and "◁" not in more:
        assert parse(text + more, options) == parse(text, options)


@given(two, st.data())
def test_order_of_options_does_not_matter(options, data):
    text = data.draw(st.sampled_from([options[0], f"{options[0]} and {options[1]}", "nothing"]))
    choice, reason = parse(text, options)
    turned, why = parse(text, options[::-1])
    assert why == reason
    assert turned == (None if choice is None else len(options) - 1 - choice)


def test_reasoning_is_taken_out():
    assert strip_reasoning("<think>x</think>y")[0].strip() == "y"
    assert strip_reasoning("y") == ("y", False)
    assert strip_reasoning("<think>x")[1]


def test_a_rule_that_reads_otherwise_has_another_name():
    """Should this fail, texts are read by a new rule: give it a new version in RULE, and enter its digest here."""
    options = [("dog", "cat"), ("baseball", "baseball glove"), ("mouse", "knife", "jeans")]
    dresses = [
        "{0}",
        "The {1}.",
        "answer: {0} or {1}",
        "I think {1}, not {0}",
        "<think>{0}</think>{1}",
        "sorry",
        "",
        "{0}s",
    ]
    texts = [(dress.format(*words), words, ended) for dress in dresses for words in options for ended in (True, False)]
    texts += [(text.upper(), words, ended) for text, words, ended in texts]
    readings = [parse(text, words, ended) for text, words, ended in texts]
    digest = blake2b(repr(readings).encode(), digest_size=8).hexdigest()
    assert (RULE, digest) == ("the first line that names one option, version 1", "da1a5efda90ce67d")
