"""Labs to report on: the published suite, and one with figures of its own."""

from datetime import UTC, datetime

import numpy as np
import pytest

from triadic.ingest.published import ingest_benchmarks, ingest_published, ingest_suite
from triadic.schema.lab import Lab
from triadic.schema.tables import ConceptSet, Embedding, Metric, Rater


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    """The store of a lab that holds the published suite and nothing else. Tests only read it."""
    lab = Lab.create(tmp_path_factory.mktemp("suite") / "lab")
    ingest_suite(lab), ingest_benchmarks(lab), ingest_published(lab)
    return lab.store


@pytest.fixture
def measured(tmp_path):
    """A lab with the suite and, for thirty of its models, measured figures that go up with their width."""
    lab = Lab.create(tmp_path / "lab")
    ingest_suite(lab), ingest_benchmarks(lab), ingest_published(lab)
    widths = lab.store.read("SELECT rater_id, hidden_size FROM ingredient_frame ORDER BY rater_id").head(30)
    rng = np.random.default_rng(0)
    insert = lab.store.insert
    insert(ConceptSet, [ConceptSet(concept_set_id="set", digest="d", n_concepts=3, source="test")])
    insert(Rater, [Rater(rater_id="people", kind="human")])
    shared = {"concept_set_id": "set", "n_dims": 30, "algorithm": "CKL", "created_at": datetime.now(UTC)}
    people = {**shared, "embedding_id": "people", "rater_id": "people", "role": "reference", "name": "vice"}
    fits = [
        {**shared, "embedding_id": f"fit-{name}", "rater_id": name, "role": "fitted", "name": "CKL"}
        for name in widths.rater_id
    ]
    insert(Embedding, [people, *fits])
    figures = [
        {
            "run_id": f"align-{row.rater_id}",
            "name": name,
            "embedding_id": f"fit-{row.rater_id}",
            "reference_id": "people",
            "value": float(row.hidden_size / 10_000 + 0.02 * rng.normal()),
        }
        for row in widths.itertuples()
        for name in ("procrustes_r2", "cka_debiased")
    ]
    insert(Metric, figures)
    return lab.store
