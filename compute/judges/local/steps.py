"""Scoring token by token, for models that carry their past as a state: Mamba, Falcon-Mamba, hybrids.

A state cannot be masked or padded, and in transformers only a single token continues it; but it can be copied. So the
beginning of all prompts is read in one pass, and from there the prompts and their options' names are one tree of
tokens, read a level at a time: each token that questions share is read once, and every row of a level gets a copy of
the state its text had reached. Nothing is ever padded, so who shares a batch with whom changes no answer. The same
holds for attention caches, all rows of a level being equally long.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from triadic.compute.judges.base import Watch, unwatched
from triadic.compute.judges.encoded import EncodedQuestion
from triadic.compute.judges.local.logits import edge_logs, halve_when_out_of_memory, in_one_piece, only_at
from triadic.compute.judges.local.tree import common_length
from triadic.compute.judges.names import Branches
from triadic.schema.arrays import Floats, Ints


@dataclass(frozen=True)
class Level:
    """The tokens at one depth: their ids and the rows of their parents in the level above, both (n,).

    place, token, question, edge: the log-probabilities to be read off behind row `place`, and where they belong.
    """

    ids: Ints
    parents: Ints
    place: Ints
    token: Ints
    question: Ints
    edge: Ints


def levels_of(questions: Sequence[EncodedQuestion], root: int) -> tuple[list[Level], Ints]:
    """The tree of all prompts behind their first `root` tokens, with the inner tokens of the options' names.

    Returns its levels and, for each question, the row in which its prompt ends.
    """
    rows: list[dict[tuple[int, int], int]] = []  # per level: (row of the parent, token) → row
    reads: list[list[tuple[int, int, int, int]]] = []

    def step(level: int, parent: int, token: int) -> int:
        if level == len(rows):
            rows.append({})
            reads.append([])
        return rows[level].setdefault((parent, token), len(rows[level]))

    ends = np.zeros(len(questions), dtype=np.int64)
    for number, question in enumerate(questions):
        at, tree = 0, question.branches
        for level, token in enumerate(question.prompt[root:]):
            at = step(level, at, token)
        end, ends[number] = len(question.prompt) - root - 1, at
        where = {-1: (end, at)}
        for node, (token, parent) in enumerate(zip(tree.tokens.tolist(), tree.parents.tolist(), strict=True)):
            level, above = where[parent]
            where[node] = (level + 1, step(level + 1, above, token))
        for edge, (node, token) in enumerate(zip(tree.edge_node.tolist(), tree.edge_token.tolist(), strict=True)):
            level, row = where[node]
            reads[level].append((row, token, number, edge))
    out = []
    for keys, read in zip(rows, reads, strict=True):
        parents, ids = np.array(list(keys), dtype=np.int64).T
        out.append(Level(ids, parents, *np.array(read, dtype=np.int64).reshape(-1, 4).T))
    return out, ends


class StepScorer:
    """`state_bytes` bounds the states that are held for one level; wider groups of questions are halved."""

    def __init__(self, model: Any, state_bytes: int | None = None) -> None:
        self.model = model
        self.state_bytes = state_bytes or (1 << 30 if model.device.type == "cpu" else 1 << 33)
        known = inspect.signature(model.forward).parameters
        self.cache_name = "cache_params" if "cache_params" in known else "past_key_values"

    def record(self) -> dict[str, Any]:
        return {"strategy": "steps", "state_bytes": self.state_bytes}

    def score(self, questions: Sequence[EncodedQuestion], watch: Watch = unwatched) -> list[Floats]:
        return halve_when_out_of_memory(lambda part: self._score(part, watch), questions) if questions else []

    def _score(self, questions: Sequence[EncodedQuestion], watch: Watch) -> list[Floats]:
        length = common_length([question.prompt for question in questions])
        levels, _ = levels_of(questions, length)
        with torch.inference_mode():
            root = self._begin(questions[0].prompt[:length])
            widest = max(len(level.ids) for level in levels)
            if widest * _size(root) > self.state_bytes and len(questions) > 1:
                middle = len(questions) // 2
                return self._score(questions[:middle], watch) + self._score(questions[middle:], watch)
            out = [np.full(len(question.branches.edge_token), np.nan) for question in questions]
            for level, (values, _) in zip(levels, self._descend(root, levels), strict=True):
                for number, edge, value in zip(level.question, level.edge, values, strict=True):
                    out[number][edge] = value
        watch(len(questions))
        return out

    def states(self, prompts: Sequence[list[int]]) -> Any:
        """The cache behind `prompts`, a row each, what they share read once. For models that keep states alone."""
        length = common_length(prompts)
        levels, ends = levels_of([EncodedQuestion(prompt, Branches.of([])) for prompt in prompts], length)
        last = np.array([len(prompt) - length - 1 for prompt in prompts])
        kept: list[list[dict[int, Tensor]]] = []
        order: list[int] = []
        with torch.inference_mode():
            for level, (_, cache) in enumerate(self._descend(self._begin(prompts[0][:length]), levels)):
                ended = np.flatnonzero(last == level)
                if len(ended):
                    kept.append(_rows(cache, torch.from_numpy(ends[ended]).to(self.model.device)))
                    order += ended.tolist()
            _fill(cache, kept)
            cache.reorder_cache(torch.from_numpy(np.argsort(order)).to(self.model.device))
        return cache

    def _begin(self, tokens: list[int]) -> Any:
        """The cache behind the beginning of all prompts, one row; None when they have nothing in common."""
        if not tokens:
            return None
        ids = torch.tensor([tokens], device=self.model.device)
        with only_at(self.model, torch.tensor([0], device=self.model.device)):
            return getattr(self.model(input_ids=ids, use_cache=True), self.cache_name)

    def _descend(self, cache: Any, levels: list[Level]) -> Iterator[tuple[Floats, Any]]:
        """(log-probabilities, cache) of each level in turn."""
        device = self.model.device
        for level in levels:
            ids = torch.from_numpy(level.ids)[:, None].to(device)
            given = {}
            if cache is not None:
                cache.reorder_cache(torch.from_numpy(level.parents).to(device))
                given = {self.cache_name: cache}
            needed, place = np.unique(level.place, return_inverse=True)
            where = torch.from_numpy(needed if len(needed) else np.zeros(1, dtype=np.int64)).to(device)
            with only_at(self.model, where), in_one_piece(self.model):
                out = self.model(input_ids=ids, use_cache=True, **given)
            cache = getattr(out, self.cache_name)
            yield edge_logs(out.logits[0], place, level.token), cache


def _rows(cache: Any, rows: Tensor) -> list[dict[int, Tensor]]:
    """The states of some rows, copied: per layer and kind of state a dict of tensors."""
    return [
        {number: state.index_select(0, rows) for number, state in kind.items() if state is not None}
        for layer in cache.layers
        for kind in (layer.conv_states, layer.recurrent_states)
    ]


def _fill(cache: Any, kept: list[list[dict[int, Tensor]]]) -> None:
    """Put states taken by `_rows` into a cache, one group behind the other."""
    places = [kind for layer in cache.layers for kind in (layer.conv_states, layer.recurrent_states)]
    for kind, *groups in zip(places, *kept, strict=True):
        kind.update({number: torch.cat([group[number] for group in groups]) for number in groups[0]})


def _size(cache: Any) -> int:
    """Bytes of one row of a cache."""
    if cache is None:
        return 0
    seen: dict[int, int] = {}
    for layer in cache.layers:
        for value in vars(layer).values():
            for tensor in value.values() if isinstance(value, dict) else (value,):
                if isinstance(tensor, torch.Tensor) and tensor.dim() > 1:
                    seen[id(tensor)] = tensor.nbytes // tensor.shape[0]
    return sum(seen.values())
