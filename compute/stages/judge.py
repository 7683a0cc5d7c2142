"""The judge stage: put a triplet set to a rater and keep every answer.

It plans the batches, asks the judge one batch at a time, and puts each finished batch into the spool, so that a killed
run loses at most the batch in flight. The next one skips the batches that are there and asks the others whole, in the
composition they would have had: an interrupted run and an undisturbed one end in the same rows.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from triadic.compute.judges.base import Judge, Questions
from triadic.compute.settings import JudgeSettings
from triadic.schema.arrays import Bools, Ints
from triadic.schema.errors import BadInput, Conflict, NotFound, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, Work, first_start, is_finished, record_event, silent
from triadic.schema.lookup import read_concepts, read_triplets
from triadic.schema.tables import Response
from triadic.schema.vocabulary import Orders, Stage, Status

LOAD_EVERY = 15.0  # seconds between two emptyings of the spool while judging
ANSWER_TYPES = {
    **dict.fromkeys(("raw_text", "choice", "invalid_reason"), pa.string()),
    **dict.fromkeys(("logprob_anchor", "logprob_left", "logprob_right"), pa.float64()),
    "prompt_hash": pa.int64(),
    **dict.fromkeys(("prompt_tokens", "answer_tokens"), pa.int16()),
}


def judge_run(lab: Lab, rater_id: str, judge: Judge, triplet_set_id: str, settings: JudgeSettings) -> Work:
    """The judge run of these settings; enters and asks nothing yet.

    Where an older version entered the same questions to the same judge, it is the run it entered, so that what was
    finished stays finished. Raises NotFound for an unknown triplet set.
    """
    row = lab.store.row("SELECT concept_set_id, n_triplets FROM triplet_set WHERE triplet_set_id = ?", [triplet_set_id])
    if row is None:
        raise NotFound(f"no triplet set {triplet_set_id} in this lab: `triadic plan` draws one")
    concept_set_id, n_triplets = row
    config = {
        "answer": str(settings.answer),
        "framing": str(settings.framing),
        "orders": str(settings.orders),
        "repeats": settings.repeats,
        "n_questions": n_triplets * settings.repeats * (2 if settings.orders == Orders.both else 1),
        "judge": judge.identity(),
    }
    work = Work(Stage.judge, rater_id, config, concept_set_id, triplet_set_id)
    former_identity = judge.former_identity()
    if former_identity is None or _is_entered(lab, work):
        return work
    former = replace(work, config=config | {"judge": former_identity})
    return former if _is_entered(lab, former) else work


def ask(lab: Lab, work: Work, judge: Judge, progress: Progress = silent) -> int:
    """Bring a judge run to its end; returns how many answers this call brought. A finished run asks nothing.

    Raises Unavailable when another process is asking for the same run, Conflict when the judge cannot go on as the one
    that began it. Whatever stops it (Ctrl-C, a kill, an error of the judge's), what was answered is kept, and the next
    call goes on from where it stopped.
    """
    run_id = work.begin(lab)
    if is_finished(lab, run_id):
        return 0
    with _lock(lab, run_id):
        lab.spool.load()
        earlier = first_start(lab, run_id).get("judge")
        if earlier:
            judge.resume(earlier)
        questions = read_questions(lab, run_id)
        batches = judge.batches(questions)
        open_batches = _unanswered(lab, run_id, questions, batches)
        done = len(questions) - sum(len(batches[i]) for i in open_batches)
        record_event(lab, run_id, Status.started, answers=done, of=len(questions), judge=judge.record())
        brought, started, loaded = 0, time.monotonic(), time.monotonic()
        progress(done, len(questions))
        try:
            for i in open_batches:
                batch = questions.take(batches[i])
                lab.spool.write(Response, f"{run_id}-{i:06d}", _rows(run_id, batch, judge.answer(batch)))
                brought += len(batch)
                progress(done + brought, len(questions))
                if time.monotonic() - loaded > LOAD_EVERY:
                    _load_if_free(lab)
                    loaded = time.monotonic()
        except Exception as error:
            lab.spool.load()
            message = f"{type(error).__name__}: {error}"
            record_event(lab, run_id, Status.failed, answers=done + brought, error=message)
            raise
        finally:
            _load_if_free(lab)
        lab.spool.load()
        _finish(lab, run_id, len(questions), brought, time.monotonic() - started)
    return brought


def read_questions(lab: Lab, run_id: str) -> Questions:
    """Every question of a judge run: triplets × orders × repeats, as columns. Raises NotFound for an unknown run."""
    row = lab.store.row(
        "SELECT orders, repeats, triplet_set_id, concept_set_id FROM judge_run WHERE run_id = ?", [run_id]
    )
    if row is None:
        raise NotFound(f"no judge run {run_id} in this lab: `triadic status` lists what there is")
    orders, repeats = 2 if row[0] == Orders.both else 1, row[1]
    triplets, words = read_triplets(lab, row[2]), read_concepts(lab, row[3]).word.to_numpy(object)
    n, copies = len(triplets), orders * repeats
    return Questions(
        triplet_no=np.tile(triplets.triplet_no.to_numpy(np.int32), copies),
        anchor=np.tile(words[triplets.anchor], copies),
        left=np.tile(words[triplets.left_item], copies),
        right=np.tile(words[triplets.right_item], copies),
        flipped=np.tile(np.repeat(np.arange(orders) == 1, n), repeats),
        repeat=np.repeat(np.arange(repeats, dtype=np.int16), n * orders),
    )


def _is_entered(lab: Lab, work: Work) -> bool:
    return lab.store.row("SELECT 1 FROM run WHERE run_id = ?", [work.run_id]) is not None


def _unanswered(lab: Lab, run_id: str, questions: Questions, batches: list[Ints]) -> list[int]:
    """Numbers of the batches of which at least one answer is not in the database."""
    if sum(map(len, batches)) != len(questions):
        raise BadInput(f"run {run_id}: the judge's batches leave out or repeat questions")
    stored = lab.store.arrow("SELECT triplet_no, flipped, repeat FROM response WHERE run_id = ?", [run_id])
    repeats = int(questions.repeat.max(initial=0)) + 1
    known = _key(*(stored.column(i).to_numpy() for i in range(3)), repeats=repeats)
    answered = np.isin(_key(questions.triplet_no, questions.flipped, questions.repeat, repeats=repeats), known)
    return [i for i, rows in enumerate(batches) if not answered[rows].all()]


def _key(triplet_no: Ints, flipped: Bools, repeat: Ints, *, repeats: int) -> Ints:
    numbers: Ints = (triplet_no.astype(np.int64) * 2 + flipped) * repeats + repeat
    return numbers


def _rows(run_id: str, batch: Questions, answers: dict[str, list[Any]]) -> pa.Table:
    """One Arrow table in the shape of table response. Refuses answers of the wrong length and numbers not finite."""
    n = len(batch)
    if set(answers) - set(ANSWER_TYPES) or any(len(values) != n for values in answers.values()):
        raise BadInput(f"run {run_id}: the judge gave answers of another shape than its questions")
    columns = {
        "run_id": pa.repeat(run_id, n),
        "triplet_no": pa.array(batch.triplet_no, pa.int32()),
        "flipped": pa.array(batch.flipped, pa.bool_()),
        "repeat": pa.array(batch.repeat, pa.int16()),
    }
    for name, kind in ANSWER_TYPES.items():
        values = answers.get(name)
        columns[name] = pa.nulls(n, kind) if values is None else pa.array(values, kind)
        if pa.types.is_floating(kind) and values is not None:
            numbers = columns[name].to_numpy(zero_copy_only=False)
            if np.isnan(numbers[~np.asarray(columns[name].is_null())]).any() or np.isposinf(numbers).any():
                raise BadInput(f"run {run_id}: the judge gave {name} = NaN: nothing of this batch was stored")
    return pa.table(columns)


def _finish(lab: Lab, run_id: str, expected: int, brought: int, seconds: float) -> None:
    (stored,) = lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [run_id]) or (0,)
    if stored != expected:
        raise Conflict(f"run {run_id} has {stored} answers where {expected} were asked for: run it again")
    record_event(lab, run_id, Status.finished, answers=stored, answered_now=brought, seconds=round(seconds, 3))


def _load_if_free(lab: Lab) -> None:
    """Empty the spool unless somebody else has the database: the answers are safe where they are."""
    patience, lab.store.patience = lab.store.patience, 0.5
    try:
        lab.spool.load()
    except Unavailable:
        pass
    finally:
        lab.store.patience = patience


@contextmanager
def _lock(lab: Lab, run_id: str) -> Iterator[None]:
    """Hold the run while asking. The kernel lets go of the lock however the process ends."""
    lab.spool.path.mkdir(parents=True, exist_ok=True)
    with (lab.spool.path / f"{run_id}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unavailable(f"run {run_id} is being asked by another process: wait for it, or stop it") from error
        yield
