"""References: what models are compared with. Human embeddings, a file of one's own, the fit of people's answers, WordNet.

A human embedding of the THINGS concepts is a file of 1,854 rows: VICE as .npy (Muttenthaler et al. 2022), SPoSE as text
of 49 or 66 columns (Hebart et al. 2020, 2023). The rows of a concept set are selected by THINGS unique id, or by the
words of the file; kept as they are (role raw) and reduced by PCA to the smallest d with 95% of the variance (role
reference), as in the paper's A.7. Similarities and distances are embedded by classical scaling, by the same rule.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from triadic.ingest.csvfile import shipped
from triadic.ingest.reference_file import FileKind, ReferenceFile, distances, read_reference_file
from triadic.ingest.wordnet import SOURCE, classical_scaling, wu_palmer
from triadic.ingest.words import concept_set_within, fold, positions_of
from triadic.schema.arrays import Floats, Ints
from triadic.schema.embeddings import components, participation_ratio, pca, read_embedding, vector_rows
from triadic.schema.errors import BadInput, NotFound, Unavailable
from triadic.schema.keys import content_key, file_sha256
from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater, read_concepts
from triadic.schema.store import insert_rows
from triadic.schema.tables import Embedding, EmbeddingRow, Rater
from triadic.schema.vocabulary import DEFAULT_SET, RaterKind, Role

if TYPE_CHECKING:
    import pandas as pd

N_THINGS = 1854
DOWNLOADS = {  # name → page, page of its row ids, citation. Size and SHA-256 of what came are recorded, not checked.
    "spose-49": ("https://osf.io/4pgk8", "https://osf.io/2y463", "SPoSE, 49 dimensions (Hebart et al. 2020)"),
    "spose-66": ("https://osf.io/nfbp3", None, "SPoSE, 66 dimensions (Hebart et al. 2023)"),
}


@dataclass(frozen=True)
class Source:
    """Where an embedding came from, for its row in table `embedding`."""

    name: str
    rater_id: str
    text: str
    file: dict[str, Any] = field(default_factory=dict)
    notes: str | None = None


def reference_from_file(
    lab: Lab,
    path: Path,
    concept_set_id: str | None = None,
    name: str | None = None,
    source: str | None = None,
    n_dims: int | None = None,
    ids: Path | None = None,
    kind: str | None = None,
    words: Path | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> str:
    """Store what a file holds as a reference; returns its embedding id.

    What `path` may hold is in `triadic.ingest.reference_file`; `kind` and `words` are told there, `tell` is given lines
    on how it was read. A file without words has one row per THINGS concept (1,854), or one per concept of the set, in
    its order. `ids` names its rows: THINGS unique ids, one per line, or a table with a column uniqueID; without it they
    are in the order of the THINGS concept table. `n_dims` overrides the 95% rule. Without `concept_set_id` it is the set
    whose words the file has. Raises NotFound without the file, BadInput for rows that are neither, numbers that are not
    finite, or concepts without a row, which it names.
    """
    path = Path(path)
    found = read_reference_file(path, kind, words)
    for note in found.notes:
        tell(note)
    if concept_set_id is None:
        concept_set_id = concept_set_within(lab, found.words) if found.words else DEFAULT_SET
    concepts = read_concepts(lab, concept_set_id)
    if found.words is None:
        rows = _rows_by_place(len(found.values), concepts, path, _read_ids(Path(ids)) if ids else None)
    else:
        rows = _rows_by_word(found.words, concepts, path, tell)
    name = name or ("vice" if found.values.shape == (N_THINGS, 42) else path.stem)
    people = Rater(rater_id=f"human-{name}", kind=RaterKind.human, description=f"people, as embedded in {name}")
    file = {"source_file": path.name, "source_bytes": path.stat().st_size, "source_sha256": file_sha256(path)}
    made = Source(name, people.rater_id, source or f"read from {path.name}", file)
    if found.kind != FileKind.vectors:
        selected = replace(found, values=found.values[np.ix_(rows, rows)], words=list(concepts.word))
        vectors, kept = _scaled(name, selected, n_dims)
        with lab.store.transaction():
            lab.store.insert(Rater, [people])
            return insert_embedding(
                lab,
                vectors,
                concept_set_id,
                Role.reference,
                "classical-scaling",
                made,
                _digest(selected.values),
                variance_kept=kept,
            )
    vectors = found.values[rows]
    check_dims(name, vectors, n_dims)
    with lab.store.transaction():
        lab.store.insert(Rater, [people])
        raw = insert_embedding(lab, vectors, concept_set_id, Role.raw, "none", made, _digest(vectors))
        # A file with words is of any scale: only that of a THINGS embedding is known to be people's own softmax.
        return insert_reduced(lab, vectors, concept_set_id, made, raw, n_dims, has_parent=found.words is None)


def reference_from_web(lab: Lab, name: str, concept_set_id: str, folder: Path | None = None) -> str:
    """Download a public human embedding and store it. Raises Unavailable, with the way round, when there is no network."""
    import pooch

    if name not in DOWNLOADS:
        raise NotFound(f"no download {name!r}: use one of {', '.join(DOWNLOADS)}")
    page, ids_page, text = DOWNLOADS[name]
    folder = folder or pooch.os_cache("triadic")
    try:
        file = pooch.retrieve(f"{page}/download", known_hash=None, fname=f"{name}.txt", path=folder)
        ids = None
        if ids_page:
            ids = Path(pooch.retrieve(f"{ids_page}/download", known_hash=None, fname=f"{name}.ids.txt", path=folder))
    except Exception as error:  # requests, urllib3 and pooch each have their own
        raise Unavailable(
            f"cannot download {name} from {page}: get the file there with a browser, then "
            f"`triadic ingest reference FILE --name {name}`"
        ) from error
    return reference_from_file(lab, Path(file), concept_set_id, name, f"{text}, {page}", ids=ids)


def wordnet_reference(lab: Lab, concept_set_id: str, n_dims: int = 30) -> str:
    """Store the WordNet taxonomy of the set's concepts as a reference; returns its embedding id."""
    concepts = read_concepts(lab, concept_set_id)
    n_dims = min(n_dims, len(concepts) - 1)
    similarity = wu_palmer(_things_ids(concepts, "the WordNet reference"))
    vectors, kept = classical_scaling(1 - similarity, n_dims)
    taxonomy = Rater(rater_id="wordnet", kind=RaterKind.vectors, description="the WordNet 3.0 noun taxonomy")
    made = Source("wordnet", taxonomy.rater_id, SOURCE, notes="a taxonomy, not human judgments")
    lab.store.insert(Rater, [taxonomy])
    return insert_embedding(
        lab, vectors, concept_set_id, Role.reference, "classical-scaling", made, _digest(similarity), variance_kept=kept
    )


