"""People's answers from a file, put on the same road as a model's: a finished judge run over the questions they answered.

`triadic embed` fits it, and `reference_from_fit` makes the fit a reference beside the published ones. The answers of each
participant may be a rater's of their own too, beside the pool that has them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from triadic.ingest.answer_file import AnswerFile, read_answer_file
from triadic.ingest.raters import rater_called
from triadic.schema.arrays import Bools, Ints, Objects
from triadic.schema.errors import BadInput, Conflict
from triadic.schema.keys import content_key, file_sha256
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished
from triadic.schema.lookup import read_concepts
from triadic.schema.tables import Rater, Response, Triplet, TripletSet, TripletSetEvent
from triadic.schema.vocabulary import AnswerMode, Framing, InvalidReason, Orders, RaterKind, SetAction, Stage

MOST_REPEATS = 32_767  # table response counts askings in a SMALLINT


@dataclass(frozen=True)
class Imported:
    """What came of a file: the judge run of all answers, and the rater of each participant."""

    run_id: str
    rater_id: str
    triplet_set: str
    concept_set_id: str
    n_concepts: int
    framing: Framing
    n_answers: int
    n_without_choice: int
    n_questions: int
    participants: list[str]

    def lines(self) -> list[str]:
        """What to say of it, and what to do next."""
        lacking = f", {self.n_without_choice:,} of them without a choice" if self.n_without_choice else ""
        lines = [
            f"{self.n_answers:,} answers{lacking} to {self.n_questions:,} {self.framing} questions over "
            f"{self.concept_set_id}, by {self.rater_id} (triplet set {self.triplet_set})"
        ]
        if self.participants:
            examples = ", ".join(self.participants[:3]) + (" …" if len(self.participants) > 3 else "")
            lines.append(f"{len(self.participants)} participants, each a rater beside {self.rater_id}: {examples}")
        few = " --dims auto" if self.n_concepts <= 30 else ""
        return [
            *lines,
            f"next: triadic embed {self.rater_id}{few}, then triadic ingest reference --fit {self.rater_id} "
            "compares models with these people",
        ]


def ingest_answers(
    lab: Lab,
    path: Path,
    rater_id: str = "people",
    concept_set_id: str | None = None,
    columns: Mapping[str, str] | None = None,
    by: str | None = None,
) -> Imported:
    """Store the answers of a file as a finished judge run of `rater_id`, all of them or none. Twice changes nothing.

    What a file may hold is in `triadic.ingest.answer_file`. Three items are one question however the file orders them,
    an anchor and two options too; later answers to it are repeats. With `by`, the answers of each participant are
    those of a rater RATER-PARTICIPANT too. Raises NotFound without the file or the concept set, BadInput, with the row,
    for answers that cannot be read, Conflict when a rater of that name is no person or people.
    """
    path = Path(path)
    found = read_answer_file(lab, path, concept_set_id, columns, by)
    rater_id, participants = rater_called(lab, rater_id) or rater_id, np.array(found.participants)
    n_concepts = len(read_concepts(lab, found.concept_set_id))
    questions, number = _distinct(found.questions, n_concepts)
    digest = lab.store.value("SELECT digest FROM concept_set WHERE concept_set_id = ?", [found.concept_set_id])
    asked = hashlib.sha256(np.ascontiguousarray(questions, "<i4").tobytes()).hexdigest()
    framing = [] if found.framing == Framing.odd_one_out else [found.framing]
    set_id = content_key(found.concept_set_id, digest, AnswerMode.imported, asked, *framing)
    origin: dict[str, Any] = {"file": path.name, "sha256": file_sha256(path)}
    if found.columns:
        origin["columns"] = found.columns
    raters = {rater_id: np.ones(len(number), bool)}
    about = {rater_id: (origin, f"people, {path.name}")}
    for participant in dict.fromkeys(found.participants or ()):
        each = f"{rater_id}-{participant}"
        raters[each] = participants == participant
        about[each] = (origin | {"participant": participant}, f"participant {participant} of {path.name}")
    _check_people(lab, list(raters), path)
    runs = {}
    with lab.store.transaction():
        for each, rows in raters.items():
            runs[each] = _store(lab, each, found, set_id, questions, number, rows, *about[each])
        name = _name_set(lab, set_id, path.stem)
    n_without = int(sum(choice is None for choice in found.choice))
    counts = (n_concepts, found.framing, len(number), n_without, len(questions), list(raters)[1:])
    return Imported(runs[rater_id], rater_id, name, found.concept_set_id, *counts)


def _store(
    lab: Lab,
    rater_id: str,
    found: AnswerFile,
    set_id: str,
    questions: Ints,
    number: Ints,
    rows: Bools,
    origin: dict[str, Any],
    description: str,
) -> str:
    """The judge run of the answers at `rows`, stored if it is new; returns its id."""
    number, flipped, choice = number[rows], found.flipped[rows], found.choice[rows]
    repeat = _repeats(number * 2 + flipped)
    config = {
        "answer": AnswerMode.imported,
        "framing": found.framing,
        "orders": Orders.both if flipped.any() else Orders.drawn,
        "repeats": int(repeat.max()) + 1,
        "n_questions": len(number),
        "judge": origin,
    }
    work = Work(Stage.judge, rater_id, config, found.concept_set_id, set_id)
    if is_finished(lab, work.run_id):
        return work.run_id
    lab.store.insert(Rater, [Rater(rater_id=rater_id, kind=RaterKind.human, description=description)])
    work.begin(lab)
    described = TripletSet(
        triplet_set_id=set_id,
        concept_set_id=found.concept_set_id,
        scheme=AnswerMode.imported,
        n_triplets=len(questions),
    )
    responses = _responses(work.run_id, number, flipped, repeat, choice)
    stored = ((Triplet, _triplets(set_id, questions)), (TripletSet, [described]), (Response, responses))
    finish(lab, work.run_id, stored, answers=len(number))
    return work.run_id


def _name_set(lab: Lab, set_id: str, name: str) -> str:
    """The name of an imported triplet set, which is its file's unless that is taken or it has one."""
    named = lab.store.value(
        "SELECT name FROM triplet_set_event WHERE triplet_set_id = ? AND action = ?", [set_id, SetAction.named.value]
    )
    if named is None:
        taken = lab.store.row("SELECT 1 FROM question_set WHERE lower(name) = lower(?)", [name])
        name = f"{name}-{set_id[:6]}" if taken else name
        event = TripletSetEvent(triplet_set_id=set_id, action=SetAction.named.value, name=name)
        lab.store.insert(TripletSetEvent, [event])
    return str(lab.store.value("SELECT name FROM question_set WHERE triplet_set_id = ?", [set_id]))


