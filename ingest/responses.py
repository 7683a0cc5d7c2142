"""Others' judgments: odd-one-out answers from a file, put on the same road as a model's.

The file is that of the THINGS triplet task (Hebart et al. 2020, 2023): three columns of 0-based positions in the
concept set, one answer a row, the third the odd one. `triadic embed --algorithm spose` fits it, and
`reference_from_fit` makes the fit a reference beside the published ones.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from triadic.ingest.reference import Source, check_dims, insert_reduced
from triadic.schema.arrays import Floats, Ints
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.keys import content_key, file_sha256
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished
from triadic.schema.lookup import read_concepts
from triadic.schema.tables import Rater, Response, Triplet, TripletSet
from triadic.schema.vocabulary import AnswerMode, Framing, Orders, RaterKind, Stage

MOST_REPEATS = 32_767  # table response counts askings in a SMALLINT


def ingest_responses(lab: Lab, path: Path, rater_id: str, concept_set_id: str) -> str:
    """Store odd-one-out answers as a finished judge run of `rater_id`; returns the run's id. Twice changes nothing.

    Three items are one question however the file orders them; later answers to it are repeats. Raises NotFound without
    the file or the concept set, BadInput for rows that are not three different positions of the set, Conflict when the
    rater is not a person or people.
    """
    path = Path(path)
    answers = _read(path)
    n_concepts = len(read_concepts(lab, concept_set_id))
    _check(answers, n_concepts, path)
    known = lab.store.value("SELECT kind FROM rater WHERE rater_id = ?", [rater_id])
    if known not in (None, RaterKind.human):
        raise Conflict(f"rater {rater_id} is in the lab as {known}: give the people of {path} another --rater name")
    questions, number, repeat, choice = _questions(answers, n_concepts)
    digest = lab.store.value("SELECT digest FROM concept_set WHERE concept_set_id = ?", [concept_set_id])
    asked = hashlib.sha256(np.ascontiguousarray(questions, "<i4").tobytes()).hexdigest()
    set_id = content_key(concept_set_id, digest, AnswerMode.imported, asked)
    config = {
        "answer": AnswerMode.imported,
        "framing": Framing.odd_one_out,
        "orders": Orders.drawn,
        "repeats": int(repeat.max()) + 1,
        "n_questions": len(answers),
        "judge": {"file": path.name, "sha256": file_sha256(path)},
    }
    work = Work(Stage.judge, rater_id, config, concept_set_id, set_id)
    if is_finished(lab, work.run_id):
        return work.run_id
    lab.store.insert(Rater, [Rater(rater_id=rater_id, kind=RaterKind.human, description=f"people, {path.name}")])
    work.begin(lab)
    described = TripletSet(
        triplet_set_id=set_id, concept_set_id=concept_set_id, scheme=AnswerMode.imported, n_triplets=len(questions)
    )
    triplets, responses = _triplets(set_id, questions), _responses(work.run_id, number, repeat, choice)
    rows = ((Triplet, triplets), (TripletSet, [described]), (Response, responses))
    finish(lab, work.run_id, rows, answers=len(answers))
    return work.run_id


def reference_from_fit(lab: Lab, embed_run_id: str, name: str, n_dims: int | None = None) -> str:
    """Make the fit of an embed run a reference called `name`: PCA to 95% of the variance, or to `n_dims`.

    The fitted embedding is its parent, as the raw file is that of a published reference. Returns the embedding id.
    Raises NotFound for an unknown embed run, BadInput for a fit at chance or unconverged, or impossible dimensions.
    """
    row = lab.store.row(
        "SELECT concept_set_id, rater_id, at_chance, converged FROM embedding WHERE embedding_id = ? AND role = 'fitted'",
        [embed_run_id],
    )
    if row is None:
        raise NotFound(f"no fit {embed_run_id} in this lab: `triadic embed` makes one")
    concept_set_id, rater_id, at_chance, converged = row
    if at_chance or not converged:
        raise BadInput(
            f"fit {embed_run_id} of {rater_id} is {'at chance' if at_chance else 'not converged'}: "
            "nothing should be compared with it"
        )
    fitted = read_embedding(lab, embed_run_id)
    check_dims(name, fitted, n_dims)
    made = Source(name, rater_id, f"fitted here to the answers of {rater_id}")
    return insert_reduced(lab, fitted, concept_set_id, made, embed_run_id, n_dims)


def _read(path: Path) -> Floats | Ints:
    """Integer array (n, 3) of a .npy file, or of text with spaces, tabs or commas between three whole numbers."""
    if not path.is_file():
        raise NotFound(f"no file {path}")
    try:
        if path.suffix == ".npy":
            answers: Floats | Ints = np.load(path, allow_pickle=False)
        else:
            with path.open(encoding="utf-8-sig") as lines:
                separator = "," if "," in lines.readline() else None
            # Read as floats: older THINGS files write whole numbers as 1.000e+00.
            answers = np.loadtxt(path, delimiter=separator, ndmin=2, encoding="utf-8-sig")
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"{path} is not three columns of whole numbers: {str(error).splitlines()[0]}") from error
    if answers.ndim != 2 or answers.shape[1] != 3 or not len(answers):
        raise BadInput(f"{path} has shape {answers.shape}: odd-one-out answers are three columns, the odd one last")
    if answers.dtype.kind == "f" and not np.array_equal(answers, np.round(answers)):
        row = int((answers != np.round(answers)).any(axis=1).argmax())
        raise BadInput(f"{path} row {row + 1}: positions are whole numbers, counted from 0")
    return answers


def _check(answers: Floats | Ints, n_concepts: int, path: Path) -> None:
    outside = ((answers < 0) | (answers >= n_concepts)).any(axis=1)
    if outside.any():
        row = int(outside.argmax())
        raise BadInput(
            f"{path} row {row + 1} is {answers[row].astype(int).tolist()}: the concept set has positions 0 … "
            f"{n_concepts - 1} (name the set the file was made for with --concepts)"
        )
    a, b, c = answers.T
    same = (a == b) | (a == c) | (b == c)
    if same.any():
        row = int(same.argmax())
        raise BadInput(f"{path} row {row + 1} is {answers[row].astype(int).tolist()}: the three concepts must differ")


def _questions(answers: Floats | Ints, n_concepts: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Distinct questions (m, 3) in ascending order within; per answer its question, its repeat and its choice."""
    answers = answers.astype(np.int64)
    low_to_high = np.sort(answers, axis=1)
    code = (low_to_high[:, 0] * n_concepts + low_to_high[:, 1]) * n_concepts + low_to_high[:, 2]
    distinct, number = np.unique(code, return_inverse=True)
    pair, third = np.divmod(distinct, n_concepts)
    questions = np.stack([*np.divmod(pair, n_concepts), third], axis=1)
    # The k-th answer to a question, in the order of the file, is its repeat k.
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], np.arange(len(distinct)))
    repeat = np.empty(len(answers), np.int64)
    repeat[order] = np.arange(len(answers)) - first[number[order]]
    if repeat.max() > MOST_REPEATS:
        raise BadInput(f"one question has {repeat.max() + 1:,} answers: the lab counts {MOST_REPEATS + 1:,} at most")
    odd = answers[:, 2]
    place = np.where(odd == low_to_high[:, 0], 0, np.where(odd == low_to_high[:, 1], 1, 2))
    return questions, number, repeat, place


def _triplets(set_id: str, questions: Ints) -> pa.Table:
    anchor, left, right = questions.astype(np.int32).T
    return pa.table(
        {
            "triplet_set_id": pa.repeat(set_id, len(questions)),
            "triplet_no": np.arange(len(questions), dtype=np.int32),
            "anchor": anchor,
            "left_item": left,
            "right_item": right,
        }
    )


def _responses(run_id: str, number: Ints, repeat: Ints, place: Ints) -> pa.Table:
    """`place` of the odd one: the anchor → apart, the left option → anchor and right go together, the right → left."""
    choice = pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int8)), ["apart", "right", "left"])
    return pa.table(
        {
            "run_id": pa.repeat(run_id, len(number)),
            "triplet_no": number.astype(np.int32),
            "flipped": pa.repeat(False, len(number)),
            "repeat": repeat.astype(np.int16),
            "choice": choice.cast(pa.string()),
        }
    )
