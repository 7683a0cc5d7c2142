"""A small OpenAI-compatible server over a real checkpoint, in the manners of the servers there are."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from triadic.compute.judges.local.loading import load
from triadic.compute.judges.server.client import Server


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
        self.reply(self.whole([self.choice(at, row, asked) for at, row in enumerate(rows)][::-1]))

    def choice(self, at, row, asked):
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
        words = [self.checkpoint.tokenizer.decode([token]) for token in ids]
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
    for server in running:
        server.shutdown()
