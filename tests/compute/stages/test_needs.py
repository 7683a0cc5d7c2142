"""What a later stage cannot do is refused before the first question, with the way out."""

from __future__ import annotations

import pytest

from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, RunSettings
from triadic.compute.stages.needs import check_rater, check_run, lacking_reference
from triadic.compute.stages.pipeline import run_rater
from triadic.compute.stages.plan import draw_triplet_set, undrawn_set
from triadic.ingest.models import add_model
from triadic.schema.errors import BadInput, NotFound, TriadicError, Unavailable
from triadic.schema.vocabulary import Framing


class Spoken:
    """A judge that gives no log-probabilities."""

    def has_log_probabilities(self):
        return False


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (RunSettings(align=AlignSettings(metrics=("r2",))), NotFound, "no metric 'r2'"),
        (RunSettings(fit=FitSettings("magic")), BadInput, "no algorithm 'magic'"),
        (RunSettings(fit=FitSettings(parameters=(("alpha", 2.0),))), BadInput, "no parameter 'alpha' of ckl"),
        (RunSettings(fit=FitSettings(n_dims=128)), BadInput, "at most 127 dimensions.*--dims 5.*--dims auto"),
        (RunSettings(fit=FitSettings("spose")), BadInput, "fits odd-one-out answers.*--framing odd-one-out"),
        (RunSettings(fit=FitSettings(heldout_share=1.5)), BadInput, "held-out share is 1.5"),
        (RunSettings(fit=FitSettings(heldout_share=0.001)), BadInput, "one side of the split empty"),
        (
            RunSettings(JudgeSettings(answer="sample"), FitSettings(answers="graded")),
            BadInput,
            "--answer score.*--fit-to",
        ),
        (
            RunSettings(JudgeSettings(framing="odd-one-out"), FitSettings(answers="graded")),
            BadInput,
            "a graded fit takes anchored answers",
        ),
        (RunSettings(fit=FitSettings(device="abacus")), Unavailable, "no device 'abacus'"),
        (RunSettings(align=AlignSettings(device="abacus")), Unavailable, "no device 'abacus'"),
    ],
)
def test_what_a_later_stage_cannot_do_is_refused_before_the_first_begins(lab, settings, error, message):
    rater, _ = add_model(lab, "scripted:", "rule")
    with pytest.raises(error, match=message):
        check_run(lab, undrawn_set(lab, "things-128", 100), settings)
    with pytest.raises(error, match=message):
        run_rater(lab, rater, draw_triplet_set(lab, "things-128", 100, 0), settings)
    assert lab.store.row("SELECT count(*) FROM run") == (0,)


def test_what_goes_together_is_let_through(lab):
    odd = JudgeSettings(framing=Framing.odd_one_out)
    for settings in (
        RunSettings(),
        RunSettings(odd, FitSettings("spose")),
        RunSettings(odd),  # CKL takes the two answers that each one makes
        RunSettings(fit=FitSettings(answers="graded", n_dims=None, device="cpu")),
    ):
        check_run(lab, undrawn_set(lab, "things-128"), settings)


def test_a_graded_fit_of_answers_without_log_probabilities_is_refused(lab):
    graded = RunSettings(fit=FitSettings(answers="graded"))
    with pytest.raises(BadInput, match=r"rule gives no log-probabilities.*--fit-to hard"):
        check_rater("rule", Spoken(), graded)
    check_rater("rule", Spoken(), RunSettings())
    rater, _ = add_model(lab, "scripted:", "rule")
    with pytest.raises(TriadicError, match="rule gives no log-probabilities"):
        run_rater(lab, rater, draw_triplet_set(lab, "things-128", 100, 0), graded)
    assert lab.store.row("SELECT count(*) FROM run") == (0,)


def test_concepts_without_a_reference_are_told_how_to_get_one(lab, empty_lab):
    assert lacking_reference(lab, "things-128") is None
    assert "triadic ingest reference FILE --concepts letters" in lacking_reference(empty_lab, "letters")
