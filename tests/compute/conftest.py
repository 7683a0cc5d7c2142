"""Tiny randomly initialised checkpoints of each architecture with a tokenizer trained on the spot, and spaces to compare."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from triadic.compute.judges.base import Questions
from triadic.tests.compute.words import WORDS

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<turn>{{ m['role'] }}\n{{ m['content'] }}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"
)
COMMON = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "max_position_embeddings": 256}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}


def make_questions(n: int, seed: int = 0) -> Questions:
    rng = np.random.default_rng(seed)
    rows = np.array([rng.choice(len(WORDS), 3, replace=False) for _ in range(n)])
    words = np.array(WORDS, dtype=object)
    anchor, left, right = (words[rows[:, k]] for k in range(3))
    return Questions(np.arange(n), anchor, left, right, rng.random(n) < 0.5, np.zeros(n, dtype=int))


@pytest.fixture
def questions():
    return make_questions


def train_tokenizer(folder, template=TEMPLATE):
    """A byte-level BPE of 400 tokens that wants a BOS."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<turn>", "<end>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = ["Which item is most similar to dog: cat or cup? Respond only with the item name. QUESTION: Answer:", *WORDS]
    core.train_from_iterator(text * 4, trainer)
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=["<turn>", "<end>"],
        chat_template=template,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def build(name: str, vocab: int):
    """A tiny model of the named architecture."""
    import transformers as t

    ids = {"vocab_size": vocab, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    if name == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**COMMON, **HEADS, **ids))
    if name == "gemma2":  # soft caps on attention and logits, sliding windows in every other layer
        return t.Gemma2ForCausalLM(t.Gemma2Config(**COMMON, **HEADS, **ids, head_dim=8, sliding_window=128))
    if name == "mixtral":
        return t.MixtralForCausalLM(t.MixtralConfig(**COMMON, **HEADS, **ids, num_local_experts=4))
    if name == "falcon-alibi":
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        return t.FalconForCausalLM(t.FalconConfig(**sizes, **ids, alibi=True, multi_query=False))
    if name == "gptj":
        return t.GPTJForCausalLM(t.GPTJConfig(n_embd=32, n_layer=2, n_head=4, n_positions=256, rotary_dim=4, **ids))
    if name == "mamba":
        return t.MambaForCausalLM(t.MambaConfig(hidden_size=32, num_hidden_layers=2, state_size=8, **ids))
    if name == "falcon-mamba":
        return t.FalconMambaForCausalLM(t.FalconMambaConfig(hidden_size=32, num_hidden_layers=2, state_size=8, **ids))
    if name == "mamba2":
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "num_heads": 8, "head_dim": 8}
        return t.Mamba2ForCausalLM(t.Mamba2Config(**sizes, **ids, n_groups=1, chunk_size=16))
    if name == "jamba":
        every = {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "num_experts": 2}
        return t.JambaForCausalLM(t.JambaConfig(**COMMON, **HEADS, **ids, **every, mamba_d_state=8))
    if name == "t5":
        config = t.T5Config(
            d_model=32,
            d_ff=64,
            d_kv=8,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            decoder_start_token_id=0,
            **ids,
        )
        return t.T5ForConditionalGeneration(config)
    if name == "gemma3-vision":
        text = t.Gemma3TextConfig(**COMMON, **HEADS, **ids, head_dim=8, sliding_window=128)
        eye = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = t.Gemma3Config(
            text_config=text.to_dict(), vision_config=eye | {"image_size": 28, "patch_size": 14}, mm_tokens_per_image=1
        )
        return t.Gemma3ForConditionalGeneration(config)
    raise KeyError(name)


@pytest.fixture(scope="session")
def new_tokenizer(tmp_path_factory):
    """A function: chat template (or None) -> a tokenizer trained on the spot."""
    return lambda template=TEMPLATE: train_tokenizer(tmp_path_factory.mktemp("tokenizer"), template)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A function: architecture name -> folder of a checkpoint."""
    made: dict = {}

    def get(name: str):
        if name not in made:
            import torch

            torch.set_num_threads(1)
            torch.manual_seed(0)
            folder = tmp_path_factory.mktemp(name)
            tokenizer = train_tokenizer(folder)
            model = build(name, len(tokenizer))
            for weight in model.parameters():  # larger than usual, so that answers depend on every part of the prompt
                if weight.dim() > 1:
                    weight.data.mul_(4.0)
            model.generation_config.eos_token_id = 2
            model.save_pretrained(folder)
            made[name] = folder
        return made[name]

    return get


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def people(things_folder):
    """VICE rows of the 128 concepts: 30 principal components, category labels, and the 42 dimensions as published."""
    with open(things_folder / "things_concepts.tsv", encoding="utf-8") as file:
        row = {line["uniqueID"]: i for i, line in enumerate(csv.DictReader(file, delimiter="\t"))}
    with open(ROOT / "ingest/data/concepts128.csv", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    full = np.load(things_folder / "vice_embedding_1854x42.npy").astype(float)
    full = full[[row[c["things_unique_id"]] for c in listed]]
    u, s, _ = np.linalg.svd(full - full.mean(0), full_matrices=False)
    return (u * s)[:, :30], [c["category"] for c in listed], full


@pytest.fixture
def spaces():
    """A human space (40, 6), a related model space (40, 9), and a generator to draw more from."""
    rng = np.random.default_rng(7)
    human = rng.normal(size=(40, 6)) * np.array([3, 2, 1.5, 1, 0.7, 0.5])
    model = np.hstack([human @ rng.normal(size=(6, 6)), np.zeros((40, 3))]) + rng.normal(size=(40, 9))
    return human, model, rng
