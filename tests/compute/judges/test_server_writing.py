"""The writing judge against a real server process (`transformers serve`), and behind one that is busy."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from triadic.compute.judges.local.packaged import packaged
from triadic.compute.judges.prompts import ANSWER_TOKENS
from triadic.compute.judges.server.client import Server
from triadic.compute.judges.server.writing import ServerWritingJudge
from triadic.schema.errors import BadInput, NotFound, Unavailable

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(log: Path):
    """A server process and its address; it loads whatever model a request names."""
    port = free_port()
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return process, f"http://127.0.0.1:{port}/v1"
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    process.kill()
    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    process, address = start(tmp_path_factory.mktemp("serve") / "log")
    yield address
    process.terminate()
    process.wait(20)


@pytest.fixture
def busy(server):
    """In front of the server: the first requests are answered with 429 or 503, as a rate limit would."""
    refusals, seen = [429, 503], []

    class Front(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.path)
            if refusals:
                self.send_response(refusals.pop(0))
                self.send_header("retry-after", "0")
                self.end_headers()
                return
            request = urllib.request.Request(
                server.removesuffix("/v1") + self.path, body, {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as reply:
                text = reply.read()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{front.server_port}/v1", seen
    front.shutdown()


def test_a_real_server_answers_every_question(server, tiny, questions):
    judge = ServerWritingJudge(Server(str(tiny("llama")), server, concurrency=3), max_tokens=6, temperature=0.0)
    asked = questions(6)
    got = judge.answer(asked)
    assert all(isinstance(text, str) for text in got["raw_text"])
    assert all(
        (choice is None) != (why is None) for choice, why in zip(got["choice"], got["invalid_reason"], strict=True)
    )
    assert min(got["prompt_tokens"]) > 10
    assert max(got["answer_tokens"]) <= 6
    assert len(set(got["prompt_hash"])) == 6
    assert got["raw_text"] == judge.answer(asked)["raw_text"]


def test_a_base_model_is_asked_by_plain_completion(server, tiny, questions):
    got = ServerWritingJudge(Server(str(tiny("llama")), server), style="base", max_tokens=4).answer(questions(2))
    assert len(got["raw_text"]) == 2
    assert "logprob_left" not in got


def test_a_busy_server_is_asked_again(busy, tiny, questions):
    address, seen = busy
    judge = ServerWritingJudge(Server(str(tiny("llama")), address, concurrency=1), max_tokens=4)
    got = judge.answer(questions(2))
    assert len(got["raw_text"]) == 2
    assert len(seen) == 2 + 1 + 2  # two refusals, the first try of how to ask, two questions


def test_giving_up_is_one_line(busy, tiny, questions):
    address, _ = busy
    with pytest.raises(Unavailable, match="go on") as caught:
        ServerWritingJudge(Server(str(tiny("llama")), address, retries=0)).answer(questions(1))
    assert "\n" not in str(caught.value)
    with pytest.raises(Unavailable, match="no server answers"):
        ServerWritingJudge(Server("m", f"http://127.0.0.1:{free_port()}/v1", retries=0)).answer(questions(1))


def test_identity_has_no_key_and_no_concurrency():
    one = ServerWritingJudge(Server("m", "http://127.0.0.1:1/v1", api_key="secret", concurrency=2))
    assert one.identity() == ServerWritingJudge(Server("m", "http://127.0.0.1:1/v1", concurrency=9)).identity()
    assert "secret" not in str(one.identity())
    for wrong in ({"style": "x"}, {"max_tokens": 0}, {"framing": "x"}, {"batch_size": 0}):
        with pytest.raises(BadInput):
            ServerWritingJudge(one.server, **wrong)
    with pytest.raises(BadInput):
        Server("m", concurrency=0)


class Continuing:
    """A server whose base model goes on with `text`, to the first of the words that stop it or to the end."""

    model, address = "m", "http://127.0.0.1:1/v1/"

    def __init__(self, text):
        self.text, self.requests = text, []

    def complete(self, **request):
        self.requests.append(request)
        text, stop = self.text, (request.get("stop") or [None])[0]
        stopped = stop is not None and stop in text
        text = text.split(stop)[0] if stopped else text
        return [SimpleNamespace(text=text, finish_reason="stop" if stopped else "length")], None

    def map(self, work, items, watch):
        return [work(item) for item in items]


AGAIN = "\nQUESTION: Which item is most similar to {0}: {1} or {2}? Respond only with the item name.\nAnswer:"


@pytest.mark.parametrize(
    ("text", "times", "choice", "reason"),
    [
        (" {1}\nQUESTION: Which", 1, "left", None),
        (" neither\nQUESTION: Which", 1, None, "neither"),
        (AGAIN + " {2}\nQUESTION", 2, "right", None),
        (AGAIN + AGAIN, 2, None, "restated"),
        ("\n\n{1}\n", 2, "left", None),
        (" {1}", 1, None, "truncated"),
    ],
)
def test_a_base_model_that_says_the_question_again_is_let_go_on(questions, text, times, choice, reason):
    asked = questions(1)
    server = Continuing(text.format(asked.anchor[0], asked.left[0], asked.right[0]))
    got = ServerWritingJudge(server, style="base").answer(asked)
    assert (got["choice"], got["invalid_reason"]) == ([choice], [reason])
    assert [request.get("stop") for request in server.requests] == [["\n"], None][:times]
    assert all(request["max_tokens"] == ANSWER_TOKENS["base"] for request in server.requests)


@pytest.mark.slow
def test_the_real_small_model_names_concepts(server, tmp_path, questions):
    try:
        home = packaged("smollm2", tmp_path)
    except NotFound as missing:
        pytest.skip(str(missing))
    from triadic.compute.judges.local.loading import load

    load(home.folder, gguf_file=home.gguf_file, dtype="float32", device="cpu", cache=tmp_path)
    (folder,) = [path for path in tmp_path.iterdir() if (path / "config.json").exists()]
    got = ServerWritingJudge(Server(str(folder), server, concurrency=2), temperature=0.0).answer(questions(10))
    assert sum(choice is not None for choice in got["choice"]) >= 3, got["raw_text"]
