"""Opening a checkpoint: from the hub, a folder or a GGUF file, on the processor or accelerator that is there."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from triadic.schema.errors import BadInput, NotFound, Unavailable

DTYPES = ("bfloat16", "float32", "float16")


@dataclass(frozen=True)
class Checkpoint:
    """An opened model. `kind` is 'decoder', 'recurrent' (state-space) or 'encoder-decoder'; `record` is JSON-able."""

    model: Any
    tokenizer: Any
    kind: str
    record: dict

    @property
    def device(self):
        return self.model.device


def load(
    source: str | Path,
    *,
    gguf_file: str | None = None,
    revision: str | None = None,
    dtype: str | None = None,
    device: str | None = None,
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    cache: Path | str | None = None,
) -> Checkpoint:
    """Open `source`: a hub id, a folder, or (with `gguf_file`, or a path ending in .gguf) a GGUF file.

    dtype: one of DTYPES; by default bfloat16 where the device computes in it, else float32. device: 'cpu', 'cuda',
    'mps'; by default the best there is. GGUF weights are unpacked to `dtype`; with `cache` (a folder) the unpacked
    checkpoint is kept there and opens in a second instead of a minute. Code from the checkpoint runs only with
    `trust_remote_code`, pickled weights are read only with `allow_pickle`; BadInput otherwise. NotFound when there is
    no such checkpoint, Unavailable when the hub does not answer.
    """
    from transformers import AutoConfig, AutoTokenizer

    quiet()
    source, gguf_file = split_gguf(source, gguf_file)
    check_pickle(source, gguf_file, allow_pickle)
    device = device or best_device()
    record = {"source": Path(source).name if os.path.isdir(source) else str(source), "gguf_file": gguf_file}
    record |= {"revision": revision, "fingerprint": fingerprint(source, gguf_file)}
    options: dict = {"trust_remote_code": trust_remote_code}
    if gguf_file:
        source, options = _gguf(source, gguf_file, dtype or best_dtype(device), options, cache)
    elif revision:
        options["revision"] = revision
    with _one_line_errors(source):
        config = AutoConfig.from_pretrained(source, **options)
        kind = kind_of(config)
        dtype = _check_dtype(dtype or best_dtype(device), kind)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = _open_model(source, config, dtype, dict(options), allow_pickle)
    model = model.to(device).eval()
    model.requires_grad_(False)
    commit = getattr(config, "_commit_hash", None)
    record |= {"revision": commit or revision, "dtype": dtype, "device": str(device), "class": type(model).__name__}
    record |= {"trust_remote_code": trust_remote_code, **versions()}
    return Checkpoint(model, tokenizer, kind, record)


def load_tokenizer(source: str, trust_remote_code: bool = False):
    """The tokenizer of a hub id or folder. NotFound, Unavailable or BadInput as `load` raises them."""
    from transformers import AutoTokenizer

    quiet()
    source, _ = split_gguf(source, None)
    with _one_line_errors(source):
        return AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code)


def split_gguf(source: str | Path, gguf_file: str | None) -> tuple[str, str | None]:
    """(folder or hub id, GGUF file name), a path to a .gguf file taken apart. NotFound for a path that is not there."""
    path = Path(source).expanduser()
    if gguf_file is None and path.suffix == ".gguf":
        source, gguf_file = path.parent, path.name
    looks_like_path = str(source).startswith((".", "/", "~")) or str(source).count("/") > 1
    folder = Path(source).expanduser()
    if looks_like_path and not folder.is_dir():
        raise NotFound(f"No model at {source}: give a hub id (owner/name), a folder, or a GGUF file that exists.")
    if gguf_file and folder.is_dir() and not (folder / gguf_file).is_file():
        raise NotFound(f"No file {gguf_file} in {folder}.")
    return (str(folder) if folder.is_dir() else str(source)), gguf_file


def check_pickle(source: str, gguf_file: str | None, allow_pickle: bool) -> None:
    """BadInput for a folder whose only weights are pickled: opening those runs whatever code is in them."""
    folder = Path(source)
    if allow_pickle or gguf_file or not folder.is_dir():
        return
    if not list(folder.glob("*.safetensors")) and [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]:
        raise BadInput(f"{folder.name} holds pickled weights only, which can run code: allow it with --allow-pickle.")


def kind_of(config) -> str:
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
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(device: str) -> str:
    """`device` itself; BadInput when it is none, or is not on this machine."""
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.partition(":")[0]):
        raise BadInput(
            f"No device {device!r} on this machine: use one of {', '.join(k for k, v in there.items() if v)}."
        )
    return device


def best_dtype(device: str) -> str:
    """bfloat16 where the device has instructions for it, else float32."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device == "cpu":
        checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        has = any(getattr(torch.cpu, check, lambda: False)() for check in checks)
        return "bfloat16" if has or (platform.machine() == "arm64" and platform.system() == "Darwin") else "float32"
    return "bfloat16"


