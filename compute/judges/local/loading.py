"""Opening a checkpoint: from the hub, a folder or a GGUF file, on the processor or accelerator that is there."""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)

from triadic.compute.judges.base import check_named
from triadic.compute.settings import DTYPES
from triadic.schema.errors import BadInput, Unavailable
from triadic.schema.weights import Weights, WeightsKind


@dataclass(frozen=True)
class Checkpoint:
    """An opened model. `kind` is 'decoder', 'recurrent' (state-space) or 'encoder-decoder'; `record` is JSON-able."""

    model: Any
    tokenizer: Any
    kind: str
    record: dict[str, Any]

    def identity(self) -> dict[str, Any]:
        """As that of the source it was opened from, by another name where the lab has one for it."""
        known = {"weights": self.record.get("source"), "dtype": self.record.get("dtype")}
        return known | {name: self.record[name] for name in ("gguf_file", "fingerprint") if self.record.get(name)}

    def open(self) -> Checkpoint:
        """Itself: it is open."""
        return self

    def is_downloaded(self) -> bool:
        """It is open."""
        return True


class CheckpointSource:
    """A checkpoint that is not opened yet: a hub id, a folder, or (with `gguf_file`, or as a path to one) a GGUF file.

    dtype: one of DTYPES; by default bfloat16 where the device computes in it, else float32. device: 'cpu', 'cuda',
    'mps'; by default the best there is. GGUF weights are unpacked to `dtype`; with `cache` (a folder) the unpacked
    checkpoint is kept there and opens in a second instead of a minute. Code from the checkpoint runs only with
    `trust_remote_code`, pickled weights are read only with `allow_pickle`. `name` is what the lab calls it. NotFound
    when there is no such folder or file, BadInput for a device or dtype that cannot be.
    """

    def __init__(
        self,
        source: Weights | str | Path,
        *,
        gguf_file: str | None = None,
        revision: str | None = None,
        dtype: str | None = None,
        device: str | None = None,
        trust_remote_code: bool = False,
        allow_pickle: bool = False,
        cache: Path | str | None = None,
        name: str | None = None,
    ) -> None:
        self.weights = (source if isinstance(source, Weights) else Weights.parse(source, gguf_file)).checked()
        self.revision = revision
        self.device = check_device(device or best_device())
        self.dtype = check_named("dtype", dtype or best_dtype(self.device), DTYPES)
        self.trust_remote_code = trust_remote_code
        self.allow_pickle = allow_pickle
        self.cache = cache
        folder = self.weights.kind == WeightsKind.folder
        self.name = name or (self.weights.name if folder else self.weights.text)

    def identity(self) -> dict[str, Any]:
        """What decides an answer. Where the files lie and on what device they run do not, beyond rounding."""
        known = {"gguf_file": self.weights.gguf_file, "revision": self.revision, "fingerprint": self._fingerprint()}
        return {"weights": self.name, "dtype": self.dtype} | {name: value for name, value in known.items() if value}

    def is_downloaded(self) -> bool:
        """Whether all of its weights are on this machine: in their folder, or in the hub's cache."""
        return is_downloaded(self.weights, self.revision)

    def open(self) -> Checkpoint:
        """Load it. BadInput where it cannot be used, Unavailable when the hub does not answer."""
        quiet()
        source, gguf_file = self.weights.source, self.weights.gguf_file
        check_pickle(source, gguf_file, self.allow_pickle)
        record: dict[str, Any] = {
            "source": self.weights.name,
            "gguf_file": gguf_file,
            "fingerprint": self._fingerprint(),
        }
        options: dict[str, Any] = {"trust_remote_code": self.trust_remote_code}
        if gguf_file:
            source, options = _gguf(source, gguf_file, self.dtype, options, self.cache)
        elif self.revision:
            options["revision"] = self.revision
        with _one_line_errors(source):
            config = AutoConfig.from_pretrained(source, **options)
            kind = kind_of(config)
            if kind == "encoder-decoder" and self.dtype == "float16":
                raise BadInput("float16 overflows in models of the T5 family: use --dtype bfloat16 or float32")
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            model = _open_model(source, config, self.dtype, dict(options), self.allow_pickle)
        model = model.to(self.device).eval()
        model.requires_grad_(False)
        commit = getattr(config, "_commit_hash", None)
        record |= {"revision": self.revision, "commit": commit, "dtype": self.dtype, "device": self.device}
        record |= {"class": type(model).__name__, "trust_remote_code": self.trust_remote_code}
        record |= {"transformers": transformers.__version__, "torch": torch.__version__}
        return Checkpoint(model, tokenizer, kind, record)

    def _fingerprint(self) -> str | None:
        return fingerprint(self.weights.source, self.weights.gguf_file)


