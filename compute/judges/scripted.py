"""A judge that follows a rule instead of asking a model: for tests and rehearsals."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from triadic.compute.judges.base import Judge, Questions, RaterEntry, check_batch_size, rule_numbers, uniform_numbers
from triadic.compute.judges.prompts import QUESTIONS, check_framing, prompt_hash, question_texts
from triadic.compute.settings import JudgeSettings
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import Framing, InvalidReason


def letters_in_common(word: str, other: str) -> float:
    """A stand-in for similarity that needs no data: the share of letters that two words have in common."""
    return len(set(word) & set(other)) / max(1, len(set(word) | set(other)))


class ScriptedJudge(Judge):
    """Answers by `similarity(word, word)`, mixed with a bias to the first option and with invalid answers.

    Each answer depends on `seed` and its own question only: neither on the batch nor on the order of asking. `delay`
    seconds are slept per batch, so that a test can stop a run in the middle. `name` and the numbers are the identity;
    two different `similarity` rules need two names.
    """

    def __init__(
        self,
        similarity: Callable[[str, str], float] = letters_in_common,
        name: str = "letters",
        seed: int = 0,
        first_bias: float = 0.0,
        invalid_rate: float = 0.0,
        delay: float = 0.0,
        batch_size: int = 64,
        framing: str = "anchored",
    ) -> None:
        if not 0 <= first_bias <= 1 or not 0 <= invalid_rate <= 1 or delay < 0:
            raise BadInput("a scripted judge needs rates between 0 and 1 and no negative delay")
        check_batch_size(batch_size)
        self.similarity = similarity
        self.name = name
        self.seed = seed
        self.first_bias = first_bias
        self.invalid_rate = invalid_rate
        self.delay = delay
        self.batch_size = batch_size
        self.framing = check_framing(framing)

    @classmethod
    def from_rater(cls, rater: RaterEntry, settings: JudgeSettings) -> ScriptedJudge:
        """Of weights `scripted:` or `scripted:first_bias=0.8,delay=0.1`."""
        try:
            return cls(framing=settings.framing, **rule_numbers(rater.weights.params))
        except (ValueError, TypeError) as error:
            raise BadInput(f"{rater.weights.text} is not scripted:NAME=NUMBER,…: {error}") from error

    def identity(self) -> dict[str, Any]:
        """The rule's name, its numbers and the wording that its luck hangs on; `delay` changes no answer."""
        return {
            "judge": "scripted",
            "rule": self.name,
            "seed": self.seed,
            "first_bias": self.first_bias,
            "invalid_rate": self.invalid_rate,
            "batch_size": self.batch_size,
            "framing": self.framing.value,
            "wording": QUESTIONS[self.framing],
        }

    def record(self) -> dict[str, Any]:
        return self.identity() | {"prompt_example": QUESTIONS[self.framing]}

    def prompts(self, questions: Questions) -> list[str]:
        return question_texts(questions, self.framing)

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        time.sleep(self.delay)
        texts = question_texts(questions, self.framing)
        answers = [self._answer(questions, row, text) for row, text in enumerate(texts)]
        columns = ("raw_text", "choice", "invalid_reason")
        out: dict[str, list[Any]] = {name: [answer[at] for answer in answers] for at, name in enumerate(columns)}
        out["prompt_hash"] = [prompt_hash(text) for text in texts]
        return out

    def _answer(self, questions: Questions, row: int, text: str) -> tuple[str, str | None, str | None]:
        anchor, left, right = (str(getattr(questions, side)[row]) for side in ("anchor", "left", "right"))
        luck = uniform_numbers(f"{self.seed}/{int(questions.triplet_no[row])}/{int(questions.repeat[row])}/{text}", 3)
        if luck[0] < self.invalid_rate:
            return "I cannot say.", None, InvalidReason.refusal.value
        if luck[1] < self.first_bias:
            choice = "right" if questions.flipped[row] else "left"
        else:
            pairs = {"left": self.similarity(anchor, left), "right": self.similarity(anchor, right)}
            if self.framing == Framing.odd_one_out:
                pairs["apart"] = self.similarity(left, right)
            best = [side for side, value in pairs.items() if value == max(pairs.values())]
            choice = best[int(luck[2] * len(best))]
        if self.framing == Framing.odd_one_out:
            return {"left": right, "right": left, "apart": anchor}[choice], choice, None
        return {"left": left, "right": right}[choice], choice, None
