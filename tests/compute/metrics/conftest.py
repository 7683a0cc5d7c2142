"""Spaces to compare: made ones, and the human reference where its files are."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


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
