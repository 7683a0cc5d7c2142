"""The human reference for tests of the mathematics on real input; third-party, read from a path, never shipped."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def vice():
    """VICE rows of the 128 concepts, centred, first 30 principal components, with their category labels."""
    things = Path(os.environ.get("TRIADIC_THINGS", ROOT.parent / "shared" / "things"))
    concepts = next(
        (p for p in (ROOT / "ingest/data/concepts128.csv", things.parent / "facts/concepts128.csv") if p.exists()), None
    )
    if concepts is None or not (things / "vice_embedding_1854x42.npy").exists():
        pytest.skip(f"left out: no human embedding in {things}; point TRIADIC_THINGS at it")
    with open(things / "things_concepts.tsv", encoding="utf-8") as file:
        row = {line["uniqueID"]: i for i, line in enumerate(csv.DictReader(file, delimiter="\t"))}
    with open(concepts, encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    full = np.load(things / "vice_embedding_1854x42.npy").astype(float)[[row[c["things_unique_id"]] for c in listed]]
    full -= full.mean(0)
    u, s, _ = np.linalg.svd(full, full_matrices=False)
    return (u * s)[:, :30], [c["category"] for c in listed]


@pytest.fixture
def spaces():
    """A human space (40, 6), a related model space (40, 9), and a generator to draw more from."""
    rng = np.random.default_rng(7)
    human = rng.normal(size=(40, 6)) * np.array([3, 2, 1.5, 1, 0.7, 0.5])
    model = np.hstack([human @ rng.normal(size=(6, 6)), np.zeros((40, 3))]) + rng.normal(size=(40, 9))
    return human, model, rng
