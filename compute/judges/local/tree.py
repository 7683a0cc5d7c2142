"""Scoring on a prefix tree: every shared beginning is read once, and all options hang on one prompt as short branches.

The prompts of a batch share a root (the system turn and the question's opening), all questions about one anchor share
more, all with the same first option still more. Each such part is read once; its attention keys and values are kept
and shown to everything below it. What is left of each prompt is a row, and behind it the inner tokens of the options'
names, each of which sees the prompt and its own ancestors only. Positions are those of the plain prompt, so the result
is the plain path's up to rounding. The output layer runs only where a log-probability is needed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from triadic.compute.judges.base import Watch, unwatched
from triadic.compute.judges.encoded import EncodedQuestion
from triadic.compute.judges.local.attention import fast_on_processors
from triadic.compute.judges.local.logits import edge_logs, halve_when_out_of_memory, only_at, out_of_memory
from triadic.schema.arrays import Bools, Floats, Ints

SPLITS = ("root", "anchor", "first")  # how far down beginnings are shared


@dataclass
class Segment:
    """Keys and values of shared parts: per layer (n, heads, longest, dim), with the true lengths, shape (n,)."""

    keys: list[Tensor]
    values: list[Tensor]
    lengths: Ints


@dataclass(frozen=True)
class Part:
    """One piece of text to read: its tokens, where it starts, and its place in each segment above."""

    tokens: list[int]
    start: int
    above: tuple[int, ...]
    branch_parents: Ints | None = None  # for the option tokens behind `trunk` prompt tokens
    trunk: int = 0


def common_length(rows: Sequence[list[int]]) -> int:
    """How many tokens all rows begin with, leaving each at least one of its own."""
    low, high = min(rows), max(rows)
    limit = min(len(row) for row in rows) - 1
    return next((at for at in range(limit) if low[at] != high[at]), limit)


def plan(questions: Sequence[EncodedQuestion], split: str) -> list[Ints]:
    """Where each question's shared parts end, per level: arrays of shape (n,), and who shares them.

    Returns [ends of root, group of anchor, ends of anchor, group of first, ends of first], as far down as `split` says.
    A part that only one question has is left to the question's own row.
    """
    n = len(questions)
    end = np.full(n, common_length([question.prompt for question in questions]) if n > 1 else 0)
    out = [end]
    for level in range(SPLITS.index(split)):
        members: dict[tuple[str, ...], list[int]] = {}
        for at, question in enumerate(questions):
            members.setdefault(question.shared[: level + 1], []).append(at)
        group, ends = np.zeros(n, dtype=int), end.copy()
        for number, rows in enumerate(members.values()):
            group[rows] = number
            if len(rows) > 1:
                ends[rows] = np.maximum(end[rows], common_length([questions[at].prompt for at in rows]))
        out += [group, ends]
        end = ends
    return out


def count_tokens(questions: Sequence[EncodedQuestion], split: str) -> int:
    """Tokens that the plan reads, padding apart."""
    root, *levels = plan(questions, split)
    total, end = root[:1].sum(), root
    for group, ends in zip(levels[::2], levels[1::2], strict=True):
        firsts = np.unique(group, return_index=True)[1]
        total += (ends - end)[firsts].sum()
        end = ends
    rest = zip(questions, end, strict=True)
    return int(total + sum(len(question.prompt) - at + len(question.branches.tokens) for question, at in rest))


class TreeScorer:
    """`split` is one of SPLITS, or 'auto': the one that takes the least time; `micro_tokens` go into one pass.

    Time is counted in tokens: each one read, and `pass_tokens` for every further pass, which `measure` finds out.
    """

    def __init__(self, model: Any, split: str = "auto", micro_tokens: int | None = None, pass_tokens: int = 48) -> None:
        self.model = model
        self.split = split
        self.micro_tokens = micro_tokens or (1408 if model.device.type == "cpu" else 16384)
        self.pass_tokens = pass_tokens
        self.seconds_per_token = 0.0  # unknown
        self._root: tuple[tuple[Any, ...], Segment] | None = None  # the beginning read last: most batches share it

    def record(self) -> dict[str, Any]:
        return {"strategy": "tree", "split": self.split, "micro_tokens": self.micro_tokens}

    def score(self, questions: Sequence[EncodedQuestion], watch: Watch = unwatched) -> list[Floats]:
        return halve_when_out_of_memory(lambda part: self._score(part, watch), questions) if questions else []

    def choose(self, questions: Sequence[EncodedQuestion]) -> str:
        """The split to use: one level less is one pass less, but more tokens are read twice."""
        if self.split != "auto":
            return self.split
        costs = {split: count_tokens(questions, split) + self.pass_tokens * at for at, split in enumerate(SPLITS)}
        return min(costs, key=lambda split: costs[split])

    def measure(self, tokens: Sequence[int]) -> int:
        """Time a short and a full pass of `tokens`: what a token costs, and how many of them a pass costs beyond its own."""
        short, full = 32, self.micro_tokens // 2
        try:
            seconds = {size: min(self._seconds(tokens, size) for _ in range(2)) for size in (short, full)}
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return self.pass_tokens
        each = (seconds[full] - seconds[short]) / (full - short)
        beyond = seconds[short] - short * each
        self.seconds_per_token = max(0.0, each)
        self.pass_tokens = min(self.micro_tokens, max(0, round(beyond / each))) if each > 0 else self.micro_tokens
        return self.pass_tokens

    def _seconds(self, tokens: Sequence[int], size: int) -> float:
        row = (list(tokens) * 16)[:16]
        parts = [Part(row, 0, ())] * max(1, size // 16)
        start = time.perf_counter()
        with torch.inference_mode():
            logits, _ = self._read(parts, [], [0])
            logits.sum().item()  # waits for the device
        return time.perf_counter() - start

    def _score(self, questions: Sequence[EncodedQuestion], watch: Watch) -> list[Floats]:
        n = len(questions)
        with torch.inference_mode():
            root, *levels = plan(questions, self.choose(questions))
            segments: list[Segment] = []
            above: list[tuple[int, ...]] = [()] * n
            end = np.zeros(n, dtype=int)
            for group, ends in [(np.zeros(n, dtype=int), root), *zip(levels[::2], levels[1::2], strict=True)]:
                _, firsts = np.unique(group, return_index=True)
                parts = [Part(questions[at].prompt[end[at] : ends[at]], end[at], above[at]) for at in firsts]
                if any(part.tokens for part in parts):
                    segments.append(self._keep(parts, segments) if segments else self._begin(parts))
                    above = [(*before, int(place)) for before, place in zip(above, group, strict=True)]
                end = ends
            return self._leaves(questions, end, above, segments, watch)

    def _begin(self, parts: list[Part]) -> Segment:
        """What `_keep` makes of the parts at the top: a single one is remembered for the next batch."""
        if len(parts) > 1:
            return self._keep(parts, [])
        key = (self.model.dtype, *parts[0].tokens)
        if self._root is None or self._root[0] != key:
            self._root = (key, self._keep(parts, []))
        return self._root[1]

    def _keep(self, parts: list[Part], segments: list[Segment]) -> Segment:
        """Read shared parts, and keep what attention needs of them."""
        kept: list[tuple[list[int], list[Tensor], list[Tensor]]] = []
        for chunk in self._chunks([len(part.tokens) for part in parts]):
            _, fresh = self._read([parts[at] for at in chunk], segments, [])
            kept.append((chunk, *fresh))
        lengths = np.array([len(part.tokens) for part in parts])
        if len(kept) == 1 and kept[0][0] == list(range(len(parts))):
            return Segment(kept[0][1], kept[0][2], lengths)
        rows, keys, values = zip(*kept, strict=True)
        return Segment(_padded(rows, keys, lengths), _padded(rows, values, lengths), lengths)

    def _leaves(
        self,
        questions: Sequence[EncodedQuestion],
        end: Ints,
        above: list[tuple[int, ...]],
        segments: list[Segment],
        watch: Watch,
    ) -> list[Floats]:
        parts = []
        for at, question in enumerate(questions):
            rest, branches = question.prompt[end[at] :], question.branches
            parts.append(Part(rest + branches.tokens.tolist(), int(end[at]), above[at], branches.parents, len(rest)))
        out: list[Floats] = [np.zeros(0)] * len(questions)
        for chunk in self._chunks([len(part.tokens) for part in parts]):
            for at, values in zip(chunk, self._leaf_rows(questions, parts, chunk, segments), strict=True):
                out[at] = values
            watch(len(chunk))
        return out

    def _leaf_rows(
        self, questions: Sequence[EncodedQuestion], parts: list[Part], chunk: list[int], segments: list[Segment]
    ) -> list[Floats]:
        """Read rows, and split the logits among their questions' edges."""
        width = max(len(parts[at].tokens) for at in chunk)
        positions: list[int] = []
        place, token, sizes = [], [], []
        for row, at in enumerate(chunk):
            branches, trunk = questions[at].branches, parts[at].trunk
            needed, inverse = np.unique(branches.edge_node, return_inverse=True)  # −1 is the prompt's end
            place.append(len(positions) + inverse)
            token.append(branches.edge_token)
            sizes.append(len(inverse))
            positions += (row * width + trunk + needed).tolist()
        logits, _ = self._read([parts[at] for at in chunk], segments, positions)
        values = edge_logs(logits, np.concatenate(place), np.concatenate(token))
        return np.split(values, np.cumsum(sizes)[:-1])

    def _chunks(self, lengths: list[int]) -> list[list[int]]:
        """Rows by length, at most `micro_tokens` padded tokens at a time, the chunks about equally full."""
        order = [at for at in np.argsort(lengths, kind="stable").tolist() if lengths[at]]
        total = sum(lengths)
        target = total / max(1, -(-total // self.micro_tokens))
        chunks: list[list[int]] = []
        for at in reversed(order):  # the longest first: what does not fit fails early
            if not chunks or lengths[chunks[-1][0]] * len(chunks[-1]) >= target:
                chunks.append([])
            chunks[-1].append(at)
        return chunks

    def _read(
        self, parts: list[Part], segments: list[Segment], positions: list[int]
    ) -> tuple[Tensor, tuple[list[Tensor], list[Tensor]]]:
        """One forward pass over `parts` below `segments`: (logits at flat `positions`, (keys, values) per layer)."""
        device, dtype = self.model.device, self.model.dtype
        used = segments[: len(parts[0].above)]
        places = [[part.above[level] for part in parts] for level in range(len(used))]
        ids, where, visible = lay_out(
            parts,
            [segment.lengths[rows] for segment, rows in zip(used, places, strict=True)],
            [segment.keys[0].shape[2] for segment in used],
        )
        cache = TreeCache(used, [torch.tensor(rows, device=device) for rows in places])
        mask = torch.zeros(visible.shape, dtype=dtype, device=device)
        mask.masked_fill_(~torch.from_numpy(visible).to(device), torch.finfo(dtype).min)
        inputs = {
            "input_ids": torch.from_numpy(ids).to(device),
            "position_ids": torch.from_numpy(where).to(device),
            "attention_mask": mask[:, None],
            "past_key_values": cache,
            "use_cache": True,
        }
        with fast_on_processors(self.model), only_at(self.model, torch.tensor(positions or [0], device=device)):
            logits = self.model(**inputs).logits[0]
        return logits, (cache.fresh_keys, cache.fresh_values)


def lay_out(parts: Sequence[Part], above: list[Ints], widths: list[int]) -> tuple[Ints, Ints, Bools]:
    """(ids, positions, visible): (n, width), (n, width), (n, width, past + width) for parts below shared segments.

    above: per segment the true length for each row; widths: per segment its padded length.
    """
    n, width, past = len(parts), max(len(part.tokens) for part in parts), sum(widths)
    ids = np.zeros((n, width), dtype=np.int64)
    where = np.zeros((n, width), dtype=np.int64)
    visible = np.zeros((n, width, past + width), dtype=bool)
    start = 0
    for lengths, size in zip(above, widths, strict=True):
        visible[:, :, start : start + size] = (np.arange(size) < lengths[:, None])[:, None, :]
        start += size
    visible[:, :, past:] = np.tri(width, dtype=bool)
    for row, part in enumerate(parts):
        ids[row, : len(part.tokens)] = part.tokens
        where[row, : len(part.tokens)] = part.start + np.arange(len(part.tokens))
        if part.branch_parents is None:
            continue
        sees = visible[row, :, past:]
        for node, parent in enumerate(part.branch_parents.tolist()):
            at = part.trunk + node
            before = part.trunk + parent if parent >= 0 else part.trunk - 1
            sees[at] = sees[before]
            sees[at, at] = True
            where[row, at] = where[row, before] + 1
    return ids, where, visible


class TreeCache(DynamicCache):
    """A cache that shows each row the segments above it, gathered layer by layer, and remembers what is new."""

    def __init__(self, segments: list[Segment], places: list[Tensor]) -> None:
        super().__init__()
        self.segments, self.places = segments, places
        self.fresh_keys: list[Tensor] = []
        self.fresh_values: list[Tensor] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """What a layer attends to: keys and values (rows, heads, above + new, dim), the segments' in front."""
        self.fresh_keys.append(key_states)
        self.fresh_values.append(value_states)
        above = list(zip(self.segments, self.places, strict=True))
        keys = [self._rows(segment.keys[layer_idx], place) for segment, place in above]
        values = [self._rows(segment.values[layer_idx], place) for segment, place in above]
        return torch.cat([*keys, key_states], dim=2), torch.cat([*values, value_states], dim=2)

    @staticmethod
    def _rows(kept: Tensor, place: Tensor) -> Tensor:
        return kept.expand(len(place), -1, -1, -1) if kept.shape[0] == 1 else kept[place]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens stand above, padding included."""
        return sum(segment.keys[0].shape[2] for segment in self.segments)


def _padded(rows: Sequence[list[int]], chunks: Sequence[list[Tensor]], lengths: Ints) -> list[Tensor]:
    """One tensor a layer of what was read in chunks: those of `rows[k]` are `chunks[k]`, a list by layer."""
    layers = []
    for pieces in zip(*chunks, strict=True):
        full = pieces[0].new_zeros(len(lengths), pieces[0].shape[1], int(lengths.max()), pieces[0].shape[3])
        for at, piece in zip(rows, pieces, strict=True):
            full[torch.tensor(at, device=full.device), :, : piece.shape[2]] = piece
        layers.append(full)
    return layers
