"""The plan stage: draw a triplet set and keep it, so that every rater is asked the same questions; name it; choose among sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from triadic.compute.triplets import n_possible, sample_triplets
from triadic.schema.arrays import Ints
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lookup import QuestionSet, find_triplet_set, read_concepts
from triadic.schema.store import insert_rows
from triadic.schema.tables import Triplet, TripletSet, TripletSetEvent
from triadic.schema.vocabulary import PAPER_TRIPLETS, SetAction

SCHEME = "uniform"


def draw_triplet_set(
    lab: Lab,
    concept_set_id: str,
    n_triplets: int | None = None,
    seed: int = 0,
    *,
    name: str | None = None,
    main: bool = False,
) -> str:
    """The id of the set of `n_triplets` questions that `seed` gives over these concepts, drawn if it is new.

    None draws the paper's 35,000, or all there are where the concepts have fewer. `name` is what the set goes by from
    now on; with `main` it is the one that is asked where no other is named. Raises NotFound for an unknown concept set,
    BadInput for more triplets than there are, Conflict for a name that another set has.
    """
    drawn = undrawn_set(lab, concept_set_id, n_triplets, seed)
    set_id, n_triplets = drawn.triplet_set_id, drawn.n_triplets
    if name:
        _check_name(lab, set_id, name)
    if not lab.store.row("SELECT 1 FROM triplet_set WHERE triplet_set_id = ?", [set_id]):
        anchor, left, right = questions_drawn(lab, drawn, seed).T
        triplets = pa.table(
            {
                "triplet_set_id": pa.repeat(set_id, n_triplets),
                "triplet_no": np.arange(n_triplets, dtype=np.int32),
                "anchor": anchor,
                "left_item": left,
                "right_item": right,
            }
        )
        described = TripletSet(
            triplet_set_id=set_id, concept_set_id=concept_set_id, scheme=SCHEME, n_triplets=n_triplets, seed=seed
        )
        with lab.store.transaction() as con:
            insert_rows(con, Triplet, triplets)
            insert_rows(con, TripletSet, [described])
    decide(lab, set_id, name=name, main=main)
    return set_id


def undrawn_set(lab: Lab, concept_set_id: str, n_triplets: int | None = None, seed: int = 0) -> QuestionSet:
    """The set that `draw_triplet_set` would draw, by the name it would go by. Raises NotFound for an unknown concept set."""
    n_items = len(read_concepts(lab, concept_set_id))
    n_triplets = min(PAPER_TRIPLETS, n_possible(n_items)) if n_triplets is None else n_triplets
    digest = lab.store.value("SELECT digest FROM concept_set WHERE concept_set_id = ?", [concept_set_id])
    set_id = content_key(concept_set_id, digest, SCHEME, n_triplets, seed)
    return QuestionSet(set_id, f"{concept_set_id}-{n_triplets}", concept_set_id, n_triplets, is_main=False)


def questions_drawn(lab: Lab, drawn: QuestionSet, seed: int = 0) -> Ints:
    """The questions of a set that is drawn with this seed: int32 (n_triplets, 3) of anchor, left, right."""
    n_items = len(read_concepts(lab, drawn.concept_set_id))
    return sample_triplets(n_items, drawn.n_triplets, np.random.default_rng(seed))


def decide(lab: Lab, set_id: str, *, name: str | None = None, main: bool = False) -> QuestionSet:
    """Give a set a name, or make it the main one of the lab; what it is already changes nothing. Returns the set.

    Raises Conflict for a name that another set has.
    """
    found = find_triplet_set(lab, set_id)
    events = []
    if name and name != found.name:
        _check_name(lab, set_id, name)
        events.append(TripletSetEvent(triplet_set_id=set_id, action=SetAction.named, name=name))
    if main and not found.is_main:
        events.append(TripletSetEvent(triplet_set_id=set_id, action=SetAction.main))
    lab.store.insert(TripletSetEvent, events)
    return find_triplet_set(lab, set_id)


def choose_set(
    lab: Lab,
    existing: str | None,
    concept_set_id: str | None,
    n_triplets: int | None,
    seed: int,
    *,
    name: str | None,
    main: bool,
) -> QuestionSet:
    """What `triadic plan` does: name the set `existing` or make it the main one; without one, draw one first.

    Concepts are the lab's only set where none are named. Raises as `draw_triplet_set`, `decide` and `only_concept_set`,
    BadInput for a set that is drawn already and a number to draw, or for one that is to stay as it is.
    """
    if existing is None:
        set_id = draw_triplet_set(lab, concept_set_id or only_concept_set(lab), n_triplets, seed, name=name, main=main)
        return find_triplet_set(lab, set_id)
    found = find_triplet_set(lab, existing, concept_set_id)
    if n_triplets is not None:
        raise BadInput(f"{found.name} is drawn already, with {found.n_triplets:,} triplets: leave out --triplets")
    if not (name or main):
        raise BadInput(f"nothing to do for {found.name}: give it a --name, or make it the --main one")
    return decide(lab, found.triplet_set_id, name=name, main=main)


def main_or_not(lab: Lab, questions: QuestionSet) -> str:
    """Whether a set is the one that is asked, and if not, which one is and how to change that; in a line or two."""
    if questions.is_main:
        return f"{questions} is the main set: `triadic run MODEL` asks it"
    name = questions.name
    return (
        f"{questions} is not the main set: `triadic run MODEL` goes on asking {find_triplet_set(lab)}\n"
        f"`triadic run MODEL --triplet-set {name}` asks this one, `triadic plan --triplet-set {name} --main` makes it the "
        "main set (and --name NAME calls it otherwise)"
    )


def only_concept_set(lab: Lab) -> str:
    """The lab's concept set. Raises BadInput, naming them, where it has several, NotFound where it has none."""
    known = list(lab.store.read("SELECT concept_set_id FROM concept_set ORDER BY created_at, 1").concept_set_id)
    if not known:
        raise NotFound("this lab has no concepts yet: `triadic ingest concepts FILE` brings a list of words")
    if len(known) > 1:
        raise BadInput(f"this lab has several concept sets: say which one with --concepts {' or '.join(known)}")
    return str(known[0])


