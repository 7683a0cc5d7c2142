"""Who answers, and what is known about them: raters, the ingredients of models, their benchmark scores."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from triadic.schema.tables.base import DOCUMENT, DOUBLE, Table, column, key, link, now


class Rater(Table, table=True):
    """Whoever answers triplets: people and machines are the same kind of row and take the same road."""

    __tablename__ = "rater"
    rater_id: str = key("natural key: the model's name in the suite, or the name the user gave", min_length=1)
    kind: str = column("llm, human, vectors (an embedding model or similarity matrix) or simulated")
    description: str | None = column("what it is, in one line", default=None)
    created_at: datetime = column("when it came into the lab", default_factory=now)


class RaterEvent(Table, table=True):
    """What was decided about a rater, insert-only: another name to show, or that reports leave it out."""

    __tablename__ = "rater_event"
    rater_id: str = key("the rater", foreign_key="rater.rater_id")
    happened_at: datetime = key("when", default_factory=now)
    action: str = key("renamed, removed (hidden, with every answer kept) or restored")
    name: str | None = column("the new name, where it was renamed", default=None)


class Model(Table, table=True):
    """What one source says about an llm rater's ingredients. Insert-only evidence; `model_current` is the belief.

    Sources rank user > checkpoint > suite; within one source the newest row wins, value by value.
    """

    __tablename__ = "model"
    model_id: str = key("content hash of everything below except recorded_at")
    rater_id: str = link("rater.rater_id", "the rater")
    evidence: str = column(
        "who says so: user (given by option), checkpoint (read from its files), suite (shipped figures)"
    )
    recorded_at: datetime = column("when it was recorded", default_factory=now)
    hf_id: str | None = column("id on the model hub", default=None)
    revision: str | None = column("revision of the checkpoint", default=None)
    weights: str | None = column(
        "where it is: hub id, folder, package:NAME, a server's URL, or a rule (scripted:…, simulated:…)", default=None
    )
    gguf_file: str | None = column("name of the GGUF file inside `weights`", default=None)
    prompt_style: str | None = column("chat (its own chat template) or base (plain text with Answer:)", default=None)
    family: str | None = column("model family, the random intercept of the regression", default=None)
    n_params: float | None = column("parameters, in billions", default=None, gt=0, sa_type=DOUBLE)
    n_layers: int | None = column("layers (per stack for encoder-decoders)", default=None, gt=0)
    n_heads: int | None = column("attention heads", default=None, gt=0)
    n_kv_heads: int | None = column("key-value heads", default=None, gt=0)
    head_dim: int | None = column("dimensions per head", default=None, gt=0)
    hidden_size: int | None = column("width of the residual stream", default=None, gt=0)
    mlp_dim: int | None = column(
        "width of the MLP (per expert in a mixture; d_inner of a state-space model)", default=None
    )
    vocab_size: int | None = column("vocabulary", default=None, gt=0)
    context_length: int | None = column("context as advertised, in tokens", default=None, gt=0)
    max_position_embeddings: int | None = column("context in the configuration, in tokens", default=None, gt=0)
    activation: str | None = column("activation as the configuration names it", default=None)
    activation_family: str | None = column("swiglu, geglu, gelu, relu …", default=None)
    attention: str | None = column("mha, gqa, mqa or none", default=None)
    architecture: str | None = column("decoder, decoder-moe, encoder-decoder or ssm", default=None)
    multimodal: bool | None = column("takes images too", default=None)
    instruction_tuned: bool | None = column("trained to follow instructions", default=None)
    post_training_stage: str | None = column("base, base-stage1, sft, dpo, rlvr, it", default=None)
    training_tokens: float | None = column("pre-training tokens, in trillions", default=None, gt=0, sa_type=DOUBLE)
    training_tokens_alt: float | None = column(
        "another published count, in trillions (the notes say whose)", default=None, gt=0, sa_type=DOUBLE
    )
    source: str | None = column("where the figures of a suite row come from", default=None)
    confidence: str | None = column("high, medium or low", default=None)
    notes: str | None = column("what to know about this row", default=None)
    provenance: dict[str, Any] = column(
        "column name → where that value comes from", default_factory=dict, sa_type=DOCUMENT
    )


class BenchmarkScore(Table, table=True):
    """One score of one rater on one benchmark. Only scores of one scale and source may enter one correlation."""

    __tablename__ = "benchmark_score"
    rater_id: str = key("the rater", foreign_key="rater.rater_id")
    benchmark: str = key("IFEval, BBH, MATH, GPQA, MUSR, MMLU, MMLU-PRO …")
    source: str = key("who measured it")
    scale: str = key("unit of the score")
    score: float = column("the score", sa_type=DOUBLE)
    is_primary: bool = column("belongs to the comparable set used by default")
    confidence: str | None = column("high, medium or low", default=None)
    scored_on: date | None = column("date of the measurement, where known", default=None)
