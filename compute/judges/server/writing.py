"""The judge that asks a server which speaks OpenAI's protocol to write: vLLM, llama.cpp, SGLang, hosted ones."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.parse import parse, strip_reasoning
from triadic.compute.judges.prompts import SYSTEM, check_framing, folded, options_of, plain, prompt_hash, question_texts
from triadic.compute.judges.server.client import Refused, Server
from triadic.schema.errors import BadInput

REASONING_TOKENS = 2048  # for an answer that had not ended its reasoning within the limit
_OFF = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}


class OpenAIJudge:
    """Asks the model of `server` and reads the text that comes back.

    Settings that are None are left to the server. `style` 'chat' uses the chat endpoint (the server applies the
    template), 'base' the completions endpoint with the plain prompt. Before the first question it is tried whether the
    server takes a system turn (else the sentence is folded into the user's) and a word to switch reasoning off (else
    reasoning is stripped from the text, of which all is kept); `record()` tells what was found.
    """

    def __init__(
        self,
        server: Server,
        style: str = "chat",
        framing: str = "anchored",
        temperature: float | None = None,
        max_tokens: int = 24,
        seed: int | None = None,
        batch_size: int = 64,
    ):
        if style not in ("chat", "base"):
            raise BadInput(f"Prompt style {style!r} is unknown: use 'chat' or 'base'.")
        if batch_size < 1 or max_tokens < 1:
            raise BadInput("Batch size and max tokens must be at least 1.")
        self.server = server
        self.style = style
        self.framing = check_framing(framing)
        self.settings = {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}
        self.batch_size = batch_size

    def config(self) -> dict:
        """Model, endpoint and sampler settings; concurrency and retries change no answer."""
        return {
            "judge": "openai",
            "answer": "sample",
            "model": self.server.model,
            "base_url": self.server.address,
            "prompt_style": self.style,
            "framing": self.framing,
            "sampler": self.settings,
            "batch_size": self.batch_size,
        }

    def record(self) -> dict:
        """`config()`, and how this server is asked."""
        return self.config() | {"system": self._manner[0], "thinking": "off" if self._manner[1] else None}

    def resume(self, record: dict) -> None:
        """Ask as a judge that had this record."""
        if "system" in record:
            self.__dict__["_manner"] = (record["system"], bool(record.get("thinking")))

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Consecutive groups of `batch_size`."""
        rows = np.arange(len(questions))
        return [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order. Unavailable when the server does not answer, BadInput when it refuses."""
        texts = question_texts(questions, self.framing)
        _ = self._manner  # found out before many ask at once
        replies = self.server.map(self._ask, list(zip(texts, questions.repeat.tolist(), strict=True)))
        words, choices = options_of(questions, self.framing)
        read = [parse(reply[0], named, reply[1]) for reply, named in zip(replies, words, strict=True)]
        return {
            "raw_text": [reply[0] for reply in replies],
            "choice": [None if at is None else choices[at] for at, _ in read],
            "invalid_reason": [reason for _, reason in read],
            "prompt_hash": [prompt_hash(plain(text)) for text in texts],
            "prompt_tokens": [reply[2] for reply in replies],
            "answer_tokens": [reply[3] for reply in replies],
        }

    @cached_property
    def _manner(self) -> tuple[str, bool]:
        """('template' or 'folded', whether reasoning can be switched off), the first way that the server takes."""
        if self.style == "base":
            return "text", False
        refusal = None
        for manner in (("template", True), ("template", False), ("folded", True), ("folded", False)):
            try:
                self._chat("Say yes.", manner, {"max_tokens": 1})
            except Refused as error:
                refusal = refusal or error
                continue
            return manner
        raise refusal

    def _chat(self, text: str, manner: tuple[str, bool], settings: dict):
        system, switch = manner
        turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        if system == "folded":
            turns = [{"role": "user", "content": folded(text)}]
        return self.server.chat(messages=turns, extra_body=_OFF if switch else None, **settings)

    def _ask(self, question: tuple[str, int]) -> tuple[str, bool, int | None, int | None]:
        """(text, stopped by itself, prompt tokens, answer tokens)."""
        text, repeat = question
        settings = {name: value for name, value in self.settings.items() if value is not None}
        if "seed" in settings:
            settings["seed"] += repeat  # the same seed would give the same answer again
        if self.style == "base":
            return _read(*self.server.complete(prompt=plain(text), stop=["\n"], **settings))
        reply = _read(*self._chat(text, self._manner, settings))
        if not reply[1] and strip_reasoning(reply[0])[1]:  # it was still thinking: give it room
            reply = _read(*self._chat(text, self._manner, settings | {"max_tokens": REASONING_TOKENS}))
        return reply


def _read(choices, usage) -> tuple[str, bool, int | None, int | None]:
    first = choices[0]
    message = getattr(first, "message", None)
    text = (message.content if message is not None else first.text) or ""
    thought = next(
        (found for name in ("reasoning_content", "reasoning") if (found := getattr(message, name, None))), ""
    )
    ended = first.finish_reason != "length"
    if thought:  # a server that takes the reasoning out: put back what the model wrote
        text = f"<think>{thought}</think>{text}" if text or ended else f"<think>{thought}"
    counts = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    return text, ended, *counts
