"""Whatever is missing: the stages of one rater in order, each skipped where its work is already in the lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from triadic.compute.align import align
from triadic.compute.embed import FitSettings, embed
from triadic.compute.judge import ask, judge_run
from triadic.compute.judges.opening import JudgeSettings, open_judge
from triadic.schema.lab import Lab
from triadic.schema.runs import is_finished

TYPICAL_RATE = 100.0  # answers per second assumed where the lab has no timing yet


@dataclass(frozen=True)
class RunSettings:
    """Everything `triadic run` decides for one rater: how it is asked, how its answers are fitted."""

    judge: JudgeSettings = field(default_factory=JudgeSettings)
    orders: str = "drawn"
    repeats: int = 1
    fit: FitSettings = field(default_factory=FitSettings)
    seed: int = 0


def run_rater(
    lab: Lab,
    rater_id: str,
    triplet_set_id: str,
    settings: RunSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[str]:
    """Judge, embed and align one rater, doing only what is missing; returns the ids of its align runs."""
    settings = settings or RunSettings()
    judge_id = judge_rater(lab, rater_id, triplet_set_id, settings, progress)
    return align(lab, embed(lab, judge_id, settings.fit, settings.seed))


def judge_rater(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings, progress) -> str:
    """Bring the rater's judge run to its end; returns its id. The weights are loaded only if something is unanswered."""
    judge = open_judge(lab, rater_id, settings.judge)
    run_id = judge_run(
        lab, rater_id, judge, triplet_set_id,
        answer=settings.judge.answer, framing=settings.judge.framing,
        orders=settings.orders, repeats=settings.repeats,
    )  # fmt: skip
    ask(lab, run_id, judge, progress)
    return run_id


def missing(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> list[str]:
    """What `run_rater` would do, one line each, with about how long it takes by the lab's own timings."""
    judge = open_judge(lab, rater_id, settings.judge)
    run_id = judge_run(
        lab, rater_id, judge, triplet_set_id,
        answer=settings.judge.answer, framing=settings.judge.framing,
        orders=settings.orders, repeats=settings.repeats,
    )  # fmt: skip
    if is_finished(lab, run_id):
        return []
    (stored,) = lab.store.one("SELECT count(*) FROM response WHERE run_id = ?", [run_id])
    (total,) = lab.store.one("SELECT (config ->> 'n_questions')::INTEGER FROM run WHERE run_id = ?", [run_id])
    seconds = (total - stored) / rate(lab, rater_id)
    return [f"{rater_id}: judge {total - stored:,} of {total:,} questions, about {seconds / 60:.0f} min"]


def rate(lab: Lab, rater_id: str) -> float:
    """Answers per second this rater gave last time; else the lab's average, else a typical one."""
    sql = (
        "SELECT avg((detail ->> 'answered_now')::DOUBLE / (detail ->> 'seconds')::DOUBLE) FROM run_event "
        "JOIN run USING (run_id) WHERE stage = 'judge' AND status = 'finished' "
        "AND (detail ->> 'answered_now')::INTEGER > 0 AND (detail ->> 'seconds')::DOUBLE > 0"
    )
    own = lab.store.one(f"{sql} AND rater_id = ?", [rater_id])[0]
    return own or lab.store.one(sql)[0] or TYPICAL_RATE