def set_to_ask(
    lab: Lab,
    name: str | None = None,
    concept_set_id: str | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> QuestionSet:
    """The triplet set of that name, else the main one, of these concepts or of the lab; where there is none, one to draw.

    That is the paper's 35,000 triplets, or all there are, over `concept_set_id` or the lab's only concept set; nothing is
    stored yet (`keep_drawn`). `note` is told which set it is. Raises as `find_triplet_set` and `only_concept_set`.
    """
    if concept_set_id is not None:
        read_concepts(lab, concept_set_id)  # NotFound for one that there is not
    if name is not None or _is_drawn(lab, concept_set_id):
        found = find_triplet_set(lab, name, concept_set_id)
        note(f"questions: {found}")
        return found
    found = undrawn_set(lab, concept_set_id or only_concept_set(lab))
    note(f"questions: {found}; none were drawn here before")
    return found


def keep_drawn(lab: Lab, questions: QuestionSet) -> None:
    """Draw a set that `set_to_ask` proposed; one that is in the lab stays as it is."""
    if not lab.store.row("SELECT 1 FROM triplet_set WHERE triplet_set_id = ?", [questions.triplet_set_id]):
        draw_triplet_set(lab, questions.concept_set_id, questions.n_triplets)


def _is_drawn(lab: Lab, concept_set_id: str | None) -> bool:
    """Whether there is a main set, of these concepts or of the lab."""
    sql = "SELECT 1 FROM question_set WHERE if($1 IS NULL, is_main, is_main_of_concepts AND concept_set_id = $1)"
    return lab.store.row(sql, [concept_set_id]) is not None


def _check_name(lab: Lab, set_id: str, name: str) -> None:
    sql = "SELECT name FROM question_set WHERE lower(name) = lower(?) AND triplet_set_id <> ?"
    if lab.store.row(sql, [name, set_id]):
        raise Conflict(f"another triplet set is called {name}: give this one another --name")
