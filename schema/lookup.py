"""Finding things in a lab by the names people use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from triadic.schema.errors import NotFound
from triadic.schema.lab import Lab
from triadic.schema.store import Store

if TYPE_CHECKING:
    import pandas as pd


def read_concepts(lab: Lab, concept_set_id: str) -> pd.DataFrame:
    """The concepts of a set, one row each, in position order. Raises NotFound for an unknown set."""
    frame = lab.store.read("SELECT * FROM concept WHERE concept_set_id = ? ORDER BY position", [concept_set_id])
    if frame.empty:
        known = list(lab.store.read("SELECT concept_set_id FROM concept_set ORDER BY 1").concept_set_id)
        raise NotFound(unknown("concept set", concept_set_id, known, "triadic ingest concepts"))
    return frame


def read_triplets(lab: Lab, triplet_set_id: str) -> pd.DataFrame:
    """The questions of a set: triplet_no, anchor, left_item, right_item, one row each, in their order."""
    return lab.store.read(
        "SELECT * EXCLUDE (triplet_set_id) FROM triplet WHERE triplet_set_id = ? ORDER BY triplet_no", [triplet_set_id]
    )


def find_rater(store: Store, name: str) -> str:
    """The rater called `name` (in any case), or the one whose hub id that is. Raises NotFound with near misses."""
    found = store.value(
        "SELECT rater_id FROM rater LEFT JOIN model_current USING (rater_id) "
        "WHERE lower(rater_id) = lower($1) OR lower(hf_id) = lower($1) ORDER BY rater_id <> $1, rater_id",
        [name],
    )
    if found:
        return str(found)
    known = list(store.read("SELECT rater_id FROM rater ORDER BY 1").rater_id)
    raise NotFound(unknown("model or rater", name, known, "triadic model add"))


def find_triplet_set(lab: Lab, prefix: str | None = None) -> str:
    """A triplet set by the beginning of its id, or the newest one. Raises NotFound with the way to draw one."""
    ids = list(lab.store.read("SELECT triplet_set_id FROM triplet_set ORDER BY created_at DESC").triplet_set_id)
    matches = [str(i) for i in ids if prefix is None or i.startswith(prefix)]
    if not matches:
        raise NotFound(unknown("triplet set", prefix or "at all", ids, "triadic plan"))
    if prefix and len(matches) > 1:
        raise NotFound(
            f"{len(matches)} triplet sets begin with {prefix}: give more of the id ({', '.join(matches[:3])})"
        )
    return matches[0]


def unknown(what: str, name: str, known: Iterable[str], way_out: str) -> str:
    """One line for a name that nothing answers to: what is near it, what there is, and how to add one."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    hint = f" (did you mean {', '.join(near)}?)" if near else ""
    return f"no {what} {name!r} in this lab{hint}: add it with `{way_out}`"