def reference_from_fit(
    lab: Lab,
    fit: str,
    name: str | None = None,
    n_dims: int | None = None,
    concept_set_id: str | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> str:
    """Make a fit a reference called `name`: PCA to 95% of the variance, or to `n_dims`. Returns the embedding id.

    `fit` is an embed run, or a rater, whose shown fit it then is: of several kinds (or concept sets) the one with most
    answers, then the newest; `tell` is given a line on which. The fitted embedding is the reference's parent, as the raw
    file is that of a published one. Raises NotFound for an unknown fit, BadInput for one at chance or unconverged, or
    impossible dimensions.
    """
    row = lab.store.row(_FIT.format("embedding_id = $1"), [fit])
    if row is None:
        row = _shown_fit(lab, fit, concept_set_id, tell)
    embed_run_id, concept_set_id, rater_id, rater_name, at_chance, converged = row
    if at_chance or not converged:
        raise BadInput(
            f"fit {embed_run_id} of {rater_name} is {'at chance' if at_chance else 'not converged'}: "
            "nothing should be compared with it"
        )
    name, fitted = name or rater_name, read_embedding(lab, embed_run_id)
    check_dims(name, fitted, n_dims)
    made = Source(name, rater_id, f"fitted here to the answers of {rater_name}")
    return insert_reduced(lab, fitted, concept_set_id, made, embed_run_id, n_dims)


_FIT = (
    "SELECT embedding_id, concept_set_id, rater_id, rater_name, at_chance, converged FROM embedding "
    "JOIN rater_current USING (rater_id) WHERE role = 'fitted' AND {}"
)


def _shown_fit(lab: Lab, rater: str, concept_set_id: str | None, tell: Callable[[str], object]) -> tuple[Any, ...]:
    try:
        rater_id = find_rater(lab.store, rater)
    except NotFound as error:
        raise NotFound(f"no fit {rater}: {error}") from error
    shown = lab.store.read(
        "SELECT embedding_id, method, concept_set_id, n_answers FROM fit WHERE rater_id = $1 AND is_shown "
        "AND ($2 IS NULL OR concept_set_id = $2) ORDER BY n_answers DESC NULLS LAST, created_at DESC, embedding_id",
        [rater_id, concept_set_id],
    )
    if shown.empty:
        raise NotFound(f"no fit of {rater} in this lab: `triadic embed {rater}` makes one")
    best = shown.iloc[0]
    others = f"; {len(shown) - 1} others with --fit RUN" if len(shown) > 1 else ""
    tell(f"the fit of {rater}: {best.method}, {best.n_answers:,.0f} answers{others}")
    return lab.store.row(_FIT.format("embedding_id = $1"), [best.embedding_id]) or ()


def about_reference(lab: Lab, embedding_id: str) -> list[str]:
    """Lines on a reference: its name, concepts, dimensions and the share of the variance that they keep; what is next."""
    name, concept_set_id, n_dims, kept, n_concepts = lab.store.row(
        "SELECT name, concept_set_id, n_dims, variance_kept, n_concepts FROM embedding JOIN concept_set "
        "USING (concept_set_id) WHERE embedding_id = ?",
        [embedding_id],
    ) or (embedding_id, "", 0, None, 0)
    share = f", {kept:.0%} of the variance" if kept is not None else ""
    lines = [f"reference {name}: {n_concepts} concepts of {concept_set_id}, dimensions: {n_dims}{share}"]
    if lab.store.row("SELECT 1 FROM fit WHERE concept_set_id = ?", [concept_set_id]):
        return [*lines, "next: `triadic align` compares every embedding with it"]
    option = "" if concept_set_id == DEFAULT_SET else f" --concepts {concept_set_id}"
    return [*lines, f"next: triadic run MODEL{option} (and `triadic align`, for embeddings that are there already)"]


def check_dims(name: str, rows: Floats, n_dims: int | None) -> None:
    """BadInput for a number of dimensions that `rows` (n, d) do not have; None is the 95% rule's."""
    most = min(rows.shape[1], len(rows) - 1)
    if n_dims is not None and not 1 <= n_dims <= most:
        raise BadInput(f"reference {name} cannot have {n_dims} dimensions: give --keep-dims between 1 and {most}")


def insert_reduced(
    lab: Lab,
    rows: Floats,
    concept_set_id: str,
    source: Source,
    made_from: str,
    n_dims: int | None,
    has_parent: bool = True,
) -> str:
    """Store `rows` (n, d) as a reference: their PCA to `n_dims`, or to 95% of the variance (and two dimensions at least).

    `made_from` is the id of the embedding of these rows. It is the reference's parent where its scale is the one at which
    people's choices are a softmax of it (`has_parent`): people are then simulated from it as it is.
    """
    vectors, kept = pca(rows, n_dims or _fewest(rows))
    more = {"variance_kept": kept, "parent_id": made_from if has_parent else None}
    return insert_embedding(lab, vectors, concept_set_id, Role.reference, "pca", source, made_from, **more)


def insert_embedding(
    lab: Lab,
    vectors: Floats,
    concept_set_id: str,
    role: Role,
    algorithm: str,
    source: Source,
    made_from: str,
    **more: Any,
) -> str:
    """Store an embedding under the hash of what it was made from: its own last bits may differ between machines."""
    embedding = Embedding(
        embedding_id=content_key(concept_set_id, source.name, role, algorithm, vectors.shape[1], made_from),
        concept_set_id=concept_set_id,
        rater_id=source.rater_id,
        role=role,
        name=source.name,
        algorithm=algorithm,
        n_dims=vectors.shape[1],
        effective_dims=participation_ratio(vectors),
        source=source.text,
        notes=source.notes,
        **source.file,
        **more,
    )
    with lab.store.transaction() as con:
        insert_rows(con, Embedding, [embedding])
        insert_rows(con, EmbeddingRow, vector_rows(embedding.embedding_id, vectors))
    return embedding.embedding_id


def _digest(matrix: Floats) -> str:
    return hashlib.sha256(np.ascontiguousarray(matrix, "<f8").tobytes()).hexdigest()


def _read_ids(path: Path) -> list[str]:
    """THINGS unique ids, one per line, or the column uniqueID of a tab- or comma-separated table."""
    if not path.is_file():
        raise NotFound(f"no file {path}")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for separator in "\t,":
        header = lines[0].split(separator) if lines else []
        if "uniqueID" in header:
            return [row["uniqueID"] for row in csv.DictReader(lines, delimiter=separator)]
    return [line.strip() for line in lines if line.strip()]


def _fewest(rows: Floats) -> int:
    """The fewest dimensions with 95% of the variance, and two where there are two: on a line all angles are 0 or 180°."""
    most: int = min(rows.shape[1], len(rows) - 1)
    return max(components(rows), min(2, most))


def _rows_by_place(n_rows: int, concepts: pd.DataFrame, path: Path, row_ids: list[str] | None) -> Ints:
    """Which rows of a file without words the concepts (n,) have, by THINGS unique id or by their place."""
    if row_ids is not None:
        if len(row_ids) != n_rows:
            raise BadInput(f"{path} has {n_rows} rows and its ids name {len(row_ids)}: they must be of one length")
        order = {name: i for i, name in enumerate(row_ids)}
    elif n_rows == len(concepts) != N_THINGS:
        return np.arange(n_rows)
    elif n_rows != N_THINGS:
        raise BadInput(
            f"{path} has {n_rows} rows: a reference has one per THINGS concept ({N_THINGS}) or one per concept of the set "
            f"({len(concepts)}); a CSV with a column of words may have any"
        )
    else:
        order = {row["things_unique_id"]: int(row["row"]) for row in shipped("things_rows.csv")}
    wanted = _things_ids(concepts, str(path), order)
    unknown = [i for i in wanted if i not in order]
    if unknown:
        raise BadInput(
            f"{path}: no row known for the THINGS ids {', '.join(unknown[:5])}"
            + ("" if row_ids else ": name the rows with --ids, for example the THINGS concept table")
        )
    return np.array([order[i] for i in wanted])


def _rows_by_word(words: list[str], concepts: pd.DataFrame, path: Path, tell: Callable[[str], object]) -> Ints:
    """Which rows of a file the concepts (n,) have, by its words. Raises BadInput, naming concepts that it has not."""
    meant = positions_of(concepts)
    rows = {meant[fold(word)]: row for row, word in enumerate(words) if fold(word) in meant}
    missing = [word for word, position in zip(concepts.word, concepts.position, strict=True) if position not in rows]
    set_id = concepts.concept_set_id.iloc[0]
    if missing:
        more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        raise BadInput(
            f"{path} lacks {len(missing)} of the {len(concepts)} concepts of {set_id}: {', '.join(missing[:8])}{more} "
            "(name another set with --concepts, or complete the file)"
        )
    if extra := [word for word in words if fold(word) not in meant]:
        examples = ", ".join(extra[:5]) + (" …" if len(extra) > 5 else "")
        tell(f"left out, for they are not in {set_id}: {len(extra)} of the file's words ({examples})")
    return np.array([rows[position] for position in range(len(concepts))])


def _scaled(name: str, found: ReferenceFile, n_dims: int | None) -> tuple[Floats, float]:
    """Coordinates (n, d) of a square file, to `n_dims` or the fewest with 95% of the positive spectrum, and their share."""
    vectors, _ = classical_scaling(distances(found), len(found.values) - 1)
    vectors = vectors[:, (vectors**2).sum(axis=0) > 0]
    check_dims(name, vectors, n_dims)
    shares = (vectors**2).sum(axis=0).cumsum() / (vectors**2).sum()
    d = n_dims or _fewest(vectors)
    return vectors[:, :d], float(shares[d - 1])


def _things_ids(concepts: pd.DataFrame, what: str, order: Container[str] = ()) -> list[str]:
    """The THINGS unique ids of concepts; for those without one their words, where `order` has a row of that name."""
    by_word = [word.replace(" ", "_") for word in concepts.word]
    ids = [
        known if isinstance(known, str) else word if word in order else None
        for known, word in zip(concepts.things_unique_id, by_word, strict=True)
    ]
    missing = [word for word, known in zip(concepts.word, ids, strict=True) if known is None]
    if missing:
        raise BadInput(
            f"{what} is selected by THINGS unique id, and the concept set has none for {', '.join(missing[:5])}: "
            "add a column things_unique_id to its CSV"
        )
    return [str(known) for known in ids]
