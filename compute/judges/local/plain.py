"""Scoring options the plain way: every spelling of every option as a row of its own behind the whole prompt.

This is the path that the faster one (`tree`) is measured and tested against, and the one for models that cannot share
parts of a prompt: encoder–decoders, whose encoder reads in both directions, and models that fail the tree's check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.local.logits import edge_logs, halving, only_at, right_padded
from triadic.compute.judges.names import Branches, Names
from triadic.compute.judges.prompts import options_of, prompt_hash, shown


@dataclass(frozen=True)
class Asked:
    """One question, ready for a scorer: the prompt's token ids, and its options as a token tree.

    `shared` are the words that the prompt names first, in their order: questions that agree in them share a beginning.
    """

    prompt: list[int]
    branches: Branches
    shared: tuple[str, ...] = ()


def batches_by_prompt(questions: Questions, framing: str, size: int) -> list[np.ndarray]:
    """Groups of `size` questions, sorted so that questions with the same beginning sit together."""
    columns = shown(questions, framing)
    keys = [questions.repeat, questions.triplet_no, *(column.astype(str) for column in reversed(columns))]
    order = np.lexsort(keys)
    return [order[start : start + size] for start in range(0, len(order), size)]


def prompt_columns(texts: Sequence[str], prompts: Sequence[Sequence[int]]) -> dict[str, list]:
    """The answer columns that tell of the prompts."""
    return {"prompt_hash": [prompt_hash(text) for text in texts], "prompt_tokens": [len(prompt) for prompt in prompts]}


def asked_of(questions: Questions, framing: str, prompts: Sequence[list[int]], names: Names) -> list[Asked]:
    """Questions with their encoded prompts, ready for a scorer."""
    words, _ = options_of(questions, framing)
    named = zip(*(column.tolist() for column in shown(questions, framing)[:2]), strict=True)
    rows = zip(prompts, words, named, strict=True)
    return [Asked(prompt, names.branches(options), shared) for prompt, options, shared in rows]


def score_columns(
    questions: Questions, framing: str, asked: Sequence[Asked], edges: Sequence[np.ndarray]
) -> dict[str, list]:
    """The answer columns that a scorer's log-probabilities make: the likelier name is the answer, a tie is none."""
    choices = options_of(questions, framing)[1]
    sides = ["left", "right", "anchor"][: len(choices)]
    logs = np.array([one.branches.totals(values) for one, values in zip(asked, edges, strict=True)])
    out: dict[str, list] = {f"logprob_{side}": logs[:, at].tolist() for at, side in enumerate(sides)}
    best = logs.argmax(axis=1)
    tied = (logs == logs.max(axis=1, keepdims=True)).sum(axis=1) > 1
    out["choice"] = [None if tie else choices[at] for at, tie in zip(best, tied, strict=True)]
    out["invalid_reason"] = ["tie" if tie else None for tie in tied]
    out["answer_tokens"] = [len(one.branches.tokens) for one in asked]
    return out


def rows_of(asked: Sequence[Asked]) -> list[tuple[int, int]]:
    """(question, form) for each row that the plain paths compute."""
    return [(at, form) for at, one in enumerate(asked) for form in range(len(one.branches.forms))]


class PlainScorer:
    """Rows of prompt + spelling, padded on the right, or (`equal_lengths`, for state-space models) never padded."""

    def __init__(self, model, pad: int, batch_rows: int = 64, equal_lengths: bool = False):
        self.model = model
        self.pad = pad
        self.batch_rows = batch_rows
        self.equal_lengths = equal_lengths

    def record(self) -> dict:
        """Settings that can change rounding."""
        return {"strategy": "equal-lengths" if self.equal_lengths else "padded", "batch_rows": self.batch_rows}

    def score(self, asked: Sequence[Asked]) -> list[np.ndarray]:
        """Log-probability of each edge of each question's tree."""
        out = [np.full(len(one.branches.edge_token), np.nan) for one in asked]
        rows = rows_of(asked)
        lengths = np.array([len(asked[at].prompt) + len(asked[at].branches.spellings[form]) for at, form in rows])
        for group in self._groups(lengths):
            halving(lambda part: self._forward(asked, [rows[at] for at in part], out), group)
        return out

    def _groups(self, lengths: np.ndarray) -> list[list[int]]:
        order = np.argsort(lengths, kind="stable")
        groups: list[list[int]] = []
        for at in order.tolist():
            full = not groups or len(groups[-1]) >= self.batch_rows
            if full or (self.equal_lengths and lengths[groups[-1][0]] != lengths[at]):
                groups.append([])
            groups[-1].append(at)
        return groups

    def _forward(self, asked, rows, out) -> list[None]:
        import torch

        texts = [asked[at].prompt + list(asked[at].branches.spellings[form][:-1]) for at, form in rows]
        ids, mask = right_padded(texts, self.pad, self.model.device)
        inputs = {"input_ids": ids} if self.equal_lengths else {"input_ids": ids, "attention_mask": mask}
        starts = [len(asked[at].prompt) - 1 for at, _ in rows]
        self._read(asked, rows, starts, ids.shape[1], out, inputs, torch)
        return [None] * len(rows)

    def _read(self, asked, rows, starts, width, out, inputs, torch) -> None:
        positions, place, token, target = [], [], [], []
        for row, ((at, form), start) in enumerate(zip(rows, starts, strict=True)):
            branches = asked[at].branches
            for step, edge in enumerate(branches.forms[form][1]):
                place.append(len(positions))
                token.append(branches.edge_token[edge])
                target.append((at, edge))
                positions.append(row * width + start + step)
        with torch.inference_mode(), only_at(self.model, torch.tensor(positions, device=self.model.device)):
            logits = self.model(**inputs, use_cache=False).logits[0]
        for (at, edge), value in zip(target, edge_logs(logits, np.array(place), np.array(token)), strict=True):
            out[at][edge] = value


class EncoderDecoderScorer(PlainScorer):
    """The prompt is read by the encoder once per question; each spelling is a short row of the decoder."""

    def __init__(self, model, pad: int, batch_rows: int = 64):
        super().__init__(model, pad, batch_rows)

    def record(self) -> dict:
        return {"strategy": "encoder-decoder", "batch_rows": self.batch_rows}

    def score(self, asked: Sequence[Asked]) -> list[np.ndarray]:
        """Log-probability of each edge of each question's tree."""
        out = [np.full(len(one.branches.edge_token), np.nan) for one in asked]
        order = np.argsort([len(one.prompt) for one in asked], kind="stable").tolist()
        for start in range(0, len(order), self.batch_rows):
            halving(lambda part: self._questions(asked, part, out), order[start : start + self.batch_rows])
        return out

    def _questions(self, asked, part, out) -> list[None]:
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        ids, mask = right_padded([asked[at].prompt for at in part], self.pad, self.model.device)
        rows = [(at, form) for at in part for form in range(len(asked[at].branches.forms))]
        owner = torch.tensor([part.index(at) for at, _ in rows], device=self.model.device)
        first = self.model.config.decoder_start_token_id
        texts = [[first, *asked[at].branches.spellings[form][:-1]] for at, form in rows]
        decoder_ids, _ = right_padded(texts, self.pad, self.model.device)  # causal: padding behind is never looked at
        with torch.inference_mode():
            hidden = self.model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
        inputs = {
            "encoder_outputs": BaseModelOutput(last_hidden_state=hidden[owner]),
            "attention_mask": mask[owner],
            "decoder_input_ids": decoder_ids,
        }
        self._read(asked, rows, [0] * len(rows), decoder_ids.shape[1], out, inputs, torch)
        return [None] * len(part)