def _check_people(lab: Lab, raters: list[str], path: Path) -> None:
    """Raises Conflict for a name that is no person's, and for a pool (the first of `raters`) that was removed."""
    sql = "SELECT rater_name, kind, is_removed AND rater_id = $2 FROM rater_current WHERE list_contains($1, rater_id)"
    for name, kind, is_removed in lab.store.read(sql, [raters, raters[0]]).itertuples(index=False, name=None):
        if kind != RaterKind.human:
            raise Conflict(f"rater {name} is in the lab as {kind}: give the people of {path} another --rater name")
        if is_removed:
            raise Conflict(f"rater {name} was removed: `triadic model remove {name} --undo`, or another --rater name")


def _distinct(rows: Ints, n_concepts: int) -> tuple[Ints, Ints]:
    """Distinct questions (m, 3) in ascending order, and per answer the number of its own."""
    rows = rows.astype(np.int64)
    code = (rows[:, 0] * n_concepts + rows[:, 1]) * n_concepts + rows[:, 2]
    distinct, number = np.unique(code, return_inverse=True)
    pair, third = np.divmod(distinct, n_concepts)
    return np.stack([*np.divmod(pair, n_concepts), third], axis=1), number


def _repeats(asked: Ints) -> Ints:
    """The k-th answer to one question in one order, in the order of the file, is its repeat k."""
    order = np.argsort(asked, kind="stable")
    first = np.searchsorted(asked[order], asked[order])
    repeat = np.empty(len(asked), np.int64)
    repeat[order] = np.arange(len(asked)) - first
    if repeat.max() > MOST_REPEATS:
        raise BadInput(f"one question has {repeat.max() + 1:,} answers: the lab counts {MOST_REPEATS + 1:,} at most")
    return repeat


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


def _responses(run_id: str, number: Ints, flipped: Bools, repeat: Ints, choice: Objects) -> pa.Table:
    reasons = [InvalidReason.empty.value if each is None else None for each in choice]
    return pa.table(
        {
            "run_id": pa.repeat(run_id, len(number)),
            "triplet_no": number.astype(np.int32),
            "flipped": flipped,
            "repeat": repeat.astype(np.int16),
            "choice": pa.array(choice.tolist(), pa.string()),
            "invalid_reason": pa.array(reasons, pa.string()),
        }
    )
