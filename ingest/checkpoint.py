"""Reading a model's ingredients off its checkpoint: from configuration and file headers, without loading a tensor.

Names, units and vocabulary are those of the model suite (`ingest/data/model_suite.csv`): `n_params` in billions, for a
mixture of experts all experts together and `mlp_dim` of one of them, for a state-space model `mlp_dim` is its inner
width. What a configuration cannot know (family, training tokens, instruction tuning, advertised context) is absent.
"""

from __future__ import annotations

import json
import logging
import math
import struct
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import get_safetensors_metadata
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForSeq2SeqLM,
    PretrainedConfig,
)

from triadic.ingest.gguf_header import read_gguf_header
from triadic.ingest.models import Ingredients
from triadic.schema.errors import BadInput, Unavailable
from triadic.schema.weights import Weights

# What the paper's authors call a gated unit: by the activation inside the gate.
_GATED = {"silu": "swiglu", "swish": "swiglu", "gelu": "geglu", "gelu_pytorch_tanh": "geglu", "gelu_new": "geglu"}
_UNGATED_TYPES = {"falcon", "gptj", "gpt_neox", "gpt2", "opt", "phi", "bloom", "mpt", "gpt_bigcode", "starcoder2"}


def read_checkpoint(weights: Weights, revision: str | None = None, trust_remote_code: bool = False) -> Ingredients:
    """Every ingredient that files in a folder or on the hub tell by themselves: name -> (value, provenance).

    NotFound when there is no such checkpoint, Unavailable when the hub does not answer, BadInput when the
    configuration cannot be read.
    """
    folder = weights.checked().path
    if folder and weights.gguf_file:
        return from_gguf(folder / weights.gguf_file)
    config, origin = _config(weights, revision, trust_remote_code)
    out = from_config(config, origin)
    if counted := _count(weights, revision, config):
        out["n_params"] = counted
    return out


def from_config(config: PretrainedConfig, origin: str = "config.json") -> Ingredients:
    """The ingredients in a transformers configuration, without the number of parameters."""
    text = config.get_text_config(decoder=True)
    kind = architecture(config)
    values = {
        "architecture": kind,
        "multimodal": any(hasattr(config, part) for part in ("vision_config", "audio_config", "img_processor")),
        "n_layers": _first(text, "num_hidden_layers", "num_layers", "n_layer", "n_layers"),
        "hidden_size": _first(text, "hidden_size", "d_model", "n_embd", "dim"),
        "vocab_size": _first(text, "vocab_size"),
        "max_position_embeddings": _first(text, "max_position_embeddings", "n_positions", "seq_length"),
        "mlp_dim": _mlp(text, kind),
    }
    values |= _heads(text) if kind != "ssm" else {"attention": "none"}
    values |= _activation(text)
    return {name: (value, origin) for name, value in values.items() if value is not None}


