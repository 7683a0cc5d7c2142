"""The exact words a model is asked with.

Source of the wording: the paper (arXiv 2510.01030), section 3. The style is a property of the model, stored in its
row, never guessed from the tokenizer: instruction-tuned checkpoints often ship next to base ones with the same files.

- 'chat': the model's own chat template, a system turn and a user turn. A template that refuses the system role, or
  silently drops it, gets the system sentence in front of the user turn.
- 'base': the system sentence, a newline, the question, a newline, `Answer:`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from triadic.schema.errors import BadInput

if TYPE_CHECKING:
    from triadic.compute.judges.base import Questions

SYSTEM = "You are a helpful assistant who gives responses to questions"
STYLES = ("chat", "base")
FRAMINGS = ("anchored", "odd-one-out")
_SLOT = "TRIADICQUESTIONSLOT"


def check_framing(framing: str) -> str:
    """`framing` itself; BadInput when it is not one of FRAMINGS."""
    if framing not in FRAMINGS:
        raise BadInput(f"Framing {framing!r} is unknown: use one of {', '.join(FRAMINGS)}.")
    return framing


def shown(questions: Questions, framing: str) -> list[np.ndarray]:
    """The concepts in the order the prompt names them, as columns of length n.

    Anchored: the anchor, then the first and second option. Odd-one-out: the three are turned by `triplet_no + repeat`
    places, so that together with `flipped` each of the six orders is asked equally often and can be recovered.
    """
    columns = [questions.anchor, questions.first, questions.second]
    if check_framing(framing) == "anchored":
        return columns
    turn = (np.asarray(questions.triplet_no) + np.asarray(questions.repeat)) % 3
    return [np.choose(turn, [columns[place], columns[(place + 1) % 3], columns[(place + 2) % 3]]) for place in range(3)]


def options_of(questions: Questions, framing: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """(the names that answer each question, the choice that naming the first, second, … of them stands for).

    Naming the odd one out pairs the other two: left odd means that anchor and right belong together.
    """
    odd = framing == "odd-one-out"
    columns = [questions.left, questions.right, questions.anchor][: 3 if odd else 2]
    words = list(zip(*(column.tolist() for column in columns), strict=True))
    return words, ["right", "left", "apart"] if odd else ["left", "right"]


def question_texts(questions: Questions, framing: str) -> list[str]:
    """The user's turn of each question."""
    rows = zip(*(column.tolist() for column in shown(questions, framing)), strict=True)
    if framing == "anchored":
        stem = "QUESTION: Which item is most similar to {}: {} or {}? Respond only with the item name."
    else:
        stem = "QUESTION: Which is the odd one out: {}, {} or {}? Respond only with the item name."
    return [stem.format(*row) for row in rows]


def plain(question: str) -> str:
    """The prompt of a base model around one question: plain text, open at its end."""
    return f"{SYSTEM}\n{question}\nAnswer:"


def folded(question: str) -> str:
    """The user's turn where there can be no system turn: its sentence stands in front of the question."""
    return f"{SYSTEM}\n\n{question}"


def prompt_hash(text: str) -> int:
    """A signed 64-bit integer that names the prompt (blake2b)."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


class Prompter:
    """Turns questions into prompt texts and token ids for one tokenizer.

    `encoder` says that the prompt goes into an encoder (T5): then the tokenizer's own closing token is kept.
    `record()` is JSON-able and tells everything that was decided.
    """

    def __init__(self, tokenizer, style: str, framing: str = "anchored", encoder: bool = False):
        if style not in STYLES:
            raise BadInput(f"Prompt style {style!r} is unknown: use 'chat' (instruction-tuned) or 'base'.")
        if style == "chat" and not getattr(tokenizer, "chat_template", None):
            raise BadInput("This model has no chat template, but its prompt style is 'chat': use --prompt-style base.")
        self.tokenizer = tokenizer
        self.style = style
        self.framing = check_framing(framing)
        self.encoder = encoder
        self.system = "text"
        self.thinking = None
        self._switch: dict = {}
        if style == "chat":
            self._choose_switch()
            self._choose_system()
            self._parts = self._template(_SLOT).split(_SLOT)
            sample = "QUESTION: Which item is most similar to X: Y or Z? Respond only with the item name."
            if len(self._parts) != 2 or sample.join(self._parts) != self._template(sample):
                self._parts = []
        else:
            self._parts = plain(_SLOT).split(_SLOT)
        self._opening, self._closing = self._special_tokens()

    def texts(self, questions: Questions) -> list[str]:
        """The full prompt of each question, as text."""
        return [self.text(asked) for asked in question_texts(questions, self.framing)]

    def text(self, question: str) -> str:
        """The full prompt around one question."""
        if self._parts:  # the template passes the words through: everything around them is constant
            return self._parts[0] + question + self._parts[1]
        return self._template(question)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, with exactly one BOS where the model wants one."""
        rows = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [self._opening + self._without_opening(row) + self._closing for row in rows]

    def record(self) -> dict:
        """What was decided about the prompt."""
        return {
            "prompt_style": self.style,
            "framing": self.framing,
            "system": self.system,
            "thinking": self.thinking,
            "bos": bool(self._opening),
            "prompt_example": self.text("{question}"),
        }

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

    def _render(self, turns: list[dict]) -> str:
        return self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **self._switch)

    def _template(self, question: str) -> str:
        if self.system == "folded":
            return self._render([{"role": "user", "content": folded(question)}])
        return self._render([{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}])

    def _choose_switch(self) -> None:
        """Reasoning off where the template has a switch; gpt-oss can only be told to reason little."""
        template = str(self.tokenizer.chat_template)
        for name in ("enable_thinking", "thinking"):
            if f"{name} " in template or f"{name})" in template or f"({name}" in template or f"{name}=" in template:
                self._switch, self.thinking = {name: False}, "off"
                return
        if "reasoning_effort" in template:
            self._switch, self.thinking = {"reasoning_effort": "low"}, "low"

    def _choose_system(self) -> None:
        """'template' when the template takes a system turn, 'folded' when it refuses or drops it."""
        from jinja2.exceptions import TemplateError

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
            raise BadInput(f"The chat template refuses a plain user turn: {error}. Use --prompt-style base.") from error
