"""Reading log-probabilities off a model: only where they are needed, only when they are numbers, within the memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import TriadicError, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def only_at(model: Any, flat_positions: Tensor) -> Iterator[None]:
    """Within, the model's output layer sees only `flat_positions` of its (batch × length) input: logits are (1, n, V).

    The output layer is most of the work for a small model with a large vocabulary (gemma-3: 262,144 words). A hook in
    front of it keeps whatever the model does with logits afterwards (soft caps, scales).
    """

    def select(_: torch.nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = inputs[0]  # (B, T, D)
        return (hidden.reshape(-1, hidden.shape[-1])[flat_positions].unsqueeze(0), *inputs[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def in_float32(model: Any) -> Iterator[None]:
    """Within, the weights are float32 where there is room for that (a processor: up to a billion parameters), so that
    two ways of computing can be told apart from rounding. Buffers (rotary frequencies) stay as they are."""
    size = 4 * sum(weight.numel() for weight in model.parameters())
    room = torch.cuda.mem_get_info(model.device)[0] // 2 if model.device.type == "cuda" else 4 << 30
    before = [(weight, weight.dtype) for weight in model.parameters()] if size <= room else []
    try:
        for weight, _ in before:
            weight.data = weight.data.float()
        yield
    finally:
        for weight, dtype in before:
            weight.data = weight.data.to(dtype)


@contextmanager
def in_one_piece(model: Any) -> Iterator[None]:
    """Hand linear layers their rows in one piece. For a strided slice, as generation takes of the last position and
    state-space models of their single step, torch copies the layer's weights once per row: on a processor that cost
    more than all the rest of a prompt."""

    def fold(_: torch.nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        rows = inputs[0]
        if rows.dim() == 3 and rows.stride(0) != rows.stride(1) * rows.shape[1]:
            return (rows.clone(memory_format=torch.contiguous_format), *inputs[1:])
        return None

    hooks = [
        module.register_forward_pre_hook(fold) for module in model.modules() if isinstance(module, torch.nn.Linear)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def edge_logs(logits: Tensor, place: Ints, token: Ints) -> Floats:
    """log P(token | place) for each edge: logits (n, V), place and token (m,). Raises on NaN, which is no answer."""
    if not len(place):
        return np.zeros(0)
    norm = torch.empty(logits.shape[0], dtype=torch.float32, device=logits.device)
    share = 1 << (19 if logits.device.type == "cpu" else 24)  # 2 MB of float32 stay in a processor's cache
    rows = max(1, share // logits.shape[1])
    for start in range(0, logits.shape[0], rows):
        norm[start : start + rows] = torch.logsumexp(logits[start : start + rows].float(), dim=-1)
    place_t = torch.as_tensor(place, device=logits.device)
    picked = logits[place_t, torch.as_tensor(token, device=logits.device)].float() - norm[place_t]
    values: Floats = picked.double().cpu().numpy()
    if not np.isfinite(values).all():
        raise TriadicError("the model returned logits that are not numbers (NaN or infinite): use --dtype float32")
    return values


def halve_when_out_of_memory(work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> list[Result]:
    """`work(items)`; when the device runs out of memory, the same in two halves, down to one item."""
    try:
        return work(items)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        if len(items) <= 1:
            raise Unavailable("out of memory on a single question: use a smaller dtype or another device") from error
    if torch.cuda.is_available():  # outside the except block, whose traceback would keep the tensors alive
        gc.collect()
        torch.cuda.empty_cache()
    middle = len(items) // 2
    return halve_when_out_of_memory(work, items[:middle]) + halve_when_out_of_memory(work, items[middle:])


def groups_by_length(lengths: Sequence[int], size: int, equal: bool) -> list[list[int]]:
    """Rows by length, the shortest first, `size` at most in a group; with `equal`, those of one length only."""
    groups: list[list[int]] = []
    for at in np.argsort(lengths, kind="stable").tolist():
        if not groups or len(groups[-1]) >= size or (equal and lengths[groups[-1][0]] != lengths[at]):
            groups.append([])
        groups[-1].append(at)
    return groups


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device's memory ran out: CUDA has an error of its own for it, processors and MPS have words."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in words or "can't allocate memory" in words


def right_padded(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(ids, mask), both (n, longest), padded on the right."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), pad, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)
