"""Attention for many short rows on a processor.

PyTorch's fused attention for processors is slow on rows of twenty tokens, and transformers copies the keys of grouped
heads for it. Here the query heads of a group become rows of one matrix product, without a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

NAME = "triadic_short_rows"


def short_rows(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """softmax(q·k × scaling + mask) v; query (B, H, T, D), key and value (B, G, S, D), returns (B, T, H, D).

    The same as transformers' eager attention, softmax in float32.
    """
    rows, heads, length, width = query.shape
    groups, seen = key.shape[1], key.shape[2]
    scale = scaling if scaling is not None else width**-0.5
    scores = torch.matmul(query.reshape(rows, groups, -1, width), key.transpose(2, 3))  # (B, G, H/G·T, S)
    scores = scores.view(rows, heads, length, seen).float().mul_(scale).add_(attention_mask)
    weights = torch.softmax(scores, dim=-1).to(query.dtype).view(rows, groups, -1, seen)
    out = torch.matmul(weights, value).view(rows, heads, length, width)
    return out.transpose(1, 2).contiguous(), None


@contextmanager
def fast_on_processors(model: Any) -> Iterator[None]:
    """Within, `model` attends by `short_rows` where that is the same thing and faster: plain SDPA models on a CPU.

    Models with soft caps or sinks do not run on SDPA, so they keep their own attention.
    """
    config = model.config.get_text_config(decoder=True)
    before = config._attn_implementation
    if model.device.type != "cpu" or before != "sdpa":
        yield
        return
    AttentionInterface.register(NAME, short_rows)
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
