"""Whatever is missing: the stages of one rater in order, each skipped where its work is already in the lab."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from triadic.compute.judges.base import Judge, Questions
from triadic.compute.judges.factory import make_judge
from triadic.compute.settings import RunSettings
from triadic.compute.stages.align import align, align_runs, newest_references
from triadic.compute.stages.embed import embed, embed_run
from triadic.compute.stages.judge import ask, judge_run, questions_of
from triadic.compute.stages.kept_refits import n_kept_missing
from triadic.compute.stages.needs import check_rater, check_run, lacking_reference
from triadic.compute.stages.plan import questions_drawn
from triadic.compute.stages.reparse import instead_of_asking, reparse, stored_texts
from triadic.compute.stages.timing import align_seconds, embed_seconds, in_words, known_speed, measured_speed
from triadic.schema.errors import BadInput, NotFound, TriadicError
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, Work, is_finished, silent
from triadic.schema.lookup import QuestionSet, find_rater, find_triplet_set, read_concepts, read_triplets, unknown
from triadic.schema.vocabulary import Orders


def run_rater(
    lab: Lab,
    rater_id: str,
    triplet_set_id: str,
    settings: RunSettings | None = None,
    judging: Progress = silent,
    aligning: Progress = silent,
) -> list[str]:
    """Judge, embed and align one rater, doing only what is missing; returns the ids of its align runs.

    What a later stage cannot do is refused before the first begins. Without a reference for the concepts there is
    nothing to align with: the rater is judged and embedded, and the list is empty.
    """
    settings, questions = settings or RunSettings(), find_triplet_set(lab, triplet_set_id)
    check_run(lab, questions, settings)
    _, judge = _judge_run(lab, rater_id, questions, settings)
    check_rater(rater_name(lab, rater_id), judge, settings)
    judge_id = judge_rater(lab, rater_id, questions.triplet_set_id, settings, judging)
    fit_id = embed(lab, judge_id, settings.fit, settings.seed)
    if lacking_reference(lab, questions.concept_set_id):
        return []
    return align(lab, fit_id, settings=settings.align, progress=aligning)


def judge_rater(
    lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings, progress: Progress = silent
) -> str:
    """Bring the rater's judge run to its end; returns its id. Weights are loaded only if something is unanswered.

    Where the same texts were written before and an older rule read them, they are read again instead.
    """
    work, judge = _judge_run(lab, rater_id, triplet_set_id, settings)
    if reread := instead_of_asking(lab, work, judge):
        return reread.keep(lab)
    ask(lab, work, judge, progress)
    return work.run_id


def reparse_rater(lab: Lab, rater_id: str, triplet_set_id: str, settings: RunSettings) -> tuple[str, int]:
    """Read the stored texts of the rater's judge run again; returns the run that holds the result, and what changed.

    The texts may have been read by an older rule: which one is not asked.
    """
    work, judge = _judge_run(lab, rater_id, triplet_set_id, settings)
    return reparse(lab, stored_texts(lab, work, judge) or work.run_id)


def missing(lab: Lab, rater_id: str, questions: QuestionSet | str, settings: RunSettings) -> list[str]:
    """What `run_rater` would do, one line each, with how long it takes where that is known; stores nothing.

    A rater that was asked before takes as long as then; another is loaded and asked a few questions. `questions` may be
    a set that is not drawn yet, or the id of one that is. Raises as `run_rater` where it would refuse the settings.
    """
    if isinstance(questions, str):
        questions = find_triplet_set(lab, questions)
    check_run(lab, questions, settings)
    name, lines = rater_name(lab, rater_id), []
    try:
        work, judge = _judge_run(lab, rater_id, questions, settings)
        check_rater(name, judge, settings)
    except TriadicError as error:
        return [str(error) if str(error).startswith(name) else f"{name}: {error}"]
    reread = instead_of_asking(lab, work, judge)
    judge_id = reread.run_id if reread else work.run_id
    if reread and not reread.is_stored(lab):
        lines.append(f"{name}: read {len(reread.read):,} stored texts again")
    elif not reread and not is_finished(lab, work.run_id):
        (stored,) = lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [work.run_id]) or (0,)
        total = work.config["n_questions"]
        takes = _judging_time(lab, rater_id, judge, questions, settings, total - stored)
        lines.append(f"{name}: judge {total - stored:,} of {total:,} questions, {takes}")
    embed_id = None if lines else embed_run(lab, judge_id, settings.fit, settings.seed)[0].run_id
    if embed_id is None or not is_finished(lab, embed_id):
        takes = in_words(embed_seconds(lab, settings.fit, work.config["n_questions"]))
        lines.append(f"{name}: embed, {takes}")
        embed_id = None
    if lacking := lacking_reference(lab, questions.concept_set_id):
        return [*lines, f"{name}: align: {lacking}"]
    return [*lines, *_missing_alignments(lab, name, embed_id, questions, settings, work.config["n_questions"])]


def _judging_time(lab: Lab, rater_id: str, judge: Judge, questions: QuestionSet, settings: RunSettings, n: int) -> str:
    """What n answers take, in words, or why nobody can tell."""
    if not judge.is_downloaded():
        return "no timing: its weights are not on this machine yet, and a run downloads them"
    try:
        speed = known_speed(lab, rater_id, settings.judge) or measured_speed(judge, _some_questions(lab, questions))
    except Exception as error:
        return f"no timing: {reason_of(error)}"
    return speed.describe(n)


def _some_questions(lab: Lab, questions: QuestionSet) -> Questions:
    """The questions of a set, drawn or not."""
    columns = ["anchor", "left_item", "right_item"]
    triplets = read_triplets(lab, questions.triplet_set_id)[columns].to_numpy(np.int32)
    if not len(triplets):
        triplets = questions_drawn(lab, questions)
    words = read_concepts(lab, questions.concept_set_id).word.to_numpy(object)
    return questions_of(np.arange(len(triplets)), triplets, words, Orders.drawn, 1)


def _missing_alignments(
    lab: Lab, name: str, embed_id: str | None, questions: QuestionSet, settings: RunSettings, n_answers: int
) -> list[str]:
    """A line for what is to be aligned still; `embed_id` None: the fit is still to be made."""
    n_references = len(newest_references(lab, questions.concept_set_id))
    n_refits = settings.align.n_bootstraps + settings.align.n_coin_flips
    if embed_id is not None:
        works = align_runs(lab, embed_id, settings=settings.align)
        n_references = sum(not is_finished(lab, work.run_id) for work in works)
        n_refits = n_kept_missing(lab, embed_id, settings.align)
    if not n_references:
        return []
    n_refits += n_references * (settings.align.n_ceiling + bool(settings.align.n_ceiling))
    seconds = align_seconds(lab, settings.align, settings.fit, n_answers, n_refits, n_references)
    return [f"{name}: align with {n_references} references, {n_refits:,} refits, {in_words(seconds)}"]


def raters_of(lab: Lab, models: Iterable[str] = (), family: str | None = None) -> dict[str, str]:
    """Rater ids by the names shown, in the order given: these models, and all of a family that were not removed.

    Raises NotFound, with near names, for a model or family that there is not, BadInput where neither is given.
    """
    ids = [find_rater(lab.store, name) for name in models]
    if family is not None:
        ids += _family(lab, family)
    if not ids:
        raise BadInput("no model named: give names, or --family NAME")
    return {rater_name(lab, rater_id): rater_id for rater_id in ids}


def _family(lab: Lab, family: str) -> list[str]:
    known = lab.store.read(
        "SELECT rater_id, family FROM model_current JOIN rater_current USING (rater_id) "
        "WHERE family IS NOT NULL AND NOT is_removed ORDER BY lower(rater_name)"
    )
    found = [str(rater) for rater in known.rater_id[known.family.str.lower() == family.lower()]]
    if not found:
        names = sorted(set(known.family), key=str.lower)
        raise NotFound(unknown("model family", family, names, f"triadic model set NAME family={family}"))
    return found


def one_by_one(
    named: Iterable[tuple[str, str]], work: Callable[[str, str], object], note: Callable[[str], None]
) -> int:
    """Do the work for each (name, id) in turn, passing over those that fail; returns the exit code, 1 where any did.

    `note` is told of a failure when it happens, and of all at the end. The error of an only one is raised.
    """
    named, failed = list(named), []
    for name, key in named:
        try:
            work(name, key)
        except Exception as error:
            if len(named) == 1:
                raise
            failed.append(f"{name}: {reason_of(error)}")
            note(f"{failed[-1]}; passed over")
    if failed:
        note("\n  ".join([f"{len(failed)} of {len(named)} failed; the same command goes on with them:", *failed]))
    return 1 if failed else 0


def reason_of(error: Exception) -> str:
    """An error in one line; with its kind, where it is none of ours."""
    line = next(iter(str(error).strip().splitlines()), "")
    return line if isinstance(error, TriadicError) else f"{type(error).__name__}: {line}"


def runs_of(lab: Lab, stage: str, models: Iterable[str]) -> list[tuple[str, str]]:
    """(name of the rater, run id) of the finished runs of a stage, oldest first, of these models or of all not removed."""
    raters = [find_rater(lab.store, name) for name in models]
    frame = lab.store.read(
        "SELECT rater_name, run_id, rater_id, is_removed FROM run_status JOIN rater_current USING (rater_id) "
        "WHERE stage = ? AND status = 'finished' ORDER BY run_status.created_at",
        [stage],
    )
    found = [
        (row.rater_name, row.run_id)
        for row in frame.itertuples()
        if (row.rater_id in raters if raters else not row.is_removed)
    ]
    if not found:
        whose = ", ".join(rater_name(lab, rater) for rater in raters) or "anybody"
        raise NotFound(f"no finished {stage} run of {whose}: `triadic run MODEL` makes one")
    return found


def fits_to_align(lab: Lab, models: Iterable[str]) -> list[tuple[str, str]]:
    """(name of the rater, run id) of the finished fits of these models, or of all, whose concepts have a reference.

    Raises NotFound where none has one.
    """
    fits = runs_of(lab, "embed", models)
    sql = "SELECT run_id, concept_set_id FROM run WHERE stage = 'embed'"
    concepts = dict(lab.store.read(sql).itertuples(index=False, name=None))
    lacking = {each: lacking_reference(lab, each) for each in dict.fromkeys(concepts[run_id] for _, run_id in fits)}
    found = [(name, run_id) for name, run_id in fits if not lacking[concepts[run_id]]]
    if not found:
        raise NotFound("; ".join(line for line in lacking.values() if line))
    return found


def rater_name(lab: Lab, rater_id: str) -> str:
    """The name that a rater goes by."""
    return str(lab.store.value("SELECT rater_name FROM rater_current WHERE rater_id = ?", [rater_id]) or rater_id)


def _judge_run(lab: Lab, rater_id: str, questions: QuestionSet | str, settings: RunSettings) -> tuple[Work, Judge]:
    if isinstance(questions, str):
        questions = find_triplet_set(lab, questions)
    judge = make_judge(lab, rater_id, settings.judge, questions.concept_set_id)
    return judge_run(lab, rater_id, judge, questions, settings.judge), judge
