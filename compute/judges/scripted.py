"""A judge that follows a rule instead of asking a model: for tests, rehearsals and simulated raters."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.prompts import check_framing, prompt_hash, question_texts
from triadic.schema.errors import BadInput


def letters_in_common(one: str, other: str) -> float:
    """A stand-in for similarity that needs no data: the share of letters that two words have in common."""
    return len(set(one) & set(other)) / max(1, len(set(one) | set(other)))


class ScriptedJudge:
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
    ):
        if not 0 <= first_bias <= 1 or not 0 <= invalid_rate <= 1 or batch_size < 1 or delay < 0:
            raise BadInput(
                "A scripted judge needs rates between 0 and 1, a batch size of at least 1 and no negative delay."
            )
        self.similarity = similarity
        self.name = name
        self.seed = seed
        self.first_bias = first_bias
        self.invalid_rate = invalid_rate
        self.delay = delay
        self.batch_size = batch_size
        self.framing = check_framing(framing)

    def config(self) -> dict:
        """The rule's name and its numbers; `delay` changes no answer and is left out."""
        return {
            "judge": "scripted",
            "rule": self.name,
            "seed": self.seed,
            "first_bias": self.first_bias,
            "invalid_rate": self.invalid_rate,
            "batch_size": self.batch_size,
            "framing": self.framing,
        }

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Consecutive groups of `batch_size`."""
        rows = np.arange(len(questions))
        return [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order."""
        time.sleep(self.delay)
        texts = question_texts(questions, self.framing)
        answers = [self._one(questions, row, texts[row]) for row in range(len(questions))]
        columns = ("raw_text", "choice", "invalid_reason")
        out: dict[str, list] = {name: [answer[at] for answer in answers] for at, name in enumerate(columns)}
        out["prompt_hash"] = [prompt_hash(text) for text in texts]
        return out

    def _one(self, questions: Questions, row: int, text: str) -> tuple[str, str | None, str | None]:
        anchor, left, right = (str(getattr(questions, side)[row]) for side in ("anchor", "left", "right"))
        luck = self._luck(text, int(questions.triplet_no[row]), int(questions.repeat[row]))
        if luck[0] < self.invalid_rate:
            return "I cannot say.", None, "refusal"
        if luck[1] < self.first_bias:
            choice = "right" if questions.flipped[row] else "left"
        else:
            pairs = {"left": self.similarity(anchor, left), "right": self.similarity(anchor, right)}
            if self.framing == "odd-one-out":
                pairs["apart"] = self.similarity(left, right)
            best = [side for side, value in pairs.items() if value == max(pairs.values())]
            choice = best[int(luck[2] * len(best))]
        if self.framing == "odd-one-out":
            return {"left": right, "right": left, "apart": anchor}[choice], choice, None
        return {"left": left, "right": right}[choice], choice, None

    def _luck(self, text: str, triplet_no: int, repeat: int) -> np.ndarray:
        """Three numbers in [0, 1) that belong to this question alone."""
        digest = blake2b(f"{self.seed}/{triplet_no}/{repeat}/{text}".encode(), digest_size=24).digest()
        return np.frombuffer(digest, dtype=">u8") / 2.0**64
