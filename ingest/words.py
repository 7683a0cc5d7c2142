"""Words in a user's file and the concepts they mean: matched in any case, and to the concept set that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts
from triadic.schema.vocabulary import DEFAULT_SET

if TYPE_CHECKING:
    import pandas as pd


def fold(word: str) -> str:
    """A word as it is compared with others: without case, with underscores as blanks, and single blanks."""
    return " ".join(word.casefold().replace("_", " ").split())


def positions_of(concepts: pd.DataFrame) -> dict[str, int]:
    """Folded word → position, for concepts as `read_concepts` gives them; THINGS unique ids stand for their words too."""
    named = {fold(word): position for word, position in zip(concepts.word, concepts.position, strict=True)}
    ids = zip(concepts.things_unique_id, concepts.position, strict=True)
    return {fold(name): position for name, position in ids if isinstance(name, str)} | named


def matched(
    lab: Lab, concept_set_id: str, words: Sequence[str | None], lines: Sequence[int], where: object
) -> list[int]:
    """The positions that `words` mean. Raises BadInput, naming the first five unknown ones with their rows."""
    position = positions_of(read_concepts(lab, concept_set_id))
    strangers: dict[str, int] = {}
    found = []
    for word, line in zip(words, lines, strict=True):
        if word is None:
            raise BadInput(f"{where} row {line} lacks a word: fill it in, or leave the row out")
        if (at := position.get(fold(word))) is None:
            strangers.setdefault(word, line)
        else:
            found.append(at)
    if strangers:
        named = ", ".join(f"{word!r} (row {line})" for word, line in list(strangers.items())[:5])
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise BadInput(
            f"{where}: {named}{more} {'are' if len(strangers) > 1 else 'is'} not in concept set {concept_set_id}: "
            "correct them, name the set with --concepts, or the columns with --columns (nothing was stored)"
        )
    return found


def concept_set_with(lab: Lab, words: Iterable[str]) -> str:
    """The concept set that has all of `words`: of several the smallest. Without any, the one that has most of them.

    Raises NotFound for a lab without concepts.
    """
    wanted = {fold(word) for word in words}
    sets = _sets(lab)
    return min(sets, key=lambda name: (-len(wanted & sets[name]), len(sets[name]), name != DEFAULT_SET, name))


def concept_set_within(lab: Lab, words: Iterable[str]) -> str:
    """The concept set whose concepts are all among `words`: of several the largest. Without any, the most of one that is.

    Raises NotFound for a lab without concepts.
    """
    given = {fold(word) for word in words}
    sets = _sets(lab)

    def share(name: str) -> float:
        return len(given & sets[name]) / len(sets[name])

    return min(sets, key=lambda name: (-share(name), -len(sets[name]), name != DEFAULT_SET, name))


def _sets(lab: Lab) -> dict[str, set[str]]:
    rows = lab.store.read("SELECT concept_set_id, word FROM concept")
    if rows.empty:
        raise NotFound("no concept set in this lab: `triadic ingest concepts FILE` brings yours")
    return {str(name): {fold(word) for word in group} for name, group in rows.groupby("concept_set_id").word}
