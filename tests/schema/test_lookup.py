"""Names that people type: found in any case, and the likest offered where they are not, the lab's own first."""

import pytest

from triadic.compute.settings import RunSettings
from triadic.compute.stages.pipeline import judge_rater
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.schema.errors import NotFound
from triadic.schema.lookup import find_rater, near_names, unknown


@pytest.mark.parametrize("name", ["gemma-3-270m", "GEMMA-3-270M", "google/gemma-3-270m"])
def test_a_rater_is_found_by_its_name_and_hub_id_in_any_case(lab, name):
    assert find_rater(lab.store, name) == "gemma-3-270m"


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("gemma270m", "gemma-3-270m"),
        ("qwen2.5-.5b", "Qwen2.5-0.5B"),
        ("phi3mini", "Phi-3-mini"),
        ("qwen 05b", "Qwen2.5-0.5B"),
    ],
)
def test_case_dashes_and_dots_do_not_count(typed, near):
    assert near_names(typed, ["t5-small", "gemma-3-270m", "Qwen2.5-0.5B", "Phi-3-mini"])[0] == near


def test_what_the_lab_has_comes_first_and_the_likest_of_all_is_there():
    known = ["gemma-3-270m", "gemma-3-27b", "gemma-3-4b", "gemma-mine", "rule"]
    assert near_names("gemma-3-4bb", known, first=["gemma-3-27b", "gemma-3-270m"])[0] == "gemma-3-27b"
    assert "gemma-3-4b" in near_names("gemma-3-4bb", known, first=["gemma-3-27b", "gemma-3-270m", "gemma-mine"])
    assert near_names("no-such-thing", known) == []


def test_raters_that_answered_are_offered_before_the_suite(lab):
    rater, _ = add_model(lab, "scripted:", "gemma-own-270m")
    judge_rater(lab, rater, draw_triplet_set(lab, "things-128", 20, 0), RunSettings())
    with pytest.raises(NotFound, match=r"did you mean gemma-own-270m, gemma-3-270m"):
        find_rater(lab.store, "gemma270m")


def test_where_nothing_is_near_it_says_what_there_is():
    assert (
        unknown("set", "x", ["a", "b", "c", "d"], "add")
        == "no set 'x' in this lab (there are a, b, c …): add it with `add`"
    )
    assert unknown("set", "x", [], "add") == "no set 'x' in this lab: add it with `add`"
