"""The judge that asks a server which speaks OpenAI's protocol to write: vLLM, llama.cpp, SGLang, hosted ones."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from triadic.compute.judges.base import Judge, Questions, RaterEntry, check_batch_size, choice_columns, known_before
from triadic.compute.judges.parse import RULE, decided, parse, strip_reasoning
from triadic.compute.judges.prompts import (
    REASONING_TOKENS,
    answer_tokens,
    check_framing,
    check_style,
    options_of,
    plain,
    prompt_hash,
    question_texts,
    turns_of,
    wording,
)
from triadic.compute.judges.server.client import Refused, Reply, Server
from triadic.compute.settings import JudgeSettings
from triadic.schema.vocabulary import PromptStyle

FORMER_MAX_TOKENS = 24  # of every model, up to version 1 of the reading rule
_OFF = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
Manner = tuple[str, bool]  # 'template', 'folded' or 'text'; whether reasoning can be switched off
Text = tuple[str, bool, int | None, int | None]  # the text, stopped by itself, prompt tokens, answer tokens


class ServerWritingJudge(Judge):
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
        max_tokens: int | None = None,
        seed: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.server = server
        self.style = check_style(style)
        self.framing = check_framing(framing)
        self.given_max_tokens = max_tokens
        self.settings = {"temperature": temperature, "max_tokens": answer_tokens(self.style, max_tokens), "seed": seed}
        self.batch_size = check_batch_size(batch_size) or self.batch_size

    @classmethod
    def from_rater(cls, rater: RaterEntry, settings: JudgeSettings) -> ServerWritingJudge:
        """Of weights `http://host:8000/v1#NAME`. The key is $OPENAI_API_KEY."""
        server = Server(rater.weights.name, rater.weights.address, concurrency=settings.concurrency)
        limit, seed, size = settings.max_tokens, settings.seed, settings.batch_size
        return cls(server, rater.style, settings.framing, max_tokens=limit, seed=seed, batch_size=size)

    def identity(self) -> dict[str, Any]:
        """Model, endpoint, sampler settings, wording and reading; concurrency and retries change no answer."""
        return {
            "judge": "openai",
            "answer": "sample",
            "model": self.server.model,
            "base_url": self.server.address,
            "prompt_style": self.style.value,
            "framing": self.framing.value,
            "sampler": self.settings,
            "batch_size": self.batch_size,
            "wording": wording(self.style, self.framing),
            "reading": RULE,
        }

    def earlier_identities(self) -> list[dict[str, Any]]:
        if self.given_max_tokens:
            return []
        return known_before(self.identity() | {"sampler": self.settings | {"max_tokens": FORMER_MAX_TOKENS}})

    def record(self) -> dict[str, Any]:
        """`identity()`, and how this server is asked."""
        system, switch = self._manner
        sent = self._prompt("{question}")
        return self.identity() | {"system": system, "thinking": "off" if switch else None, "prompt_example": sent}

    def resume(self, record: dict[str, Any]) -> None:
        """Ask in the same manner. Conflict as in Judge."""
        if "system" in record:
            self._manner = (record["system"], bool(record.get("thinking")))
        super().resume(record)

    def prompts(self, questions: Questions) -> list[str]:
        """The turns of each question as they are sent; a chat model's template is the server's."""
        return [self._prompt(text) for text in question_texts(questions, self.framing)]

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        """Answers to one batch, in its order. Unavailable when the server does not answer, BadInput when it refuses."""
        texts = question_texts(questions, self.framing)
        _ = self._manner  # found out before many ask at once
        words, choices = options_of(questions, self.framing)
        asked = list(zip(words, questions.anchor.tolist(), strict=True))
        replies = self.server.map(
            self._ask, list(zip(texts, questions.repeat.tolist(), asked, strict=True)), self.watch
        )
        read = [parse(text, *given, ended) for (text, ended, _, _), given in zip(replies, asked, strict=True)]
        return {
            "raw_text": [reply[0] for reply in replies],
            **choice_columns(read, choices),
            "prompt_hash": [prompt_hash(plain(text)) for text in texts],
            "prompt_tokens": [reply[2] for reply in replies],
            "answer_tokens": [reply[3] for reply in replies],
        }

    def _prompt(self, question: str) -> str:
        if self.style == PromptStyle.base:
            return plain(question)
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns_of(question, self._manner[0]))

    @cached_property
    def _manner(self) -> Manner:
        """The first way that the server takes."""
        if self.style == PromptStyle.base:
            return "text", False
        refusals: list[Refused] = []
        for manner in (("template", True), ("template", False), ("folded", True), ("folded", False)):
            try:
                self._chat("Say yes.", manner, {"max_tokens": 1})
            except Refused as error:
                refusals.append(error)
                continue
            return manner
        raise refusals[0]

    def _chat(self, text: str, manner: Manner, settings: dict[str, Any]) -> Reply:
        system, switch = manner
        return self.server.chat(messages=turns_of(text, system), extra_body=_OFF if switch else None, **settings)

    def _ask(self, question: tuple[str, int, tuple[tuple[str, ...], str]]) -> Text:
        text, repeat, asked = question
        settings = {name: value for name, value in self.settings.items() if value is not None}
        if "seed" in settings:
            settings["seed"] += repeat  # the same seed would give the same answer again
        if self.style == PromptStyle.base:
            reply = _read(*self.server.complete(prompt=plain(text), stop=["\n"], **settings))
            if reply[1] and not decided(f"{reply[0]}\n", *asked):  # an empty line, or the question again: let it go on
                reply = _read(*self.server.complete(prompt=plain(text), **settings))
            return reply
        reply = _read(*self._chat(text, self._manner, settings))
        if not reply[1] and strip_reasoning(reply[0])[1]:  # it was still thinking: give it room
            reply = _read(*self._chat(text, self._manner, settings | {"max_tokens": REASONING_TOKENS}))
        return reply


def _read(choices: list[Any], usage: Any) -> Text:
    first = choices[0]
    message = getattr(first, "message", None)
    text = (message.content if message is not None else first.text) or ""
    thoughts = (getattr(message, name, None) for name in ("reasoning_content", "reasoning"))
    thought = next((found for found in thoughts if found), "")
    ended = first.finish_reason != "length"
    if thought:  # a server that takes the reasoning out: put back what the model wrote
        text = f"<think>{thought}</think>{text}" if text or ended else f"<think>{thought}"
    counts = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    return text, ended, *counts
