"""The judge stage: put a triplet set to a rater and keep every answer.

It plans the batches, asks the judge one batch at a time, and puts each finished batch into the spool, so that a killed
run loses at most the batch in flight. The next one skips the batches that are there and asks the others whole, in the
composition they would have had: an interrupted run and an undisturbed one end in the same rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from triadic.compute.judges.base import Judge, Questions
from triadic.compute.settings import JudgeSettings
from triadic.schema.arrays import Bools, Ints, Objects
from triadic.schema.errors import BadInput, Conflict, NotFound, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, Work, first_start, is_finished, on_record, record_event, silent
from triadic.schema.lookup import QuestionSet, find_triplet_set, read_concepts, read_triplets
from triadic.schema.tables import Response
from triadic.schema.vocabulary import Orders, Stage, Status

LOAD_EVERY = 15.0  # seconds between two emptyings of the spool while judging
ANSWER_TYPES = {
    **dict.fromkeys(("raw_text", "choice", "invalid_reason"), pa.string()),
    **dict.fromkeys(("logprob_anchor", "logprob_left", "logprob_right"), pa.float64()),
    "prompt_hash": pa.int64(),
    **dict.fromkeys(("prompt_tokens", "answer_tokens"), pa.int16()),
}


def judge_run(lab: Lab, rater_id: str, judge: Judge, questions: QuestionSet | str, settings: JudgeSettings) -> Work:
    """The judge run of these settings; enters and asks nothing yet. `questions` is a triplet set, or the id of one.

    Where an older version entered the same questions to the same judge, it is the run it entered, so that what was
    finished stays finished. Raises NotFound for an unknown triplet set.
    """
    if isinstance(questions, str):
        questions = find_triplet_set(lab, questions)
    orders = 2 if settings.orders == Orders.both else 1
    config = {
        "answer": str(settings.answer),
        "framing": str(settings.framing),
        "orders": str(settings.orders),
        "repeats": settings.repeats,
        "n_questions": questions.n_triplets * settings.repeats * orders,
        "judge": judge.identity(),
    }
    work = Work(Stage.judge, rater_id, config, questions.concept_set_id, questions.triplet_set_id)
    former_identity = judge.former_identity()
    if former_identity is None or _is_entered(lab, work):
        return work
    former = replace(work, config=config | {"judge": former_identity})
    return former if _is_entered(lab, former) else work


@dataclass
class _Tally:
    """How far a run is: `done` answers of `of` before this call, `brought` by it since `started` (monotonic seconds)."""

    of: int
    done: int
    brought: int = 0
    started: float | None = None

    @property
    def answers(self) -> int:
        return self.done + self.brought

    def detail(self) -> dict[str, Any]:
        """As events have it: answers there are, and what this call brought in how many seconds of asking."""
        found: dict[str, Any] = {"answers": self.answers, "of": self.of}
        if self.started is not None:
            found |= {"answered_now": self.brought, "seconds": round(time.monotonic() - self.started, 3)}
        return found


def ask(lab: Lab, work: Work, judge: Judge, progress: Progress = silent) -> int:
    """Bring a judge run to its end; returns how many answers this call brought. A finished run asks nothing.

    `progress` is called with answers there are and answers there will be, also within a batch where the judge tells of
    it. Raises Unavailable when another process is asking for the same run, Conflict when the judge cannot go on as the
    one that began it. Whatever stops it (Ctrl-C, a kill, an error of the judge's, weights that cannot be loaded), what
    was answered is kept, the reason is on record, and the next call goes on from where it stopped.
    """
    run_id = work.begin(lab)
    if is_finished(lab, run_id):
        return 0
    with lab.spool.hold(run_id):
        lab.spool.load()
        questions = read_questions(lab, run_id)
        tally = _Tally(len(questions), lab.store.value("SELECT count(*) FROM response WHERE run_id = ?", [run_id]))
        with on_record(lab, run_id, tally.detail):
            loading = time.monotonic()
            earlier = first_start(lab, run_id).get("judge")
            if earlier:
                judge.resume(earlier)
            batches = judge.batches(questions)
            open_batches = _unanswered(lab, run_id, questions, batches)
            tally.done = len(questions) - sum(len(batches[i]) for i in open_batches)
            record = judge.record()
            seconds = round(time.monotonic() - loading, 3)
            record_event(lab, run_id, Status.started, **tally.detail(), load_seconds=seconds, judge=record)
            tally.started = loaded = time.monotonic()
            progress(tally.done, tally.of)
            try:
                for i in open_batches:
                    rows = _ask_batch(run_id, judge, questions.take(batches[i]), tally, progress)
                    lab.spool.write(Response, f"{run_id}-{i:06d}", rows)
                    tally.brought += len(rows)
                    progress(tally.answers, tally.of)
                    loaded = _load_sometimes(lab, loaded)
            finally:
                _load_if_free(lab)
            lab.spool.load()
            _finish(lab, run_id, tally)
    return tally.brought


def _ask_batch(run_id: str, judge: Judge, batch: Questions, tally: _Tally, progress: Progress) -> pa.Table:
    """The answers to one batch, told of as they come where the judge tells; they count when the batch is saved."""
    answered = 0

    def more(n: int) -> None:
        nonlocal answered
        answered = min(answered + n, len(batch))
        progress(tally.answers + answered, tally.of)

    judge.watch = more
    return _rows(run_id, batch, judge.answer(batch))


def read_questions(lab: Lab, run_id: str) -> Questions:
    """Every question of a judge run: triplets × orders × repeats, as columns. Raises NotFound for an unknown run."""
    row = lab.store.row(
        "SELECT orders, repeats, triplet_set_id, concept_set_id FROM judge_run WHERE run_id = ?", [run_id]
    )
    if row is None:
        raise NotFound(f"no judge run {run_id} in this lab: `triadic status` lists what there is")
    columns = ["triplet_no", "anchor", "left_item", "right_item"]
    triplets = read_triplets(lab, row[2])[columns].to_numpy(np.int32)
    words = read_concepts(lab, row[3]).word.to_numpy(object)
    return questions_of(triplets[:, 0], triplets[:, 1:], words, row[0], row[1])


def questions_of(triplet_no: Ints, triplets: Ints, words: Objects, orders: str, repeats: int) -> Questions:
    """Triplets (n, 3) with their numbers (n,) as questions in `words`, in each order asked for, so many times."""
    n, sides = len(triplets), 2 if orders == Orders.both else 1
    copies = sides * repeats
    anchor, left, right = (np.tile(words[column], copies) for column in triplets.T)
    return Questions(
        triplet_no=np.tile(triplet_no.astype(np.int32), copies),
        anchor=anchor,
        left=left,
        right=right,
        flipped=np.tile(np.repeat(np.arange(sides) == 1, n), repeats),
        repeat=np.repeat(np.arange(repeats, dtype=np.int16), n * sides),
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


def _finish(lab: Lab, run_id: str, tally: _Tally) -> None:
    (stored,) = lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [run_id]) or (0,)
    if stored != tally.of:
        raise Conflict(f"run {run_id} has {stored} answers where {tally.of} were asked for: run it again")
    record_event(lab, run_id, Status.finished, **tally.detail())


def _load_sometimes(lab: Lab, loaded: float) -> float:
    """Empty the spool where the last time is long ago; returns when it was emptied last (monotonic seconds)."""
    if time.monotonic() - loaded <= LOAD_EVERY:
        return loaded
    _load_if_free(lab)
    return time.monotonic()


def _load_if_free(lab: Lab) -> None:
    """Empty the spool unless somebody else has the database: the answers are safe where they are."""
    patience, lab.store.patience = lab.store.patience, 0.5
    try:
        lab.spool.load()
    except Unavailable:
        pass
    finally:
        lab.store.patience = patience
