"""Reading stored texts again, without asking the model: for a parser that has learnt something since."""

from __future__ import annotations

import json

from triadic.compute.judges.parse import parse
from triadic.compute.judges.prompts import options_of
from triadic.compute.stages.judge import read_questions
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished
from triadic.schema.tables import Response
from triadic.schema.vocabulary import Stage


def reparse(lab: Lab, judge_run_id: str) -> tuple[str, int]:
    """The judge run that holds today's reading of the texts of `judge_run_id`, and how many answers it changes.

    Rows are never changed: where any answer reads differently, all of them go into a run of their own, which names the
    run its texts came from. Where none does, it is the same run. Raises NotFound without answers, BadInput without texts.
    """
    row = lab.store.row(
        "SELECT rater_id, concept_set_id, triplet_set_id, config, seed FROM run WHERE run_id = ?", [judge_run_id]
    )
    stored = lab.store.arrow(
        "SELECT * FROM response WHERE run_id = ? ORDER BY repeat, flipped, triplet_no", [judge_run_id]
    )
    if row is None or not len(stored):
        raise NotFound(f"run {judge_run_id} has no answers to read again: `triadic judge` asks for them")
    texts = stored.column("raw_text").to_pylist()
    if not any(texts):
        raise BadInput(f"run {judge_run_id} holds no texts: its options were scored, not written")
    read = _read(lab, judge_run_id, texts, stored.column("invalid_reason").to_pylist())
    before = list(zip(stored.column("choice").to_pylist(), stored.column("invalid_reason").to_pylist(), strict=True))
    changed = sum(a != b for a, b in zip(before, read, strict=True))
    if not changed:
        return judge_run_id, 0
    config = json.loads(row[3])
    digest = [f"{choice}/{reason}" for choice, reason in read]
    work = Work(
        Stage.judge,
        row[0],
        config | {"texts_of": judge_run_id, "readings": content_key(digest)},
        row[1],
        row[2],
        None,
        row[4],
    )
    work.begin(lab)
    if not is_finished(lab, work.run_id):
        finish(lab, work.run_id, [(Response, _rows(stored, work.run_id, read))], answers=len(read), changed=changed)
    return work.run_id, changed


def _read(lab: Lab, judge_run_id: str, texts: list, reasons: list) -> list[tuple[str | None, str | None]]:
    """(choice, reason) of each text, in the order repeat, flipped, triplet_no."""
    questions = read_questions(lab, judge_run_id)
    (framing,) = lab.store.row("SELECT config ->> 'framing' FROM run WHERE run_id = ?", [judge_run_id])
    words, choices = options_of(questions, framing)
    out = []
    for text, reason, options in zip(texts, reasons, words, strict=True):
        place, why = parse(text, options, finished=reason != "truncated")
        out.append((None if place is None else choices[place], why))
    return out


def _rows(stored, run_id: str, read: list):
    import pyarrow as pa

    rows = {name: stored.column(name) for name in stored.column_names}
    rows["run_id"] = pa.repeat(run_id, len(read))
    rows["choice"] = pa.array([choice for choice, _ in read], pa.string())
    rows["invalid_reason"] = pa.array([reason for _, reason in read], pa.string())
    return pa.table(rows)
