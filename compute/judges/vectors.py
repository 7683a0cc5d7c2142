"""A judge that compares vectors: an embedding model, or any table of similarities, as a rater among the others."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.prompts import check_framing
from triadic.schema.errors import BadInput, NotFound


class VectorsJudge:
    """Answers with the option whose similarity to the anchor is larger (odd-one-out: the most similar pair of three).

    similarity: (n, n) symmetric, rows in the order of `words`. The log-probability columns stay NULL: a cosine is not
    the probability of naming a word, and a softmax of it would need a temperature that nobody measured. Exact ties
    are no answer (`tie`). `name` says where the vectors come from and is stored with a fingerprint of the numbers.
    """

    def __init__(self, words, similarity: np.ndarray, name: str, framing: str = "anchored", batch_size: int = 8192):
        similarity = np.asarray(similarity, dtype=float)
        if similarity.shape != (len(words), len(words)):
            raise BadInput(f"{name}: {len(words)} words need a square of similarities, got {similarity.shape}.")
        if not np.isfinite(similarity).all():
            raise BadInput(f"{name}: the similarities hold numbers that are not finite.")
        self.similarity = similarity
        self.name = name
        self.framing = check_framing(framing)
        self.batch_size = batch_size
        self._position = {str(word): at for at, word in enumerate(words)}
        if len(self._position) != len(words):
            raise BadInput(f"{name}: some words occur more than once.")

    @classmethod
    def from_vectors(cls, words, vectors: np.ndarray, name: str, framing: str = "anchored") -> VectorsJudge:
        """vectors: (n, d), one row per word; similarity is the cosine. BadInput on a zero or non-finite row."""
        vectors = np.asarray(vectors, dtype=float)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if vectors.ndim != 2 or not np.isfinite(vectors).all() or not (lengths > 0).all():
            raise BadInput(f"{name}: every word needs a finite vector that is not zero.")
        unit = vectors / lengths
        return cls(words, unit @ unit.T, name, framing)

    def config(self) -> dict:
        """Where the vectors come from, and a fingerprint of their similarities."""
        digest = blake2b(np.round(self.similarity, 6).tobytes(), digest_size=8).hexdigest()
        return {"judge": "vectors", "name": self.name, "similarities": digest, "framing": self.framing}

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Consecutive groups."""
        rows = np.arange(len(questions))
        return [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order. NotFound on a word without a vector."""
        anchor, left, right = (self._rows(column) for column in (questions.anchor, questions.left, questions.right))
        pairs = [self.similarity[anchor, left], self.similarity[anchor, right]]
        names = ["left", "right"]
        words = [questions.left, questions.right]
        if self.framing == "odd-one-out":
            pairs.append(self.similarity[left, right])
            names.append("apart")
            words = [questions.right, questions.left, questions.anchor]  # the odd one is whoever is not in the pair
        values = np.stack(pairs)
        best = values.argmax(axis=0)
        tied = (values == values.max(axis=0)).sum(axis=0) > 1
        return {
            "raw_text": [
                None if tie else str(words[at][row]) for row, (at, tie) in enumerate(zip(best, tied, strict=True))
            ],
            "choice": [None if tie else names[at] for at, tie in zip(best, tied, strict=True)],
            "invalid_reason": ["tie" if tie else None for tie in tied],
        }

    def _rows(self, column: np.ndarray) -> np.ndarray:
        missing = sorted({str(word) for word in column} - self._position.keys())
        if missing:
            raise NotFound(f"{self.name} has no vector for {', '.join(missing[:5])} ({len(missing)} missing).")
        return np.array([self._position[str(word)] for word in column])


def sentence_vectors(folder: Path | str, words) -> np.ndarray:
    """Vectors of `words`, (n, d), by a sentence-embedding checkpoint in `folder`: mean over tokens, unit length.

    As in sentence-transformers' all-MiniLM-L6-v2 (mean pooling over the attention mask, then L2 normalisation); the
    text is the word itself. Reads safetensors only.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32).eval()
    with torch.inference_mode():
        batch = tokenizer(list(words), padding=True, return_tensors="pt")
        hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1).double().numpy()
