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

import numpy as np

from triadic.compute.judges.local.attention import fast_on_processors
from triadic.compute.judges.local.logits import edge_logs, halving, only_at, out_of_memory
from triadic.compute.judges.local.plain import Asked

SPLITS = ("root", "anchor", "first")  # how far down beginnings are shared


@dataclass
class Segment:
    """Keys and values of shared parts: per layer (n, heads, longest, dim), with the true lengths, shape (n,)."""

    keys: list
    values: list
    lengths: np.ndarray


@dataclass(frozen=True)
class Part:
    """One piece of text to read: its tokens, where it starts, and its place in each segment above."""

    tokens: list[int]
    start: int
    above: tuple[int, ...]
    branch_parents: np.ndarray | None = None  # for the option tokens behind `trunk` prompt tokens
    trunk: int = 0


def common_length(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with, leaving each at least one of its own."""
    low, high = min(rows), max(rows)
    limit = min(len(row) for row in rows) - 1
    return next((at for at in range(limit) if low[at] != high[at]), limit)


def plan(asked: Sequence[Asked], split: str) -> list[np.ndarray]:
    """Where each question's shared parts end, per level: arrays of shape (n,), and who shares them.

    Returns [ends of root, group of anchor, ends of anchor, group of first, ends of first], as far down as `split` says.
    A part that only one question has is left to the question's own row.
    """
    n = len(asked)
    end = np.full(n, common_length([one.prompt for one in asked]) if n > 1 else 0)
    out = [end]
    for level in range(SPLITS.index(split)):
        members: dict[tuple, list[int]] = {}
        for at, one in enumerate(asked):
            members.setdefault(one.shared[: level + 1], []).append(at)
        group, ends = np.zeros(n, dtype=int), end.copy()
        for number, rows in enumerate(members.values()):
            group[rows] = number
            if len(rows) > 1:
                ends[rows] = np.maximum(end[rows], common_length([asked[at].prompt for at in rows]))
        out += [group, ends]
        end = ends
    return out


def count_tokens(asked: Sequence[Asked], split: str) -> int:
    """Tokens that the plan reads, padding apart."""
    root, *levels = plan(asked, split)
    total, end = int(root[0]) if len(asked) else 0, root
    for group, ends in zip(levels[::2], levels[1::2], strict=True):
        firsts = np.unique(group, return_index=True)[1]
        total += int((ends - end)[firsts].sum())
        end = ends
    return total + sum(len(one.prompt) - int(e) + len(one.branches.tokens) for one, e in zip(asked, end, strict=True))


class TreeScorer:
    """`split` is one of SPLITS, or 'auto': the one that takes the least time; `micro_tokens` go into one pass.

    Time is counted in tokens: each one read, and `pass_tokens` for every further pass, which `measure` finds out.
    """

    def __init__(self, model, split: str = "auto", micro_tokens: int | None = None, pass_tokens: int = 48):
        self.model = model
        self.split = split
        self.micro_tokens = micro_tokens or (1408 if model.device.type == "cpu" else 16384)
        self.pass_tokens = pass_tokens
        self.seconds_per_token = 0.0  # unknown
        self._root: tuple[tuple, Segment] | None = None  # the beginning read last: most batches share it

    def record(self) -> dict:
        """Settings that can change rounding."""
        return {"strategy": "tree", "split": self.split, "micro_tokens": self.micro_tokens}

    def score(self, asked: Sequence[Asked]) -> list[np.ndarray]:
        """Log-probability of each edge of each question's tree."""
        if not asked:
            return []
        return halving(self._score, asked)

    def choose(self, asked: Sequence[Asked]) -> str:
        """The split to use: one level less is one pass less, but more tokens are read twice."""
        if self.split != "auto":
            return self.split
        costs = {split: count_tokens(asked, split) + self.pass_tokens * at for at, split in enumerate(SPLITS)}
        return min(costs, key=costs.get)

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
        import torch

        row = (list(tokens) * 16)[:16]
        parts = [Part(row, 0, ())] * max(1, size // 16)
        start = time.perf_counter()
        with torch.inference_mode():
            logits, _ = self._read(parts, [], [0])
            logits.sum().item()  # waits for the device
        return time.perf_counter() - start

    def _score(self, asked: Sequence[Asked]) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            root, *levels = plan(asked, self.choose(asked))
            segments: list[Segment] = []
            above = [()] * len(asked)
            end = np.zeros(len(asked), dtype=int)
            for group, ends in [(np.zeros(len(asked), dtype=int), root), *zip(levels[::2], levels[1::2], strict=True)]:
                _, firsts = np.unique(group, return_index=True)
                parts = [Part(asked[at].prompt[end[at] : ends[at]], end[at], above[at]) for at in firsts]
                if any(part.tokens for part in parts):
                    segments.append(self._keep(parts, segments) if segments else self._begin(parts))
                    above = [(*before, int(mine)) for before, mine in zip(above, group, strict=True)]
                end = ends
            return self._leaves(asked, end, above, segments)

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
        import torch

        kept: list[tuple[list[int], list, list]] = []
        for chunk in self._chunks([len(part.tokens) for part in parts]):
            _, fresh = self._read([parts[at] for at in chunk], segments, [])
            kept.append((chunk, *fresh))
        lengths = np.array([len(part.tokens) for part in parts])
        if len(kept) == 1 and kept[0][0] == list(range(len(parts))):
            return Segment(kept[0][1], kept[0][2], lengths)
        both = []
        for side in (1, 2):
            layers = []
            for layer in range(len(kept[0][side])):
                example = kept[0][side][layer]
                full = example.new_zeros(len(parts), example.shape[1], int(lengths.max()), example.shape[3])
                for entry in kept:
                    block = entry[side][layer]
                    full[torch.tensor(entry[0], device=full.device), :, : block.shape[2]] = block
                layers.append(full)
            both.append(layers)
        return Segment(both[0], both[1], lengths)

    def _leaves(self, asked, end, above, segments) -> list[np.ndarray]:
        parts = []
        for at, one in enumerate(asked):
            own = one.prompt[end[at] :]
            tokens = own + one.branches.tokens.tolist()
            parts.append(Part(tokens, int(end[at]), above[at], one.branches.parents, len(own)))
        out: list[np.ndarray] = [np.zeros(0)] * len(asked)
        for chunk in self._chunks([len(part.tokens) for part in parts]):
            for at, values in zip(chunk, self._leaf_rows(asked, parts, chunk, segments), strict=True):
                out[at] = values
        return out

    def _leaf_rows(self, asked, parts, chunk, segments) -> list[np.ndarray]:
        """Read rows, and split the logits among their questions' edges."""
        width = max(len(parts[at].tokens) for at in chunk)
        positions, place, token, sizes = [], [], [], []
        for row, at in enumerate(chunk):
            branches, trunk = asked[at].branches, parts[at].trunk
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

    def _read(self, parts: list[Part], segments: list[Segment], positions: list[int]):
        """One forward pass over `parts` below `segments`: (logits at flat `positions`, (keys, values) per layer)."""
        import torch

        device, dtype = self.model.device, self.model.dtype
        used = segments[: len(parts[0].above)]
        places = [[part.above[level] for part in parts] for level in range(len(used))]
        ids, where, visible = lay_out(
            parts,
            [segment.lengths[rows] for segment, rows in zip(used, places, strict=True)],
            [segment.keys[0].shape[2] for segment in used],
        )
        cache = _tree_cache(used, [torch.tensor(rows, device=device) for rows in places])
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


def lay_out(parts: Sequence[Part], above: list[np.ndarray], widths: list[int]):
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
        own = visible[row, :, past:]
        for node, parent in enumerate(part.branch_parents.tolist()):
            at = part.trunk + node
            before = part.trunk + parent if parent >= 0 else part.trunk - 1
            own[at] = own[before]
            own[at, at] = True
            where[row, at] = where[row, before] + 1
    return ids, where, visible


def _tree_cache(segments: list[Segment], places: list):
    """A cache that shows each row the segments above it, gathered layer by layer, and remembers what is new."""
    import torch
    from transformers import DynamicCache

    class TreeCache(DynamicCache):
        def __init__(self):
            super().__init__()
            self.fresh_keys: list = []
            self.fresh_values: list = []

        def update(self, key_states, value_states, layer_idx, *args, **kwargs):
            self.fresh_keys.append(key_states)
            self.fresh_values.append(value_states)
            keys = [self._rows(s.keys[layer_idx], p) for s, p in zip(segments, places, strict=True)]
            values = [self._rows(s.values[layer_idx], p) for s, p in zip(segments, places, strict=True)]
            return torch.cat([*keys, key_states], dim=2), torch.cat([*values, value_states], dim=2)

        @staticmethod
        def _rows(kept, place):
            return kept.expand(len(place), -1, -1, -1) if kept.shape[0] == 1 else kept[place]

        def get_seq_length(self, layer_idx: int = 0) -> int:
            return sum(s.keys[0].shape[2] for s in segments)

    return TreeCache()
