"""Ingredients read off checkpoints: the packaged ones against the suite, configurations against known models."""

import struct

import pytest

from triadic.compute.judges.local.packaged import packaged
from triadic.ingest.checkpoint import architecture, count_safetensors, from_config, read_checkpoint
from triadic.ingest.gguf_header import read_gguf_header
from triadic.schema.errors import BadInput, NotFound, Unavailable
from triadic.schema.weights import Weights

# The rows of the model suite for these models: what their public config.json files say.
GEMMA = {
    "n_layers": 18,
    "n_heads": 4,
    "n_kv_heads": 1,
    "head_dim": 256,
    "hidden_size": 640,
    "mlp_dim": 2048,
    "vocab_size": 262144,
    "max_position_embeddings": 32768,
    "activation": "gelu_pytorch_tanh",
    "activation_family": "geglu",
    "attention": "mqa",
    "architecture": "decoder",
    "multimodal": False,
}


def values(ingredients):
    assert all(origin for _, origin in ingredients.values())
    return {name: value for name, (value, _) in ingredients.items()}


def need(name, cache):
    try:
        return packaged(name, cache)
    except NotFound as missing:
        pytest.skip(str(missing))


def test_gemma_from_gguf_is_the_row_of_the_suite(tmp_path):
    home = need("gemma3-270m", tmp_path)
    found = values(read_checkpoint(Weights.parse(home.folder, home.gguf_file)))
    assert found.pop("n_params") == pytest.approx(0.268, abs=0.0005)
    assert found == GEMMA
    assert read_checkpoint(Weights.parse(home.folder / home.gguf_file)) == read_checkpoint(
        Weights.parse(home.folder, home.gguf_file)
    )


def test_smollm_from_gguf(tmp_path):
    home = need("smollm2", tmp_path)
    found = values(read_checkpoint(Weights.parse(home.folder, home.gguf_file)))
    assert (found["n_layers"], found["n_heads"], found["n_kv_heads"], found["attention"]) == (30, 9, 3, "gqa")
    assert (found["activation"], found["activation_family"]) == ("silu", "swiglu")
    assert found["n_params"] == pytest.approx(0.1345, abs=0.001)


@pytest.mark.parametrize(
    ("model_type", "settings", "expected"),
    [
        (
            "t5",
            {"d_model": 1024, "d_ff": 65536, "num_heads": 128, "d_kv": 128, "num_layers": 24, "vocab_size": 32128},
            {
                "architecture": "encoder-decoder",
                "n_heads": 128,
                "mlp_dim": 65536,
                "activation": "relu",
                "activation_family": "relu",
                "attention": "mha",
                "head_dim": 128,
            },
        ),
        ("t5", {"feed_forward_proj": "gated-gelu"}, {"activation": "gated-gelu", "activation_family": "geglu"}),
        (
            "mamba",
            {"hidden_size": 2048, "num_hidden_layers": 48, "vocab_size": 50280},
            {
                "architecture": "ssm",
                "attention": "none",
                "mlp_dim": 4096,
                "n_layers": 48,
                "activation_family": "swiglu",
            },
        ),
        ("falcon_mamba", {"hidden_size": 4096}, {"architecture": "ssm", "mlp_dim": 8192, "attention": "none"}),
        ("mixtral", {"num_local_experts": 8}, {"architecture": "decoder-moe", "attention": "gqa", "mlp_dim": 14336}),
        ("gpt_oss", {}, {"architecture": "decoder-moe", "n_kv_heads": 8, "head_dim": 64, "mlp_dim": 2880}),
        ("gptj", {}, {"attention": "mha", "mlp_dim": 16384, "activation": "gelu_new", "activation_family": "gelu"}),
        (
            "falcon",
            {"multi_query": True, "hidden_size": 4544, "num_attention_heads": 71},
            {"attention": "mqa", "n_kv_heads": 1, "head_dim": 64, "mlp_dim": 18176, "activation_family": "gelu"},
        ),
        ("phi", {"hidden_size": 2048, "num_attention_heads": 32}, {"activation_family": "gelu", "attention": "mha"}),
        ("gemma3", {}, {"multimodal": True, "architecture": "decoder", "activation_family": "geglu"}),
    ],
)
def test_configurations_of_each_architecture(model_type, settings, expected):
    from transformers import AutoConfig

    found = values(from_config(AutoConfig.for_model(model_type, **settings)))
    assert {name: found[name] for name in expected} == expected
    if expected.get("architecture") == "ssm":
        assert not {"n_heads", "n_kv_heads", "head_dim", "max_position_embeddings"} & found.keys()
    assert not {"training_tokens", "family", "instruction_tuned", "context_length"} & found.keys()


@pytest.fixture
def small():
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=False,
    )


def test_parameters_are_counted_from_headers_or_on_the_meta_device(tmp_path, small):
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM(small)
    count = sum(weight.numel() for weight in model.parameters())
    model.save_pretrained(tmp_path)
    assert count_safetensors(tmp_path / "model.safetensors") == count
    assert read_checkpoint(Weights.parse(tmp_path))["n_params"] == (
        pytest.approx(count / 1e9, abs=1e-6),
        "safetensors header",
    )
    (tmp_path / "model.safetensors").unlink()
    value, origin = read_checkpoint(Weights.parse(tmp_path))["n_params"]
    assert value == pytest.approx(count / 1e9, abs=1e-6)
    assert "meta" in origin
    assert architecture(small) == "decoder"


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(NotFound):
        read_checkpoint(Weights.parse(tmp_path / "nowhere"))
    with pytest.raises(NotFound):
        read_checkpoint(Weights.parse(tmp_path, "no.gguf"))
    (tmp_path / "bad.gguf").write_bytes(b"not one")
    with pytest.raises(BadInput, match=r"bad\.gguf"):
        read_checkpoint(Weights.parse(tmp_path / "bad.gguf"))
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2, 5))
    with pytest.raises(BadInput, match=r"cut\.gguf"):
        read_gguf_header(tmp_path / "cut.gguf")
    (tmp_path / "config.json").write_text("{broken")
    with pytest.raises(BadInput):
        read_checkpoint(Weights.parse(tmp_path))


def test_no_network_is_unavailable(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Unavailable, match="triadic-tests/no-such-model"):
        read_checkpoint(Weights.parse("triadic-tests/no-such-model"))
