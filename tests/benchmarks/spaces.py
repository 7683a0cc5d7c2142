"""Known spaces to simulate raters from: the human one where its file is at hand, else a made-up one of the same kind."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def human_space():
    """(embedding of the paper's 128 concepts, its name). THINGS data are third-party and never part of the project."""
    folder = Path(os.environ.get("TRIADIC_THINGS", ROOT.parent / "shared" / "things"))
    concepts = ROOT / "ingest" / "data" / "concepts128.csv"
    if not (folder / "vice_embedding_1854x42.npy").exists() or not concepts.exists():
        return made_up_space(128, 42), "made-up, 42 non-negative dimensions (no THINGS folder)"
    space = np.load(folder / "vice_embedding_1854x42.npy").astype(float)
    with open(folder / "things_concepts.tsv", newline="", encoding="utf-8") as lines:
        place = {row["uniqueID"]: k for k, row in enumerate(csv.DictReader(lines, delimiter="\t"))}
    with open(concepts, newline="", encoding="utf-8") as lines:
        rows = [place[row["things_unique_id"]] for row in csv.DictReader(lines)]
    return space[rows], "VICE, the paper's 128 concepts"


def made_up_space(n_items, n_dims, seed=0):
    """Sparse, non-negative, of unequal dimensions: the shape of SPoSE and VICE (largest inner products about 9)."""
    rng = np.random.default_rng(seed)
    importance = np.linspace(1.6, 0.7, n_dims)
    return rng.gamma(0.8, 0.75, (n_items, n_dims)) * (rng.random((n_items, n_dims)) < 0.25) * importance


def r_squared(human, model):
    """Procrustes R²: 1 − SSE/SS(human) after the best shift, rotation, reflection and scale."""
    human, model = human - human.mean(axis=0), model - model.mean(axis=0)
    shared = np.linalg.svd(model.T @ human, compute_uv=False).sum()
    return float(shared**2 / ((model**2).sum() * (human**2).sum()))


def principal(space, n_dims):
    """The first `n_dims` principal components."""
    u, s, _ = np.linalg.svd(space - space.mean(axis=0), full_matrices=False)
    return (u * s)[:, :n_dims]
