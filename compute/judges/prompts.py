"""The exact words a model is asked with.

Source of the wording: the paper (arXiv 2510.01030), section 3. The style is a property of the model, stored in its
row, never guessed from the tokenizer: instruction-tuned checkpoints often ship next to base ones with the same files.

- 'chat': the model's own chat template, a system turn and a user turn. A template that refuses the system role, or
  silently drops it, gets the system sentence in front of the user turn.
- 'base': the system sentence, a newline, the question, a newline, `Answer:`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import numpy as np
from jinja2.exceptions import TemplateError

from triadic.compute.judges.base import Questions, check_named
from triadic.schema.arrays import Objects
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import Choice, Framing, PromptStyle

SYSTEM = "You are a helpful assistant who gives responses to questions"
QUESTIONS = {  # a question as it is worded, with the concepts in the order of `presentation_order`
    Framing.anchored: "QUESTION: Which item is most similar to {}: {} or {}? Respond only with the item name.",
    Framing.odd_one_out: "QUESTION: Which is the odd one out: {}, {} or {}? Respond only with the item name.",
}
# Tokens that a written answer may take. A chat model answers in a sentence at most; a base model may write the whole
# question again before it answers (up to 44 tokens of gemma-3-270m's). Writing stops as soon as the answer is decided.
ANSWER_TOKENS = {PromptStyle.chat: 24, PromptStyle.base: 64}
REASONING_TOKENS = 2048  # that one may take which begins with the model's reasoning
_SLOT = "TRIADICQUESTIONSLOT"
_TODAY = re.compile(r"""strftime_now\((["'])(.+?)\1\)""")  # where a template writes the day's date


def check_framing(framing: str) -> Framing:
    """The framing of that name; BadInput when there is none."""
    return Framing(check_named("framing", framing, Framing))


def check_style(style: str) -> PromptStyle:
    """The prompt style of that name; BadInput when there is none."""
    return PromptStyle(check_named("prompt style", style, PromptStyle))


def wording(style: str, framing: str) -> str:
    """The words around a question's concepts, as they are part of a judge's identity; {} stands for a concept.

    For a chat they are those of a user turn that holds the system sentence too; where the template takes a system turn,
    the same two parts stand in their own turns.
    """
    question = QUESTIONS[check_framing(framing)]
    return plain(question) if check_style(style) == PromptStyle.base else folded(question)


def answer_tokens(style: str, given: int | None = None) -> int:
    """Tokens that a written answer may take: those `given`, or what a model of this prompt style needs."""
    if given is not None and given < 1:
        raise BadInput(f"max_tokens is {given}: it must be at least 1")
    return given or ANSWER_TOKENS[check_style(style)]


def presentation_order(questions: Questions, framing: str) -> list[Objects]:
    """The concepts in the order the prompt names them, as columns of length n.

    Anchored: the anchor, then the first and second option. Odd-one-out: the three are turned by `triplet_no + repeat`
    places, so that together with `flipped` each of the six orders is asked equally often and can be recovered.
    """
    columns = [questions.anchor, questions.first, questions.second]
    if check_framing(framing) == Framing.anchored:
        return columns
    turn = (np.asarray(questions.triplet_no) + np.asarray(questions.repeat)) % 3
    return [np.choose(turn, [columns[place], columns[(place + 1) % 3], columns[(place + 2) % 3]]) for place in range(3)]


def options_of(questions: Questions, framing: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """(the names that answer each question, the choice that naming the first, second, … of them stands for).

    Naming the odd one out pairs the other two: left odd means that anchor and right belong together.
    """
    odd = framing == Framing.odd_one_out
    columns = [questions.left, questions.right, questions.anchor][: 3 if odd else 2]
    words = list(zip(*(column.tolist() for column in columns), strict=True))
    choices = [Choice.right, Choice.left, Choice.apart] if odd else [Choice.left, Choice.right]
    return words, [choice.value for choice in choices]


def question_texts(questions: Questions, framing: str) -> list[str]:
    """The user's turn of each question."""
    rows = zip(*(column.tolist() for column in presentation_order(questions, framing)), strict=True)
    return [QUESTIONS[check_framing(framing)].format(*row) for row in rows]


def plain(question: str) -> str:
    """The prompt of a base model around one question: plain text, open at its end."""
    return f"{SYSTEM}\n{question}\nAnswer:"


def folded(question: str) -> str:
    """The user's turn where there can be no system turn: its sentence stands in front of the question."""
    return f"{SYSTEM}\n\n{question}"


def turns_of(question: str, system: str) -> list[dict[str, str]]:
    """The turns of a chat: `system` is 'template' for a system turn, 'folded' for its sentence in the user's."""
    if system == "folded":
        return [{"role": "user", "content": folded(question)}]
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]


def prompt_hash(text: str) -> int:
    """A signed 64-bit integer that names the prompt (blake2b)."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


class Prompter:
    """Turns questions into prompt texts and token ids for one tokenizer.

    `encoder` says that the prompt goes into an encoder (T5): then the tokenizer's own closing token is kept.
    `record()` is JSON-able and tells everything that was decided.
    """

    def __init__(self, tokenizer: Any, style: str, framing: str = "anchored", encoder: bool = False) -> None:
        self.style = check_style(style)
        self.framing = check_framing(framing)
        if self.style == PromptStyle.chat and not getattr(tokenizer, "chat_template", None):
            raise BadInput("no chat template in this model, and its prompt style is chat: use --prompt-style base")
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.system = "text"
        self.thinking: str | None = None
        self.date: date | None = None  # that of the first start, where the template writes the day's
        self._switch: dict[str, Any] = {}
        if self.style == PromptStyle.chat:
            self._choose_switch()
            self._choose_system()
        self._parts = self._split()
        self._opening, self._closing = self._special_tokens()

    def texts(self, questions: Questions) -> list[str]:
        """The full prompt of each question, as text."""
        return [self.text(question) for question in question_texts(questions, self.framing)]

    def text(self, question: str) -> str:
        """The full prompt around one question."""
        if self._parts:  # the template passes the words through: everything around them is constant
            return self._parts[0] + question + self._parts[1]
        return self._template(question)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, with exactly one BOS where the model wants one."""
        rows = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [self._opening + self._without_opening(row) + self._closing for row in rows]

    def record(self) -> dict[str, Any]:
        """What was decided about the prompt."""
        return {
            "prompt_style": self.style.value,
            "framing": self.framing.value,
            "system": self.system,
            "thinking": self.thinking,
            "bos": bool(self._opening),
            "prompt_example": self.text("{question}"),
        } | ({"date": self.date.isoformat()} if self.date else {})

    def resume(self, record: dict[str, Any]) -> None:
        """Write the date of the run's first start, where the template writes one."""
        if self.date and record.get("date"):
            self.date = date.fromisoformat(record["date"])
            self._parts = self._split()

    def _split(self) -> list[str]:
        """What stands before and behind every question; empty where the template changes the words themselves."""
        if self.style == PromptStyle.base:
            return plain(_SLOT).split(_SLOT)
        parts = self._template(_SLOT).split(_SLOT)
        sample = QUESTIONS[Framing.anchored].format("X", "Y", "Z")
        return parts if len(parts) == 2 and sample.join(parts) == self._template(sample) else []

    def _without_opening(self, row: list[int]) -> list[int]:
        """`row` without the BOS that the template wrote itself, however often it did."""
        while self._opening and row[: len(self._opening)] == self._opening:
            row = row[len(self._opening) :]
        return row

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts around a text by itself: ([BOS] or [], [EOS] or [])."""
        bare = self.tokenizer("x", add_special_tokens=False)["input_ids"]
        whole = self.tokenizer("x")["input_ids"]
        start = next((at for at in range(len(whole)) if whole[at : at + len(bare)] == bare), 0)
        opening, closing = whole[:start], whole[start + len(bare) :]
        bos = self.tokenizer.bos_token_id
        if not opening and bos is not None and getattr(self.tokenizer, "add_bos_token", False):
            opening = [bos]  # a tokenizer read from GGUF states the wish without a post-processor
        return opening, (closing if self.encoder else [])

    def _template(self, question: str) -> str:
        options = dict(self._switch, tokenize=False, add_generation_prompt=True)
        if day := self.date:
            options["chat_template"] = _TODAY.sub(
                lambda call: repr(day.strftime(call[2])), self.tokenizer.chat_template
            )
        text: str = self.tokenizer.apply_chat_template(turns_of(question, self.system), **options)
        return text

    def _choose_switch(self) -> None:
        """Reasoning off where the template has a switch; gpt-oss can only be told to reason little."""
        template = str(self.tokenizer.chat_template)
        if isinstance(self.tokenizer.chat_template, str) and _TODAY.search(template):
            self.date = date.today()
        for name in ("enable_thinking", "thinking"):
            if f"{name} " in template or f"{name})" in template or f"({name}" in template or f"{name}=" in template:
                self._switch, self.thinking = {name: False}, "off"
                return
        if "reasoning_effort" in template:
            self._switch, self.thinking = {"reasoning_effort": "low"}, "low"

    def _choose_system(self) -> None:
        """'template' when the template takes a system turn, 'folded' when it refuses or drops it."""
        self.system = "template"
        try:
            if SYSTEM in self._template(_SLOT):
                return
        except TemplateError:
            pass
        self.system = "folded"
        try:
            self._template(_SLOT)
        except TemplateError as error:
            raise BadInput(f"the chat template refuses a plain user turn ({error}): use --prompt-style base") from error
