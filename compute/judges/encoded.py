"""Questions as token ids, ready for a scorer, and the answers that its log-probabilities make: here or on a server."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from triadic.compute.judges.base import (
    Judge,
    Questions,
    Watch,
    check_batch_size,
    choice_columns,
    consecutive,
    likeliest,
    unwatched,
)
from triadic.compute.judges.names import Branches, Names
from triadic.compute.judges.prompts import (
    Prompter,
    check_framing,
    check_style,
    options_of,
    presentation_order,
    prompt_hash,
)
from triadic.schema.arrays import Floats, Ints

TAIL = 24  # characters at a prompt's end that can decide how the first token behind it is split


@dataclass(frozen=True)
class EncodedQuestion:
    """One question: the prompt's token ids, and its options as a token tree.

    `shared` are the words that the prompt names first, in their order: questions that agree in them share a beginning.
    """

    prompt: list[int]
    branches: Branches
    shared: tuple[str, ...] = ()


class Scorer(Protocol):
    """A way to get the log-probabilities that questions' token trees need."""

    def score(self, questions: Sequence[EncodedQuestion], /, watch: Watch = unwatched) -> list[Floats]:
        """The natural-log probability of each edge of each question's tree, in its order."""
        ...

    def record(self) -> dict[str, Any]:
        """The way, and the settings that can change rounding."""
        ...


class EncodedJudge(Judge):
    """A judge that makes its prompts with the model's own tokenizer, and can score names as the tokens they are.

    `style` is the model's prompt style ('chat' or 'base'), `given_size` the batch size that was asked for.
    """

    def __init__(self, style: str, framing: str, batch_size: int | None) -> None:
        self.style = check_style(style)
        self.framing = check_framing(framing)
        self.given_size = check_batch_size(batch_size)

    @property
    @abstractmethod
    def prompter(self) -> Prompter:
        """Words and token ids around questions."""

    @property
    @abstractmethod
    def scorer(self) -> Scorer:
        """The way in which names are scored."""

    def has_log_probabilities(self) -> bool:
        return True

    @cached_property
    def names(self) -> Names:
        """The tokens of the concepts' names."""
        tail = "" if self.prompter.encoder else self.prompter.text("")[-TAIL:]
        return Names(self.prompter.tokenizer, tail)

    def resume(self, record: dict[str, Any]) -> None:
        """Go on with the same batches and date. Conflict as in Judge."""
        self.prompter.resume(record)
        self.batch_size = record.get("batch_size") or self.batch_size
        super().resume(record)

    def batches(self, questions: Questions) -> list[Ints]:
        """Groups of `batch_size` questions, sorted so that questions with the same beginning sit together."""
        columns = presentation_order(questions, self.framing)
        keys = [questions.repeat, questions.triplet_no, *(column.astype(str) for column in reversed(columns))]
        order = np.lexsort(keys)
        return [order[rows] for rows in consecutive(len(order), self.batch_size)]

    def prompts(self, questions: Questions) -> list[str]:
        return self.prompter.texts(questions)

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        """Answers to one batch, in its order: the likelier name is the answer, a tie is none."""
        texts = self.prompter.texts(questions)
        encoded = self.encode(questions)
        edges = self.scorer.score(encoded, watch=self.watch)
        logs = np.array([question.branches.totals(values) for question, values in zip(encoded, edges, strict=True)])
        choices = options_of(questions, self.framing)[1]
        sides = ("left", "right", "anchor")[: len(choices)]
        return (
            prompt_columns(texts, [question.prompt for question in encoded])
            | {f"logprob_{side}": column.tolist() for side, column in zip(sides, logs.T, strict=True)}
            | choice_columns(likeliest(logs), choices)
            | {"answer_tokens": [len(question.branches.tokens) for question in encoded]}
        )

    def encode(self, questions: Questions) -> list[EncodedQuestion]:
        """Questions with their prompts, ready for a scorer."""
        prompts = self.prompter.encode(self.prompter.texts(questions))
        words, _ = options_of(questions, self.framing)
        shared = zip(*(column.tolist() for column in presentation_order(questions, self.framing)[:2]), strict=True)
        rows = zip(prompts, words, shared, strict=True)
        return [EncodedQuestion(prompt, self.names.branches(options), first) for prompt, options, first in rows]


def prompt_columns(texts: Sequence[str], prompts: Sequence[Sequence[int]]) -> dict[str, list[Any]]:
    """The answer columns that describe the prompts."""
    return {"prompt_hash": [prompt_hash(text) for text in texts], "prompt_tokens": [len(prompt) for prompt in prompts]}
