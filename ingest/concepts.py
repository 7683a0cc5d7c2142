"""Concept sets: the paper's 128, which ship with the package, or a CSV with a word column."""

from __future__ import annotations

from pathlib import Path

from triadic.ingest.csvfile import read_csv, shipped
from triadic.schema.errors import BadInput, Conflict
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.store import insert_rows
from triadic.schema.tables import Concept, ConceptSet
from triadic.schema.vocabulary import DEFAULT_SET


def ingest_concepts(lab: Lab, path: Path | None = None, name: str | None = None, column: str = "word") -> int:
    """Store a concept set; returns how many concepts are new.

    Without a path: the 128 concepts of the THINGS database that the paper uses. With one: a CSV whose `column` holds the
    words, in order, with `category` and `things_unique_id` where it has them; `name` defaults to the file's.
    Raises BadInput for a missing column, an empty or repeated word, or fewer than three; Conflict when the name is
    taken by other words.
    """
    if path is None:
        rows, set_id, column = shipped("concepts128.csv"), name or DEFAULT_SET, "word"
        source = "the paper's 128 concepts of the THINGS database (Hebart et al. 2019)"
    else:
        rows, source, set_id = read_csv(path, [column]), Path(path).name, name or Path(path).stem
    words = [row[column] for row in rows]
    _check(words, path or set_id)
    digest = content_key(words)
    known = lab.store.value("SELECT digest FROM concept_set WHERE concept_set_id = ?", [set_id])
    if known not in (None, digest):
        raise Conflict(f"concept set {set_id} is in the lab with other words: give this one another --name")
    concepts = [
        Concept(
            concept_set_id=set_id,
            position=position,
            word=row[column],
            category=row.get("category"),
            things_unique_id=row.get("things_unique_id"),
        )
        for position, row in enumerate(rows)
    ]
    with lab.store.transaction() as con:
        about = ConceptSet(concept_set_id=set_id, digest=digest, n_concepts=len(words), source=source)
        insert_rows(con, ConceptSet, [about])
        return insert_rows(con, Concept, concepts)


def _check(words: list[str | None], where: Path | str) -> None:
    seen: set[str] = set()
    for line, word in enumerate(words, start=2):
        if not word:
            raise BadInput(f"{where}: line {line} has no word")
        if word.lower() in seen:
            raise BadInput(f"{where}: {word!r} stands twice (line {line}): a concept set names each concept once")
        seen.add(word.lower())
    if len(words) < 3:
        raise BadInput(f"{where}: a triplet needs three concepts, this set has {len(words)}")
