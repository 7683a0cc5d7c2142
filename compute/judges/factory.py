"""From a rater's name to the judge that answers for it, by where its weights are."""

from __future__ import annotations

from collections.abc import Callable

from triadic.compute.judges.base import Judge, RaterEntry
from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.judges.simulated import SimulatedJudge
from triadic.compute.settings import JudgeSettings
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.vocabulary import AnswerMode, RaterKind
from triadic.schema.weights import Weights, WeightsKind

MakesJudge = Callable[[RaterEntry, JudgeSettings], Judge]


def _language_model(rater: RaterEntry, settings: JudgeSettings) -> Judge:
    from triadic.compute.judges.local.checkpoint import CheckpointJudge

    return CheckpointJudge.from_rater(rater, settings)


def _sentence_model(rater: RaterEntry, settings: JudgeSettings) -> Judge:
    from triadic.compute.judges.local.sentences import SentenceJudge

    return SentenceJudge.from_rater(rater, settings)


def _server(rater: RaterEntry, settings: JudgeSettings) -> Judge:
    if settings.answer == AnswerMode.sample:
        from triadic.compute.judges.server.writing import ServerWritingJudge

        return ServerWritingJudge.from_rater(rater, settings)
    from triadic.compute.judges.server.scoring import ServerScoringJudge

    return ServerScoringJudge.from_rater(rater, settings)


_RULES: dict[WeightsKind, MakesJudge] = {  # no weights: any kind of rater may be answered for by a rule
    WeightsKind.scripted: ScriptedJudge.from_rater,
    WeightsKind.simulated: SimulatedJudge.from_rater,
}
_FILES = (WeightsKind.package, WeightsKind.folder, WeightsKind.hub)
_MODELS: dict[RaterKind, dict[WeightsKind, MakesJudge]] = {
    RaterKind.llm: {**dict.fromkeys(_FILES, _language_model), WeightsKind.server: _server},
    RaterKind.vectors: dict.fromkeys(_FILES, _sentence_model),
}


def make_judge(
    lab: Lab, rater_id: str, settings: JudgeSettings, concept_set_id: str, words: tuple[str, ...] = ()
) -> Judge:
    """The judge of a rater, by what its row in the lab says about its weights, none of which are loaded yet.

    With `words` it is to be asked about these alone, which need not be in the concept set.

    Raises NotFound for an unknown rater or weights that are not there, BadInput for a rater that cannot be asked and for
    settings that its kind cannot follow.
    """
    row = lab.store.row(
        "SELECT kind, weights, gguf_file, revision, prompt_style, hf_id FROM rater LEFT JOIN model_current USING (rater_id) "
        "WHERE rater_id = ?",
        [rater_id],
    )
    if row is None:
        raise NotFound(f"no rater {rater_id} in this lab: add it with `triadic model add`")
    kind, text, gguf_file, revision, style, hf_id = row
    if not (text or hf_id):
        way_out = f": say where its weights are, `triadic model add PATH --name {rater_id}`"
        raise BadInput(f"{rater_id} cannot be asked" + (way_out if kind == RaterKind.llm else ", it is no model"))
    weights = Weights.parse(text or hf_id, gguf_file)
    make = _RULES.get(weights.kind) or _MODELS.get(RaterKind(kind), {}).get(weights.kind)
    if make is None:
        raise BadInput(f"{rater_id} cannot be asked: it is a {kind} rater with weights at {weights.text}")
    return make(RaterEntry(lab, rater_id, weights, concept_set_id, revision, style, hf_id, words), settings)
