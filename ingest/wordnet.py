"""A reference that needs no download: the WordNet 3.0 taxonomy of the 128 concepts.

It is a taxonomy, not human judgments, and says so wherever it is used. `data/wordnet_chains.csv` holds every hypernym
chain of each concept's synset, root first. The synsets are those of the THINGS concept table; the two that it leaves
empty are ours to choose: fire_alarm is the device (fire_alarm.n.02, as THINGS defines it), hula_hoop is Hula-Hoop.
"""

from __future__ import annotations

import numpy as np

from triadic.ingest.csvfile import shipped
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput

SOURCE = "WordNet 3.0 (Princeton University), Wu–Palmer similarity over hypernym chains, classical scaling"


def hypernym_chains() -> dict[str, list[list[str]]]:
    """THINGS unique id → its hypernym chains, each a list of synsets from the root to the concept."""
    chains: dict[str, list[list[str]]] = {}
    for row in shipped("wordnet_chains.csv"):
        chains.setdefault(row["things_unique_id"], []).append(row["chain"].split(">"))
    return chains


def wu_palmer(concepts: list[str]) -> Floats:
    """Similarities (n, n) in (0, 1] of concepts given by THINGS unique id.

    2·depth(lowest shared ancestor) / (depth(a) + depth(b)), depths counted along the chains with the root at 1, and the
    best pair of chains where a concept has several (Wu & Palmer 1994, Verb semantics and lexical selection, section 4).
    Raises BadInput, naming them, when concepts have no chain.
    """
    chains = hypernym_chains()
    missing = [c for c in concepts if c not in chains]
    if missing:
        raise BadInput(
            f"no hypernym chain of {', '.join(missing[:5])} ships: a WordNet reference is of the shipped concepts"
        )
    n = len(concepts)
    similarity = np.eye(n)
    for i in range(n):
        for j in range(i):
            best = max(_overlap(p, q) for p in chains[concepts[i]] for q in chains[concepts[j]])
            similarity[i, j] = similarity[j, i] = best
    return similarity


def classical_scaling(distances: Floats, n_dims: int) -> tuple[Floats, float]:
    """Coordinates (n, n_dims) whose Euclidean distances approximate `distances` (n, n), and the share kept.

    The share is of the positive part of the spectrum. Torgerson (1952), Multidimensional scaling: I.
    """
    n = len(distances)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)
    values, vectors = values[::-1], vectors[:, ::-1]
    positive = np.maximum(values, 0)
    signs = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(n)])  # one sign convention, so that files agree
    return (vectors * signs)[:, :n_dims] * np.sqrt(positive[:n_dims]), float(positive[:n_dims].sum() / positive.sum())


def _overlap(p: list[str], q: list[str]) -> float:
    shared = next((i for i, (a, b) in enumerate(zip(p, q, strict=False)) if a != b), min(len(p), len(q)))
    return 2 * shared / (len(p) + len(q))