def quiet() -> None:
    """No progress bars, advice or tales of retries from the libraries: progress and errors are the caller's to show."""
    import logging as standard

    from transformers.utils import logging

    standard.getLogger("huggingface_hub").setLevel(standard.ERROR)
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def versions() -> dict:
    """Library versions that can change an answer."""
    import torch
    import transformers

    return {"transformers": transformers.__version__, "torch": torch.__version__}


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


def _check_dtype(dtype: str, kind: str) -> str:
    if dtype not in DTYPES:
        raise BadInput(f"No dtype {dtype!r}: use one of {', '.join(DTYPES)}.")
    if kind == "encoder-decoder" and dtype == "float16":
        raise BadInput("T5-family models overflow in float16: use --dtype bfloat16 or float32.")
    return dtype


def _open_model(source: str, config, dtype: str, options: dict, allow_pickle: bool):
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForSeq2SeqLM

    if options.get("trust_remote_code") and "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {}):
        door = AutoModelForCausalLM
    elif getattr(config, "is_encoder_decoder", False):
        door = AutoModelForSeq2SeqLM
    elif type(config) in AutoModelForCausalLM._model_mapping:
        door = AutoModelForCausalLM
    else:
        door = AutoModelForImageTextToText  # vision-language checkpoints, asked in text
    if "gguf_file" in options:
        if hasattr(transformers, "GgufConfig"):  # later versions keep weights packed: slow here, and cannot be saved
            options["quantization_config"] = transformers.GgufConfig(dequantize=True)
        return door.from_pretrained(source, dtype=getattr(torch, dtype), **options)
    if not allow_pickle:
        options["use_safetensors"] = True
    return door.from_pretrained(source, config=config, dtype=getattr(torch, dtype), **options)


def _gguf(source: str, gguf_file: str, dtype: str, options: dict, cache) -> tuple[str, dict]:
    """Where to load a GGUF checkpoint from and how: the unpacked copy in `cache`, made first if need be."""
    import transformers

    options = options | {"gguf_file": gguf_file}
    if cache is None:
        return source, options
    kept = Path(cache) / f"{Path(gguf_file).stem}-{fingerprint(source, gguf_file) or 'hub'}-{dtype}"
    if not (kept / "config.json").is_file():
        waiting = kept.with_name(f".{kept.name}.{os.getpid()}")
        try:
            with _one_line_errors(source):
                config = transformers.AutoConfig.from_pretrained(source, **options)
                plain = {key: value for key, value in options.items() if key != "quantization_config"}
                tokenizer = transformers.AutoTokenizer.from_pretrained(source, **plain)
                model = _open_model(source, config, dtype, dict(options), allow_pickle=False)
            for saved in (model, tokenizer):
                saved.save_pretrained(waiting)
            if not kept.exists():
                waiting.rename(kept)
        finally:
            shutil.rmtree(waiting, ignore_errors=True)
    return str(kept), {key: value for key, value in options.items() if key == "trust_remote_code"}


class _one_line_errors:
    """Turns what the libraries raise about a checkpoint into one line of ours."""

    def __init__(self, source: str):
        self.source = source

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or not isinstance(error, (OSError, ValueError, KeyError, ImportError)):
            return False
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if "trust_remote_code" in str(error):
            raise BadInput(f"{self.source} brings its own code: allow it with --trust-remote-code.") from error
        if "safetensors" in str(error) and not isinstance(error, ImportError):
            raise BadInput(
                f"{self.source} has no safetensors weights: allow pickled ones with --allow-pickle."
            ) from error
        if isinstance(error, OSError) and ("connect" in str(error).lower() or "offline" in str(error).lower()):
            raise Unavailable(f"{self.source} is not on this machine and the hub does not answer: {first}") from error
        raise BadInput(f"{self.source} cannot be opened: {first}") from error
