"""Raters whose weights ship in Python packages, so that the demo runs a real model with no network but an index."""

from __future__ import annotations

from typing import Any

from triadic.ingest.models import add_model
from triadic.schema.lab import Lab
from triadic.schema.vocabulary import RaterKind

GEMMA = "gemma-3-270m"
MINILM = "all-MiniLM-L6-v2"
SMOLLM2 = "SmolLM2-135M-Instruct"
DEMO_NAMES = {"gemma3-270m": GEMMA, "minilm": MINILM, "smollm2": SMOLLM2}

_ABOUT: dict[str, tuple[str, RaterKind, dict[str, Any]]] = {
    GEMMA: ("gemma3-270m", RaterKind.llm, {}),  # in the suite: its ingredients are known
    MINILM: ("minilm", RaterKind.vectors, {"hf_id": "sentence-transformers/all-MiniLM-L6-v2"}),
    SMOLLM2: (
        "smollm2",
        RaterKind.llm,
        {
            "hf_id": "HuggingFaceTB/SmolLM2-135M-Instruct",
            "prompt_style": "chat",
            "instruction_tuned": True,
            "family": "SmolLM2",
            "post_training_stage": "dpo",
            "training_tokens": 2.0,
            "notes": "training tokens and post-training stage from its model card; weights quantised to Q4_1",
        },
    ),
}


def add_packaged(lab: Lab, name: str) -> str:
    """Enter one of the packaged raters (a key of DEMO_NAMES, or its rater id); returns its rater id."""
    rater_id = DEMO_NAMES.get(name, name)
    package, kind, given = _ABOUT[rater_id]
    return add_model(lab, f"package:{package}", rater_id, kind=kind, given=given)[0]
