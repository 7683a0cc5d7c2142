"""Finding things in a lab by the names people use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from triadic.schema.errors import Conflict, NotFound
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
        "SELECT rater_id FROM rater_current LEFT JOIN model_current USING (rater_id) "
        "WHERE lower(rater_name) = lower($1) OR lower(rater_id) = lower($1) OR lower(hf_id) = lower($1) "
        "ORDER BY rater_name <> $1, lower(rater_name) <> lower($1), rater_id <> $1, is_removed, rater_id",
        [name],
    )
    if found:
        return str(found)
    known = list(store.read("SELECT rater_id FROM rater ORDER BY 1").rater_id)
    raise NotFound(unknown("model or rater", name, known, "triadic model add"))


@dataclass(frozen=True)
class QuestionSet:
    """A triplet set as people know it; `str()` says what is asked."""

    triplet_set_id: str
    name: str
    concept_set_id: str
    n_triplets: int
    is_main: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.n_triplets:,} triplets over {self.concept_set_id})"


def find_triplet_set(lab: Lab, name: str | None = None, concept_set_id: str | None = None) -> QuestionSet:
    """The triplet set of that name (or whose id begins so); without one the main set, of these concepts or of the lab.

    Raises NotFound where there is none, Conflict where several ids begin so.
    """
    sets = [
        QuestionSet(*row)
        for row in lab.store.read(
            "SELECT triplet_set_id, name, concept_set_id, n_triplets, if($1 IS NULL, is_main, is_main_of_concepts) "
            "FROM question_set WHERE $1 IS NULL OR concept_set_id = $1 ORDER BY created_at",
            [concept_set_id],
        ).itertuples(index=False, name=None)
    ]
    if name is None:
        matches = [each for each in sets if each.is_main]
    else:
        matches = [each for each in sets if each.name.lower() == name.lower()]
        matches = matches or [each for each in sets if each.triplet_set_id.startswith(name)]
    if not matches:
        raise NotFound(unknown("triplet set", name or "drawn yet", [each.name for each in sets], "triadic plan"))
    if len(matches) > 1:
        raise Conflict(
            f"{len(matches)} triplet sets go by {name}: give one's id ({', '.join(m.triplet_set_id for m in matches)})"
        )
    return matches[0]


def unknown(what: str, name: str, known: Iterable[str], way_out: str) -> str:
    """One line for a name that nothing answers to: what is near it, what there is, and how to add one."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    hint = f" (did you mean {', '.join(near)}?)" if near else ""
    return f"no {what} {name!r} in this lab{hint}: add it with `{way_out}`"
