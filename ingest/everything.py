"""All that ships with Triadic, into a new lab."""

from __future__ import annotations

from triadic.ingest.concepts import ingest_concepts
from triadic.ingest.published import ingest_benchmarks, ingest_published, ingest_suite
from triadic.ingest.reference import wordnet_reference
from triadic.schema.lab import Lab
from triadic.schema.vocabulary import DEFAULT_SET


def ingest_everything(lab: Lab) -> list[str]:
    """Concepts, suite, scores, published results and the WordNet reference; one line each on what is new."""
    lines = [
        f"{ingest_concepts(lab)} new concepts ({DEFAULT_SET})",
        f"{ingest_suite(lab)} new models of the paper's suite",
        f"{ingest_benchmarks(lab)} new benchmark scores",
        f"{ingest_published(lab)} new published figures",
    ]
    wordnet_reference(lab, DEFAULT_SET)
    return [*lines, "reference wordnet (a taxonomy, not human judgments)"]
