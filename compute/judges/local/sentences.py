"""The judge that asks a sentence-embedding checkpoint: which words have the more similar vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from triadic.compute.judges.base import Judge, Questions, RaterEntry
from triadic.compute.judges.local.loading import fingerprint, is_downloaded
from triadic.compute.judges.local.packaged import unpackaged
from triadic.compute.judges.prompts import check_framing
from triadic.compute.judges.vectors import VectorsJudge
from triadic.compute.settings import JudgeSettings
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import AnswerMode
from triadic.schema.weights import Weights, WeightsKind


class SentenceJudge(Judge):
    """A VectorsJudge of the vectors that a checkpoint makes of `words`; it is opened when the first question is asked."""

    batch_size = VectorsJudge.batch_size

    def __init__(self, words: Sequence[str], weights: Weights, framing: str = "anchored") -> None:
        self.words = list(words)
        self.weights = weights
        self.files = unpackaged(weights).checked()
        self.framing = check_framing(framing)

    @classmethod
    def from_rater(cls, rater: RaterEntry, settings: JudgeSettings) -> SentenceJudge:
        """Of weights in a package, a folder or on the hub."""
        if settings.answer != AnswerMode.score:
            raise BadInput("an embedding model has no text to sample: ask it with --answer score")
        return cls(rater.words, rater.weights, settings.framing)

    def identity(self) -> dict[str, Any]:
        """The checkpoint, what it is given of a word, and what is compared."""
        found = fingerprint(self.files.source, None)
        return {
            "judge": "vectors",
            "weights": self.weights.name if self.weights.kind == WeightsKind.folder else self.weights.text,
            "similarity": "cosine of mean-pooled vectors",
            "framing": self.framing.value,
            "wording": "{}",
            **({"fingerprint": found} if found else {}),
        }

    def former_identity(self) -> dict[str, Any] | None:
        """As of version 0.1.0, which took a folder's whole path for its name, and no fingerprint."""
        former = super().former_identity()
        return former and {"judge": "vectors", "weights": self.weights.text, "similarity": former["similarity"]}

    def record(self) -> dict[str, Any]:
        """`identity()`, and a fingerprint of the similarities."""
        return self.judge.identity() | self.identity() | {"prompt_example": self.identity()["wording"]}

    def is_downloaded(self) -> bool:
        return is_downloaded(self.files, None)

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        return self.judge.answer(questions)

    @cached_property
    def judge(self) -> VectorsJudge:
        """The judge of the vectors, which are made now."""
        vectors = sentence_vectors(self.files.source, self.words)
        return VectorsJudge.from_vectors(self.words, vectors, self.weights.text, self.framing)


def sentence_vectors(folder: Path | str, words: Sequence[str]) -> Floats:
    """Vectors of `words`, (n, d), by a sentence-embedding checkpoint in `folder`: mean over tokens, unit length.

    As in sentence-transformers' all-MiniLM-L6-v2 (mean pooling over the attention mask, then L2 normalisation); the
    text is the word itself. Reads safetensors only.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32).eval()
    with torch.inference_mode():
        batch = tokenizer(list(words), padding=True, return_tensors="pt")
        hidden = model(**batch).last_hidden_state  # (n, T, d)
        mask = batch["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        vectors: Floats = torch.nn.functional.normalize(mean, dim=1).double().numpy()
    return vectors
