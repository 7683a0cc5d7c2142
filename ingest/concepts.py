"""Concept sets: the paper's 128, which ship with the package, a CSV with a word column, or a text with a word a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from triadic.ingest.csvfile import Row, read_table, read_text, separator_of, shipped
from triadic.ingest.wordnet import hypernym_chains
from triadic.ingest.words import fold
from triadic.schema.errors import BadInput, Conflict
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts
from triadic.schema.store import insert_rows
from triadic.schema.tables import Concept, ConceptSet
from triadic.schema.vocabulary import DEFAULT_SET


def ingest_concepts(lab: Lab, path: Path | None = None, name: str | None = None, column: str = "word") -> int:
    """Store a concept set; returns how many concepts are new.

    Without a path: the 128 concepts of the THINGS database that the paper uses. With one: a CSV whose `column` holds the
    words, in order, with `category` and `things_unique_id` where it has them, or a text with one word a line; `name`
    defaults to the file's. A word without a unique id has that of the shipped THINGS concept of its name, where that
    name is THINGS' own only one.
    Raises BadInput for a missing column, an empty or repeated word, or fewer than three; Conflict when the name is
    taken by other words.
    """
    set_id = concept_set_name(path, name)
    if path is None:
        rows, column = shipped("concepts128.csv"), "word"
        lines: Sequence[int] = range(2, len(rows) + 2)
        source = "the paper's 128 concepts of the THINGS database (Hebart et al. 2019)"
    else:
        rows, lines = _read(Path(path), column)
        source = Path(path).name
    words = [row[column] for row in rows]
    _check(words, lines, path or set_id)
    digest = content_key(words)
    known = lab.store.value("SELECT digest FROM concept_set WHERE concept_set_id = ?", [set_id])
    if known not in (None, digest):
        raise Conflict(f"concept set {set_id} is in the lab with other words: give this one another --name")
    ids = _things_ids()
    concepts = [
        Concept(
            concept_set_id=set_id,
            position=position,
            word=row[column],
            category=row.get("category"),
            things_unique_id=row.get("things_unique_id") or ids.get(fold(row[column])),
        )
        for position, row in enumerate(rows)
    ]
    with lab.store.transaction() as con:
        about = ConceptSet(concept_set_id=set_id, digest=digest, n_concepts=len(words), source=source)
        insert_rows(con, ConceptSet, [about])
        return insert_rows(con, Concept, concepts)


def concept_set_name(path: Path | None, name: str | None = None) -> str:
    """What the set of a file is called: as it is told, or as the file; the shipped one by its own name."""
    return name or (DEFAULT_SET if path is None else Path(path).stem)


def about_concepts(lab: Lab, concept_set_id: str) -> list[str]:
    """Lines on what a set lacks, which references there can be for it, and what to do next."""
    concepts = read_concepts(lab, concept_set_id)
    option = "" if concept_set_id == DEFAULT_SET else f" --concepts {concept_set_id}"
    lines = []
    if concepts.category.dropna().nunique() < 2:
        lines.append("no categories: what is measured by category is left out (a column `category` tells them)")
    chains = hypernym_chains()
    outside = [
        word for word, known in zip(concepts.word, concepts.things_unique_id, strict=True) if known not in chains
    ]
    if not outside:
        lines.append(f"reference: `triadic ingest reference --wordnet{option}` (a taxonomy, not human judgments)")
        lines.append(
            f"reference: `triadic ingest reference FILE{option}`, FILE a human embedding of THINGS (VICE, SPoSE)"
        )
    else:
        examples = ", ".join(outside[:3]) + (" …" if len(outside) > 3 else "")
        lines.append(
            f"no WordNet reference: {len(outside)} of {len(concepts)} words are not among the shipped THINGS concepts "
            f"({examples}); a THINGS embedding needs their rows named too (--ids)"
        )
    lines.append(
        f"reference: `triadic ingest reference FILE{option}`, FILE a table of yours: vectors or features by word,"
    )
    lines.append("  similarities or distances of all pairs")
    lines.append(f"reference: `triadic ingest answers FILE{option}`, people's answers, then `--fit people`")
    return [*lines, f"next: one of these references, then triadic run MODEL{option}"]


def _read(path: Path, column: str) -> tuple[list[Row], Sequence[int]]:
    """The rows of a CSV, or of a text whose every line is a word, and the lines they stand in."""
    text = read_text(path).splitlines()
    first = text[0] if text else ""
    if path.suffix.lower() in (".csv", ".tsv") or separator_of(first) in first or first.strip() == column:
        table = read_table(path, [column])
        return table.rows, table.lines
    words = [(number, line.strip()) for number, line in enumerate(text, start=1) if line.strip()]
    if not words:
        raise BadInput(f"{path} is empty: write one word a line, or a CSV with a column {column}")
    return [{column: word} for _, word in words], [number for number, _ in words]


def _things_ids() -> dict[str, str]:
    """Folded word → THINGS unique id of the shipped concepts, where the id is the word itself: bow1 is one of two bows."""
    ids = (row["things_unique_id"] for row in shipped("things_rows.csv"))
    return {fold(each): each for each in ids if not each[-1].isdigit()}


def _check(words: Sequence[str | None], lines: Sequence[int], where: Path | str) -> None:
    seen: set[str] = set()
    for line, word in zip(lines, words, strict=True):
        if not word:
            raise BadInput(f"{where}: line {line} has no word")
        if word.lower() in seen:
            raise BadInput(f"{where}: {word!r} stands twice (line {line}): a concept set names each concept once")
        seen.add(word.lower())
    if len(words) < 3:
        raise BadInput(f"{where}: a triplet needs three concepts, this set has {len(words)}")
