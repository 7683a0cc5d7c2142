"""A rater that answers like people: by the similarities of a reference, with their noise and a bias to the first option.

What is put in is known, so that the whole path from answers to figures can be checked against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triadic.compute.judges.base import Questions, RaterEntry, rule_numbers, uniform_numbers
from triadic.compute.judges.prompts import options_of, presentation_order
from triadic.compute.judges.vectors import VectorsJudge
from triadic.compute.settings import JudgeSettings
from triadic.schema.arrays import Floats
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts
from triadic.schema.vocabulary import AnswerMode, Framing, Role


class SimulatedJudge(VectorsJudge):
    """Names the option whose pair has inner product s with probability proportional to exp(s / temperature).

    vectors: (n, d), rows in the order of `words`; `like` and `embedding_id` say whose they are. At temperature 0 the
    most similar pair is always the answer. With probability `first_bias` the concept that the question offers first is
    named, whatever it is. Each answer depends on `seed` and its own question (triplet, repeat, order) only. With
    `answer='score'` the log-probabilities are the true ones, where none of them is zero.
    """

    def __init__(
        self,
        words: Sequence[str],
        vectors: Floats,
        like: str,
        embedding_id: str | None = None,
        temperature: float = 1.0,
        first_bias: float = 0.0,
        seed: int = 0,
        framing: str = "anchored",
        answer: str = "score",
    ) -> None:
        if temperature < 0 or not np.isfinite(temperature) or not 0 <= first_bias <= 1:
            raise BadInput("a simulated rater needs a temperature of 0 or more and a first_bias between 0 and 1")
        vectors = np.asarray(vectors, dtype=float)
        super().__init__(words, vectors @ vectors.T, like, framing)
        self.embedding_id = embedding_id
        self.temperature = temperature
        self.first_bias = first_bias
        self.seed = seed
        self.answer_mode = AnswerMode(answer)

    @classmethod
    def from_rater(cls, rater: RaterEntry, settings: JudgeSettings) -> SimulatedJudge:
        """Of weights `simulated:like=vice,temperature=1,first_bias=0.6,seed=0`."""
        given = dict(rater.weights.params)
        like = given.pop("like", None)
        if like is None:
            raise BadInput(f"{rater.weights.text} is like nobody: write simulated:like=REFERENCE,temperature=1,…")
        embedding_id = _embedding_like(rater.lab, like, rater.concept_set_id)
        words = list(read_concepts(rater.lab, rater.concept_set_id).word)
        vectors = read_embedding(rater.lab, embedding_id)
        try:
            numbers = rule_numbers(given)
            return cls(words, vectors, like, embedding_id, framing=settings.framing, answer=settings.answer, **numbers)
        except (ValueError, TypeError) as error:
            raise BadInput(f"{rater.weights.text} is not simulated:like=REFERENCE,NAME=NUMBER,…: {error}") from error

    def identity(self) -> dict[str, Any]:
        """Whose similarities, and the numbers."""
        return {
            "judge": "simulated",
            "like": self.name,
            "embedding": self.embedding_id,
            "temperature": float(self.temperature),
            "first_bias": float(self.first_bias),
            "seed": self.seed,
            "framing": self.framing.value,
        }

    def former_identity(self) -> None:
        """Version 0.1.0 had no such judge."""
        return None

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        words, choices = options_of(questions, self.framing)
        logs = self.log_probabilities(questions)
        asked = zip(questions.triplet_no.tolist(), questions.repeat.tolist(), questions.flipped.tolist(), strict=True)
        keys = (f"{self.seed}/{number}/{repeat}/{int(flipped)}" for number, repeat, flipped in asked)
        luck = np.array([uniform_numbers(key, 1) for key in keys]).reshape(-1, 1)
        named = np.minimum((np.exp(logs).cumsum(axis=1) <= luck).sum(axis=1), len(choices) - 1)
        out: dict[str, list[Any]] = {
            "raw_text": [str(options[at]) for options, at in zip(words, named, strict=True)],
            "choice": [choices[at] for at in named],
            "invalid_reason": [None] * len(questions),
        }
        if self.has_log_probabilities():
            sides = ("left", "right", "anchor")[: len(choices)]
            out |= {f"logprob_{side}": column.tolist() for side, column in zip(sides, logs.T, strict=True)}
        return out

    def has_log_probabilities(self) -> bool:
        return self.answer_mode == AnswerMode.score and self.temperature > 0 and self.first_bias < 1

    def log_probabilities(self, questions: Questions) -> Floats:
        """The natural-log probability of naming each option, (n, options), in the order of `prompts.options_of`."""
        offered = presentation_order(questions, self.framing)[0 if self.framing == Framing.odd_one_out else 1]
        words, _ = options_of(questions, self.framing)
        is_first = [[option == first for option in options] for options, first in zip(words, offered, strict=True)]
        values = self.pair_similarities(questions)
        values -= values.max(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            if self.temperature > 0:
                values /= self.temperature
            else:  # the most similar pair for certain, equally similar ones in turns
                values = np.log(values == 0)
            values -= np.log(np.exp(values).sum(axis=1, keepdims=True))
            logs: Floats = np.logaddexp(
                np.log1p(-self.first_bias) + values, np.log(self.first_bias * np.array(is_first))
            )
        return logs


def _embedding_like(lab: Lab, like: str, concept_set_id: str) -> str:
    """The newest reference of that name: before it was reduced, where that is kept, for its scale is people's."""
    references = lab.store.read(
        "SELECT name, coalesce(parent_id, embedding_id) AS embedding_id FROM embedding "
        "WHERE concept_set_id = ? AND role = ? ORDER BY created_at, embedding_id",
        [concept_set_id, Role.reference.value],
    )
    found = references.embedding_id[references.name == like]
    if found.empty:
        names = ", ".join(dict.fromkeys(references.name)) or "none yet: `triadic ingest reference` brings them"
        raise NotFound(f"no reference {like!r} for {concept_set_id} to answer like: there are {names}")
    return str(found.iloc[-1])
