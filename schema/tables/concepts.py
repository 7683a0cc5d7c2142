"""What is asked about: sets of concepts, and the triplets drawn over them."""

from __future__ import annotations

from datetime import datetime

from triadic.schema.tables.base import Table, column, key, link, now


class ConceptSet(Table, table=True):
    """A list of concepts in a fixed order. The paper's 128 are the default set, `things-128`."""

    __tablename__ = "concept_set"
    concept_set_id: str = key("natural key: things-128, or a name of the user's")
    digest: str = column("content hash of the words in order: the same name with other words is refused")
    n_concepts: int = column("how many concepts", ge=3)
    source: str = column("where the words come from")
    created_at: datetime = column("when the set came into the lab", default_factory=now)


class Concept(Table, table=True):
    """One concept of a set."""

    __tablename__ = "concept"
    concept_set_id: str = key("the set", foreign_key="concept_set.concept_set_id")
    position: int = key("0-based: the row of this concept in every embedding of the set", ge=0)
    word: str = column("the word shown to raters", min_length=1)
    category: str | None = column("category, where the set has one", default=None)
    things_unique_id: str | None = column("unique id in the THINGS database", default=None)


class TripletSet(Table, table=True):
    """Questions drawn together. The same set, scheme, number and seed give the same triplets everywhere."""

    __tablename__ = "triplet_set"
    triplet_set_id: str = key("content hash of concept set, scheme, number and seed (or of the imported triplets)")
    concept_set_id: str = link("concept_set.concept_set_id", "the concepts asked about")
    scheme: str = column("uniform: uniform over anchored triplets without repetition; imported: read from a file")
    n_triplets: int = column("how many triplets", ge=1)
    seed: int | None = column("seed of the sampling", default=None)
    created_at: datetime = column("when it was drawn", default_factory=now)


class TripletSetEvent(Table, table=True):
    """What was decided about a triplet set, insert-only: its name, or that it is the one asked by default."""

    __tablename__ = "triplet_set_event"
    triplet_set_id: str = key("the triplet set", foreign_key="triplet_set.triplet_set_id")
    happened_at: datetime = key("when", default_factory=now)
    action: str = key("named, or main: from then on the lab's main set")
    name: str | None = column("the name, where it was named", default=None)


class Triplet(Table, table=True):
    """One question: which of left and right is more similar to the anchor? Bulk; positions into the concept set."""

    __tablename__ = "triplet"
    triplet_set_id: str = key("the triplet set")
    triplet_no: int = key("0-based number within the set")
    anchor: int = column("position of the anchor")
    left_item: int = column("position of the option on the left (shown first unless a response is flipped)")
    right_item: int = column("position of the option on the right")
