"""The plan stage: draw a triplet set and keep it, so that every rater is asked the same questions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from triadic.compute.triplets import sample_triplets
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts
from triadic.schema.store import insert_rows
from triadic.schema.tables import Triplet, TripletSet
from triadic.schema.vocabulary import PAPER_TRIPLETS

SCHEME = "uniform"


def draw_triplet_set(lab: Lab, concept_set_id: str, n_triplets: int = PAPER_TRIPLETS, seed: int = 0) -> str:
    """The id of the set of `n_triplets` questions that `seed` gives over these concepts, drawn if it is new.

    Raises NotFound for an unknown concept set, BadInput for more triplets than there are.
    """
    n_items = len(read_concepts(lab, concept_set_id))
    (digest,) = lab.store.row("SELECT digest FROM concept_set WHERE concept_set_id = ?", [concept_set_id]) or (None,)
    set_id = content_key(concept_set_id, digest, SCHEME, n_triplets, seed)
    if lab.store.row("SELECT 1 FROM triplet_set WHERE triplet_set_id = ?", [set_id]):
        return set_id
    anchor, left, right = sample_triplets(n_items, n_triplets, np.random.default_rng(seed)).T
    triplets = pa.table(
        {
            "triplet_set_id": pa.repeat(set_id, n_triplets),
            "triplet_no": np.arange(n_triplets, dtype=np.int32),
            "anchor": anchor,
            "left_item": left,
            "right_item": right,
        }
    )
    with lab.store.transaction() as con:
        insert_rows(con, Triplet, triplets)
        described = TripletSet(
            triplet_set_id=set_id, concept_set_id=concept_set_id, scheme=SCHEME, n_triplets=n_triplets, seed=seed
        )
        insert_rows(con, TripletSet, [described])
    return set_id
