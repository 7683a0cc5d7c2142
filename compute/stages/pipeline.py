"""Whatever is missing: the stages of one rater in order, each skipped where its work is already in the lab."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from triadic.compute.judges.base import Judge
from triadic.compute.judges.factory import JudgeSettings, open_judge
from triadic.compute.stages.align import AlignSettings, align, align_runs
from triadic.compute.stages.embed import FitSettings, embed, embed_run
from triadic.compute.stages.judge import Progress, ask, judge_run
from triadic.compute.stages.reparse import reparse
from triadic.schema.errors import NotFound
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, is_finished
from triadic.schema.lookup import find_rater

TYPICAL_RATE = 100.0  # answers per second assumed where the lab has no timing yet


@dataclass(frozen=True)
class RunSettings:
    """Everything `triadic run` decides for one rater: how it is asked, how its answers are fitted and compared."""

    judge: JudgeSettings = field(default_factory=JudgeSettings)
    orders: str = "drawn"
    repeats: int = 1
    fit: FitSettings = field(default_factory=FitSettings)
    align: AlignSettings = field(default_factory=AlignSettings)
    seed: int = 0


def run_rater(
    lab: Lab,
    rater_id: str,
    triplet_set_id: str,
    settings: RunSettings | None = None,
    judging: Progress = lambda done, total: None,
    aligning: Progress = lambda done, total: None,
) -> list[str]:
    """Judge, embed and align one rater, doing only what is missing; returns the ids of its align runs."""
    settings = settings or RunSettings()
    judge_id = judge_rater(lab, rater_id, triplet_set_id, settings, judging)
    fit_id = embed(lab, judge_id, settings.fit, settings.seed)
    return align(lab, fit_id, settings=settings.align, progress=aligning)


def judge_rater(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings, progress: Progress) -> str:
    """Bring the rater's judge run to its end; returns its id. The weights are loaded only if something is unanswered."""
    work, judge = _judge_run(lab, rater_id, triplet_set_id, settings)
    ask(lab, work, judge, progress)
    return work.run_id


def reparse_rater(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> tuple[str, int]:
    """Read the stored texts of the rater's judge run again; returns the run that holds the result, and what changed."""
    work, _ = _judge_run(lab, rater_id, triplet_set_id, settings)
    return reparse(lab, work.run_id)


def missing(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> list[str]:
    """What `run_rater` would do, one line each, with about how long it takes by the lab's own timings."""
    work, _ = _judge_run(lab, rater_id, triplet_set_id, settings)
    lines = []
    if not is_finished(lab, work.run_id):
        (stored,) = lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [work.run_id])
        total = work.config["n_questions"]
        seconds = (total - stored) / rate(lab, rater_id)
        lines.append(f"{rater_id}: judge {total - stored:,} of {total:,} questions, about {_duration(seconds)}")
    embed_id = None if lines else embed_run(lab, work.run_id, settings.fit, settings.seed)[0].run_id
    if embed_id is None or not is_finished(lab, embed_id):
        return [*lines, f"{rater_id}: embed, about {_duration(1)}", f"{rater_id}: align with every reference"]
    open_runs = [
        work for work in align_runs(lab, embed_id, settings=settings.align) if not is_finished(lab, work.run_id)
    ]
    return [f"{rater_id}: align with {len(open_runs)} references"] if open_runs else []


def runs_of(lab: Lab, stage: str, raters: Iterable[str]) -> list[str]:
    """Finished runs of a stage, oldest first, of these raters (by any name they go by), or of all."""
    raters = [find_rater(lab, name) for name in raters]
    frame = lab.store.read(
        "SELECT run_id, rater_id FROM run_status WHERE stage = ? AND status = 'finished' ORDER BY created_at", [stage]
    )
    found = [row.run_id for row in frame.itertuples() if not raters or row.rater_id in raters]
    if not found:
        raise NotFound(f"no finished {stage} run of {', '.join(raters) or 'anybody'}: `triadic run MODEL` makes one")
    return found


def rate(lab: Lab, rater_id: str) -> float:
    """Answers per second this rater gave last time; else the lab's average, else a typical one."""
    sql = (
        "SELECT avg((detail ->> 'answered_now')::DOUBLE / (detail ->> 'seconds')::DOUBLE) FROM run_event "
        "JOIN run USING (run_id) WHERE stage = 'judge' AND status = 'finished' "
        "AND (detail ->> 'answered_now')::INTEGER > 0 AND (detail ->> 'seconds')::DOUBLE > 0"
    )
    own = lab.store.row(f"{sql} AND rater_id = ?", [rater_id])[0]
    return own or lab.store.row(sql)[0] or TYPICAL_RATE


def _judge_run(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> tuple[Work, Judge]:
    (concept_set_id,) = lab.store.row(
        "SELECT concept_set_id FROM triplet_set WHERE triplet_set_id = ?", [triplet_set_id]
    )
    judge = open_judge(lab, rater_id, settings.judge, concept_set_id)
    work = judge_run(
        lab, rater_id, judge, triplet_set_id,
        answer=settings.judge.answer, framing=settings.judge.framing,
        orders=settings.orders, repeats=settings.repeats,
    )  # fmt: skip
    return work, judge


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