# GGUF's name of an architecture: the transformers model type that has its activation by default.
_GGUF_TYPES = {"gemma3": "gemma3_text", "qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "phi3": "phi3"}


def from_gguf(path: Path) -> Ingredients:
    """The ingredients in a GGUF file's header. It names no activation: that is the architecture's, in transformers."""
    header = read_gguf_header(path)
    kind = header.metadata.get("general.architecture", "")
    origin = f"{path.name} header"
    recurrent = kind in ("mamba", "mamba2", "falcon-mamba")
    experts = header.get("expert_count") or 0
    heads, hidden = header.get("attention.head_count"), header.get("embedding_length")
    values: dict[str, Any] = {
        "architecture": "ssm" if recurrent else "encoder-decoder" if kind == "t5" else "decoder",
        "multimodal": False if kind in ("llama", "gemma3", "qwen2", "qwen3", "phi3", "gemma2") else None,
        "n_layers": header.get("block_count"),
        "hidden_size": hidden,
        "mlp_dim": header.get("ssm.inner_size") if recurrent else header.get("feed_forward_length"),
        "vocab_size": header.get("vocab_size") or header.metadata.get("tokenizer.ggml.tokens"),
        "max_position_embeddings": None if recurrent else header.get("context_length"),
        "n_params": _billions(header.parameters),
    }
    if experts > 1:
        values["architecture"] = "decoder-moe"
        values["mlp_dim"] = header.get("expert_feed_forward_length") or values["mlp_dim"]
    if recurrent:
        values["attention"] = "none"
    elif heads:
        values |= _attention(heads, header.get("attention.head_count_kv"), header.get("attention.key_length"), hidden)
    out = {name: (value, origin) for name, value in values.items() if value is not None}
    name = _GGUF_TYPES.get(kind, kind)
    activation = _activation(CONFIG_MAPPING[name]()) if name in CONFIG_MAPPING else {}
    return out | {name: (value, f"default of {kind}") for name, value in activation.items()}


def architecture(config: PretrainedConfig) -> str:
    """'decoder', 'decoder-moe', 'encoder-decoder' or 'ssm'."""
    text = config.get_text_config(decoder=True)
    if getattr(config, "is_encoder_decoder", False):
        return "encoder-decoder"
    if not _first(text, "num_attention_heads", "n_head", "num_heads"):
        return "ssm"
    experts = _first(text, "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
    return "decoder-moe" if experts and experts > 1 else "decoder"


def _first(config: Any, *names: str) -> Any:
    return next((getattr(config, name) for name in names if getattr(config, name, None) is not None), None)


def _mlp(text: Any, kind: str) -> Any:
    if kind == "ssm":
        return _first(text, "intermediate_size", "d_inner") or int(text.expand * text.hidden_size)
    if kind == "decoder-moe" and _first(text, "moe_intermediate_size"):
        return text.moe_intermediate_size
    size = _first(text, "intermediate_size", "ffn_hidden_size", "d_ff", "n_inner", "ffn_dim")
    if isinstance(size, (list, tuple)):
        return size[0] if len(set(size)) == 1 else None
    if size is None and text.model_type in ("gptj", "gpt2", "falcon", "bloom"):
        return 4 * _first(text, "hidden_size", "n_embd")  # these configurations leave it out when it is four times
    return size


def _heads(text: Any) -> dict[str, Any]:
    heads = _first(text, "num_attention_heads", "n_head", "num_heads")
    keyed = _first(text, "num_key_value_heads", "num_kv_heads", "multi_query_group_num")
    if text.model_type == "falcon" and not getattr(text, "new_decoder_architecture", False):
        keyed = 1 if text.multi_query else heads
    return _attention(heads, keyed, _first(text, "head_dim", "d_kv"), _first(text, "hidden_size", "n_embd"))


def _attention(heads: int, keyed: int | None, width: int | None, hidden: int | None) -> dict[str, Any]:
    """What follows where a file leaves it out: as many key-value heads as heads, which share the width `hidden`."""
    keyed = keyed or heads
    width = width or (hidden // heads if hidden else None)
    kind = "mha" if keyed == heads else "mqa" if keyed == 1 else "gqa"
    return {"n_heads": heads, "n_kv_heads": keyed, "head_dim": width, "attention": kind}


def _activation(text: Any) -> dict[str, str]:
    if getattr(text, "feed_forward_proj", None):  # T5: 'relu' or 'gated-gelu'
        name = text.feed_forward_proj
        family = {"gated-gelu": "geglu", "gated-silu": "swiglu"}.get(name, name)
        return {"activation": name, "activation_family": family}
    name = _first(text, "hidden_activation", "hidden_act", "activation_function", "activation")
    if not isinstance(name, str):
        return {}
    if text.model_type in _UNGATED_TYPES:
        return {"activation": name, "activation_family": "gelu" if name.startswith("gelu") else name}
    return {"activation": name, "activation_family": _GATED.get(name, name)}


def _config(weights: Weights, revision: str | None, trust_remote_code: bool) -> tuple[Any, str]:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it reports every retry; the error below is one line
    library_log: Any = transformers.logging  # the library has no types here
    library_log.set_verbosity_error()
    library_log.disable_progress_bar()
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
    if weights.gguf_file:
        options["gguf_file"] = weights.gguf_file
    elif revision:
        options["revision"] = revision
    try:
        config = AutoConfig.from_pretrained(weights.source, **options)
    except Exception as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if not weights.path and isinstance(error, OSError):
            raise Unavailable(f"{weights.text} is not on this machine and the hub does not answer: {line}") from error
        raise BadInput(f"the configuration of {weights.text} cannot be read: {line}") from error
    if weights.gguf_file:
        return config, f"{weights.gguf_file} header"
    commit = getattr(config, "_commit_hash", None)
    return config, f"config.json@{commit[:12]}" if commit else "config.json"


def _count(weights: Weights, revision: str | None, config: PretrainedConfig) -> tuple[float, str] | None:
    """(billions of parameters, how they were counted)."""
    if weights.path:
        files = sorted(weights.path.glob("*.safetensors"))
        if files and not any(_packed(file) for file in files):
            return _billions(sum(count_safetensors(file) for file in files)), "safetensors header"
    elif not weights.gguf_file and (counted := _count_on_hub(weights.source, revision)):
        return _billions(counted), "safetensors header"
    return _count_on_meta(config)


def _billions(count: int) -> float:
    return round(count / 1e9, 6)


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > 100_000_000:
            raise BadInput(f"{path.name} is not a safetensors file: download it again")
        return dict(json.loads(file.read(size)))


def _packed(path: Path) -> bool:
    """Whether quantised weights are packed several to a number, so that shapes do not count parameters."""
    return any(key.endswith((".qweight", ".quant_state", "_blocks", ".weight_packed")) for key in _header(path))


def count_safetensors(path: Path) -> int:
    """Parameters in a safetensors file, from its header."""
    tensors = (entry for name, entry in _header(path).items() if name != "__metadata__")
    return sum(math.prod(entry["shape"]) for entry in tensors)


def _count_on_hub(hub_id: str, revision: str | None) -> int | None:
    """Parameters from the headers of a hub checkpoint; None when they cannot be had."""
    try:
        return sum(get_safetensors_metadata(hub_id, revision=revision).parameter_count.values())
    except Exception:
        return None  # no safetensors, or no network while the configuration is in the local cache: count on meta


def _count_on_meta(config: PretrainedConfig) -> tuple[float, str] | None:
    """Parameters of the architecture, built without memory; None for one that transformers cannot build."""
    auto_class: Any = AutoModelForSeq2SeqLM if getattr(config, "is_encoder_decoder", False) else AutoModelForCausalLM
    if type(config) not in auto_class._model_mapping:
        auto_class = AutoModelForImageTextToText
    try:
        with torch.device("meta"):
            model = auto_class.from_config(config)
    except Exception:
        return None
    return _billions(sum(weight.numel() for weight in model.parameters())), "configuration, on the meta device"
