"""Scoring on a server: a small OpenAI-compatible one over a real checkpoint, in the manners of the servers there are.

With TRIADIC_SERVER=http://host:8000/v1#NAME (and TRIADIC_SERVER_FILES, a folder or hub id of the same weights) the last
test asks a server of yours; it was run against vLLM 0.32 and llama.cpp's llama-server.
"""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from triadic.compute.judges.local.checkpoint import TransformersJudge
from triadic.compute.judges.local.loading import load, load_tokenizer
from triadic.compute.judges.server.client import Server
from triadic.compute.judges.server.scoring import RemoteJudge
from triadic.compute.judges.server.writing import OpenAIJudge
from triadic.schema.errors import BadInput

REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<turn>{{ m['content'] }}<end>\n{% endfor %}<turn>assistant\n"
)


class Small(BaseHTTPRequestHandler):
    """Completions and chat over one model. `manner` says what it does about log-probabilities."""

    checkpoint, manner, seen, lock = None, "echo", [], threading.Lock()

    def do_GET(self):
        self.reply({"object": "list", "data": [{"id": "tiny", "object": "model", "created": 0, "owned_by": "us"}]})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append(asked)
        with self.lock:
            self.chat(asked) if self.path.endswith("/chat/completions") else self.complete(asked)

    def complete(self, asked):
        if asked.get("echo") and self.manner == "refuses echo":
            return self.reply({"error": {"message": "echo is not supported"}}, 400)
        rows = asked["prompt"] if isinstance(asked["prompt"][0], list) else [asked["prompt"]]
        self.reply(self.whole([self.one(at, row, asked) for at, row in enumerate(rows)][::-1]))

    def one(self, at, row, asked):
        import torch

        with torch.inference_mode():
            raw = torch.log_softmax(self.checkpoint.model(torch.tensor([row])).logits[0].float(), -1)
        biased = raw[-1].clone()
        for token, bias in (asked.get("logit_bias") or {}).items():
            biased[int(token)] += 0 if self.manner == "ignores bias" else bias
        token = int(biased.argmax())
        ids, logs = [token], [float((biased.log_softmax(-1) if self.manner == "after bias" else raw[-1])[token])]
        if asked.get("echo") and self.manner == "echo":
            echoed = raw[:-1].gather(1, torch.tensor(row[1:])[:, None])[:, 0].tolist()
            ids, logs = [*row, token], [None, *echoed, *logs]
        words = [self.checkpoint.tokenizer.decode([one]) for one in ids]
        known = {"tokens": words, "token_logprobs": logs, "top_logprobs": None, "text_offset": [0] * len(ids)}
        return {"index": at, "text": words[-1], "finish_reason": "length", "logprobs": known}

    def chat(self, asked):
        from jinja2.exceptions import TemplateError

        tokenizer = self.checkpoint.tokenizer
        try:
            tokenizer.apply_chat_template(asked["messages"], tokenize=False)
        except TemplateError as error:
            return self.reply({"error": {"message": str(error)}}, 400)
        thought = {"reasoning_content": "Let me see."} if self.manner == "thinks" else {}
        short = thought and asked["max_tokens"] < 100
        message = {"role": "assistant", "content": "" if short else "dog"} | thought
        self.reply(self.whole([{"index": 0, "message": message, "finish_reason": "length" if short else "stop"}]))

    def whole(self, choices):
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {"id": "x", "object": "x", "created": 0, "model": "tiny", "choices": choices, "usage": usage}

    def reply(self, body, status=200):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


@pytest.fixture
def small(tiny):
    """A function: manner (and chat template) -> (server, checkpoint, requests seen)."""
    running = []

    def start(manner, template=None):
        checkpoint, seen = load(tiny("llama"), dtype="float32", device="cpu"), []
        if template:
            checkpoint.tokenizer.chat_template = template
        kind = type("Front", (Small,), {"checkpoint": checkpoint, "manner": manner, "seen": seen})
        running.append(ThreadingHTTPServer(("127.0.0.1", 0), kind))
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        return Server("tiny", f"http://127.0.0.1:{running[-1].server_port}/v1", retries=0), checkpoint, seen

    yield start
    for one in running:
        one.shutdown()


def ask(judge, questions):
    out = np.full((len(questions), 2), np.nan)
    for rows in judge.batches(questions):
        got = judge.answer(questions.take(rows))
        out[rows] = np.c_[got["logprob_left"], got["logprob_right"]]
    return out


@pytest.mark.parametrize("style", ["chat", "base"])
@pytest.mark.parametrize(("manner", "way"), [("echo", "echo"), ("refuses echo", "forced"), ("ignores echo", "forced")])
def test_a_server_gives_the_scores_of_the_checkpoint_itself(small, questions, manner, way, style):
    server, checkpoint, _ = small(manner)
    judge = RemoteJudge(server, checkpoint.tokenizer, "here", style, batch_size=5)
    assert judge.record()["strategy"] == way
    asked = questions(12)
    here = TransformersJudge(checkpoint, style)
    np.testing.assert_allclose(ask(judge, asked), ask(here, asked), atol=2e-4)
    remote, local = judge.answer(asked), here.answer(asked)
    for column in ("choice", "invalid_reason", "prompt_hash", "prompt_tokens", "answer_tokens"):
        assert remote[column] == local[column]


@pytest.mark.parametrize("manner", ["after bias", "ignores bias"])
def test_a_server_that_would_give_other_numbers_is_refused(small, questions, manner):
    server, checkpoint, _ = small(manner)
    judge = RemoteJudge(server, checkpoint.tokenizer, "here", "chat")
    with pytest.raises(BadInput, match="--answer sample") as caught:
        judge.answer(questions(2))
    assert "\n" not in str(caught.value)


def test_a_template_that_refuses_a_system_turn_gets_it_folded(small, questions):
    server, _, seen = small("echo", REFUSES_SYSTEM)
    judge = OpenAIJudge(server)
    got = judge.answer(questions(3))
    assert (judge.record()["system"], judge.record()["thinking"]) == ("folded", "off")
    assert got["raw_text"] == ["dog"] * 3
    assert [turn["role"] for turn in seen[-1]["messages"]] == ["user"]
    assert seen[-1]["messages"][0]["content"].startswith("You are a helpful assistant")
    again = OpenAIJudge(server)
    again.resume(judge.record())
    tries = len(seen)
    again.answer(questions(1))
    assert len(seen) == tries + 1


def test_reasoning_is_given_room_and_kept(small, questions):
    server, _, seen = small("thinks")
    got = OpenAIJudge(server).answer(questions(2))
    assert got["raw_text"] == ["<think>Let me see.</think>dog"] * 2
    assert sorted(one["max_tokens"] for one in seen) == [1, 24, 24, 2048, 2048]
    assert set(got["invalid_reason"]) <= {None, "neither"}


@pytest.mark.skipif("TRIADIC_SERVER" not in os.environ, reason="left out: no server here (set TRIADIC_SERVER)")
def test_a_server_of_yours(questions):
    address, _, name = os.environ["TRIADIC_SERVER"].partition("#")
    files = os.environ["TRIADIC_SERVER_FILES"]
    judge = RemoteJudge(Server(name, address), load_tokenizer(files), files, "chat")
    here = TransformersJudge(load(files, dtype="float32", device="cpu"), "chat")
    asked = questions(20)
    gap = np.abs(ask(judge, asked) - ask(here, asked))
    print(judge.record()["strategy"], gap.mean(), gap.max())
    assert gap.mean() < 0.25  # the server computes in bfloat16, or with quantised weights
