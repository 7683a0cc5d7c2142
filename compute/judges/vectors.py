"""A judge that compares vectors: any table of similarities, as a rater among the others."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from triadic.compute.judges.base import Judge, Questions, choice_columns, likeliest
from triadic.compute.judges.prompts import check_framing, options_of
from triadic.schema.arrays import Floats, Ints, Objects
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.vocabulary import Framing


class VectorsJudge(Judge):
    """Answers with the option whose similarity to the anchor is larger (odd-one-out: the most similar pair of three).

    similarity: (n, n) symmetric, rows in the order of `words`. The log-probability columns stay NULL: a cosine is not
    the probability of naming a word, and a softmax of it would need a temperature that nobody measured. Exact ties
    are no answer (`tie`). `name` says where the vectors come from and is stored with a fingerprint of the numbers.
    """

    batch_size = 8192

    def __init__(self, words: Sequence[str], similarity: Floats, name: str, framing: str = "anchored") -> None:
        similarity = np.asarray(similarity, dtype=float)
        if similarity.shape != (len(words), len(words)):
            raise BadInput(f"{name}: {len(words)} words need a square of similarities, got {similarity.shape}")
        if not np.isfinite(similarity).all():
            raise BadInput(f"{name}: some similarities are not finite")
        self.similarity = similarity
        self.name = name
        self.framing = check_framing(framing)
        self.position = {str(word): at for at, word in enumerate(words)}
        if len(self.position) != len(words):
            raise BadInput(f"{name}: some words occur more than once")

    @classmethod
    def from_vectors(cls, words: Sequence[str], vectors: Floats, name: str, framing: str = "anchored") -> VectorsJudge:
        """vectors: (n, d), one row per word; similarity is the cosine. BadInput on a zero or non-finite row."""
        vectors = np.asarray(vectors, dtype=float)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if vectors.ndim != 2 or not np.isfinite(vectors).all() or not (lengths > 0).all():
            raise BadInput(f"{name}: every word needs a finite vector that is not zero")
        unit = vectors / lengths
        return cls(words, unit @ unit.T, name, framing)

    def identity(self) -> dict[str, Any]:
        """Where the vectors come from, and a fingerprint of their similarities."""
        digest = blake2b(np.round(self.similarity, 6).tobytes(), digest_size=8).hexdigest()
        return {"judge": "vectors", "name": self.name, "similarities": digest, "framing": self.framing.value}

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        """Answers to one batch, in its order. NotFound on a word without a vector."""
        words, choices = options_of(questions, self.framing)
        named = likeliest(self.pair_similarities(questions))
        texts = [None if at is None else str(options[at]) for (at, _), options in zip(named, words, strict=True)]
        return {"raw_text": texts} | choice_columns(named, choices)

    def pair_similarities(self, questions: Questions) -> Floats:
        """How similar the pair is that naming each option stands for: (n, options), in the order of `prompts.options_of`.

        Naming left pairs anchor and left; where the odd one is asked for, naming it pairs the other two. NotFound on a
        word without a vector.
        """
        anchor, left, right = (self._rows(column) for column in (questions.anchor, questions.left, questions.right))
        pairs = [(anchor, left), (anchor, right)]
        if self.framing == Framing.odd_one_out:
            pairs = [(anchor, right), (anchor, left), (left, right)]
        return np.stack([self.similarity[pair] for pair in pairs], axis=1)

    def _rows(self, column: Objects) -> Ints:
        missing = sorted({str(word) for word in column} - self.position.keys())
        if missing:
            raise NotFound(f"{self.name} has no vector for {', '.join(missing[:5])} ({len(missing)} missing)")
        return np.array([self.position[str(word)] for word in column], dtype=int)