def load(source: Weights | str | Path, **options: Any) -> Checkpoint:
    """Open `source` at once, with the options of CheckpointSource."""
    return CheckpointSource(source, **options).open()


def is_downloaded(weights: Weights, revision: str | None) -> bool:
    """Whether all files of weights are here, as an index of theirs counts them. Asks no hub."""
    if weights.kind != WeightsKind.hub:
        return True
    try:
        folder = Path(snapshot_download(weights.name, revision=revision, local_files_only=True))
    except (OSError, ValueError):  # not in the cache; no hub id
        return False
    if weights.gguf_file:
        return (folder / weights.gguf_file).is_file()
    for index in folder.glob("*.index.json"):
        names = set(json.loads(index.read_text(encoding="utf-8")).get("weight_map", {}).values())
        return all((folder / name).is_file() for name in names)
    return any(folder.glob("*.safetensors")) or any(folder.glob("*.bin"))


def load_tokenizer(source: str, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a hub id or folder. NotFound, Unavailable or BadInput as `load` raises them."""
    quiet()
    source = Weights.parse(source).checked().source
    with _one_line_errors(source):
        return AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code)


def check_pickle(source: str, gguf_file: str | None, allow_pickle: bool) -> None:
    """BadInput for a folder whose only weights are pickled: opening those runs whatever code is in them."""
    folder = Path(source)
    if allow_pickle or gguf_file or not folder.is_dir():
        return
    if not list(folder.glob("*.safetensors")) and [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]:
        raise BadInput(f"{folder.name} holds pickled weights only, which can run code: allow it with --allow-pickle")


def kind_of(config: Any) -> str:
    """'encoder-decoder', 'recurrent' or 'decoder', from the configuration."""
    text = config.get_text_config(decoder=True) if hasattr(config, "get_text_config") else config
    if getattr(config, "is_encoder_decoder", False):
        return "encoder-decoder"
    layers = set(getattr(text, "layer_types", None) or ())
    attends = bool(getattr(text, "num_attention_heads", None))
    if hasattr(text, "state_size") or hasattr(text, "ssm_state_size") or hasattr(text, "mamba_d_state"):
        return "recurrent"  # hybrids too: padding would enter their state
    if any("linear" in layer or "mamba" in layer or "recurrent" in layer or "conv" in layer for layer in layers):
        return "recurrent"
    return "decoder" if attends or layers else "recurrent"


def best_device() -> str:
    """'cuda', 'mps' or 'cpu'."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(device: str) -> str:
    """`device` itself; BadInput when it is none, or is not on this machine."""
    known = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not known.get(device.partition(":")[0]):
        usable = ", ".join(name for name, here in known.items() if here)
        raise BadInput(f"no device {device!r} on this machine: use one of {usable}")
    return device


def best_dtype(device: str) -> str:
    """bfloat16 where the device has instructions for it, else float32."""
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device == "cpu":
        checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        has = any(getattr(torch.cpu, check, lambda: False)() for check in checks)
        return "bfloat16" if has or (platform.machine() == "arm64" and platform.system() == "Darwin") else "float32"
    return "bfloat16"


def quiet() -> None:
    """No progress bars, advice or tales of retries from the libraries: progress and errors are the caller's to show."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


def fingerprint(source: str, gguf_file: str | None) -> str | None:
    """A hash of a local checkpoint, None for a hub id: names, sizes, and the first and last megabyte of each file.

    Hashing all of a 50 GB checkpoint would take longer than loading it; headers and ends tell checkpoints apart.
    """
    folder = Path(source)
    if not folder.is_dir():
        return None
    suffixes = {".safetensors", ".bin", ".json", ".jinja"}
    names = [gguf_file] if gguf_file else sorted(p.name for p in folder.iterdir() if p.suffix in suffixes)
    digest = blake2b(digest_size=12)
    for name in names:
        with (folder / name).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(f"{name}:{size}:".encode())
            for start in sorted({0, max(0, size - (1 << 20))}):
                file.seek(start)
                digest.update(file.read(1 << 20))
    return digest.hexdigest()


def _open_model(source: str, config: Any, dtype: str, options: dict[str, Any], allow_pickle: bool) -> Any:
    if options.get("trust_remote_code") and "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {}):
        auto_class: Any = AutoModelForCausalLM
    elif getattr(config, "is_encoder_decoder", False):
        auto_class = AutoModelForSeq2SeqLM
    elif type(config) in AutoModelForCausalLM._model_mapping:
        auto_class = AutoModelForCausalLM
    else:
        auto_class = AutoModelForImageTextToText  # vision-language checkpoints, asked in text
    if "gguf_file" in options:
        if hasattr(transformers, "GgufConfig"):  # later versions keep weights packed: slow here, and cannot be saved
            options["quantization_config"] = transformers.GgufConfig(dequantize=True)
        return auto_class.from_pretrained(source, dtype=getattr(torch, dtype), **options)
    if not allow_pickle:
        options["use_safetensors"] = True
    return auto_class.from_pretrained(source, config=config, dtype=getattr(torch, dtype), **options)


def _gguf(
    source: str, gguf_file: str, dtype: str, options: dict[str, Any], cache: Path | str | None
) -> tuple[str, dict[str, Any]]:
    """Where to load a GGUF checkpoint from and how: the unpacked copy in `cache`, made first if need be."""
    options = options | {"gguf_file": gguf_file}
    if cache is None:
        return source, options
    kept = Path(cache) / f"{Path(gguf_file).stem}-{fingerprint(source, gguf_file) or 'hub'}-{dtype}"
    if not (kept / "config.json").is_file():
        waiting = kept.with_name(f".{kept.name}.{os.getpid()}")
        try:
            with _one_line_errors(source):
                config = AutoConfig.from_pretrained(source, **options)
                tokenizer = AutoTokenizer.from_pretrained(source, **options)
                model = _open_model(source, config, dtype, dict(options), allow_pickle=False)
            for saved in (model, tokenizer):
                saved.save_pretrained(waiting)
            if not kept.exists():
                waiting.rename(kept)
        finally:
            shutil.rmtree(waiting, ignore_errors=True)
    return str(kept), {key: value for key, value in options.items() if key == "trust_remote_code"}


@contextmanager
def _one_line_errors(source: str) -> Iterator[None]:
    """Turns what the libraries raise about a checkpoint into one line of ours."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError) as error:
        text = str(error)
        first = next(iter(text.strip().splitlines()), type(error).__name__).rstrip(".")
        if "trust_remote_code" in text:
            raise BadInput(f"{source} brings its own code: allow it with --trust-remote-code") from error
        if "safetensors" in text and not isinstance(error, ImportError):
            raise BadInput(f"{source} has no safetensors weights: allow pickled ones with --allow-pickle") from error
        if isinstance(error, OSError) and ("connect" in text.lower() or "offline" in text.lower()):
            raise Unavailable(f"{source} is not on this machine and the hub does not answer: {first}") from error
        raise BadInput(f"{source} cannot be opened: {first}") from error
