"""What counts as an answer: names only, with an explicit else."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triadic.compute.judges.parse import RULE, decided, parse, strip_reasoning
from triadic.compute.judges.prompts import QUESTIONS
from triadic.schema.vocabulary import Framing, InvalidReason

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


ASKED = "QUESTION: Which item is most similar to badger: bow or bed? Respond only with the item name."
ODD = "QUESTION: Which is the odd one out: badger, bow or bed? Respond only with the item name."


@pytest.mark.parametrize(
    ("text", "choice", "reason"),
    [
        ("bow\n\nQUESTION: Which item is most similar to badger: bed or bow?", 0, None),
        (" Bed\nANSWER: bow\nANSWER: bed", 1, None),
        ("QUESTION: Which item is most similar to badger: bow", None, "restated"),
        ("Which item is most similar to badger?", None, "restated"),
        ("\nQuestion: bow", None, "restated"),
        ("\nQuestion:\n", None, "restated"),
        ("badger: bow or bed", None, "restated"),
        ("The badger: bow or bed?", None, "restated"),
        ("bow or bed?", None, "restated"),
        ("bow or bed? Bed", 1, None),
        ("badger: bow", 0, None),
        (ASKED, None, "restated"),
        (f"{ASKED}\nAnswer:", None, "restated"),
        (f"{ASKED}\nAnswer: bow", 0, None),
        (f"{ASKED}\nAnswer:\n\nThe bed.", 1, None),
        (f"{ASKED} Answer: bed", 1, None),
        (f"\nQuestion:\n{ASKED[10:]}\nAnswer: bed", 1, None),
        ("Which item is most similar to a badger: a bed or a bow? A bow.", 0, None),
        (f"{ASKED}\nAnswer: badger\n", None, "neither"),
        (f"{ASKED}\nAnswer:\n{ASKED}\nAnswer: bow", None, "restated"),
        ("QUESTION: Which item is most similar to a purse: bow or bed?\nAnswer: bow", None, "restated"),
        ("QUESTION: Which item is most similar to bow: badger or bed?\nAnswer: bed", None, "restated"),
        ("QUESTION: Which item is most similar to badger: bow, bed or cat?\nAnswer: bed", None, "restated"),
        ("QUESTION: Which item is most similar to badger?\nAnswer: bed", None, "restated"),
        (f"Bow is what answers it. {ASKED}", 0, None),
        (f"I cannot say. {ASKED}", None, "refusal"),
        ("Answer:\nAnswer:\nAnswer:\nbow", None, "empty"),
        ("bow, bed", None, "both"),
        ("bow, not bed", 0, None),
        ("A. bow\nB. bed\n", None, "restated"),
        ("1. bow", 0, None),
        ("- bow\n\nBecause it is brown.", 0, None),
        ("The item most similar to a badger is a bow.", 0, None),
        ("The most similar item to a bow is a shoe.", None, "neither"),
        ("The most similar item to a bow is a badger.", 0, None),
        ("The item most similar to a bow is a bow.", 0, None),
        ("The badger is most similar to the bow.", 0, None),
    ],
)
def test_a_question_said_again_answers_nothing_and_what_follows_it_does(text, choice, reason):
    assert parse(text, ("bow", "bed"), "badger") == (choice, reason)


@pytest.mark.parametrize(
    ("text", "choice", "reason"),
    [
        ("The odd one out is the bow.", 0, None),
        ("bow, which is the odd one out", 0, None),
        ("The animal which is the odd one out is the badger", 2, None),
        ("badger, bow or bed.", None, "both"),
        ("badger, bow or bed?", None, "restated"),
        ("Which is the odd one out: badger", None, "restated"),
        (ODD, None, "restated"),
        (f"{ODD}\nAnswer: badger", 2, None),
        ("QUESTION: Which is the odd one out: bed, badger or bow?\nAnswer: bed", 1, None),
        ("QUESTION: Which is the odd one out: badger or bow?\nAnswer: bow", None, "restated"),
        ("1. bow\n2. bed\n3. badger", None, "restated"),
    ],
)
def test_so_it_is_where_the_odd_one_is_asked_for(text, choice, reason):
    assert parse(text, ("bow", "bed", "badger"), "badger") == (choice, reason)


@pytest.mark.parametrize("name", ["dog", "The dog", "dog or", "dog, the", "The answer is dog", "1. dog\n", "- dog"])
def test_a_name_that_more_could_follow_is_truncated_where_the_text_was_cut_off(name):
    assert parse(name, ("dog", "cat")) == (0, None)
    assert parse(name, ("dog", "cat"), finished=False) == (None, "truncated")


def test_a_text_cut_off_is_an_answer_once_it_has_gone_on():
    for text in ("dog.", "dog\n", "The dog because it", "It is the dog. A dog is", "dog, which is small and"):
        assert parse(text, ("dog", "cat"), finished=False) == (0, None)
    assert parse("The item that is", ("dog", "cat"), finished=False) == (None, "truncated")
    assert parse("", ("dog", "cat"), finished=False) == (None, "truncated")
    assert parse("The dog is more similar than the", ("dog", "cat"), finished=False) == (None, "truncated")
    assert parse(f"{ASKED} Respond", ("bow", "bed"), "badger", finished=False) == (None, "restated")


def test_a_longer_name_of_the_anchor_is_not_an_option():
    assert parse("baseball glove", ("baseball", "dog"), "baseball glove") == (None, "neither")


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


PIECES = st.sampled_from(
    [
        *WORDS,
        *(
            "QUESTION:",
            "Which item is most similar to",
            "Which is the odd one out:",
            "Answer:",
            "The item most similar to",
        ),
        *(
            "Respond only with the item name.",
            " or ",
            ", ",
            ": ",
            "? ",
            ".",
            "\n",
            "\n",
            "A. ",
            "- ",
            "is a ",
            "sorry",
            "s",
        ),
    ]
)
written = st.lists(PIECES, max_size=14)


@given(two, st.sampled_from([None, *WORDS]), written, written, st.sampled_from(["", " "]))
def test_no_continuation_changes_a_decided_answer_of_the_questions_own_words(options, anchor, pieces, more, between):
    text = between.join(pieces)
    if decided(text, options, anchor):
        assert parse(text, options, anchor, finished=False) == parse(text, options, anchor)
        assert parse(text + between + between.join(more), options, anchor) == parse(text, options, anchor)


@given(two, st.sampled_from(WORDS), written)
def test_a_text_that_was_cut_off_names_what_it_names_when_it_ends_so_or_nothing(options, anchor, pieces):
    text = "".join(pieces)
    choice, reason = parse(text, options, anchor, finished=False)
    if choice is not None:
        assert parse(text, options, anchor) == (choice, None)
    assert reason in (None, *InvalidReason)


@given(two, st.permutations(WORDS), st.booleans())
def test_the_question_as_it_is_asked_is_no_answer_wherever_it_is_cut(options, others, odd):
    anchor = next(word for word in others if word not in options)
    words = (*options[:2], anchor) if odd else tuple(options[:2])
    form = QUESTIONS[Framing.odd_one_out if odd else Framing.anchored].format(anchor, *options[:2])
    for at in range(len(form) + 1):
        for finished in (True, False):
            assert parse(form[:at], words, anchor, finished)[0] is None
            assert parse(f"\n{form[:at]}", words, anchor, finished)[0] is None


@given(
    two, st.permutations(WORDS), st.sampled_from(["\n", " ", "\nAnswer: ", " Answer: ", "\nAnswer:\n"]), st.booleans()
)
def test_what_follows_the_whole_question_is_its_answer(options, others, between, odd):
    anchor = next(word for word in others if word not in options)
    words = (*options[:2], anchor) if odd else tuple(options[:2])
    form = QUESTIONS[Framing.odd_one_out if odd else Framing.anchored].format(anchor, *options[:2])
    for at, word in enumerate(words):
        assert parse(f"{form}{between}{word}", words, anchor) == (at, None)
        assert decided(f"{form}{between}{word}\n", words, anchor)


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
    dresses = [
        "{question}",
        "{question}\nAnswer: {0}",
        "{question} Answer: {1}.",
        "badger: {0} or",
        "{0}, {1}",
        "A. {0}\n",
    ]
    for words in options:
        form = QUESTIONS[Framing.odd_one_out if len(words) > 2 else Framing.anchored].format("badger", *words[:2])
        texts += [(dress.format(*words, question=form), words, ended) for dress in dresses for ended in (True, False)]
    readings = [parse(text, words, "badger", ended) for text, words, ended in texts]
    digest = blake2b(repr(readings).encode(), digest_size=8).hexdigest()
    assert (RULE, digest) == ("the first line that names one option, version 2", "914f166c68f9b036")
