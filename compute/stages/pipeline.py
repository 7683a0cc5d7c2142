"""Whatever is missing: the stages of one rater in order, each skipped where its work is already in the lab."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from triadic.compute.judges.base import Judge
from triadic.compute.judges.factory import make_judge
from triadic.compute.settings import RunSettings
from triadic.compute.stages.align import align, align_runs, check_metrics
from triadic.compute.stages.embed import embed, embed_run, estimator_of
from triadic.compute.stages.judge import ask, judge_run
from triadic.compute.stages.reparse import reparse
from triadic.schema.errors import NotFound
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, Work, is_finished, silent
from triadic.schema.lookup import find_rater
from triadic.schema.store import query

TYPICAL_RATE = 100.0  # answers per second assumed where the lab has no timing yet


def run_rater(
    lab: Lab,
    rater_id: str,
    triplet_set_id: str,
    settings: RunSettings | None = None,
    judging: Progress = silent,
    aligning: Progress = silent,
) -> list[str]:
    """Judge, embed and align one rater, doing only what is missing; returns the ids of its align runs.

    Settings of a later stage that cannot be followed are refused before the first begins.
    """
    settings = settings or RunSettings()
    estimator_of(settings.fit, settings.seed)
    check_metrics(settings.align)
    judge_id = judge_rater(lab, rater_id, triplet_set_id, settings, judging)
    fit_id = embed(lab, judge_id, settings.fit, settings.seed)
    return align(lab, fit_id, settings=settings.align, progress=aligning)


def judge_rater(
    lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings, progress: Progress = silent
) -> str:
    """Bring the rater's judge run to its end; returns its id. Weights are loaded only if something is unanswered."""
    work, judge = _judge_run(lab, rater_id, triplet_set_id, settings)
    ask(lab, work, judge, progress)
    return work.run_id


def reparse_rater(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> tuple[str, int]:
    """Read the stored texts of the rater's judge run again; returns the run that holds the result, and what changed.

    The texts may have been read by an older rule: which one is not asked.
    """
    work, _ = _judge_run(lab, rater_id, triplet_set_id, settings)
    runs = lab.store.read(
        "SELECT run_id, config FROM run WHERE stage = 'judge' AND rater_id = ? AND triplet_set_id = ? "
        "ORDER BY run_id = ? DESC, created_at DESC",
        [rater_id, triplet_set_id, work.run_id],
    )
    wanted = _but_for_the_reading(work.config)
    found = [row.run_id for row in runs.itertuples() if _but_for_the_reading(json.loads(row.config)) == wanted]
    return reparse(lab, found[0] if found else work.run_id)


def missing(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> list[str]:
    """What `run_rater` would do, one line each, with about how long it takes by the lab's own timings."""
    work, _ = _judge_run(lab, rater_id, triplet_set_id, settings)
    lines = []
    if not is_finished(lab, work.run_id):
        (stored,) = lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [work.run_id]) or (0,)
        total = work.config["n_questions"]
        seconds = (total - stored) / rate(lab, rater_id)
        lines.append(f"{rater_id}: judge {total - stored:,} of {total:,} questions, about {_duration(seconds)}")
    embed_id = None if lines else embed_run(lab, work.run_id, settings.fit, settings.seed)[0].run_id
    if embed_id is None or not is_finished(lab, embed_id):
        return [*lines, f"{rater_id}: embed, about {_duration(1)}", f"{rater_id}: align with every reference"]
    works = align_runs(lab, embed_id, settings=settings.align)
    n_open = sum(not is_finished(lab, work.run_id) for work in works)
    return [f"{rater_id}: align with {n_open} references"] if n_open else []


def runs_of(lab: Lab, stage: str, raters: Iterable[str]) -> list[str]:
    """Finished runs of a stage, oldest first, of these raters (by any name they go by), or of all."""
    raters = [find_rater(lab.store, name) for name in raters]
    frame = lab.store.read(
        "SELECT run_id, rater_id FROM run_status WHERE stage = ? AND status = 'finished' ORDER BY created_at", [stage]
    )
    found = [row.run_id for row in frame.itertuples() if not raters or row.rater_id in raters]
    if not found:
        raise NotFound(f"no finished {stage} run of {', '.join(raters) or 'anybody'}: `triadic run MODEL` makes one")
    return found


def rate(lab: Lab, rater_id: str) -> float:
    """Answers per second this rater gave on average so far; else the lab's average, else a typical one."""
    speeds = lab.store.row(query("triadic.compute.stages", "rate"), [rater_id]) or ()
    return next((float(speed) for speed in speeds if speed), TYPICAL_RATE)


def _judge_run(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> tuple[Work, Judge]:
    row = lab.store.row("SELECT concept_set_id FROM triplet_set WHERE triplet_set_id = ?", [triplet_set_id])
    if row is None:
        raise NotFound(f"no triplet set {triplet_set_id} in this lab: `triadic plan` draws one")
    judge = make_judge(lab, rater_id, settings.judge, row[0])
    return judge_run(lab, rater_id, judge, triplet_set_id, settings.judge), judge


def _but_for_the_reading(config: dict[str, Any]) -> dict[str, Any]:
    """A judge run's configuration without the rule that read its texts, for whichever read them."""
    return config | {"judge": {name: value for name, value in config["judge"].items() if name != "reading"}}


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
