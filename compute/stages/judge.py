"""The judge stage: put a triplet set to a rater and keep every answer.

It plans the batches, asks the judge one batch at a time, and puts each finished batch into the spool, so that a killed
run loses at most the batch in flight. The next one skips the batches that are there and asks the others whole, in the
composition they would have had: an interrupted run and an undisturbed one end in the same rows.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from triadic.compute.judges.base import ANSWER_COLUMNS, Judge, Questions, record_of
from triadic.schema.errors import BadInput, Conflict, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, first_start, is_finished, note
from triadic.schema.tables import Response
from triadic.schema.vocabulary import Stage, Status

ORDERS = ("drawn", "both")
FRAMINGS = ("anchored", "odd-one-out")
LOAD_EVERY = 15.0  # seconds between two emptyings of the spool while judging

Progress = Callable[[int, int], None]  # called with (answers there, answers in all)


def judge_run(
    lab: Lab,
    rater_id: str,
    judge: Judge,
    triplet_set_id: str,
    *,
    answer: str = "score",
    framing: str = "anchored",
    orders: str = "drawn",
    repeats: int = 1,
) -> Work:
    """The judge run these settings make; enters and asks nothing yet.

    `orders` is drawn (each question in the order it was drawn in) or both; `repeats` asks each that many times.
    """
    if orders not in ORDERS or framing not in FRAMINGS or repeats < 1:
        raise BadInput(f"orders is one of {ORDERS}, framing one of {FRAMINGS}, repeats at least 1")
    concept_set_id, n = lab.store.row(
        "SELECT concept_set_id, n_triplets FROM triplet_set WHERE triplet_set_id = ?", [triplet_set_id]
    )
    config = {
        "answer": answer,
        "framing": framing,
        "orders": orders,
        "repeats": repeats,
        "n_questions": n * repeats * (2 if orders == "both" else 1),
        "judge": judge.config(),
    }
    return Work(Stage.judge, rater_id, config, concept_set_id, triplet_set_id)


def ask(lab: Lab, work: Work, judge: Judge, progress: Progress = lambda done, total: None) -> int:
    """Bring a judge run to its end; returns how many answers this call brought. A finished run asks nothing.

    Raises Unavailable when another process is asking for the same run. Whatever stops it (Ctrl-C, a kill, an error of
    the judge's), what was answered is kept, and the next call goes on from there.
    """
    run_id = work.begin(lab)
    if is_finished(lab, run_id):
        return 0
    with _alone(lab, run_id):
        lab.spool.load()
        earlier = first_start(lab, run_id).get("judge")
        if earlier and hasattr(judge, "resume"):
            judge.resume(earlier)
        questions = read_questions(lab, run_id)
        batches = judge.batches(questions)
        open_batches = _unanswered(lab, run_id, questions, batches)
        done = len(questions) - sum(len(batches[i]) for i in open_batches)
        note(lab, run_id, Status.started, answers=done, of=len(questions), judge=record_of(judge))
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
            note(lab, run_id, Status.failed, answers=done + brought, error=f"{type(error).__name__}: {error}")
            raise
        finally:
            _load_if_free(lab)
        lab.spool.load()
        _finish(lab, run_id, len(questions), brought, time.monotonic() - started)
    return brought


def read_questions(lab: Lab, run_id: str) -> Questions:
    """Every question of a judge run: triplets × orders × repeats, as columns."""
    config = lab.store.row(
        "SELECT config ->> 'orders', (config ->> 'repeats')::INTEGER FROM run WHERE run_id = ?", [run_id]
    )
    frame = lab.store.read(
        """
        SELECT triplet_no, a.word AS anchor, l.word AS left_word, r.word AS right_word
        FROM triplet
        JOIN run USING (triplet_set_id)
        JOIN concept a ON a.concept_set_id = run.concept_set_id AND a.position = triplet.anchor
        JOIN concept l ON l.concept_set_id = run.concept_set_id AND l.position = triplet.left_item
        JOIN concept r ON r.concept_set_id = run.concept_set_id AND r.position = triplet.right_item
        WHERE run.run_id = ? ORDER BY triplet_no
        """,
        [run_id],
    )
    orders = 2 if config[0] == "both" else 1
    n, copies = len(frame), orders * config[1]
    return Questions(
        triplet_no=np.tile(frame.triplet_no.to_numpy(np.int32), copies),
        anchor=np.tile(frame.anchor.to_numpy(object), copies),
        left=np.tile(frame.left_word.to_numpy(object), copies),
        right=np.tile(frame.right_word.to_numpy(object), copies),
        flipped=np.tile(np.repeat(np.arange(orders) == 1, n), config[1]),
        repeat=np.repeat(np.arange(config[1], dtype=np.int16), n * orders),
    )


def _unanswered(lab: Lab, run_id: str, questions: Questions, batches: list[np.ndarray]) -> list[int]:
    """Numbers of the batches of which at least one answer is not in the database."""
    if sum(map(len, batches)) != len(questions):
        raise BadInput(f"run {run_id}: the judge's batches leave out or repeat questions")
    there = lab.store.arrow("SELECT triplet_no, flipped, repeat FROM response WHERE run_id = ?", [run_id])
    orders_repeats = int(questions.repeat.max(initial=0)) + 1
    known = _key(*(there.column(i).to_numpy() for i in range(3)), orders_repeats)
    answered = np.isin(_key(questions.triplet_no, questions.flipped, questions.repeat, orders_repeats), known)
    return [i for i, rows in enumerate(batches) if not answered[rows].all()]


def _key(triplet_no, flipped, repeat, repeats: int) -> np.ndarray:
    return (triplet_no.astype(np.int64) * 2 + flipped) * repeats + repeat


def _rows(run_id: str, batch: Questions, answers: dict[str, list]):
    """One Arrow table in the shape of table response. Refuses answers of the wrong length and numbers not finite."""
    import pyarrow as pa

    n = len(batch)
    unknown = set(answers) - set(ANSWER_COLUMNS)
    if unknown or any(len(v) != n for v in answers.values()):
        raise BadInput(f"run {run_id}: the judge gave answers of another shape than its questions")
    types = {
        "raw_text": pa.string(), "choice": pa.string(), "invalid_reason": pa.string(),
        "logprob_anchor": pa.float64(), "logprob_left": pa.float64(), "logprob_right": pa.float64(),
        "prompt_hash": pa.int64(), "prompt_tokens": pa.int16(), "answer_tokens": pa.int16(),
    }  # fmt: skip
    columns = {
        "run_id": pa.repeat(run_id, n),
        "triplet_no": pa.array(batch.triplet_no, pa.int32()),
        "flipped": pa.array(batch.flipped, pa.bool_()),
        "repeat": pa.array(batch.repeat, pa.int16()),
    }
    for name, kind in types.items():
        values = answers.get(name)
        columns[name] = pa.nulls(n, kind) if values is None else pa.array(values, kind)
        if pa.types.is_floating(kind) and values is not None:
            numbers = columns[name].to_numpy(zero_copy_only=False)
            if np.isnan(numbers[~np.asarray(columns[name].is_null())]).any() or np.isposinf(numbers).any():
                raise BadInput(f"run {run_id}: the judge gave {name} = NaN: nothing of this batch was stored")
    return pa.table(columns)


def _finish(lab: Lab, run_id: str, expected: int, brought: int, seconds: float) -> None:
    (stored,) = lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [run_id])
    if stored != expected:
        raise Conflict(f"run {run_id} has {stored} answers where {expected} were asked for: run it again")
    note(lab, run_id, Status.finished, answers=stored, answered_now=brought, seconds=round(seconds, 3))


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
def _alone(lab: Lab, run_id: str) -> Iterator[None]:
    """Hold the run while asking. The kernel lets go of the lock however the process ends."""
    lab.spool.path.mkdir(parents=True, exist_ok=True)
    with (lab.spool.path / f"{run_id}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unavailable(f"run {run_id} is being asked by another process: wait for it, or stop it") from error
        yield
