"""Triplet sets: drawn once, as many as there are, known by a name, one of them the main one."""

from __future__ import annotations

import pytest

from triadic.compute.stages.plan import choose_set, decide, draw_triplet_set, keep_drawn, main_or_not, set_to_ask
from triadic.ingest.concepts import ingest_concepts
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lookup import find_triplet_set

N_EVENTS = "SELECT count(*) FROM triplet_set_event"


@pytest.fixture
def words(empty_lab):
    """A lab with a list of 12 words, which have 660 triplets."""
    (empty_lab.path / "letters.csv").write_text("word\n" + "\n".join("abcdefghijkl"))
    ingest_concepts(empty_lab, empty_lab.path / "letters.csv", "letters")
    return empty_lab


def test_where_no_number_is_given_it_is_the_papers_or_all_there_are(words, lab):
    drawn = find_triplet_set(words, draw_triplet_set(words, "letters"))
    assert (drawn.name, drawn.n_triplets, drawn.is_main) == ("letters-660", 660, True)
    assert draw_triplet_set(words, "letters", 660) == drawn.triplet_set_id
    distinct = (
        "SELECT count(DISTINCT (anchor, least(left_item, right_item), greatest(left_item, right_item))) FROM triplet"
    )
    assert words.store.value(distinct) == 660
    assert set_to_ask(lab).n_triplets == 35_000


def test_more_than_there_are_is_refused_and_nothing_is_drawn(words):
    with pytest.raises(BadInput, match="12 concepts have only 660 different ones"):
        draw_triplet_set(words, "letters", 661)
    assert words.store.value("SELECT count(*) FROM triplet_set") == 0


def test_a_name_is_one_sets_alone(words):
    first = draw_triplet_set(words, "letters", 100, name="pilot")
    second = draw_triplet_set(words, "letters", 200)
    assert find_triplet_set(words, "Pilot").triplet_set_id == first
    for taken in ("PILOT", "letters-200"):
        with pytest.raises(Conflict, match="another triplet set is called"):
            draw_triplet_set(words, "letters", 300, name=taken)
    assert words.store.value("SELECT count(*) FROM triplet_set") == 2
    events = words.store.value(N_EVENTS)
    assert decide(words, first, name="pilot").name == "pilot"
    assert words.store.value(N_EVENTS) == events
    assert decide(words, second, name="main study").name == "main study"
    assert find_triplet_set(words, "main study").triplet_set_id == second


def test_the_first_that_was_drawn_is_the_main_one_until_another_is_made_so(words):
    first, second = draw_triplet_set(words, "letters", 100), draw_triplet_set(words, "letters", 200)
    assert find_triplet_set(words).triplet_set_id == first
    assert "goes on asking letters-100" in main_or_not(words, find_triplet_set(words, second))
    decide(words, second, main=True)
    decide(words, second, main=True)
    assert words.store.value(N_EVENTS) == 1
    assert set_to_ask(words).triplet_set_id == second
    assert main_or_not(words, set_to_ask(words)).startswith("letters-200 (200 triplets over letters) is the main set")
    assert draw_triplet_set(words, "letters", 100, main=True) == first
    assert set_to_ask(words).triplet_set_id == first


def test_a_set_that_is_drawn_is_named_or_made_the_main_one_and_no_more(words):
    draw_triplet_set(words, "letters", 100)
    draw_triplet_set(words, "letters", 200)
    chosen = choose_set(words, "letters-200", None, None, 0, name="study", main=True)
    assert (chosen.name, chosen.is_main) == ("study", True)
    with pytest.raises(BadInput, match="study is drawn already, with 200 triplets"):
        choose_set(words, "study", None, 50, 0, name=None, main=True)
    with pytest.raises(BadInput, match="nothing to do for study"):
        choose_set(words, "study", None, None, 0, name=None, main=False)


def test_where_nothing_is_drawn_a_set_is_proposed_and_drawn_when_it_is_kept(words):
    notes = []
    proposed = set_to_ask(words, note=notes.append)
    assert notes == ["questions: letters-660 (660 triplets over letters); none were drawn here before"]
    assert words.store.value("SELECT count(*) FROM triplet_set") == 0
    keep_drawn(words, proposed)
    keep_drawn(words, proposed)
    assert set_to_ask(words, note=notes.append).triplet_set_id == proposed.triplet_set_id
    assert notes[1] == "questions: letters-660 (660 triplets over letters)"


def test_several_concept_sets_are_named_where_none_is_chosen(words):
    (words.path / "digits.csv").write_text("word\n" + "\n".join("0123456789"))
    ingest_concepts(words, words.path / "digits.csv", "digits")
    with pytest.raises(BadInput, match="--concepts letters or digits"):
        set_to_ask(words)
    keep_drawn(words, set_to_ask(words, concept_set_id="digits"))
    assert set_to_ask(words).concept_set_id == "digits"  # the lab has a main set now
    assert set_to_ask(words, concept_set_id="letters").name == "letters-660"
    with pytest.raises(NotFound, match="no concept set 'colours'"):
        set_to_ask(words, concept_set_id="colours")
    with pytest.raises(NotFound, match="no triplet set 'pilot'"):
        set_to_ask(words, "pilot")


def test_a_lab_without_words_says_how_to_bring_them(empty_lab):
    with pytest.raises(NotFound, match="triadic ingest concepts"):
        set_to_ask(empty_lab)
