"""Answering by writing: the checkpoint's own generation defaults, stopping as soon as the answer is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, StoppingCriteria, StoppingCriteriaList

from triadic.compute.judges.base import Watch, unwatched
from triadic.compute.judges.local.loading import Checkpoint
from triadic.compute.judges.local.logits import groups_by_length, halve_when_out_of_memory, in_one_piece, only_at
from triadic.compute.judges.local.steps import StepScorer
from triadic.compute.judges.local.tree import common_length

Enough = Callable[[str], bool]  # whether a text need not go on
Written = tuple[str, int, bool]  # text, tokens written, whether it stopped by itself
_KEPT = ("do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "num_beams")


class Sampler:
    """Writes answers with `generate`, `limit` tokens at most; `lead` is what the prompt already opened (`<think>`)."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        seed: int = 0,
        limit: int = 24,
        batch_rows: int = 128,
        lead: str = "",
        steps: StepScorer | None = None,
    ) -> None:
        self.model = checkpoint.model
        self.tokenizer = checkpoint.tokenizer
        self.kind = checkpoint.kind
        self.seed = seed
        self.limit = limit
        self.batch_rows = batch_rows
        self.lead = lead
        self.steps = steps if self._forgets() else None  # beginnings of a state-space model read once
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token

    def record(self) -> dict[str, Any]:
        """Sampler settings, as the checkpoint's generation_config.json has them."""
        defaults = self.model.generation_config
        settings = {name: getattr(defaults, name, None) for name in _KEPT}
        return {"sampler": settings, "max_new_tokens": self.limit, "seed": self.seed, "sample_rows": self.batch_rows}

    def write(self, prompts: Sequence[list[int]], enough: Sequence[Enough], watch: Watch = unwatched) -> list[Written]:
        """(text, tokens written, whether it stopped by itself or at `enough`) for each prompt.

        Rows of similar length are written together (of equal length where a state can be neither padded nor copied), and
        what all begin with is read once. The random numbers of a group depend on the seed and on its prompts
        alone: the same batch writes the same again.
        """
        out: list[Written] = [("", 0, False)] * len(prompts)
        equal = self.kind == "recurrent" and self.steps is None
        for group in groups_by_length([len(prompt) for prompt in prompts], self.batch_rows, equal):
            rows = halve_when_out_of_memory(
                lambda part: self._rows([prompts[at] for at in part], [enough[at] for at in part]), group
            )
            for at, row in zip(group, rows, strict=True):
                out[at] = row
            watch(len(group))
        return out

    def _rows(self, prompts: list[list[int]], enough: list[Enough]) -> list[Written]:
        seed = int.from_bytes(blake2b(repr((self.seed, prompts)).encode(), digest_size=7).digest(), "big")
        if self.steps:
            beginning: dict[str, Any] = {self.steps.cache_name: self.steps.states([prompt[:-1] for prompt in prompts])}
            prompts, shared = [prompt[-1:] for prompt in prompts], 0
        else:
            beginning, shared = self._beginning(prompts)
        width = max(len(prompt) for prompt in prompts)
        pad = self.tokenizer.pad_token_id
        ids = torch.full((len(prompts), width), pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):  # padding goes behind in an encoder, else between beginning and rest
            rest = shared if self.kind == "encoder-decoder" else shared + width - len(prompt)
            ids[row, :shared] = torch.tensor(prompt[:shared])
            ids[row, rest : rest + len(prompt) - shared] = torch.tensor(prompt[shared:])
            mask[row, :shared] = 1
            mask[row, rest : rest + len(prompt) - shared] = 1
        start = 1 if self.kind == "encoder-decoder" else width
        stop = _Enough(self, start, enough)
        inputs = {"input_ids": ids.to(self.model.device)}
        if self.kind != "recurrent":
            inputs["attention_mask"] = mask.to(self.model.device)
        torch.manual_seed(seed)
        with torch.inference_mode(), in_one_piece(self.model):
            written = self.model.generate(
                **inputs,
                max_new_tokens=self.limit,
                pad_token_id=pad,
                stopping_criteria=StoppingCriteriaList([stop]),
                **beginning,
            )
        return [self._finish(row, stop.length.get(at)) for at, row in enumerate(written[:, start:].tolist())]

    def _forgets(self) -> bool:
        """Whether the tokens of the prompt itself play no part in drawing the next one."""
        defaults = self.model.generation_config
        penalty, ngrams = defaults.repetition_penalty or 1.0, defaults.no_repeat_ngram_size or 0
        return penalty == 1.0 and not ngrams and (defaults.num_beams or 1) == 1

    def _beginning(self, prompts: list[list[int]]) -> tuple[dict[str, Any], int]:
        """(the attention cache of what all prompts begin with, for each row; how many tokens that is)."""
        shared = common_length(prompts) if len(prompts) > 1 and self.kind == "decoder" else 0
        if shared < 8:
            return {}, 0
        cache = DynamicCache(config=self.model.config)
        ids = torch.tensor([prompts[0][:shared]], device=self.model.device)
        with only_at(self.model, torch.tensor([0], device=self.model.device)):
            self.model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(len(prompts))
        return {"past_key_values": cache}, shared

    def _finish(self, row: list[int], enough_at: int | None) -> Written:
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends]) | {self.tokenizer.eos_token_id}
        if enough_at is not None:
            row = row[:enough_at]
        length = next((at for at, token in enumerate(row) if token in ends), None)
        finished = enough_at is not None or length is not None
        row = row if length is None else row[:length]
        return self.lead + self.tokenizer.decode(row, skip_special_tokens=True), len(row), finished


class _Enough(StoppingCriteria):
    """Stopping criterion: rows whose text need not go on are done."""

    def __init__(self, sampler: Sampler, start: int, enough: list[Enough]) -> None:
        self.sampler, self.start, self.enough = sampler, start, enough
        self.length: dict[int, int] = {}

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        done = torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
        rows = input_ids[:, self.start :].tolist()
        for at, row in enumerate(rows):
            if at not in self.length:
                text = self.sampler.lead + self.sampler.tokenizer.decode(row, skip_special_tokens=True)
                if self.enough[at](text):
                    self.length[at] = len(row)
            done[at] = at in self.length
        return done
