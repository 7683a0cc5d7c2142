"""Reading stored texts again, without asking the model: for a parser that has learnt something since."""

from __future__ import annotations

import json
from typing import TypeAlias

import pyarrow as pa

from triadic.compute.judges.parse import RULE, parse
from triadic.compute.judges.prompts import options_of
from triadic.compute.stages.judge import read_questions
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished
from triadic.schema.tables import Response
from triadic.schema.vocabulary import Framing, Stage

Readings: TypeAlias = list[tuple[str | None, str | None]]  # (choice, why there is none) of each text


def reparse(lab: Lab, judge_run_id: str) -> tuple[str, int]:
    """The judge run that holds today's reading of the texts of `judge_run_id`, and how many answers it changes.

    Rows are never changed: where any answer reads differently, all of them go into a run of their own, which names the
    run its texts came from, and the rule it was read by. Where none does, it is the same run. Raises NotFound without
    answers, BadInput without texts.
    """
    row = lab.store.row(
        "SELECT rater_id, concept_set_id, triplet_set_id, config, seed FROM run WHERE run_id = ?", [judge_run_id]
    )
    answers = lab.store.arrow(
        "SELECT * FROM response WHERE run_id = ? ORDER BY repeat, flipped, triplet_no", [judge_run_id]
    )
    if row is None or not len(answers):
        raise NotFound(f"run {judge_run_id} has no answers to read again: `triadic judge` asks for them")
    if not any(answers.column("raw_text").to_pylist()):
        raise BadInput(f"run {judge_run_id} holds no texts: its options were scored, not written")
    rater_id, concept_set_id, triplet_set_id, config, seed = row
    config = json.loads(config)
    read = _read(lab, judge_run_id, answers, Framing(config["framing"]))
    before = zip(answers.column("choice").to_pylist(), answers.column("invalid_reason").to_pylist(), strict=True)
    changed = sum(old != new for old, new in zip(before, read, strict=True))
    if not changed:
        return judge_run_id, 0
    if "reading" in config["judge"]:  # version 0.1.0 did not say by which rule it read
        config["judge"]["reading"] = RULE
    config |= {"texts_of": judge_run_id, "readings": content_key([f"{choice}/{reason}" for choice, reason in read])}
    work = Work(Stage.judge, rater_id, config, concept_set_id, triplet_set_id, None, seed)
    work.begin(lab)
    if not is_finished(lab, work.run_id):
        finish(lab, work.run_id, [(Response, _rows(answers, work.run_id, read))], answers=len(read), changed=changed)
    return work.run_id, changed


def _read(lab: Lab, judge_run_id: str, answers: pa.Table, framing: Framing) -> Readings:
    """Each text read again, in the order repeat, flipped, triplet_no."""
    texts, reasons = answers.column("raw_text").to_pylist(), answers.column("invalid_reason").to_pylist()
    words, choices = options_of(read_questions(lab, judge_run_id), framing)
    readings: Readings = []
    for text, reason, options in zip(texts, reasons, words, strict=True):
        place, why = parse(text, options, finished=reason != "truncated")
        readings.append((None if place is None else choices[place], why))
    return readings


def _rows(answers: pa.Table, run_id: str, read: Readings) -> pa.Table:
    rows = {name: answers.column(name) for name in answers.column_names}
    rows["run_id"] = pa.repeat(run_id, len(read))
    rows["choice"] = pa.array([choice for choice, _ in read], pa.string())
    rows["invalid_reason"] = pa.array([reason for _, reason in read], pa.string())
    return pa.table(rows)
