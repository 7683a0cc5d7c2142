"""Scoring options the plain way: every spelling of every option as a row of its own behind the whole prompt.

This is the path that the faster one (`tree`) is measured and tested against, and the one for models that cannot share
parts of a prompt: encoder–decoders, whose encoder reads in both directions, and models that fail the tree's check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from triadic.compute.judges.base import Watch, unwatched
from triadic.compute.judges.encoded import EncodedQuestion
from triadic.compute.judges.local.logits import (
    edge_logs,
    groups_by_length,
    halve_when_out_of_memory,
    only_at,
    right_padded,
)
from triadic.schema.arrays import Floats

Row = tuple[int, int]  # question, form


class PlainScorer:
    """Rows of prompt + spelling, padded on the right, or (`equal_lengths`, for state-space models) never padded."""

    def __init__(self, model: Any, pad: int, batch_rows: int = 64, equal_lengths: bool = False) -> None:
        self.model = model
        self.pad = pad
        self.batch_rows = batch_rows
        self.equal_lengths = equal_lengths

    def record(self) -> dict[str, Any]:
        return {"strategy": "equal-lengths" if self.equal_lengths else "padded", "batch_rows": self.batch_rows}

    def score(self, questions: Sequence[EncodedQuestion], watch: Watch = unwatched) -> list[Floats]:
        out = [np.full(len(question.branches.edge_token), np.nan) for question in questions]
        rows = [(at, form) for at, question in enumerate(questions) for form in range(len(question.branches.forms))]
        open_rows = Counter(at for at, _ in rows)
        lengths = [len(questions[at].prompt) + len(questions[at].branches.spellings[form]) for at, form in rows]
        for group in groups_by_length(lengths, self.batch_rows, self.equal_lengths):
            halve_when_out_of_memory(lambda part: self._forward(questions, [rows[at] for at in part], out), group)
            open_rows.subtract(rows[at][0] for at in group)
            watch(sum(open_rows[at] == 0 for at in {rows[at][0] for at in group}))
        return out

    def _forward(self, questions: Sequence[EncodedQuestion], rows: list[Row], out: list[Floats]) -> list[None]:
        texts = [questions[at].prompt + list(questions[at].branches.spellings[form][:-1]) for at, form in rows]
        ids, mask = right_padded(texts, self.pad, self.model.device)
        inputs = {"input_ids": ids} if self.equal_lengths else {"input_ids": ids, "attention_mask": mask}
        starts = [len(questions[at].prompt) - 1 for at, _ in rows]
        return self._read(questions, rows, starts, ids.shape[1], out, inputs)

    def _read(
        self,
        questions: Sequence[EncodedQuestion],
        rows: list[Row],
        starts: list[int],
        width: int,
        out: list[Floats],
        inputs: dict[str, Any],
    ) -> list[None]:
        """Enter into `out` what the model gives for `rows`; it returns nothing, in the form that `halve_when_out_of_memory` asks for."""
        positions: list[int] = []
        place, token, target = [], [], []
        for row, ((at, form), start) in enumerate(zip(rows, starts, strict=True)):
            branches = questions[at].branches
            for step, edge in enumerate(branches.forms[form][1]):
                place.append(len(positions))
                token.append(branches.edge_token[edge])
                target.append((at, edge))
                positions.append(row * width + start + step)
        with torch.inference_mode(), only_at(self.model, torch.tensor(positions, device=self.model.device)):
            logits: Tensor = self.model(**inputs, use_cache=False).logits[0]
        for (at, edge), value in zip(target, edge_logs(logits, np.array(place), np.array(token)), strict=True):
            out[at][edge] = value
        return []


class EncoderDecoderScorer(PlainScorer):
    """The prompt is read by the encoder once per question; each spelling is a short row of the decoder."""

    def record(self) -> dict[str, Any]:
        return {"strategy": "encoder-decoder", "batch_rows": self.batch_rows}

    def score(self, questions: Sequence[EncodedQuestion], watch: Watch = unwatched) -> list[Floats]:
        out = [np.full(len(question.branches.edge_token), np.nan) for question in questions]
        for group in groups_by_length([len(question.prompt) for question in questions], self.batch_rows, equal=False):
            halve_when_out_of_memory(lambda part: self._questions(questions, part, out), group)
            watch(len(group))
        return out

    def _questions(self, questions: Sequence[EncodedQuestion], part: Sequence[int], out: list[Floats]) -> list[None]:
        ids, mask = right_padded([questions[at].prompt for at in part], self.pad, self.model.device)
        rows = [(at, form) for at in part for form in range(len(questions[at].branches.forms))]
        owner = torch.tensor([part.index(at) for at, _ in rows], device=self.model.device)
        first = self.model.config.decoder_start_token_id
        texts = [[first, *questions[at].branches.spellings[form][:-1]] for at, form in rows]
        decoder_ids, _ = right_padded(texts, self.pad, self.model.device)  # causal: padding behind is never looked at
        with torch.inference_mode():
            hidden = self.model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
        inputs = {
            "encoder_outputs": BaseModelOutput(last_hidden_state=hidden[owner]),
            "attention_mask": mask[owner],
            "decoder_input_ids": decoder_ids,
        }
        return self._read(questions, rows, [0] * len(rows), decoder_ids.shape[1], out, inputs)
