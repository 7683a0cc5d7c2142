"""What a run needs, checked before its first question: nobody judges for an hour and learns then that it cannot be fitted."""

from __future__ import annotations

import numpy as np

from triadic.compute.answers import written_for
from triadic.compute.judges.base import Judge
from triadic.compute.ordinal.selection import n_held_out
from triadic.compute.settings import RunSettings
from triadic.compute.stages.align import check_metrics, newest_references
from triadic.compute.stages.embed import check_dims, estimator_of
from triadic.schema.errors import BadInput
from triadic.schema.lab import Lab
from triadic.schema.lookup import QuestionSet, read_concepts
from triadic.schema.vocabulary import AnswerKind, AnswerMode, Framing


def check_run(lab: Lab, questions: QuestionSet, settings: RunSettings) -> None:
    """Raises BadInput, NotFound or Unavailable where some later stage could not follow these settings for any rater."""
    estimator = estimator_of(settings.fit, settings.seed)
    check_metrics(settings.align)
    check_dims(settings.fit.n_dims, len(read_concepts(lab, questions.concept_set_id)))
    n_held_out(questions.n_triplets, settings.fit.heldout_share)
    written_for(estimator, settings.judge.framing, np.zeros((0, 3), dtype=np.int32))
    if settings.fit.answers == AnswerKind.graded:
        _check_graded(settings)
    if devices := {settings.fit.device, settings.align.device} - {None}:
        from triadic.compute.ordinal.batch_torch import check_device  # torch takes seconds to load

        for device in devices:
            check_device(str(device))


def check_rater(rater_name: str, judge: Judge, settings: RunSettings) -> None:
    """Raises BadInput where this rater's answers cannot be fitted in the way asked for."""
    if settings.fit.answers == AnswerKind.graded and not judge.has_log_probabilities():
        raise BadInput(f"{rater_name} gives no log-probabilities, which a graded fit takes: fit with --fit-to hard")


def lacking_reference(lab: Lab, concept_set_id: str) -> str | None:
    """One line on how to bring a reference for these concepts, None where there is one."""
    if newest_references(lab, concept_set_id):
        return None
    return (
        f"no reference for {concept_set_id} to compare with: `triadic ingest reference FILE --concepts {concept_set_id}` "
        "brings people's vectors or similarities, `triadic ingest reference --fit RATER` the fit to people's answers"
    )


def _check_graded(settings: RunSettings) -> None:
    if settings.judge.answer == AnswerMode.sample:
        raise BadInput(
            "a graded fit takes log-probabilities, and --answer sample has none: ask with --answer score, or fit with "
            "--fit-to hard"
        )
    if settings.judge.framing == Framing.odd_one_out:
        raise BadInput("a graded fit takes anchored answers: ask with --framing anchored, or fit with --fit-to hard")
