"""References: the human embeddings that models are compared with, and the WordNet taxonomy where there are none.

A human embedding of the THINGS concepts is a file of 1,854 rows: VICE as .npy (Muttenthaler et al. 2022), SPoSE as text
of 49 or 66 columns (Hebart et al. 2020, 2023). The rows of a concept set are selected by THINGS unique id, kept as they
are (role raw) and reduced by PCA to the smallest d with 95% of the variance (role reference), as in the paper's A.7.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from triadic.ingest.csvfile import shipped
from triadic.ingest.wordnet import SOURCE, classical_scaling, wu_palmer
from triadic.schema.arrays import Floats
from triadic.schema.embeddings import components, participation_ratio, pca, vector_rows
from triadic.schema.errors import BadInput, NotFound, Unavailable
from triadic.schema.keys import content_key, file_sha256
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts
from triadic.schema.store import insert_rows
from triadic.schema.tables import Embedding, EmbeddingRow, Rater
from triadic.schema.vocabulary import RaterKind, Role

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
    concept_set_id: str,
    name: str | None = None,
    source: str | None = None,
    n_dims: int | None = None,
    ids: Path | None = None,
) -> str:
    """Store a human embedding from a file as a reference; returns its embedding id.

    `path` is a .npy array or a text file of numbers with one row per THINGS concept (1,854), or one per concept of the
    set, in its order. `ids` names the file's rows: THINGS unique ids, one per line, or a table with a column uniqueID;
    without it they are in the order of the THINGS concept table. `n_dims` overrides the 95% rule. Raises NotFound
    without the file, BadInput for rows that are neither, numbers that are not finite, or concepts without a THINGS
    unique id.
    """
    path = Path(path)
    matrix = _read_matrix(path)
    row_ids = _read_ids(Path(ids)) if ids else None
    rows = _select(matrix, read_concepts(lab, concept_set_id), path, row_ids)
    name = name or ("vice" if matrix.shape == (N_THINGS, 42) else path.stem)
    people = Rater(rater_id=f"human-{name}", kind=RaterKind.human, description=f"people, as embedded in {name}")
    file = {"source_file": path.name, "source_bytes": path.stat().st_size, "source_sha256": file_sha256(path)}
    made = Source(name, people.rater_id, source or f"read from {path.name}", file)
    check_dims(name, rows, n_dims)
    lab.store.insert(Rater, [people])
    raw = insert_embedding(lab, rows, concept_set_id, Role.raw, "none", made, _digest(rows))
    return insert_reduced(lab, rows, concept_set_id, made, raw, n_dims)


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
            f"`triadic ingest reference --path FILE --name {name}`"
        ) from error
    return reference_from_file(lab, Path(file), concept_set_id, name, f"{text}, {page}", ids=ids)


def wordnet_reference(lab: Lab, concept_set_id: str, n_dims: int = 30) -> str:
    """Store the WordNet taxonomy of the set's concepts as a reference; returns its embedding id."""
    concepts = read_concepts(lab, concept_set_id)
    _things_ids(concepts, "the WordNet reference")
    n_dims = min(n_dims, len(concepts) - 1)
    similarity = wu_palmer(list(concepts.things_unique_id))
    vectors, kept = classical_scaling(1 - similarity, n_dims)
    taxonomy = Rater(rater_id="wordnet", kind=RaterKind.vectors, description="the WordNet 3.0 noun taxonomy")
    made = Source("wordnet", taxonomy.rater_id, SOURCE, notes="a taxonomy, not human judgments")
    lab.store.insert(Rater, [taxonomy])
    return insert_embedding(
        lab, vectors, concept_set_id, Role.reference, "classical-scaling", made, _digest(similarity), variance_kept=kept
    )


def check_dims(name: str, rows: Floats, n_dims: int | None) -> None:
    """BadInput for a number of dimensions that `rows` (n, d) do not have; None is the 95% rule's."""
    most = min(rows.shape[1], len(rows) - 1)
    if n_dims is not None and not 1 <= n_dims <= most:
        raise BadInput(f"reference {name} cannot have {n_dims} dimensions: give --dims between 1 and {most}")


def insert_reduced(
    lab: Lab, rows: Floats, concept_set_id: str, source: Source, parent_id: str, n_dims: int | None
) -> str:
    """Store `rows` (n, d) of the embedding `parent_id` as a reference: its PCA to `n_dims`, or to 95% of the variance."""
    vectors, kept = pca(rows, n_dims or components(rows))
    more = {"variance_kept": kept, "parent_id": parent_id}
    return insert_embedding(lab, vectors, concept_set_id, Role.reference, "pca", source, parent_id, **more)


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


def _read_matrix(path: Path) -> Floats:
    if not path.is_file():
        raise NotFound(f"no file {path}")
    try:
        matrix = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path, ndmin=2)
        matrix = np.asarray(matrix, float)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(
            f"{path} is not an embedding (.npy, or text with one row of numbers per concept): {error}"
        ) from error
    if matrix.ndim != 2 or min(matrix.shape) < 1:
        raise BadInput(
            f"{path} has shape {matrix.shape}: an embedding has one row per concept and one column per dimension"
        )
    if not np.isfinite(matrix).all():
        bad = int((~np.isfinite(matrix)).any(1).argmax())
        raise BadInput(f"{path} holds NaN or infinity, first in row {bad}: a reference must be complete")
    return matrix


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


def _select(matrix: Floats, concepts: pd.DataFrame, path: Path, row_ids: list[str] | None) -> Floats:
    if row_ids is not None:
        if len(row_ids) != len(matrix):
            raise BadInput(f"{path} has {len(matrix)} rows and its ids name {len(row_ids)}: they must be of one length")
        order = {name: i for i, name in enumerate(row_ids)}
    elif len(matrix) == len(concepts) != N_THINGS:
        return matrix
    elif len(matrix) != N_THINGS:
        raise BadInput(
            f"{path} has {len(matrix)} rows: a reference has one per THINGS concept ({N_THINGS}) "
            f"or one per concept of the set ({len(concepts)})"
        )
    else:
        order = {row["things_unique_id"]: int(row["row"]) for row in shipped("things_rows.csv")}
    wanted = _things_ids(concepts, str(path))
    unknown = [i for i in wanted if i not in order]
    if unknown:
        raise BadInput(
            f"{path}: no row known for the THINGS ids {', '.join(unknown[:5])}"
            + ("" if row_ids else ": name the rows with --ids, for example the THINGS concept table")
        )
    selected: Floats = matrix[[order[i] for i in wanted]]
    return selected


def _things_ids(concepts: pd.DataFrame, what: str) -> list[str]:
    missing = concepts.word[concepts.things_unique_id.isna()]
    if len(missing):
        raise BadInput(
            f"{what} is selected by THINGS unique id, and the concept set has none for {', '.join(missing[:5])}: "
            "add a column things_unique_id to its CSV"
        )
    return list(concepts.things_unique_id)
