"""Finding things in a lab by the names people use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from triadic.schema.errors import Conflict, NotFound
from triadic.schema.lab import Lab
from triadic.schema.store import Store, query

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.7  # likeness from which on a name is offered for another
PART = 0.9  # likeness of a part of a name to it


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


def find_rater(store: Store, name: str, removed: bool = False) -> str:
    """The rater that goes by `name`, in any case: the name it is shown by, its id, or its hub id.

    A removed one is found only where `removed` says so. Raises NotFound with near misses, those that the lab has answers
    of first; for a removed rater with the way to bring it back.
    """
    found = store.row(
        "SELECT rater_id, is_removed FROM rater_current LEFT JOIN model_current USING (rater_id) "
        "WHERE lower(rater_name) = lower($1) OR lower(rater_id) = lower($1) OR lower(hf_id) = lower($1) "
        "ORDER BY is_removed, rater_name <> $1, lower(rater_name) <> lower($1), rater_id <> $1, "
        "lower(rater_id) <> lower($1), weights IS NULL, rater_id",
        [name],
    )
    if found and (removed or not found[1]):
        return str(found[0])
    if found:
        raise NotFound(f"{name} was removed from this lab: `triadic model remove {name} --undo` brings it back")
    raters = store.read(query("triadic.schema", "raters_by_use"))
    known, in_use = raters.rater_name.tolist(), raters.rater_name[raters.is_own].tolist()
    raise NotFound(unknown("model or rater", name, known, "triadic model add", first=in_use))


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


def unknown(what: str, name: str, known: Iterable[str], way_out: str, first: Iterable[str] = ()) -> str:
    """One line for a name that nothing answers to: what is near it (those in `first` before others), and how to add one.

    Where nothing is near, it says what there is.
    """
    known = list(known)
    near = near_names(name, known, first)
    hint = f" (did you mean {', '.join(near)}?)" if near else f" (there are {_some(known)})" if known else ""
    return f"no {what} {name!r} in this lab{hint}: add it with `{way_out}`"


def near_names(name: str, known: Iterable[str], first: Iterable[str] = (), n: int = 3) -> list[str]:
    """Up to `n` of `known` that are like `name`, those in `first` before others, the likest first within each.

    Case, dashes, dots and blanks do not count; the likest of all is always among them.
    """
    scores = {each: _likeness(_letters(name), _letters(each)) for each in known}
    by_likeness = sorted((each for each in scores if scores[each] >= NEAR), key=lambda each: -scores[each])
    preferred = set(first)
    chosen = sorted(by_likeness, key=lambda each: each not in preferred)[:n]
    if by_likeness and by_likeness[0] not in chosen:
        chosen[-1] = by_likeness[0]
    return chosen


def _letters(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _likeness(typed: str, name: str) -> float:
    """How much of two names is alike, 0 to 1; a part of a longer name counts nearly as much as the whole of one."""
    matcher = difflib.SequenceMatcher(None, typed, name, autojunk=False)
    pieces = sum(block.size for block in matcher.get_matching_blocks() if block.size > 1)
    part = PART * pieces / len(typed) if len(typed) > 2 else 0.0
    return max(matcher.ratio(), part)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
