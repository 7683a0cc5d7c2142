"""Reading stored texts again, without asking the model: for a parser that has learnt something since.

Rows are never changed: where any answer reads differently, all of them go into a run of their own, which names the run
its texts came from, and the rule it was read by. Where none does, it is the same run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from triadic.compute.judges.base import Judge
from triadic.compute.judges.parse import RULE, parse
from triadic.compute.judges.prompts import REASONING_TOKENS, options_of
from triadic.compute.stages.judge import read_questions
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, first_start, is_finished
from triadic.schema.tables import Response
from triadic.schema.vocabulary import AnswerMode, Framing, InvalidReason, Stage

Readings: TypeAlias = list[tuple[str | None, str | None]]  # (choice, why there is none) of each text


@dataclass(frozen=True)
class Reread:
    """Today's reading of a judge run's texts, before it is entered.

    `source` holds the texts, (n,) rows of table response; `work` is None where every answer reads as it did.
    """

    source: str
    answers: pa.Table
    read: Readings
    changed: int
    work: Work | None

    @property
    def run_id(self) -> str:
        """The judge run that holds the reading."""
        return self.work.run_id if self.work else self.source

    def is_stored(self, lab: Lab) -> bool:
        """Whether there is nothing to enter."""
        return self.work is None or is_finished(lab, self.run_id)

    def keep(self, lab: Lab) -> str:
        """Enter it where it is new; returns its run."""
        if self.work and not self.is_stored(lab):
            self.work.begin(lab)
            rows = [(Response, _rows(self.answers, self.run_id, self.read))]
            finish(lab, self.run_id, rows, answers=len(self.read), changed=self.changed)
        return self.run_id


def reparse(lab: Lab, judge_run_id: str) -> tuple[str, int]:
    """The judge run that holds today's reading of the texts of `judge_run_id`, and how many answers it changes.

    Raises as `read_again`.
    """
    found = read_again(lab, judge_run_id)
    return found.keep(lab), found.changed


def read_again(lab: Lab, judge_run_id: str) -> Reread:
    """The texts of a finished judge run as today's rule reads them; enters nothing.

    Raises NotFound without answers, BadInput without texts or where the run is not finished.
    """
    row = lab.store.row(
        "SELECT rater_id, concept_set_id, triplet_set_id, config, seed FROM run WHERE run_id = ?", [judge_run_id]
    )
    config: dict[str, Any] = json.loads(row[3]) if row else {}
    if "texts_of" in config:
        return read_again(lab, config["texts_of"])
    answers = lab.store.arrow(
        "SELECT * FROM response WHERE run_id = ? ORDER BY repeat, flipped, triplet_no", [judge_run_id]
    )
    if row is None or not len(answers):
        raise NotFound(f"run {judge_run_id} has no answers to read again: `triadic judge` asks for them")
    if not is_finished(lab, judge_run_id):
        raise BadInput(f"run {judge_run_id} is not finished: `triadic judge` without --reparse goes on with it")
    if not any(answers.column("raw_text").to_pylist()):
        raise BadInput(f"run {judge_run_id} holds no texts: its options were scored, not written")
    rater_id, concept_set_id, triplet_set_id, _, seed = row
    before: Readings = list(
        zip(answers.column("choice").to_pylist(), answers.column("invalid_reason").to_pylist(), strict=True)
    )
    if config["judge"].get("reading") == RULE:
        return Reread(judge_run_id, answers, before, 0, None)
    read = _read(lab, judge_run_id, answers, config)
    changed = sum(old != new for old, new in zip(before, read, strict=True))
    readings = content_key([f"{choice}/{reason}" for choice, reason in read])
    config |= {"judge": config["judge"] | {"reading": RULE}, "texts_of": judge_run_id, "readings": readings}
    work = Work(Stage.judge, rater_id, config, concept_set_id, triplet_set_id, None, seed)
    return Reread(judge_run_id, answers, read, changed, work if changed else None)


def instead_of_asking(lab: Lab, work: Work, judge: Judge) -> Reread | None:
    """The reading that takes the place of a judge run which is not finished, where its texts are in the lab already."""
    texts = None if is_finished(lab, work.run_id) else stored_texts(lab, work, judge)
    return read_again(lab, texts) if texts else None


def stored_texts(lab: Lab, work: Work, judge: Judge) -> str | None:
    """The finished run that holds the texts which `work` would have written, whatever rule read them: the wanted one
    before others, then the newest. None without one, and where nothing is written.
    """
    if work.config["answer"] != AnswerMode.sample:
        return None
    runs = lab.store.read(
        "SELECT run_id, run.config FROM run JOIN run_status USING (run_id) WHERE run.stage = 'judge' AND run.rater_id = ? "
        "AND run.triplet_set_id = ? AND status = 'finished' ORDER BY run_id = ? DESC, run.created_at DESC",
        [work.rater_id, work.triplet_set_id, work.run_id],
    )
    identities = [work.config["judge"], judge.identity(), *judge.earlier_identities()]
    wanted = [_but_for_the_reading(work.config | {"judge": identity}) for identity in identities]
    found = (row.run_id for row in runs.itertuples() if _but_for_the_reading(json.loads(row.config)) in wanted)
    return next(found, None)


def _but_for_the_reading(config: dict[str, Any]) -> dict[str, Any]:
    """A judge run's configuration without the rule that read its texts, for whichever read them."""
    return config | {"judge": {name: value for name, value in config["judge"].items() if name != "reading"}}


def _read(lab: Lab, judge_run_id: str, answers: pa.Table, config: dict[str, Any]) -> Readings:
    """Each text read again, in the order repeat, flipped, triplet_no."""
    questions, framing = read_questions(lab, judge_run_id), Framing(config["framing"])
    words, choices = options_of(questions, framing)
    columns = (answers.column(name).to_pylist() for name in ("raw_text", "answer_tokens", "invalid_reason"))
    limits = _limits(lab, judge_run_id, config)
    readings: Readings = []
    for text, tokens, reason, options, anchor in zip(*columns, words, questions.anchor.tolist(), strict=True):
        # Version 1 stopped a text at the end of its first line; one that took all its tokens was cut off.
        stopped = (text or "").endswith("\n") or tokens in limits or reason == InvalidReason.truncated
        place, why = parse(text, options, anchor, finished=not stopped)
        readings.append((None if place is None else choices[place], why))
    return readings


def _limits(lab: Lab, judge_run_id: str, config: dict[str, Any]) -> set[int]:
    """Numbers of tokens at which a text of this run was cut off."""
    record = first_start(lab, judge_run_id).get("judge", {}) | config["judge"]
    given = (record.get("max_new_tokens"), record.get("max_tokens"), (record.get("sampler") or {}).get("max_tokens"))
    return {limit for limit in given if limit} | {REASONING_TOKENS}


def _rows(answers: pa.Table, run_id: str, read: Readings) -> pa.Table:
    rows = {name: answers.column(name) for name in answers.column_names}
    rows["run_id"] = pa.repeat(run_id, len(read))
    rows["choice"] = pa.array([choice for choice, _ in read], pa.string())
    rows["invalid_reason"] = pa.array([reason for _, reason in read], pa.string())
    return pa.table(rows)
