"""Scoring on a server: a small OpenAI-compatible one over a real checkpoint, in the manners of the servers there are.

With TRIADIC_SERVER=http://host:8000/v1#NAME (and TRIADIC_SERVER_FILES, a folder or hub id of the same weights) the last
test asks a server of yours; it was run against vLLM 0.32 and llama.cpp's llama-server.
"""

import os

import numpy as np
import pytest

from triadic.compute.judges.local.checkpoint import CheckpointJudge
from triadic.compute.judges.local.loading import load
from triadic.compute.judges.prompts import SYSTEM
from triadic.compute.judges.server.client import Server
from triadic.compute.judges.server.scoring import ServerScoringJudge
from triadic.compute.judges.server.writing import ServerWritingJudge
from triadic.compute.settings import JudgeSettings
from triadic.compute.stages.ask import ask_about
from triadic.ingest.models import add_model
from triadic.schema.errors import BadInput

REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<turn>{{ m['content'] }}<end>\n{% endfor %}<turn>assistant\n"
)


def ask(judge, questions):
    out = np.full((len(questions), 2), np.nan)
    for rows in judge.batches(questions):
        got = judge.answer(questions.take(rows))
        out[rows] = np.c_[got["logprob_left"], got["logprob_right"]]
    return out


@pytest.mark.parametrize("style", ["chat", "base"])
@pytest.mark.parametrize(("manner", "way"), [("echo", "echo"), ("refuses echo", "forced"), ("ignores echo", "forced")])
def test_a_server_gives_the_scores_of_the_checkpoint_itself(small, tiny, questions, manner, way, style):
    server, checkpoint, _ = small(manner)
    judge = ServerScoringJudge(server, style, tokenizer=str(tiny("llama")), batch_size=5)
    assert judge.record()["strategy"] == way
    asked = questions(12)
    here = CheckpointJudge(checkpoint, style)
    np.testing.assert_allclose(ask(judge, asked), ask(here, asked), atol=2e-4)
    remote, local = judge.answer(asked), here.answer(asked)
    for column in ("choice", "invalid_reason", "prompt_hash", "prompt_tokens", "answer_tokens"):
        assert remote[column] == local[column]


@pytest.mark.parametrize("manner", ["after bias", "ignores bias"])
def test_a_server_that_would_give_other_numbers_is_refused(small, tiny, questions, manner):
    server, _, _ = small(manner)
    judge = ServerScoringJudge(server, "chat", tokenizer=str(tiny("llama")))
    with pytest.raises(BadInput, match="--answer sample") as caught:
        judge.answer(questions(2))
    assert "\n" not in str(caught.value)


def test_a_template_that_refuses_a_system_turn_gets_it_folded(small, questions):
    server, _, seen = small("echo", REFUSES_SYSTEM)
    judge = ServerWritingJudge(server)
    got = judge.answer(questions(3))
    assert (judge.record()["system"], judge.record()["thinking"]) == ("folded", "off")
    assert got["raw_text"] == ["dog"] * 3
    assert [turn["role"] for turn in seen[-1]["messages"]] == ["user"]
    assert seen[-1]["messages"][0]["content"].startswith("You are a helpful assistant")
    again = ServerWritingJudge(server)
    again.resume(judge.record())
    tries = len(seen)
    again.answer(questions(1))
    assert len(seen) == tries + 1


def test_reasoning_is_given_room_and_kept(small, questions):
    server, _, seen = small("thinks")
    got = ServerWritingJudge(server).answer(questions(2))
    assert got["raw_text"] == ["<think>Let me see.</think>dog"] * 2
    assert sorted(one["max_tokens"] for one in seen) == [1, 24, 24, 2048, 2048]
    assert set(got["invalid_reason"]) <= {None, "neither"}


@pytest.mark.skipif("TRIADIC_SERVER" not in os.environ, reason="left out: no server here (set TRIADIC_SERVER)")
def test_a_server_of_yours(questions):
    address, _, name = os.environ["TRIADIC_SERVER"].partition("#")
    files = os.environ["TRIADIC_SERVER_FILES"]
    judge = ServerScoringJudge(Server(name, address), "chat", tokenizer=files)
    here = CheckpointJudge(load(files, dtype="float32", device="cpu"), "chat")
    asked = questions(20)
    gap = np.abs(ask(judge, asked) - ask(here, asked))
    print(judge.record()["strategy"], gap.mean(), gap.max())
    assert gap.mean() < 0.25  # the server computes in bfloat16, or with quantised weights


THREE = ("lion", "tiger", "banjo")


def test_one_question_is_put_to_a_served_model(lab, small, tiny):
    server, _, seen = small("echo")
    add_model(
        lab,
        f"{server.address.rstrip('/')}#tiny",
        "served",
        given={"prompt_style": "chat", "hf_id": str(tiny("llama"))},
    )
    (asked,) = ask_about(lab, "served", THREE, JudgeSettings(answer="sample"))
    assert asked.prompt == f"system: {SYSTEM}\nuser: {seen[-1]['messages'][-1]['content']}"
    assert (asked.text, asked.invalid_reason) == ("dog", "neither")
    (asked,) = ask_about(lab, "served", THREE)
    assert all(offer.logprob < 0 for offer in asked.offers)
